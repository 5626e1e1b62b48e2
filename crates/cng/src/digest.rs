//! Digests of messages, for keys that sign nothing else.

use chancery_key::{DigestAlgorithm, KeyError, KeyErrorKind, SignatureScheme};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

pub(crate) fn digest(algorithm: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        DigestAlgorithm::Sha1 => Sha1::digest(message).to_vec(),
        DigestAlgorithm::Sha256 => Sha256::digest(message).to_vec(),
        DigestAlgorithm::Sha384 => Sha384::digest(message).to_vec(),
        DigestAlgorithm::Sha512 => Sha512::digest(message).to_vec(),
    }
}

/// Insists that a digest has the length of the scheme's hash.
pub(crate) fn check_len(scheme: SignatureScheme, digest: &[u8]) -> Result<(), KeyError> {
    let expected = scheme.digest().output_len();
    if digest.len() == expected {
        return Ok(());
    }
    Err(KeyError::new(
        KeyErrorKind::Malformed,
        format!("a digest of {} bytes, where {scheme} has {expected}", digest.len()),
    ))
}

/// Says that a key does not sign so.
pub(crate) fn unsupported(name: &str, scheme: SignatureScheme) -> KeyError {
    let message = format!("the key {name} does not sign with {scheme}");
    KeyError::new(KeyErrorKind::UnsupportedScheme, message)
}
