//! The same question, answered by ring, which needs a third of the time or less.
//!
//! It is asked only where it knows key, scheme and hash. Its yes is enough; what it refuses, it refuses without a
//! reason, so that the implementation in Rust judges that once more and says why. It takes messages and no digests,
//! which costs a second hash: for the attributes of a signature, and for certificates, that is nothing.

use chancery_key::{
    DigestAlgorithm, EcCurve, PublicKey, PublicKeyNumbers, SchemeFamily, SignatureScheme,
    ecdsa_fixed_from_der,
};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

/// Longer messages are not hashed twice.
const MAX_MESSAGE_LEN: usize = 64 * 1024;

/// The public exponent of nearly all keys. Implementations differ in what else they take.
const F4: &[u8] = &[1, 0, 1];

/// Tells whether ring was asked and the signature held.
pub(crate) fn held(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    if message.len() > MAX_MESSAGE_LEN {
        return false;
    }
    match (scheme.family(), key.numbers()) {
        (SchemeFamily::RsaPkcs1, PublicKeyNumbers::Rsa { modulus, exponent }) if exponent == F4 => {
            let padding = match scheme.digest() {
                Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return false,
            };
            RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(padding, message, signature)
                .is_ok()
        }
        (SchemeFamily::Ecdsa, PublicKeyNumbers::Ec { curve, point }) => {
            let algorithm = match (curve, scheme.digest()) {
                (EcCurve::P256, Sha256) => &ECDSA_P256_SHA256_ASN1,
                (EcCurve::P256, Sha384) => &ECDSA_P256_SHA384_ASN1,
                (EcCurve::P384, Sha256) => &ECDSA_P384_SHA256_ASN1,
                (EcCurve::P384, Sha384) => &ECDSA_P384_SHA384_ASN1,
                _ => return false,
            };
            ecdsa_fixed_from_der(signature, curve.field_len()).is_ok()
                && UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chancery_key::{KeyAlgorithm, SigningKey};
    use chancery_softkey::SoftKey;

    use super::*;
    use crate::agreement::{ECDSA, RSA, agree};

    fn ask(key: &SoftKey, scheme: SignatureScheme, message: &[u8]) -> bool {
        let signature = key.sign(scheme, message).unwrap();
        held(key.public_key(), scheme, message, signature.as_bytes())
    }

    #[test]
    fn both_implementations_agree_on_good_and_bad_signatures() {
        let schemes = [
            (KeyAlgorithm::Rsa { bits: 2048 }, RSA),
            (KeyAlgorithm::Ec(EcCurve::P256), &ECDSA[..2]),
            (KeyAlgorithm::Ec(EcCurve::P384), &ECDSA[..2]),
        ];
        agree(&schemes, |given| held(given.key, given.scheme, given.message, given.signature));
    }

    #[test]
    fn what_it_does_not_know_is_left_to_the_other() {
        let rsa = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
        let p256 = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
        let p521 = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P521)).unwrap();
        for (key, scheme) in [
            (&rsa, SignatureScheme::RsaPssSha256),
            (&rsa, SignatureScheme::RsaPkcs1Sha1),
            (&p256, SignatureScheme::EcdsaSha512),
            (&p521, SignatureScheme::EcdsaSha512),
        ] {
            assert!(!ask(key, scheme, b"message"), "{scheme}");
            let signature = key.sign(scheme, b"message").unwrap();
            crate::verify(key.public_key(), scheme, b"message", signature.as_bytes()).unwrap();
        }
        let long = vec![0; MAX_MESSAGE_LEN + 1];
        assert!(!ask(&p256, SignatureScheme::EcdsaSha256, &long));
        assert!(ask(&p256, SignatureScheme::EcdsaSha256, &long[1..]));
    }
}
