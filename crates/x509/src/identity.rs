//! A key and the certificates that speak for it.

use core::fmt;
use std::sync::Arc;

use chancery_key::{SignatureScheme, SigningKey};
use chancery_sigverify::Verified;

use crate::Certificate;

/// A signing key with its certificate and the intermediates above it: the only thing formats sign with.
///
/// That key and certificate belong together is proved when it is made, and every signature is verified
/// by the certificate's public key before it is handed out.
#[derive(Clone)]
pub struct Identity {
    key: Verified<Arc<dyn SigningKey>>,
    certificate: Certificate,
    chain: Vec<Certificate>,
    /// Whether the last certificate, of the chain or the only one, is self-signed.
    ends_in_root: bool,
}

/// Why a key and certificates make no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The certificate is for another key.
    #[error("the certificate of `{subject}` belongs to another key")]
    KeyMismatch {
        /// The certificate's subject.
        subject: String,
    },
}

impl Identity {
    /// Joins a key, its certificate and other certificates at hand.
    ///
    /// From `others` the path above the certificate is picked, by name, key identifier and signature;
    /// what has no place in it is left out. A path that ends early is not an error here: [`root`](Self::root)
    /// tells.
    ///
    /// # Errors
    /// [`IdentityError::KeyMismatch`] where the certificate's public key is not the key's.
    pub fn new(
        key: impl SigningKey + 'static,
        certificate: Certificate,
        others: &[Certificate],
    ) -> Result<Self, IdentityError> {
        if key.public_key() != certificate.public_key() {
            return Err(IdentityError::KeyMismatch { subject: certificate.subject().to_string() });
        }
        let mut chain: Vec<Certificate> = Vec::new();
        let mut last = &certificate;
        let mut ends_in_root = last.is_self_signed();
        while !ends_in_root {
            let issuer = others.iter().find(|other| {
                *other != &certificate
                    && !chain.contains(*other)
                    && last.names_as_issuer(other)
                    && last.verify_signature(other.public_key()).is_ok()
            });
            let Some(issuer) = issuer else { break };
            chain.push(issuer.clone());
            last = issuer;
            ends_in_root = last.is_self_signed();
        }
        let key: Arc<dyn SigningKey> = Arc::new(key);
        Ok(Self { key: Verified::new(key), certificate, chain, ends_in_root })
    }

    /// Says what errors call the key where it gives back something that is no signature by it: its address.
    #[must_use]
    pub fn with_key_name(mut self, name: impl Into<String>) -> Self {
        self.key = self.key.with_name(name);
        self
    }

    /// Returns the key. Its signatures are verified before they come out.
    #[must_use]
    pub fn key(&self) -> &dyn SigningKey {
        &self.key
    }

    /// Returns the certificate of the key.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the certificates above it, the issuer of each after it, a root last where it was at hand.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Returns the self-signed certificate the path ends in, where it does.
    #[must_use]
    pub fn root(&self) -> Option<&Certificate> {
        self.chain.last().or(Some(&self.certificate)).filter(|_| self.ends_in_root)
    }

    /// Returns what goes into a signature: the certificate and its intermediates, no self-signed root
    /// unless the signer's own certificate is one.
    pub fn certificates_to_embed(&self) -> impl Iterator<Item = &Certificate> {
        let intermediates = self.chain.len().saturating_sub(usize::from(self.ends_in_root));
        core::iter::once(&self.certificate).chain(self.chain.iter().take(intermediates))
    }

    /// Returns the scheme formats use with this key where nobody chose a hash, where there is one.
    #[must_use]
    pub fn conventional_scheme(&self) -> Option<SignatureScheme> {
        let algorithm = self.certificate.public_key().algorithm();
        SignatureScheme::conventional(algorithm, SignatureScheme::conventional_digest(algorithm))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}
