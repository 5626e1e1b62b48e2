//! Keys and signatures from whoever means no good.

use chancery_key::SignatureScheme::{self, RsaPkcs1Sha256};
use chancery_key::{KeyAlgorithm, PublicKey};
use chancery_sigverify::{KeyDefect, VerifyError, verify};
use proptest::prelude::*;

use super::support::{message, public_key, signature};

fn defect(key: &PublicKey, signature: &[u8]) -> KeyDefect {
    match verify(key, RsaPkcs1Sha256, &message(), signature) {
        Err(VerifyError::UnsupportedKey { defect, .. }) => defect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_an_rsa_key_too_short_to_mean_anything() {
    let key = PublicKey::from_rsa_numbers(&[0xff; 63], &[1, 0, 1]).unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::Rsa { bits: 504 });
    assert_eq!(defect(&key, &[1; 63]), KeyDefect::RsaModulus);
}

#[test]
fn refuses_an_exponent_that_takes_forever() {
    let key = PublicKey::from_rsa_numbers(&[0xff; 2048], &[0x7f; 2047]).unwrap();
    assert_eq!(defect(&key, &[1; 2048]), KeyDefect::RsaExponent);
    let at_limit = PublicKey::from_rsa_numbers(&[0xff; 256], &[0x01, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        verify(&at_limit.unwrap(), RsaPkcs1Sha256, &message(), &[1; 256]),
        Err(VerifyError::BadSignature)
    );
}

#[test]
fn refuses_a_signature_not_below_the_modulus() {
    let key = public_key("rsa2048");
    let good = signature("rsa2048", RsaPkcs1Sha256);
    let modulus = key.modulus().unwrap().to_vec();
    // s + n is the same number modulo n, and must not pass for s; here where it still fits.
    for bad in [vec![0xff; 256], modulus] {
        assert_eq!(verify(&key, RsaPkcs1Sha256, &message(), &bad), Err(VerifyError::BadSignature));
    }
    let small = public_key("rsa2050");
    let pss = SignatureScheme::RsaPssSha512;
    let s = signature("rsa2050", pss);
    let mut sum = vec![0; s.len()];
    let mut carry = 0_u16;
    for at in (0..s.len()).rev() {
        let digit = u16::from(s[at]) + u16::from(small.modulus().unwrap()[at]) + carry;
        sum[at] = digit.to_be_bytes()[1];
        carry = digit >> 8;
    }
    assert_eq!(carry, 0, "the sum has room in the octets of the modulus");
    assert_eq!(verify(&small, pss, &message(), &s), Ok(()));
    assert_eq!(verify(&small, pss, &message(), &sum), Err(VerifyError::BadSignature));
    assert_eq!(verify(&key, RsaPkcs1Sha256, &message(), &good), Ok(()));
}

#[test]
fn refuses_a_key_of_a_type_it_does_not_know() {
    // X25519, which signs nothing (RFC 8410 section 3).
    let spki = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00, 0x19, 0xbf, 0x44,
        0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50,
        0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
    ];
    let key = PublicKey::from_spki_der(&spki).unwrap();
    for scheme in SignatureScheme::ALL {
        assert_eq!(
            verify(&key, scheme, b"", &[0; 64]),
            Err(VerifyError::UnsupportedKey { key: key.algorithm(), defect: KeyDefect::Type })
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_signature_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (name, scheme) in [
            ("rsa2048", SignatureScheme::RsaPssSha256),
            ("rsa2048", SignatureScheme::RsaPkcs1Sha512),
            ("p256", SignatureScheme::EcdsaSha512),
            ("p521", SignatureScheme::EcdsaSha1),
            ("ed25519", SignatureScheme::Ed25519),
        ] {
            prop_assert!(verify(&public_key(name), scheme, b"message", &bytes).is_err());
        }
    }

    #[test]
    fn no_rsa_numbers_panic(
        mut modulus in proptest::collection::vec(any::<u8>(), 1..200),
        mut exponent in proptest::collection::vec(any::<u8>(), 1..6),
        signature in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        *modulus.last_mut().unwrap() |= 1;
        *exponent.last_mut().unwrap() |= 1;
        if let Ok(key) = PublicKey::from_rsa_numbers(&modulus, &exponent) {
            for scheme in [SignatureScheme::RsaPssSha512, SignatureScheme::RsaPkcs1Sha1] {
                let mut signature = signature.clone();
                signature.resize(key.modulus().unwrap().len(), 0x5a);
                prop_assert!(verify(&key, scheme, b"message", &signature).is_err());
            }
        }
    }
}
