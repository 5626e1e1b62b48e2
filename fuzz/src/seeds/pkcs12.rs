//! PKCS#12 files that open at next to no cost, contents that no file is around, and hostile ones.

use chancery_x509::asn1::{self, tag};
use chancery_x509::read_documents;
use const_oid::ObjectIdentifier;
use pkcs5::pbes2::Parameters;

use super::Seeds;
use crate::identity::{SIGNER, p256};
use crate::pkcs12::{PASSWORD, seal, typed};

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERT_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
const SHA_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");

const SALT: [u8; 16] = [1; 16];
const IV: [u8; 16] = [2; 16];

pub(super) fn seeds() -> Seeds {
    let certificates = plain(&[&certificate_bag()]);
    let whole = safe(&[&plain(&[&shrouded_key(2)]), &certificates]);
    let file = seal(&whole, PASSWORD);
    let two = safe(&[&plain(&[&shrouded_key(2), &shrouded_key(2)])]);
    let costly = shrouded_key(1_000_000);
    Seeds::from([
        ("another-password.p12", seal(&whole, "another")),
        ("encrypted-certificates.p12", {
            let encrypted = encrypted(&asn1::sequence(&[&certificate_bag()]));
            seal(&safe(&[&plain(&[&shrouded_key(2)]), &encrypted]), PASSWORD)
        }),
        ("hostile-iterations.p12", seal(&safe(&[&plain(&[&shrouded_key(1 << 31)])]), PASSWORD)),
        (
            "hostile-iterations-together.p12",
            seal(&safe(&[&plain(&[costly.as_slice(); 5])]), PASSWORD),
        ),
        ("hostile-old-cipher.p12", seal(&safe(&[&plain(&[&old_key()])]), PASSWORD)),
        ("key-and-certificate.p12", file.clone()),
        ("key-plain.p12", seal(&safe(&[&plain(&[&plain_key()]), &certificates]), PASSWORD)),
        ("no-key.p12", seal(&safe(&[&certificates]), PASSWORD)),
        (
            "no-mac.p12",
            asn1::sequence(&[
                &asn1::unsigned_integer(&[3]),
                &typed(&DATA, &asn1::octet_string(&whole)),
            ]),
        ),
        ("safe", whole.clone()),
        ("safe-empty", safe(&[])),
        ("safe-truncated", whole[..whole.len() / 2].to_vec()),
        ("truncated.p12", file[..file.len() - 1].to_vec()),
        ("two-keys.p12", seal(&two, PASSWORD)),
    ])
}

/// An `AuthenticatedSafe`.
fn safe(contents: &[&[u8]]) -> Vec<u8> {
    asn1::sequence(contents)
}

/// `SafeContents` that nothing hides.
fn plain(bags: &[&[u8]]) -> Vec<u8> {
    typed(&DATA, &asn1::octet_string(&asn1::sequence(bags)))
}

/// `SafeContents` under the password.
fn encrypted(contents: &[u8]) -> Vec<u8> {
    let content = asn1::sequence(&[
        &asn1::object_identifier(&DATA),
        &scheme(2),
        &asn1::tlv(tag::context(0), &[&hide(contents)]),
    ]);
    typed(&ENCRYPTED_DATA, &asn1::sequence(&[&asn1::unsigned_integer(&[0]), &content]))
}

/// A key that takes two iterations to open, whatever its file claims.
fn shrouded_key(claimed: u32) -> Vec<u8> {
    let hidden = asn1::octet_string(&hide(&p256_pkcs8()));
    bag(&SHROUDED_KEY_BAG, &asn1::sequence(&[&scheme(claimed), &hidden]))
}

/// An encrypted key of triple DES by PKCS#12's own derivation, of which nothing decrypts.
fn old_key() -> Vec<u8> {
    let parameters = asn1::sequence(&[&asn1::octet_string(&[5; 8]), &asn1::unsigned_integer(&[2])]);
    let scheme = asn1::sequence(&[&asn1::object_identifier(&SHA_3DES), &parameters]);
    bag(&SHROUDED_KEY_BAG, &asn1::sequence(&[&scheme, &asn1::octet_string(&[6; 7])]))
}

fn plain_key() -> Vec<u8> {
    bag(&KEY_BAG, &p256_pkcs8())
}

fn certificate_bag() -> Vec<u8> {
    let der = asn1::octet_string(SIGNER.certificate().as_der());
    bag(&CERT_BAG, &typed(&X509_CERTIFICATE, &der))
}

/// A `SafeBag` with the attribute by which key and certificate find each other.
fn bag(oid: &ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    let values = asn1::tlv(tag::SET, &[&asn1::octet_string(&[1])]);
    let attribute = asn1::sequence(&[&asn1::object_identifier(&LOCAL_KEY_ID), &values]);
    let value = asn1::tlv(tag::context_constructed(0), &[value]);
    let attributes = asn1::tlv(tag::SET, &[&attribute]);
    asn1::sequence(&[&asn1::object_identifier(oid), &value, &attributes])
}

fn p256_pkcs8() -> Vec<u8> {
    let pem = p256(1).danger_to_plain_pem().expect("a key is written");
    read_documents(pem.as_bytes()).expect("PEM").remove(0).der
}

/// Encrypts by PBES2 with two iterations.
fn hide(clear: &[u8]) -> Vec<u8> {
    let parameters =
        Parameters::generate_pbkdf2_sha256_aes256cbc(2, &SALT, IV).expect("they are valid");
    parameters.encrypt(PASSWORD, clear).expect("it can be encrypted")
}

/// PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018 appendix A), as it says of itself.
fn scheme(iterations: u32) -> Vec<u8> {
    let oid = |text| asn1::object_identifier(&ObjectIdentifier::new_unwrap(text));
    let hmac = asn1::algorithm_with_null(&ObjectIdentifier::new_unwrap("1.2.840.113549.2.9"));
    let iterations = asn1::unsigned_integer(&iterations.to_be_bytes());
    let kdf = asn1::sequence(&[&asn1::octet_string(&SALT), &iterations, &hmac]);
    let kdf = asn1::sequence(&[&oid("1.2.840.113549.1.5.12"), &kdf]);
    let cipher = asn1::sequence(&[&oid("2.16.840.1.101.3.4.1.42"), &asn1::octet_string(&IV)]);
    asn1::sequence(&[&oid("1.2.840.113549.1.5.13"), &asn1::sequence(&[&kdf, &cipher])])
}
