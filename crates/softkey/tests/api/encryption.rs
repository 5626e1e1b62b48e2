//! Encrypted keys: what they cost is known before it is spent, and a wrong passphrase is final.

use std::time::{Duration, Instant};

use chancery_key::{EcCurve, KeyErrorKind, Pin, SigningKey};
use chancery_softkey::{MAX_PBKDF2_ITERATIONS, SoftKey};
use proptest::prelude::*;

use super::support::{Passphrase, chain, ec};

/// A DER value, with the length in the shortest form.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let len = u8::try_from(contents.len()).unwrap();
    let head = if len < 0x80 { vec![tag, len] } else { vec![tag, 0x81, len] };
    [&head[..], contents].concat()
}

fn integer(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    let sign: &[u8] = if bytes[start] < 0x80 { &[] } else { &[0] };
    tlv(0x02, &[sign, &bytes[start..]].concat())
}

fn algorithm(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(0x06, oid)[..], parameters].concat())
}

const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
const PBE_MD5_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x03];

fn pbkdf2(salt: &[u8], iterations: u64) -> Vec<u8> {
    let parameters = tlv(0x30, &[tlv(0x04, salt), integer(iterations)].concat());
    algorithm(PBKDF2, &parameters)
}

fn scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    let parameters = [tlv(0x04, &[7; 16]), integer(n), integer(r), integer(p)].concat();
    algorithm(SCRYPT, &tlv(0x30, &parameters))
}

fn aes() -> Vec<u8> {
    algorithm(AES_256_CBC, &tlv(0x04, &[0; 16]))
}

/// An encrypted key with this derivation and cipher, and nothing sensible inside.
fn encrypted(kdf: &[u8], cipher: &[u8]) -> Vec<u8> {
    let scheme = algorithm(PBES2, &tlv(0x30, &[kdf, cipher].concat()));
    tlv(0x30, &[scheme, tlv(0x04, &[0x5a; 48])].concat())
}

#[test]
fn refuses_absurd_costs_before_asking_for_the_passphrase() {
    let salt = &[7; 16];
    for (der, limit) in [
        (encrypted(&pbkdf2(salt, u64::from(MAX_PBKDF2_ITERATIONS) + 1), &aes()), "1 to 10000000"),
        (encrypted(&pbkdf2(salt, u64::from(u32::MAX)), &aes()), "1 to 10000000"),
        (encrypted(&pbkdf2(salt, 1 << 40), &aes()), "1 to 10000000"),
        (encrypted(&pbkdf2(salt, 0), &aes()), "1 to 10000000"),
        (encrypted(&pbkdf2(&[7; 33], 2048), &aes()), "a salt of 33 bytes, where 32 are accepted"),
        (
            encrypted(&scrypt(1 << 19, 8, 1), &aes()),
            "536870912 bytes, where 268435456 are accepted",
        ),
        (encrypted(&scrypt(1 << 63, 65535, 65535), &aes()), "where 268435456 are accepted"),
        (encrypted(&scrypt(1 << 14, 127, 127), &aes()), "mixes 33824964608 bytes"),
        (encrypted(&scrypt(16384, 8, 65), &aes()), "mixes 1090519040 bytes, where 1073741824"),
        (encrypted(&scrypt(0, 8, 1), &aes()), "scrypt cannot be done with N=0, r=8, p=1"),
        (encrypted(&scrypt(1, 8, 1), &aes()), "scrypt cannot be done with N=1"),
        (encrypted(&scrypt(1000, 8, 1), &aes()), "scrypt cannot be done with N=1000"),
        (encrypted(&scrypt(1024, 0, 1), &aes()), "scrypt cannot be done with N=1024, r=0"),
        (encrypted(&scrypt(1024, 8, 0), &aes()), "scrypt cannot be done with N=1024, r=8, p=0"),
    ] {
        let pins = Passphrase::new("x");
        let start = Instant::now();
        let error = SoftKey::from_der(&der, &pins, "hostile.der").unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1), "{limit}");
        assert_eq!(error.kind(), KeyErrorKind::Malformed, "{limit}");
        assert!(chain(&error).contains(limit), "{}\n   where expected: {limit}", chain(&error));
        assert_eq!(pins.asked(), [], "{limit}");
    }
}

