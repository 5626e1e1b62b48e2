//! The forms a private key is kept in, told apart by their first bytes.

use chancery_key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use der::asn1::AnyRef;
use der::{Decode, Reader, Tag, Tagged};
use zeroize::Zeroizing;

use crate::encryption::{Encrypted, with_origin, wrong_passphrase};
use crate::pem;
use crate::private_key::PrivateKey;

/// The structure of a private key's DER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `PrivateKeyInfo` (RFC 5958 section 2); in PEM `PRIVATE KEY` (RFC 7468 section 10).
    Pkcs8,
    /// `EncryptedPrivateKeyInfo` (RFC 5958 section 3); in PEM `ENCRYPTED PRIVATE KEY`.
    EncryptedPkcs8,
    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2); in PEM `RSA PRIVATE KEY`.
    Pkcs1,
    /// `ECPrivateKey` (RFC 5915 section 3); in PEM `EC PRIVATE KEY`.
    Sec1,
}

/// A private key as it was found, perhaps still encrypted.
pub(crate) struct Container {
    form: Form,
    der: Zeroizing<Vec<u8>>,
}

impl Container {
    pub(crate) const fn new(form: Form, der: Zeroizing<Vec<u8>>) -> Self {
        Self { form, der }
    }

    /// Finds the private key in the contents of a file. `None` where there is nothing like one.
    pub(crate) fn find(bytes: &[u8]) -> Result<Option<Self>, KeyError> {
        if pem::is_pem(bytes) { pem::private_key(bytes) } else { Ok(Self::find_in_der(bytes)) }
    }

    /// Takes DER for the private key it looks like.
    pub(crate) fn find_in_der(der: &[u8]) -> Option<Self> {
        let form = detect(der).ok().flatten()?;
        Some(Self::new(form, Zeroizing::new(der.to_vec())))
    }

    /// Tells whether a passphrase is needed.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.form == Form::EncryptedPkcs8
    }

    /// Reads the key; asks for a passphrase once where it is encrypted, and never where not.
    pub(crate) fn open(&self, pins: &dyn PinSource, name: &str) -> Result<PrivateKey, KeyError> {
        match self.form {
            Form::EncryptedPkcs8 => {
                let encrypted = Encrypted::from_der(&self.der)?;
                let purpose = PinPurpose::OpenFile { file: name.to_owned() };
                let passphrase = pins.pin(&PinRequest::new(purpose))?;
                let named = |error| with_origin(error, &passphrase);
                let der = encrypted.decrypt(&passphrase).map_err(named)?;
                // One wrong passphrase in 256 leaves valid CBC padding and decrypts to noise.
                if detect(&der) != Ok(Some(Form::Pkcs8)) {
                    return Err(named(wrong_passphrase()));
                }
                PrivateKey::from_pkcs8_der(&der)
            }
            Form::Pkcs8 => PrivateKey::from_pkcs8_der(&self.der),
            Form::Pkcs1 => PrivateKey::from_pkcs1_der(&self.der),
            Form::Sec1 => PrivateKey::from_sec1_der(&self.der),
        }
    }

    /// Reads a key that is not encrypted.
    pub(crate) fn open_plain(&self) -> Result<PrivateKey, KeyError> {
        self.open(&NoPins, "")
    }
}

/// Nobody to ask.
#[derive(Debug)]
struct NoPins;

impl PinSource for NoPins {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        Err(KeyError::new(KeyErrorKind::AuthRequired, format!("no source for the {request}")))
    }
}

/// Tells the forms apart by the types of the first two elements.
fn detect(der: &[u8]) -> Result<Option<Form>, der::Error> {
    AnyRef::from_der(der)?.sequence(|inner| {
        let (first, second) = (AnyRef::decode(inner)?, AnyRef::decode(inner)?);
        // Whatever follows is for the form's own reader.
        while !inner.is_finished() {
            AnyRef::decode(inner)?;
        }
        Ok(match (first.tag(), second.tag()) {
            (Tag::Integer, Tag::Sequence) => Some(Form::Pkcs8),
            (Tag::Integer, Tag::Integer) => Some(Form::Pkcs1),
            (Tag::Integer, Tag::OctetString) => Some(Form::Sec1),
            (Tag::Sequence, Tag::OctetString) => Some(Form::EncryptedPkcs8),
            _ => None,
        })
    })
}
