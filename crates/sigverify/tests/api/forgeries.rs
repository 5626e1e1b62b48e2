//! PKCS#1 v1.5 signatures whose padding is wrong (`tests/data/forge.py`), under an exponent of 3.

use chancery_key::SignatureScheme::RsaPkcs1Sha256;
use chancery_sigverify::{VerifyError, verify};

use super::support::{data, message, public_key};

#[test]
fn refuses_every_padding_but_the_one() {
    let forgeries = String::from_utf8(data("rsa2048e3.forgeries.txt")).unwrap();
    let mut names = Vec::new();
    for line in forgeries.lines() {
        let (name, hex) = line.split_once(' ').unwrap();
        let signature: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        assert_eq!(signature.len(), 256, "{name}: in the form of a signature");
        assert_eq!(
            verify(&public_key("rsa2048e3"), RsaPkcs1Sha256, &message(), &signature),
            Err(VerifyError::BadSignature),
            "{name}"
        );
        names.push(name);
    }
    for expected in ["bleichenbacher", "digest-info-without-null", "long-form-length"] {
        assert!(names.contains(&expected), "{expected} is among {names:?}");
    }
}
