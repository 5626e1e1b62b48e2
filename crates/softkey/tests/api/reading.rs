//! Key files as people keep them, and what is none.

use chancery_key::hazmat::DigestSigner;
use chancery_key::{EcCurve, KeyAlgorithm, KeyErrorKind, PinPurpose, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use proptest::prelude::*;

use super::support::{Passphrase, chain, ec, ed25519, rsa};

fn read(text: &str) -> Result<SoftKey, chancery_key::KeyError> {
    SoftKey::from_pem(text, &Passphrase::none(), "release.pem")
}

fn refusal(text: &str) -> (KeyErrorKind, String) {
    let error = read(text).unwrap_err();
    (error.kind(), chain(&error))
}

/// Writes a DER value of at most 65535 bytes.
fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(contents.len()).unwrap().to_be_bytes();
    let head = match (high, low) {
        (0, 0..=0x7f) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head[..], contents].concat()
}

#[test]
fn what_is_written_reads_back_as_the_same_key() {
    let ec_keys = EcCurve::ALL.map(ec);
    let ed25519 = ed25519();
    for key in [rsa(), &ed25519].into_iter().chain(&ec_keys) {
        let plain = key.danger_to_plain_pem().unwrap();
        assert!(plain.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let read = read(&plain).unwrap();
        assert_eq!(read.public_key(), key.public_key());
        let scheme = key.schemes()[0];
        assert_eq!(read.sign(scheme, b"m").unwrap(), key.sign(scheme, b"m").unwrap());
    }
}

/// The example of RFC 8410 section 10.3, which has an attribute and the public half as well.
const RFC8410_EXAMPLE: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";

#[test]
fn an_ed25519_key_may_bring_its_public_half_which_must_be_its_own() {
    let key = read(RFC8410_EXAMPLE).unwrap();
    assert_eq!(key.public_key().algorithm(), KeyAlgorithm::Ed25519);
    assert_eq!(key.public_key().subject_public_key()[..2], [0x19, 0xbf]);

    let (kind, message) = refusal(&RFC8410_EXAMPLE.replace("ZuE=", "ZuI="));
    assert_eq!(kind, KeyErrorKind::Malformed);
    assert!(message.ends_with("the public half in the file is not that of the private half"));
}

#[test]
fn an_ed25519_key_of_another_length_or_with_parameters_is_refused() {
    let key = |parameters: &[u8], seed: &[u8]| {
        let algorithm = tlv(0x30, &[&[0x06, 3, 0x2b, 0x65, 0x70], parameters].concat());
        let inner = tlv(0x04, &tlv(0x04, seed));
        let der = tlv(0x30, &[&[2, 1, 0], algorithm.as_slice(), &inner].concat());
        SoftKey::from_der(&der, &Passphrase::none(), "key.der").map_err(|error| chain(&error))
    };
    assert!(key(&[], &[7; 32]).is_ok());
    for len in [0, 31, 33, 64] {
        let error = key(&[], &vec![7; len]).unwrap_err();
        assert!(error.ends_with("the private half of an Ed25519 key is not 32 octets"), "{error}");
    }
    let error = key(&[5, 0], &[7; 32]).unwrap_err();
    assert!(error.ends_with("an Ed25519 key with parameters, where there are none"), "{error}");
}

#[test]
fn passes_over_what_stands_around_the_key() {
    let key = ec(EcCurve::P256);
    let plain = key.danger_to_plain_pem().unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    for text in [
        format!("\u{feff}{}", *plain),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.replace('\n', "\n  "),
        plain.trim_end().to_owned(),
        format!("{parameters}{}", *plain),
        format!("{certificate}{}{certificate}", *plain),
        format!("Bag Attributes\n    friendlyName: release\nKey Attributes: <none>\n{}", *plain),
    ] {
        assert_eq!(read(&text).unwrap().public_key(), key.public_key(), "{text:?}");
    }
    // Another width of lines.
    let body: String = plain.lines().filter(|line| !line.starts_with("-----")).collect();
    let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    assert_eq!(read(&text).unwrap().public_key(), key.public_key());
}

#[test]
fn a_plain_key_asks_for_no_passphrase() {
    let pins = Passphrase::new("unused");
    SoftKey::from_pem(&ec(EcCurve::P256).danger_to_plain_pem().unwrap(), &pins, "x").unwrap();
    assert_eq!(pins.asked(), []);
}

#[test]
fn names_what_is_wrong_with_a_text() {
    let key = ec(EcCurve::P256).danger_to_plain_pem().unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n\
                  MAA=\n-----END RSA PRIVATE KEY-----\n";
    for (text, expected) in [
        ("", "there is no private key in it"),
        ("no key at all", "there is no private key in it"),
        (certificate, "there is no private key in it"),
        (&format!("{}{}", *key, *key), "more than one private key in one file"),
        (legacy, "in the legacy encrypted form (`Proc-Type: 4,ENCRYPTED`)"),
        (&key.replace("END PRIVATE", "END RSA PRIVATE"), "a PEM block ends that did not begin"),
        (&key.replace("-----END PRIVATE KEY-----\n", ""), "a PEM block does not end"),
        (
            &key.replace("PRIVATE KEY", "DSA PRIVATE KEY"),
            "`DSA PRIVATE KEY` is no form of private key",
        ),
        (&key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"), "`OPENSSH PRIVATE KEY` is no form"),
        (&key.replacen('M', "*", 1), "the base64 of the key is broken"),
        (
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
            "the base64 of the key is broken",
        ),
    ] {
        let (kind, message) = refusal(text);
        assert_eq!(kind, KeyErrorKind::Malformed, "{text}");
        assert!(message.starts_with("cannot open the key in release.pem: "), "{message}");
        assert!(message.contains(expected), "{message}\n   where expected: {expected}");
    }
}

#[test]
fn refuses_rsa_keys_of_other_sizes() {
    // Plausible lengths, and numbers that are none of a key: the length is looked at first.
    for bits in [512, 1024, 2040, 4104, 16_384] {
        let number = tlv(0x02, &[&[0], &vec![0xff; bits / 8][..]].concat());
        let small = tlv(0x02, &[3]);
        let parts =
            [tlv(0x02, &[0]), number, small.clone(), small.clone(), small.clone(), small.clone()];
        let body = [parts.concat(), small.clone(), small.clone(), small].concat();
        let error =
            SoftKey::from_der(&tlv(0x30, &body), &Passphrase::none(), "old.der").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotPermitted, "{bits}: {}", chain(&error));
        assert!(
            chain(&error)
                .ends_with(&format!("RSA {bits}: only keys of 2048 to 4096 bits are used"))
        );
    }
    for bits in [0, 1024, 2047, 4097, u32::MAX] {
        let error = SoftKey::generate(KeyAlgorithm::Rsa { bits }).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotPermitted, "{bits}");
    }
}

