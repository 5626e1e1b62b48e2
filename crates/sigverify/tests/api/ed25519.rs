//! Ed25519: points of the curve, numbers in range, and nothing of small order.

use chancery_key::SignatureScheme::Ed25519;
use chancery_key::{KeyAlgorithm, PublicKey};
use chancery_sigverify::{KeyDefect, VerifyError, verify};
use proptest::prelude::*;

use super::support::{message, public_key, signature};

/// The order of the group, little-endian (RFC 8032 section 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

fn defect(point: &[u8; 32], signature: &[u8]) -> KeyDefect {
    let key = PublicKey::from_ed25519_point(point).unwrap();
    match verify(&key, Ed25519, &message(), signature) {
        Err(VerifyError::UnsupportedKey { key: KeyAlgorithm::Ed25519, defect }) => defect,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_a_second_form_of_a_good_signature() {
    let good = signature("ed25519", Ed25519);
    let mut other = good.clone();
    let mut carry = 0_u16;
    for (digit, add) in other[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(add) + carry;
        let [low, high] = sum.to_le_bytes();
        (*digit, carry) = (low, u16::from(high));
    }
    assert_eq!(carry, 0, "the sum has room");
    let key = public_key("ed25519");
    assert_eq!(verify(&key, Ed25519, &message(), &good), Ok(()));
    assert_eq!(verify(&key, Ed25519, &message(), &other), Err(VerifyError::BadSignature));
}

#[test]
fn refuses_keys_that_are_no_points_or_points_of_small_order() {
    // The neutral element, and that of order two: y is 1 and -1.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut of_order_two = [0xff; 32];
    (of_order_two[0], of_order_two[31]) = (0xec, 0x7f);
    for point in [neutral, of_order_two] {
        // R is the neutral element and S zero: by such a key this holds for many messages.
        let forged = [&neutral[..], &[0; 32]].concat();
        assert_eq!(defect(&point, &forged), KeyDefect::SmallOrder);
    }
    // No x goes with the y of 2.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert_eq!(defect(&no_point, &signature("ed25519", Ed25519)), KeyDefect::EcPoint);
}

#[test]
fn accepts_the_answers_of_rfc_8032() {
    // Section 7.1, tests 1 and 2.
    for (point, message, answer) in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            &b""[..],
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            b"\x72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ] {
        let key = PublicKey::from_ed25519_point(&bytes(point)).unwrap();
        assert_eq!(verify(&key, Ed25519, message, &bytes(answer)), Ok(()));
        let longer = [message, b"."].concat();
        let refused = verify(&key, Ed25519, &longer, &bytes(answer));
        assert_eq!(refused, Err(VerifyError::BadSignature));
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_point_panics(point in any::<[u8; 32]>(), signature in any::<[u8; 32]>()) {
        let key = PublicKey::from_ed25519_point(&point).unwrap();
        let signature = [signature, signature].concat();
        prop_assert!(verify(&key, Ed25519, b"message", &signature).is_err());
    }
}
