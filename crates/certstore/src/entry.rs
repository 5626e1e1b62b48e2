//! A certificate in a store.

use chancery_key::PublicKey;
use chancery_keymatch::HasPublicKey;
use chancery_x509::{Certificate, Error as X509Error};
use sha2::{Digest, Sha256};

use crate::{KeyBinding, Properties, PropertyError, PropertyId, Thumbprint};

/// A certificate and its properties.
///
/// A store may hold certificates we cannot take apart, with a key on an unknown curve for example. They are kept,
/// listed and found by their hashes all the same; [`certificate`](Self::certificate) says what is the matter.
#[derive(Clone, Debug)]
pub struct Entry {
    der: Vec<u8>,
    /// `None` for one that cannot be read.
    certificate: Option<Box<Certificate>>,
    properties: Properties,
}

impl Entry {
    /// Takes a certificate, without properties.
    #[must_use]
    pub fn new(certificate: Certificate) -> Self {
        Self {
            der: certificate.as_der().to_vec(),
            certificate: Some(Box::new(certificate)),
            properties: Properties::new(),
        }
    }

    /// Takes what a store has for a certificate, and its properties.
    #[must_use]
    pub fn from_parts(der: Vec<u8>, properties: Properties) -> Self {
        let certificate = Certificate::from_der(&der).ok().map(Box::new);
        Self { der, certificate, properties }
    }

    /// Returns the bytes of the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the certificate.
    ///
    /// # Errors
    /// Why the bytes cannot be read as one.
    pub fn certificate(&self) -> Result<&Certificate, X509Error> {
        match &self.certificate {
            Some(certificate) => Ok(certificate),
            None => Err(Certificate::from_der(&self.der)
                .err()
                .unwrap_or(X509Error::NoDocument { wanted: "certificate" })),
        }
    }

    /// Returns the properties.
    #[must_use]
    pub const fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Returns the properties to change them.
    pub const fn properties_mut(&mut self) -> &mut Properties {
        &mut self.properties
    }

    /// Computes the SHA-1 of the certificate. Property 3 is not asked: anybody may have written it.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        Thumbprint::of(&self.der)
    }

    /// Computes the SHA-256 of the certificate.
    #[must_use]
    pub fn thumbprint_sha256(&self) -> [u8; 32] {
        crate::thumbprint::sha256(&self.der)
    }

    /// Reads which key belongs to it (property 2); `None` where nothing says.
    ///
    /// # Errors
    /// [`PropertyError::Binding`].
    pub fn key_binding(&self) -> Result<Option<KeyBinding>, PropertyError> {
        let value = self.properties.get(PropertyId::KEY_PROVIDER_INFO);
        value.map(|value| KeyBinding::decode(value).map_err(PropertyError::Binding)).transpose()
    }

    /// Reads the name for people (property 11).
    ///
    /// # Errors
    /// [`PropertyError::Text`].
    pub fn friendly_name(&self) -> Result<Option<String>, PropertyError> {
        self.properties.text(PropertyId::FRIENDLY_NAME)
    }

    /// Tells whether it is out of use (property 19).
    #[must_use]
    pub fn is_archived(&self) -> bool {
        self.properties.get(PropertyId::ARCHIVED).is_some()
    }

    /// Hashes the certificate and its properties, in whatever order: equal for equal entries.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut properties: Vec<_> = self.properties.iter().collect();
        properties.sort_unstable();
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            // Lengths keep the parts apart.
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        part(&self.der);
        for (id, value) in properties {
            part(&id.number().to_le_bytes());
            part(value);
        }
        hash.finalize().into()
    }

    /// Drops the hashes that came with it and may be wrong (properties 3, 4, 15, 107), as Windows does with what is
    /// added to a store.
    pub(crate) fn forget_hashes(&mut self) {
        for id in [
            PropertyId::SHA1_HASH,
            PropertyId::MD5_HASH,
            PropertyId::SIGNATURE_HASH,
            PropertyId::SHA256_HASH,
        ] {
            self.properties.remove(id);
        }
    }
}

impl PartialEq for Entry {
    /// Compares the bytes of the certificate, and the properties in whatever order.
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der && self.properties.same_as(&other.properties)
    }
}

impl Eq for Entry {}

impl HasPublicKey for Entry {
    fn known_public_key(&self) -> Option<&PublicKey> {
        self.certificate.as_ref().map(|certificate| certificate.public_key())
    }
}
