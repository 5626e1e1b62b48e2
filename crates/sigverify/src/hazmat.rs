//! Forms of signatures that no standard has, for reading what is old and nothing else.

use chancery_key::{DigestAlgorithm, PublicKey, PublicKeyNumbers};

use crate::{KeyDefect, VerifyError, rsa_signature};

/// Verifies an RSA signature whose PKCS#1 v1.5 padding holds a bare hash where a `DigestInfo` belongs (RFC 8017
/// section 9.2, step 2). Old timestamp servers of VeriSign and Symantec counter-signed like this.
///
/// The signature does not say which hash it is: of two hash functions of one length, the weaker decides how
/// much it is worth.
///
/// # Errors
/// As [`verify_digest`](crate::verify_digest).
pub fn verify_bare_hash(
    key: &PublicKey,
    algorithm: DigestAlgorithm,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), VerifyError> {
    let expected = algorithm.output_len();
    if digest.len() != expected {
        return Err(VerifyError::DigestLength { expected, given: digest.len() });
    }
    let unsupported = |defect| VerifyError::UnsupportedKey { key: key.algorithm(), defect };
    match key.numbers() {
        PublicKeyNumbers::Rsa { modulus, exponent } => {
            let rsa = rsa_signature::public_key(modulus, exponent).map_err(unsupported)?;
            rsa_signature::verify_bare_hash(&rsa, digest, signature)
        }
        _ => Err(unsupported(KeyDefect::Type)),
    }
}
