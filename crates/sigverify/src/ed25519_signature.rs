//! Ed25519 (RFC 8032 section 5.1.7) over the message itself.

use chancery_key::KeyAlgorithm;
use ed25519_dalek::{Signature, VerifyingKey};

use crate::{KeyDefect, VerifyError};

/// Verifies `R ‖ S`. `S` must be below the order of the group, and neither the key nor `R` of small order: by a key
/// of small order one signature holds for many messages, and no key that was generated is one.
pub(crate) fn verify(
    point: &[u8; 32],
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let unsupported = |defect| VerifyError::UnsupportedKey { key: KeyAlgorithm::Ed25519, defect };
    let key = VerifyingKey::from_bytes(point).map_err(|_| unsupported(KeyDefect::EcPoint))?;
    if key.is_weak() {
        return Err(unsupported(KeyDefect::SmallOrder));
    }
    let signature = Signature::from_slice(signature).map_err(|_| VerifyError::Encoding)?;
    key.verify_strict(message, &signature).map_err(|_| VerifyError::BadSignature)
}
