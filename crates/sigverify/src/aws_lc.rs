//! The same questions, answered by AWS-LC, which is several times as fast; and the hashes it is faster at.
//!
//! It is asked only where it knows key, scheme and hash, and nothing depends on how it reads what is unusual: encodings
//! are checked before it sees them, by the same code as without it. For everything else, and for keys it will not
//! take, there is `None`, and the other implementation decides.

use aws_lc_rs::digest::{self, Context, Digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, VerificationAlgorithm,
};
use chancery_key::{
    DigestAlgorithm, EcCurve, PublicKey, PublicKeyNumbers, SchemeFamily, SignatureScheme,
    ecdsa_fixed_from_der,
};

use crate::VerifyError;

/// The public exponent of nearly all keys. Implementations differ in what else they take.
const F4: &[u8] = &[1, 0, 1];

/// Moduli it verifies with, in bytes.
const MODULUS_LEN: core::ops::RangeInclusive<usize> = 256..=1024;

/// An elliptic-curve point in uncompressed form (SEC 1 section 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A hash that few processors have instructions for, and that AWS-LC computes in less time.
macro_rules! hash {
    ($name:ident, $algorithm:ident) => {
        #[derive(Clone)]
        pub(crate) struct $name(Context);

        impl $name {
            pub(crate) fn new() -> Self {
                Self(Context::new(&digest::$algorithm))
            }

            pub(crate) fn update(&mut self, data: &[u8]) {
                self.0.update(data);
            }

            pub(crate) fn finalize(self) -> Vec<u8> {
                self.0.finish().as_ref().to_vec()
            }
        }
    };
}

hash!(Sha384, SHA384);
hash!(Sha512, SHA512);

pub(crate) fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Option<Result<(), VerifyError>> {
    let hash = match scheme.digest() {
        DigestAlgorithm::Sha256 => &digest::SHA256,
        DigestAlgorithm::Sha384 => &digest::SHA384,
        DigestAlgorithm::Sha512 => &digest::SHA512,
        _ => return None,
    };
    let algorithm = algorithm(key, scheme)?;
    let is_well_formed = match key.numbers() {
        PublicKeyNumbers::Rsa { modulus, .. } => signature.len() == modulus.len(),
        PublicKeyNumbers::Ec { curve, .. } => {
            ecdsa_fixed_from_der(signature, curve.field_len()).is_ok()
        }
        _ => return None,
    };
    let parsed = ParsedPublicKey::new(algorithm, key.spki_der()).ok()?;
    let digest = Digest::import_less_safe(digest, hash).ok()?;
    Some(match is_well_formed {
        true => {
            let held = parsed.verify_digest_sig(&digest, signature);
            held.map_err(|_| VerifyError::BadSignature)
        }
        false => Err(VerifyError::Encoding),
    })
}

fn algorithm(
    key: &PublicKey,
    scheme: SignatureScheme,
) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlgorithm::{Sha256, Sha384, Sha512};
    Some(match (scheme.family(), scheme.digest(), key.numbers()) {
        (SchemeFamily::RsaPkcs1, hash, PublicKeyNumbers::Rsa { modulus, exponent })
            if MODULUS_LEN.contains(&modulus.len()) && exponent == F4 =>
        {
            match hash {
                Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return None,
            }
        }
        (SchemeFamily::Ecdsa, hash, PublicKeyNumbers::Ec { curve, point })
            if point.first() == Some(&UNCOMPRESSED) =>
        {
            match (curve, hash) {
                (EcCurve::P256, Sha256) => &ECDSA_P256_SHA256_ASN1,
                (EcCurve::P256, Sha384) => &ECDSA_P256_SHA384_ASN1,
                (EcCurve::P256, Sha512) => &ECDSA_P256_SHA512_ASN1,
                (EcCurve::P384, Sha256) => &ECDSA_P384_SHA256_ASN1,
                (EcCurve::P384, Sha384) => &ECDSA_P384_SHA384_ASN1,
                (EcCurve::P384, Sha512) => &ECDSA_P384_SHA512_ASN1,
                (EcCurve::P521, Sha256) => &ECDSA_P521_SHA256_ASN1,
                (EcCurve::P521, Sha384) => &ECDSA_P521_SHA384_ASN1,
                (EcCurve::P521, Sha512) => &ECDSA_P521_SHA512_ASN1,
                _ => return None,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use chancery_key::{KeyAlgorithm, SigningKey};
    use chancery_softkey::SoftKey;

    use super::*;
    use crate::agreement::{ECDSA, RSA, agree};
    use crate::verify::compute_plainly;

    #[test]
    fn both_implementations_agree_on_good_and_bad_signatures() {
        let curves = EcCurve::ALL.map(|curve| (KeyAlgorithm::Ec(curve), ECDSA));
        agree(&[&[(KeyAlgorithm::Rsa { bits: 2048 }, RSA)], &curves[..]].concat(), |given| {
            let digest = crate::digest(given.scheme.digest(), given.message);
            let fast = verify(given.key, given.scheme, &digest, given.signature).unwrap();
            let plain = compute_plainly(given.key, given.scheme, &digest, given.signature);
            assert_eq!(format!("{fast:?}"), format!("{plain:?}"));
            fast.is_ok()
        });
    }

    #[test]
    fn what_it_does_not_know_is_left_to_the_other() {
        let key = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
        for scheme in [SignatureScheme::RsaPssSha256, SignatureScheme::RsaPkcs1Sha1] {
            let signature = key.sign(scheme, b"message").unwrap();
            let digest = crate::digest(scheme.digest(), b"message");
            assert!(verify(key.public_key(), scheme, &digest, signature.as_bytes()).is_none());
        }
        let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
        let scheme = SignatureScheme::RsaPkcs1Sha256;
        assert!(verify(key.public_key(), scheme, &[0; 32], &[0; 256]).is_none());
    }
}
