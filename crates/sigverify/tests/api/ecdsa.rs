//! ECDSA: strict DER, and numbers in range.

use chancery_key::SignatureScheme::EcdsaSha256;
use chancery_key::ecdsa_fixed_from_der;
use chancery_key::{EcCurve, KeyAlgorithm, PublicKey, PublicKeyNumbers, ecdsa_der_from_fixed};
use chancery_sigverify::{KeyDefect, VerifyError, verify};

use super::support::{message, public_key, signature};

/// The order of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

fn refused(der: &[u8]) -> VerifyError {
    verify(&public_key("p256"), EcdsaSha256, &message(), der).unwrap_err()
}

/// Returns `r` and `s` of the good signature, without leading zeros and as DER integers' contents.
fn numbers() -> (Vec<u8>, Vec<u8>) {
    let fixed = ecdsa_fixed_from_der(&signature("p256", EcdsaSha256), 32).unwrap();
    let contents = |number: &[u8]| {
        let number = &number[number.iter().position(|byte| *byte != 0).unwrap()..];
        if number[0] < 0x80 { number.to_vec() } else { [&[0], number].concat() }
    };
    (contents(&fixed[..32]), contents(&fixed[32..]))
}

fn integer(contents: &[u8]) -> Vec<u8> {
    [&[0x02, u8::try_from(contents.len()).unwrap()], contents].concat()
}

fn sequence(contents: &[u8]) -> Vec<u8> {
    [&[0x30, u8::try_from(contents.len()).unwrap()], contents].concat()
}

#[test]
fn the_test_can_rebuild_the_good_signature() {
    let (r, s) = numbers();
    assert_eq!(sequence(&[integer(&r), integer(&s)].concat()), signature("p256", EcdsaSha256));
}

#[test]
fn refuses_whatever_is_not_the_one_der() {
    let (r, s) = numbers();
    let (good_r, good_s) = (integer(&r), integer(&s));
    let body = [&good_r[..], &good_s[..]].concat();
    let long = |tag: u8, contents: &[u8]| {
        [&[tag, 0x81, u8::try_from(contents.len()).unwrap()], contents].concat()
    };
    for (what, bad) in [
        ("the fixed form", ecdsa_fixed_from_der(&sequence(&body), 32).unwrap()),
        ("a long-form length outside", long(0x30, &body)),
        ("a long-form length inside", sequence(&[long(0x02, &r), good_s.clone()].concat())),
        ("an indefinite length", [&[0x30, 0x80], &body[..], &[0, 0]].concat()),
        ("a leading zero", sequence(&[integer(&[&[0], &r[..]].concat()), good_s.clone()].concat())),
        ("a third integer", sequence(&[&body[..], &[0x02, 0x01, 0x01]].concat())),
        ("one integer", sequence(&good_r)),
        ("no integer", sequence(&[])),
        ("an empty integer", sequence(&[integer(&[]), good_s.clone()].concat())),
        ("a negative integer", sequence(&[integer(&[0x80]), good_s.clone()].concat())),
        ("another tag outside", [&[0x31], &sequence(&body)[1..]].concat()),
        ("another tag inside", sequence(&[&[0x03], &good_r[1..], &good_s[..]].concat())),
        (
            "a length one short",
            [&[0x30, u8::try_from(body.len()).unwrap() - 1], &body[..]].concat(),
        ),
        ("numbers longer than the field", sequence(&[integer(&[1; 33]), good_s.clone()].concat())),
    ] {
        assert_eq!(refused(&bad), VerifyError::Encoding, "{what}");
    }
}

#[test]
fn refuses_numbers_out_of_range() {
    let (r, s) = numbers();
    let order: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&ORDER[at..at + 2], 16).unwrap()).collect();
    let order = [&[0], &order[..]].concat();
    let mut above = order.clone();
    *above.last_mut().unwrap() += 1;
    for (what, r, s) in [
        ("r = 0", &[0][..], &s[..]),
        ("s = 0", &r[..], &[0][..]),
        ("r = s = 0", &[0], &[0]),
        ("r = n", &order, &s),
        ("s = n", &r, &order),
        ("s = n + 1", &r, &above),
    ] {
        let bad = sequence(&[integer(r), integer(s)].concat());
        assert_eq!(refused(&bad), VerifyError::BadSignature, "{what}");
    }
}

#[test]
fn accepts_the_high_and_the_low_s() {
    // X.509 and CMS, unlike some ledgers, take (r, s) and (r, n - s) alike.
    let fixed = ecdsa_fixed_from_der(&signature("p256", EcdsaSha256), 32).unwrap();
    let order: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&ORDER[at..at + 2], 16).unwrap()).collect();
    let mut mirrored = fixed.clone();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i16::from(order[at]) - i16::from(fixed[32 + at]) - borrow;
        borrow = i16::from(difference < 0);
        mirrored[32 + at] = u8::try_from(difference.rem_euclid(256)).unwrap();
    }
    assert_ne!(mirrored, fixed);
    let der = ecdsa_der_from_fixed(&mirrored).unwrap();
    assert_eq!(verify(&public_key("p256"), EcdsaSha256, &message(), &der), Ok(()));
}

#[test]
fn refuses_a_point_that_is_not_on_the_curve() {
    let PublicKeyNumbers::Ec { point, .. } = public_key("p256").numbers().clone() else { panic!() };
    let mut off = point;
    off[64] ^= 1;
    let key = PublicKey::from_ec_point(EcCurve::P256, &off).unwrap();
    assert_eq!(
        verify(&key, EcdsaSha256, &message(), &signature("p256", EcdsaSha256)),
        Err(VerifyError::UnsupportedKey {
            key: KeyAlgorithm::Ec(EcCurve::P256),
            defect: KeyDefect::EcPoint,
        })
    );
}
