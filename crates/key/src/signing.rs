//! The signing seam itself.

use core::fmt;
use std::sync::Arc;

use crate::{KeyError, PublicKey, SignatureScheme};

/// A signature in the form X.509 and CMS carry: for RSA the modulus-length octet string, for ECDSA
/// the DER `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3), for Ed25519 the 64 octets `R ‖ S` (RFC
/// 8410 section 6).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Signature(Vec<u8>);

impl Signature {
    /// Wraps bytes that are already in X.509 form.
    #[must_use]
    pub const fn from_x509_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes as they go into a BIT STRING or an `encryptedDigest`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Unwraps the bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({} bytes)", self.0.len())
    }
}

/// A private key somewhere else that signs small messages.
///
/// What Chancery signs is always small: request info, a to-be-signed certificate, signed attributes.
/// So a key takes the *message* and hashes it itself, and hash and scheme cannot disagree.
///
/// Implement it for a backend with exactly these three methods; more abilities are more traits.
pub trait SigningKey: fmt::Debug + Send + Sync {
    /// Returns the public half, read once when the key was opened.
    fn public_key(&self) -> &PublicKey;

    /// Returns the schemes this key can really do: a set, in no order of preference.
    fn schemes(&self) -> &[SignatureScheme];

    /// Signs `message` with exactly this scheme.
    ///
    /// # Errors
    /// [`KeyErrorKind::UnsupportedScheme`](crate::KeyErrorKind::UnsupportedScheme) for a scheme not in
    /// [`schemes`](Self::schemes); otherwise whatever keeps the key from signing.
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError>;
}

macro_rules! forward {
    ($($pointer:ty),+) => {$(
        impl<K: SigningKey + ?Sized> SigningKey for $pointer {
            fn public_key(&self) -> &PublicKey {
                (**self).public_key()
            }

            fn schemes(&self) -> &[SignatureScheme] {
                (**self).schemes()
            }

            fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
                (**self).sign(scheme, message)
            }
        }
    )+};
}

forward!(&K, Box<K>, Arc<K>);
