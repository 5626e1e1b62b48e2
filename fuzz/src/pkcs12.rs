//! PKCS#12 files: as they come, and with a MAC that holds around what comes.

use core::sync::atomic::{AtomicBool, Ordering};

use ::pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use chancery_key::{KeyError, KeyErrorKind, Pin, PinRequest, PinSource, SigningKey};
use chancery_softkey::Pkcs12;
use chancery_x509::asn1::{self, tag};
use const_oid::ObjectIdentifier;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::key_file::check_key;

/// What opens the files of the seeds.
pub(crate) const PASSWORD: &str = "fuzz";

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Reads the bytes as a PKCS#12 file; what does not begin as one stands for the contents of one, by somebody who knows
/// the password. What is read signs, and is written and read again.
pub fn pkcs12(data: &[u8]) {
    if Pkcs12::is_in(data) {
        read(data);
    } else {
        read(&seal(data, PASSWORD));
    }
}

fn read(file: &[u8]) {
    let pins = Password { given: !is_slow(file), asked: AtomicBool::new(false) };
    match Pkcs12::from_der(file, &pins, "fuzz") {
        Ok(opened) => check(opened),
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains('\n'), "{shown}");
        }
    }
}

fn check(opened: Pkcs12) {
    assert!(!format!("{opened:?}").contains("PRIVATE"));
    let (key, certificates) = opened.into_parts();
    let all: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let password = Pin::new(PASSWORD.as_bytes().to_vec());
    // The library that reads certificates for us takes more than the one that writes them.
    if let Ok(written) = key.to_pkcs12(&all, "fuzz", &password) {
        let pins = Password { given: true, asked: AtomicBool::new(false) };
        let again = Pkcs12::from_der(&written, &pins, "written").expect("what we write is read");
        assert_eq!(again.key().public_key(), key.public_key());
        assert_eq!(again.certificates(), certificates);
    }
    check_key(key);
}

/// Tells whether a number in the file could be so many iterations that nobody wants to wait for them here.
fn is_slow(file: &[u8]) -> bool {
    file.windows(2).any(|pair| pair[0] == tag::INTEGER && (3..=9).contains(&pair[1]))
}

/// Writes a file around an `AuthenticatedSafe`, with a MAC of one iteration (RFC 7292 section 4).
pub(crate) fn seal(safe: &[u8], password: &str) -> Vec<u8> {
    let salt = [4; 8];
    let key = derive_key_utf8::<Sha256>(password, &salt, Pkcs12KeyType::Mac, 1, 32);
    let key = key.expect("the password is ASCII");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length is a key");
    mac.update(safe);
    let mac = mac.finalize().into_bytes();
    let digest = asn1::sequence(&[&asn1::algorithm_with_null(&SHA_256), &asn1::octet_string(&mac)]);
    let mac_data =
        asn1::sequence(&[&digest, &asn1::octet_string(&salt), &asn1::unsigned_integer(&[1])]);
    asn1::sequence(&[
        &asn1::unsigned_integer(&[3]),
        &typed(&DATA, &asn1::octet_string(safe)),
        &mac_data,
    ])
}

/// Writes a type and a value under an explicit tag 0, as `ContentInfo`, `SafeBag` and `CertBag` are.
pub(crate) fn typed(oid: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    let value = asn1::tlv(tag::context_constructed(0), &[value]);
    asn1::sequence(&[&asn1::object_identifier(oid), &value])
}

/// Gives the password where the file is cheap to open.
#[derive(Debug)]
struct Password {
    given: bool,
    asked: AtomicBool,
}

impl PinSource for Password {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        assert!(!self.asked.swap(true, Ordering::Relaxed), "asked for twice");
        if self.given {
            Ok(Pin::new(PASSWORD.as_bytes().to_vec()))
        } else {
            Err(KeyError::new(KeyErrorKind::AuthRequired, "it would take too long"))
        }
    }
}
