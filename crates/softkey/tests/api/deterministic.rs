//! The same message gives the same signature; the known answers of RFC 6979.

use chancery_key::SignatureScheme::*;
use chancery_key::hazmat::DigestSigner;
use chancery_key::{EcCurve, KeyErrorKind, SchemeFamily, SigningKey, ecdsa_fixed_from_der};
use chancery_softkey::SoftKey;

use super::support::{Passphrase, ec, ed25519, rsa};

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// RFC 6979 appendix A.2.5, in the smallest `ECPrivateKey` there is.
fn rfc6979_key() -> SoftKey {
    let der = bytes(
        "30310201010420c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721\
         a00a06082a8648ce3d030107",
    );
    SoftKey::from_der(&der, &Passphrase::none(), "key.der").unwrap()
}

#[test]
fn ecdsa_gives_the_answers_of_rfc_6979() {
    let key = rfc6979_key();
    for (scheme, message, answer) in [
        (
            EcdsaSha256,
            "sample",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
             f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ),
        (
            EcdsaSha384,
            "sample",
            "0eafea039b20e9b42309fb1d89e213057cbf973dc0cfc8f129edddc800ef7719\
             4861f0491e6998b9455193e34e7b0d284ddd7149a74b95b9261f13abde940954",
        ),
        (
            EcdsaSha512,
            "sample",
            "8496a60b5e9b47c825488827e0495b0e3fa109ec4568fd3f8d1097678eb97f00\
             2362ab1adbe2b8adf9cb9edab740ea6049c028114f2460f96554f61fae3302fe",
        ),
        (
            EcdsaSha256,
            "test",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367\
             019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        ),
    ] {
        let signature = key.sign(scheme, message.as_bytes()).unwrap();
        let fixed = ecdsa_fixed_from_der(signature.as_bytes(), 32).unwrap();
        assert_eq!(fixed, bytes(answer), "{scheme} of {message}");
    }
}

#[test]
fn ed25519_gives_the_answer_of_rfc_8032_and_signs_no_digest() {
    // Section 7.1, test 2, in the PKCS#8 of RFC 8410 section 7.
    let der = bytes(
        "302e020100300506032b6570042204204ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    );
    let key = SoftKey::from_der(&der, &Passphrase::none(), "key.der").unwrap();
    let signature = key.sign(Ed25519, b"\x72").unwrap();
    let answer = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                  085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
    assert_eq!(signature.as_bytes(), bytes(answer));
    let error = key.sign_digest(Ed25519, &[0; 64]).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
    assert_eq!(
        error.to_string(),
        "ed25519 is over the message itself, and no digest can stand for it"
    );
}

#[test]
fn signing_twice_gives_the_same_bytes_but_for_pss() {
    let ec_keys = EcCurve::ALL.map(ec);
    let ed25519 = ed25519();
    for key in [rsa(), &ed25519].into_iter().chain(&ec_keys) {
        for scheme in key.schemes() {
            let sign = || key.sign(*scheme, b"the same message").unwrap();
            let salted = scheme.family() == SchemeFamily::RsaPss;
            assert_eq!(sign() != sign(), salted, "{scheme}");
        }
    }
}
