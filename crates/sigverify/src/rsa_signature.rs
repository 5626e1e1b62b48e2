//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 section 8).

use core::ops::RangeInclusive;

use chancery_key::DigestAlgorithm;
use rsa::pss::Pss;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

use crate::{KeyDefect, VerifyError};

/// Lengths of the modulus that are verified with, in bits. The `rsa` crate's own limits are
/// narrower, and certificates on both sides of them are in use or were.
const MODULUS_BITS: RangeInclusive<usize> = 512..=16_384;

/// Makes the `rsa` crate's key of numbers that are big-endian without leading zeros.
pub(crate) fn public_key(modulus: &[u8], exponent: &[u8]) -> Result<RsaPublicKey, KeyDefect> {
    let modulus = BoxedUint::from_be_slice_vartime(modulus);
    let exponent = BoxedUint::from_be_slice_vartime(exponent);
    RsaPublicKey::new_with_size_limits(modulus, exponent, MODULUS_BITS).map_err(|error| match error
    {
        rsa::Error::PublicExponentTooLarge
        | rsa::Error::PublicExponentTooSmall
        | rsa::Error::InvalidExponent => KeyDefect::RsaExponent,
        _ => KeyDefect::RsaModulus,
    })
}

/// Verifies RSASSA-PKCS1-v1_5 by building the one encoded message there can be and comparing all of
/// it (RFC 8017 section 8.2.2). Nothing inside the padding is parsed, so there is nothing to forge.
pub(crate) fn verify_pkcs1(
    key: &RsaPublicKey,
    algorithm: DigestAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    check_length(key, signature)?;
    let padding = Pkcs1v15Sign {
        hash_len: Some(algorithm.output_len()),
        prefix: algorithm.digest_info_prefix().into(),
    };
    key.verify(padding, digest, signature).map_err(|_| VerifyError::BadSignature)
}

/// Verifies PKCS#1 v1.5 padding around a hash that stands there bare, without a `DigestInfo` to name it.
pub(crate) fn verify_bare_hash(
    key: &RsaPublicKey,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    check_length(key, signature)?;
    let padding = Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: [].into() };
    key.verify(padding, digest, signature).map_err(|_| VerifyError::BadSignature)
}

/// Verifies RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash, no other.
pub(crate) fn verify_pss(
    key: &RsaPublicKey,
    algorithm: DigestAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    check_length(key, signature)?;
    match algorithm {
        DigestAlgorithm::Sha256 => key.verify(Pss::<Sha256>::new(), digest, signature),
        DigestAlgorithm::Sha384 => key.verify(Pss::<Sha384>::new(), digest, signature),
        DigestAlgorithm::Sha512 => key.verify(Pss::<Sha512>::new(), digest, signature),
        _ => Err(rsa::Error::Verification),
    }
    .map_err(|_| VerifyError::BadSignature)
}

/// RFC 8017 sections 8.1.2 and 8.2.2, step 1: a signature is as long as the modulus.
fn check_length(key: &RsaPublicKey, signature: &[u8]) -> Result<(), VerifyError> {
    if signature.len() == key.size() { Ok(()) } else { Err(VerifyError::Encoding) }
}
