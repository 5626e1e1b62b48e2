//! One door for every scheme.

use chancery_key::{PublicKey, PublicKeyNumbers, SchemeFamily, SignatureScheme};

use crate::{KeyDefect, VerifyError, digest, ecdsa_signature, ed25519_signature, rsa_signature};

/// Verifies that `signature`, in X.509 form, is one by `key` over `message` in exactly this scheme.
///
/// # Errors
/// [`VerifyError`]. [`VerifyError::BadSignature`] and [`VerifyError::Encoding`] say something of the
/// signature, the others that it could not be looked at.
pub fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    match (scheme.family(), key.numbers()) {
        (SchemeFamily::EdDsa, PublicKeyNumbers::Ed25519 { point }) => {
            ed25519_signature::verify(point, message, signature)
        }
        _ => verify_digest(key, scheme, &digest(scheme.digest(), message), signature),
    }
}

/// Verifies that `signature` is one by `key` over a message whose digest, in the scheme's hash,
/// somebody computed before.
///
/// # Errors
/// As [`verify`]; [`VerifyError::DigestLength`] for bytes that are no such digest, [`VerifyError::NeedsMessage`]
/// for a scheme that [signs no digests](SignatureScheme::signs_digests).
pub fn verify_digest(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let expected = scheme.digest().output_len();
    if digest.len() != expected {
        return Err(VerifyError::DigestLength { expected, given: digest.len() });
    }
    match (scheme.family(), key.numbers()) {
        (SchemeFamily::RsaPkcs1, PublicKeyNumbers::Rsa { modulus, exponent }) => {
            let rsa = rsa_signature::public_key(modulus, exponent)
                .map_err(|defect| VerifyError::UnsupportedKey { key: key.algorithm(), defect })?;
            rsa_signature::verify_pkcs1(&rsa, scheme.digest(), digest, signature)
        }
        (SchemeFamily::RsaPss, PublicKeyNumbers::Rsa { modulus, exponent }) => {
            let rsa = rsa_signature::public_key(modulus, exponent)
                .map_err(|defect| VerifyError::UnsupportedKey { key: key.algorithm(), defect })?;
            rsa_signature::verify_pss(&rsa, scheme.digest(), digest, signature)
        }
        (SchemeFamily::Ecdsa, PublicKeyNumbers::Ec { curve, point }) => {
            ecdsa_signature::verify(*curve, point, digest, signature)
        }
        (SchemeFamily::EdDsa, PublicKeyNumbers::Ed25519 { .. }) => {
            Err(VerifyError::NeedsMessage { scheme })
        }
        (_, PublicKeyNumbers::Other { .. }) => {
            Err(VerifyError::UnsupportedKey { key: key.algorithm(), defect: KeyDefect::Type })
        }
        _ => Err(VerifyError::SchemeDoesNotFitKey { scheme, key: key.algorithm() }),
    }
}
