//! Every scheme and every length of key, as OpenSSL signs.

use chancery_key::SignatureScheme::{self, *};
use chancery_sigverify::{VerifyError, digest, verify, verify_digest};

use super::support::{message, public_key, signature};

const VECTORS: &[(&str, SignatureScheme)] = &[
    ("rsa512", RsaPkcs1Sha256),
    ("rsa1024", RsaPkcs1Sha1),
    ("rsa2048", RsaPkcs1Sha1),
    ("rsa2048", RsaPkcs1Sha256),
    ("rsa2048", RsaPkcs1Sha384),
    ("rsa2048", RsaPkcs1Sha512),
    ("rsa2048", RsaPssSha256),
    ("rsa2048", RsaPssSha384),
    ("rsa2048", RsaPssSha512),
    ("rsa2048e3", RsaPkcs1Sha256),
    ("rsa2050", RsaPssSha512),
    ("rsa1025", RsaPkcs1Sha256),
    ("rsa1025", RsaPssSha256),
    ("rsa8192", RsaPkcs1Sha256),
    ("rsa8192", RsaPssSha512),
    ("rsa16384", RsaPkcs1Sha512),
    ("p256", EcdsaSha1),
    ("p256", EcdsaSha256),
    ("p256", EcdsaSha384),
    ("p256", EcdsaSha512),
    ("p384", EcdsaSha1),
    ("p384", EcdsaSha256),
    ("p384", EcdsaSha384),
    ("p384", EcdsaSha512),
    ("p521", EcdsaSha1),
    ("p521", EcdsaSha256),
    ("p521", EcdsaSha384),
    ("p521", EcdsaSha512),
    ("ed25519", Ed25519),
];

#[test]
fn every_scheme_has_a_vector() {
    for scheme in SignatureScheme::ALL {
        assert!(VECTORS.iter().any(|(_, covered)| *covered == scheme), "{scheme}");
    }
}

#[test]
fn accepts_what_openssl_signs() {
    for (name, scheme) in VECTORS {
        let (key, signature) = (public_key(name), signature(name, *scheme));
        assert_eq!(verify(&key, *scheme, &message(), &signature), Ok(()), "{name} {scheme}");
        let digest = digest(scheme.digest(), &message());
        let expected = match scheme.signs_digests() {
            true => Ok(()),
            false => Err(VerifyError::NeedsMessage { scheme: *scheme }),
        };
        assert_eq!(verify_digest(&key, *scheme, &digest, &signature), expected, "{name} {scheme}");
    }
}

#[test]
fn refuses_another_message_and_every_other_scheme() {
    for (name, scheme) in VECTORS {
        let (key, signature) = (public_key(name), signature(name, *scheme));
        let mut changed = message();
        changed[3] ^= 1;
        let refused = verify(&key, *scheme, &changed, &signature);
        assert_eq!(refused, Err(VerifyError::BadSignature), "{name} {scheme}");
        for other in SignatureScheme::ALL {
            if other == *scheme {
                continue;
            }
            let expected = if other.fits(key.algorithm()) {
                VerifyError::BadSignature
            } else {
                VerifyError::SchemeDoesNotFitKey { scheme: other, key: key.algorithm() }
            };
            let refused = verify(&key, other, &message(), &signature);
            assert_eq!(refused, Err(expected), "{name} {scheme} as {other}");
        }
    }
}

#[test]
fn refuses_every_changed_byte_of_a_signature() {
    for (name, scheme) in [
        ("rsa1024", RsaPkcs1Sha1),
        ("rsa2048", RsaPssSha256),
        ("p256", EcdsaSha256),
        ("ed25519", Ed25519),
    ] {
        let (key, good) = (public_key(name), signature(name, scheme));
        for position in 0..good.len() {
            let mut bad = good.clone();
            bad[position] ^= 0x01;
            assert!(verify(&key, scheme, &message(), &bad).is_err(), "{name}: byte {position}");
        }
    }
}

#[test]
fn refuses_signatures_that_are_shorter_or_longer() {
    for (name, scheme) in VECTORS {
        let (key, good) = (public_key(name), signature(name, *scheme));
        let refuse = |bad: &[u8], what: &str| {
            let refused = verify(&key, *scheme, &message(), bad);
            assert_eq!(refused, Err(VerifyError::Encoding), "{name} {scheme}: {what}");
        };
        refuse(&[], "empty");
        refuse(&good[..good.len() - 1], "truncated");
        refuse(&[&good[..], &[0]].concat(), "trailing zero");
        refuse(&[&[0], &good[..]].concat(), "leading zero");
    }
}

#[test]
fn refuses_the_signature_of_another_key_of_the_same_type() {
    let foreign = signature("rsa2048e3", RsaPkcs1Sha256);
    assert_eq!(
        verify(&public_key("rsa2048"), RsaPkcs1Sha256, &message(), &foreign),
        Err(VerifyError::BadSignature)
    );
}

#[test]
fn refuses_a_digest_of_another_length() {
    let (key, good) = (public_key("rsa2048"), signature("rsa2048", RsaPkcs1Sha256));
    let digest = digest(RsaPkcs1Sha256.digest(), &message());
    for given in [0, 20, 31] {
        assert_eq!(
            verify_digest(&key, RsaPkcs1Sha256, &digest[..given], &good),
            Err(VerifyError::DigestLength { expected: 32, given })
        );
    }
}