#[test]
fn refuses_ciphers_it_does_not_know_and_bad_vectors() {
    let kdf = pbkdf2(&[7; 16], 2048);
    let legacy = algorithm(PBE_MD5_DES, &tlv(0x30, &[tlv(0x04, &[7; 8]), integer(2048)].concat()));
    for (der, expected) in [
        (tlv(0x30, &[legacy, tlv(0x04, &[0; 48])].concat()), "which is no PBES2"),
        (encrypted(&kdf, &algorithm(DES_EDE3_CBC, &tlv(0x04, &[0; 4]))), "that has not 8 bytes"),
        (encrypted(&kdf, &algorithm(DES_EDE3_CBC, &[])), "cipher without parameters"),
        (
            encrypted(&kdf, &algorithm(AES_256_CBC, &tlv(0x04, &[0; 15]))),
            "parameters we do not know",
        ),
        (encrypted(&kdf, &algorithm(PBKDF2, &tlv(0x04, &[0; 16]))), "parameters we do not know"),
        (encrypted(&aes(), &aes()), "is neither PBKDF2 nor scrypt"),
        (encrypted(&algorithm(SCRYPT, &[]), &aes()), "key derivation without parameters"),
    ] {
        let pins = Passphrase::new("x");
        let error = SoftKey::from_der(&der, &pins, "x").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed);
        assert!(
            chain(&error).contains(expected),
            "{}\n   where expected: {expected}",
            chain(&error)
        );
        assert_eq!(pins.asked(), []);
    }
}

#[test]
fn opens_with_the_right_passphrase_alone() {
    let key = ec(EcCurve::P256);
    let passphrase = "correct horse, battery stäple";
    let pem = key.to_encrypted_pem(&Pin::new(passphrase.into())).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let again = key.to_encrypted_pem(&Pin::new(passphrase.into())).unwrap();
    assert_ne!(pem, again, "salt and vector are new each time");

    let right = Passphrase::new(passphrase);
    assert_eq!(SoftKey::from_pem(&pem, &right, "x").unwrap().public_key(), key.public_key());
    assert_eq!(right.asked().len(), 1);

    for wrong in ["correct horse", ""] {
        let pins = Passphrase::new(wrong);
        let error = SoftKey::from_pem(&pem, &pins, "x").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRefused);
        assert_eq!(chain(&error), "cannot open the key in x: the passphrase does not open the key");
        assert_eq!(pins.asked().len(), 1, "asked once and not again");
    }
}

#[test]
fn noise_that_happens_to_be_padded_is_a_wrong_passphrase() {
    // With one iteration many can be tried: some of them decrypt to valid padding.
    let cheap = encrypted(&pbkdf2(&[7; 16], 1), &aes());
    for attempt in 0..2000 {
        let passphrase: &'static str = Box::leak(format!("{attempt}").into_boxed_str());
        let error = SoftKey::from_der(&cheap, &Passphrase::new(passphrase), "x").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRefused, "{attempt}: {}", chain(&error));
    }
}

proptest! {
    #[test]
    fn no_change_of_an_encrypted_key_panics(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        for kdf in [pbkdf2(&[7; 16], 2), scrypt(2, 1, 1)] {
            for cipher in [aes(), algorithm(DES_EDE3_CBC, &tlv(0x04, &[0; 8]))] {
                let mut der = encrypted(&kdf, &cipher);
                let at = at.index(der.len() - 50);
                der[at] = value;
                prop_assert!(SoftKey::from_der(&der, &Passphrase::new("x"), "x").is_err());
            }
        }
    }
}