#[test]
fn refuses_a_public_half_that_belongs_to_another_key() {
    let (key, other) = (ec(EcCurve::P384), ec(EcCurve::P384));
    let plain = key.danger_to_plain_pem().unwrap();
    let (label, mut der) = pem_rfc7468::decode_vec(plain.as_bytes()).unwrap();
    let point = key.public_key().subject_public_key();
    let at = der.windows(point.len()).position(|window| window == point).unwrap();
    der[at..at + point.len()].copy_from_slice(other.public_key().subject_public_key());
    let text = pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, &der).unwrap();
    let (kind, message) = refusal(&text);
    assert_eq!(kind, KeyErrorKind::Malformed);
    assert!(message.contains("the public half in the file is not that of the private half"));
}

#[test]
fn refuses_numbers_that_make_no_key() {
    let plain = rsa().danger_to_plain_pem().unwrap();
    let (_, der) = pem_rfc7468::decode_vec(plain.as_bytes()).unwrap();
    // The last byte of the modulus: still a number of 2048 bits, but not the product of the primes.
    let modulus = rsa().public_key().modulus().unwrap();
    let at = der.windows(modulus.len()).position(|window| window == modulus).unwrap();
    let mut changed = der.clone();
    changed[at + modulus.len() - 1] ^= 2;
    let error = SoftKey::from_der(&changed, &Passphrase::none(), "x").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Malformed);
    assert!(chain(&error).contains("the numbers make no RSA private key"));

    // Zero and the order of the curve are no private numbers.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    for number in [[0; 32], order] {
        let body = [&tlv(0x02, &[1])[..], &tlv(0x04, &number), &curve].concat();
        let error = SoftKey::from_der(&tlv(0x30, &body), &Passphrase::none(), "x").unwrap_err();
        assert!(chain(&error).contains("not a private number of P-256"), "{}", chain(&error));
    }
    let body = [tlv(0x02, &[1]), tlv(0x04, &[1; 32])].concat();
    let error = SoftKey::from_der(&tlv(0x30, &body), &Passphrase::none(), "x").unwrap_err();
    assert!(chain(&error).contains("does not name its curve"));
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?}", rsa()), "SoftKey(RSA 2048)");
    assert_eq!(format!("{:?}", ec(EcCurve::P521)), "SoftKey(EC P-521)");
}

#[test]
fn refuses_what_it_does_not_sign_and_digests_of_another_length() {
    let key = ec(EcCurve::P256);
    let error = key.sign(SignatureScheme::RsaPssSha256, b"m").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
    assert_eq!(
        error.to_string(),
        "a software key of type EC P-256 does not sign with rsa-pss-sha256"
    );
    let error = key.sign(SignatureScheme::EcdsaSha1, b"m").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
    let error = rsa().sign_digest(SignatureScheme::RsaPkcs1Sha256, &[0; 20]).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Malformed);
    assert_eq!(error.to_string(), "a digest of 20 bytes, where rsa-pkcs1-sha256 has 32");
}

#[test]
fn the_passphrase_is_asked_for_by_the_name_of_the_file() {
    let pem = ec(EcCurve::P256).to_encrypted_pem(&chancery_key::Pin::new(b"x".to_vec())).unwrap();
    let pins = Passphrase::none();
    let error = SoftKey::from_pem(&pem, &pins, "release.pem").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
    assert_eq!(pins.asked(), [PinPurpose::OpenFile { file: "release.pem".into() }]);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(SoftKey::from_bytes(&bytes, &Passphrase::none(), "x").is_err());
    }

    #[test]
    fn no_change_of_a_key_panics(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let plain = ec(EcCurve::P256).danger_to_plain_pem().unwrap();
        let (_, mut der) = pem_rfc7468::decode_vec(plain.as_bytes()).unwrap();
        let at = at.index(der.len());
        der[at] = value;
        // Some changes (of attributes, of nothing) leave a key.
        drop(SoftKey::from_der(&der, &Passphrase::none(), "x"));
    }

    #[test]
    fn no_change_of_a_text_panics(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let plain = ec(EcCurve::P256).danger_to_plain_pem().unwrap();
        let mut text = plain.as_bytes().to_vec();
        let at = at.index(text.len());
        text[at] = value;
        drop(SoftKey::from_bytes(&text, &Passphrase::none(), "x"));
    }
}
