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
    use proptest::prelude::*;

    use super::*;
    use crate::verify::compute_plainly;

    const SCHEMES: &[(KeyAlgorithm, &[SignatureScheme])] = &[
        (
            KeyAlgorithm::Rsa { bits: 2048 },
            &[
                SignatureScheme::RsaPkcs1Sha256,
                SignatureScheme::RsaPkcs1Sha384,
                SignatureScheme::RsaPkcs1Sha512,
            ],
        ),
        (KeyAlgorithm::Ec(EcCurve::P256), ECDSA),
        (KeyAlgorithm::Ec(EcCurve::P384), ECDSA),
        (KeyAlgorithm::Ec(EcCurve::P521), ECDSA),
    ];
    const ECDSA: &[SignatureScheme] =
        &[SignatureScheme::EcdsaSha256, SignatureScheme::EcdsaSha384, SignatureScheme::EcdsaSha512];

    /// What was signed, and what was made of it.
    struct Made {
        key: PublicKey,
        scheme: SignatureScheme,
        digest: Vec<u8>,
        signature: Vec<u8>,
    }

    fn made() -> Vec<Made> {
        let mut all = Vec::new();
        for (algorithm, schemes) in SCHEMES {
            let key = SoftKey::generate(*algorithm).unwrap();
            for scheme in *schemes {
                let digest = crate::digest(scheme.digest(), b"message");
                let signature = key.sign(*scheme, b"message").unwrap().as_bytes().to_vec();
                all.push(Made {
                    key: key.public_key().clone(),
                    scheme: *scheme,
                    digest,
                    signature,
                });
            }
        }
        all
    }

    fn both(one: &Made, digest: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let fast = verify(&one.key, one.scheme, digest, signature).expect("it is asked");
        let plain = compute_plainly(&one.key, one.scheme, digest, signature);
        assert_eq!(format!("{fast:?}"), format!("{plain:?}"));
        fast
    }

    #[test]
    fn both_implementations_agree_on_good_and_bad_signatures() {
        let all = made();
        for one in &all {
            both(one, &one.digest, &one.signature).unwrap();
            both(one, &vec![7; one.digest.len()], &one.signature).unwrap_err();
            both(one, &one.digest, &[]).unwrap_err();
            both(one, &one.digest, &[one.signature.as_slice(), &[0]].concat()).unwrap_err();
            both(one, &one.digest, &vec![0; one.signature.len()]).unwrap_err();
            both(one, &one.digest, &vec![0xFF; one.signature.len()]).unwrap_err();
        }
        let mut runner = proptest::test_runner::TestRunner::default();
        let changes = (0..all.len(), any::<prop::sample::Index>(), 0..8_u32);
        let flipped = runner.run(&changes, |(which, at, bit)| {
            let one = &all[which];
            let mut signature = one.signature.clone();
            let at = at.index(signature.len());
            signature[at] ^= 1 << bit;
            prop_assert!(both(one, &one.digest, &signature).is_err());
            Ok(())
        });
        flipped.unwrap();
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
