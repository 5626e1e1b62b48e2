//! A key that checks its own work.

use chancery_key::hazmat::DigestSigner;
use chancery_key::{KeyError, KeyErrorKind, PublicKey, Signature, SignatureScheme, SigningKey};

use crate::{VerifyError, verify, verify_digest};

/// A key whose every signature is verified under its public key before it is handed out.
///
/// Devices fail, and a faulty RSA-CRT signature gives the private key away. A signature that does
/// not verify never leaves this type; the error is [`KeyErrorKind::Device`], and says which key it was where
/// [`with_name`](Self::with_name) told.
#[derive(Clone, Debug)]
pub struct Verified<K> {
    key: K,
    name: Option<String>,
}

impl<K> Verified<K> {
    /// Wraps a key.
    pub const fn new(key: K) -> Self {
        Self { key, name: None }
    }

    /// Says what errors call the key: best its address, which names the token it is in too.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Returns the key inside.
    pub const fn get_ref(&self) -> &K {
        &self.key
    }

    /// Unwraps the key.
    pub fn into_inner(self) -> K {
        self.key
    }

    fn no_signature(&self, scheme: SignatureScheme, error: VerifyError) -> KeyError {
        let message = match &self.name {
            Some(name) => {
                format!("key `{name}` gave back something that is no {scheme} signature by it")
            }
            None => {
                format!(
                    "the device gave back something that is no {scheme} signature by its own key"
                )
            }
        };
        KeyError::new(KeyErrorKind::Device, message).with_source(error)
    }
}

impl<K: SigningKey> SigningKey for Verified<K> {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn schemes(&self) -> &[SignatureScheme] {
        self.key.schemes()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        let signature = self.key.sign(scheme, message)?;
        verify(self.key.public_key(), scheme, message, signature.as_bytes())
            .map_err(|error| self.no_signature(scheme, error))?;
        Ok(signature)
    }
}

impl<K: DigestSigner> DigestSigner for Verified<K> {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        let signature = self.key.sign_digest(scheme, digest)?;
        verify_digest(self.key.public_key(), scheme, digest, signature.as_bytes())
            .map_err(|error| self.no_signature(scheme, error))?;
        Ok(signature)
    }
}
