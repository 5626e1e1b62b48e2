//! A key that checks its own work.

use chancery_key::hazmat::DigestSigner;
use chancery_key::{KeyError, KeyErrorKind, PublicKey, Signature, SignatureScheme, SigningKey};

use crate::{VerifyError, verify, verify_digest};

/// A key whose every signature is verified under its public key before it is handed out.
///
/// Devices fail, and a faulty RSA-CRT signature gives the private key away. A signature that does
/// not verify never leaves this type; the error is [`KeyErrorKind::Device`].
#[derive(Clone, Debug)]
pub struct Verified<K>(K);

impl<K> Verified<K> {
    /// Wraps a key.
    pub const fn new(key: K) -> Self {
        Self(key)
    }

    /// Returns the key inside.
    pub const fn get_ref(&self) -> &K {
        &self.0
    }

    /// Unwraps the key.
    pub fn into_inner(self) -> K {
        self.0
    }
}

impl<K: SigningKey> SigningKey for Verified<K> {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn schemes(&self) -> &[SignatureScheme] {
        self.0.schemes()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        let signature = self.0.sign(scheme, message)?;
        verify(self.0.public_key(), scheme, message, signature.as_bytes())
            .map_err(|error| no_signature(scheme, error))?;
        Ok(signature)
    }
}

impl<K: DigestSigner> DigestSigner for Verified<K> {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        let signature = self.0.sign_digest(scheme, digest)?;
        verify_digest(self.0.public_key(), scheme, digest, signature.as_bytes())
            .map_err(|error| no_signature(scheme, error))?;
        Ok(signature)
    }
}

fn no_signature(scheme: SignatureScheme, error: VerifyError) -> KeyError {
    KeyError::new(
        KeyErrorKind::Device,
        format!("the device gave back something that is no {scheme} signature by its own key"),
    )
    .with_source(error)
}
