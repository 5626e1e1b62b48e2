//! One door for every scheme.

use chancery_key::{PublicKey, PublicKeyNumbers, SchemeFamily, SignatureScheme};

use crate::known::Inputs;
use crate::{KeyDefect, VerifyError, digest, ecdsa_signature, ed25519_signature, rsa_signature};

/// Verifies that `signature`, in X.509 form, is one by `key` over `message` in exactly this scheme.
///
/// What held a moment ago in this process is known again, and not computed twice.
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
        _ => {
            let digest = digest(scheme.digest(), message);
            once(key, scheme, &digest, signature, || {
                compute_message(key, scheme, message, &digest, signature)
            })
        }
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
    once(key, scheme, digest, signature, || compute(key, scheme, digest, signature))
}

/// Computes what was not computed before, or did not hold.
fn once(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
    compute: impl FnOnce() -> Result<(), VerifyError>,
) -> Result<(), VerifyError> {
    let inputs = Inputs::of(key, scheme, digest, signature);
    if inputs.held() {
        return Ok(());
    }
    compute()?;
    inputs.remember();
    Ok(())
}

/// Computes over a message and its digest, by whatever is quickest at it.
fn compute_message(
    key: &PublicKey,
    scheme: SignatureScheme,
    #[cfg_attr(
        any(not(feature = "ring"), feature = "aws-lc-rs"),
        expect(unused_variables, reason = "its digest is enough")
    )]
    message: &[u8],
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    if crate::by_ring::held(key, scheme, message, signature) {
        return Ok(());
    }
    compute(key, scheme, digest, signature)
}

fn compute(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    #[cfg(feature = "aws-lc-rs")]
    if let Some(judged) = crate::aws_lc::verify(key, scheme, digest, signature) {
        return judged;
    }
    compute_plainly(key, scheme, digest, signature)
}

/// Computes in Rust alone.
pub(crate) fn compute_plainly(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
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

#[cfg(test)]
mod tests {
    use chancery_key::{EcCurve, KeyAlgorithm, SigningKey};
    use chancery_softkey::SoftKey;

    use super::*;

    #[test]
    fn a_signature_that_held_says_nothing_of_another_message_key_or_scheme() {
        let make = || SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
        let (key, other) = (make(), make());
        let scheme = SignatureScheme::EcdsaSha256;
        let made = key.sign(scheme, b"message").unwrap();
        for _ in 0..2 {
            verify(key.public_key(), scheme, b"message", made.as_bytes()).unwrap();
            for (key, scheme, message) in [
                (other.public_key(), scheme, b"message"),
                (key.public_key(), scheme, b"Message"),
                (key.public_key(), SignatureScheme::EcdsaSha384, b"message"),
                (key.public_key(), SignatureScheme::RsaPkcs1Sha256, b"message"),
            ] {
                assert!(verify(key, scheme, message, made.as_bytes()).is_err());
            }
            let mut changed = made.as_bytes().to_vec();
            *changed.last_mut().unwrap() ^= 1;
            assert!(verify(key.public_key(), scheme, b"message", &changed).is_err());
        }
    }
}
