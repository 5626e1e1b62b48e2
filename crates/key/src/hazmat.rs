//! Signing a digest somebody else computed.
//!
//! **Warning.** A signer of bare digests signs what it cannot see: whoever supplies the digest
//! supplies the meaning. It exists for offline formats that carry nothing but a digest (such as the
//! `.dig` files of `SignTool sign /dg`). Everything else goes through [`SigningKey`].

use crate::{KeyError, Signature, SignatureScheme, SigningKey};

/// A key that also signs digests.
pub trait DigestSigner: SigningKey {
    /// Signs `digest`, which the caller says is the scheme's hash of some message.
    ///
    /// # Errors
    /// [`KeyErrorKind::UnsupportedScheme`](crate::KeyErrorKind::UnsupportedScheme) for a scheme this key
    /// cannot do on a digest, [`KeyErrorKind::Malformed`](crate::KeyErrorKind::Malformed) where the
    /// digest has not the length of the scheme's hash.
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError>;
}
