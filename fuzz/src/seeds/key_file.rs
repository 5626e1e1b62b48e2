//! Key files: plain, encrypted cheaply, and encrypted with hostile parameters.

use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{read_documents, to_pem};
use const_oid::ObjectIdentifier;
use pkcs5::EncryptionScheme;
use pkcs5::der::Encode;
use pkcs5::pbes2::{self, Parameters};
use pkcs5::scrypt::Params;

use super::Seeds;
use crate::identity::{NoPins, p256, p256_sec1};
use crate::key_file::PASSPHRASE;

/// A key for fuzzing alone: everybody has it.
const RSA: &str = include_str!("rsa2048.pem");

/// Returns the RSA key of the seeds.
pub(super) fn rsa() -> SoftKey {
    SoftKey::from_pem(RSA, &NoPins, "rsa2048.pem").expect("a key we wrote")
}

pub(super) fn seeds() -> Seeds {
    let mut seeds = plain();
    seeds.extend(encrypted());
    seeds.extend(hostile());
    seeds
}

fn plain() -> Seeds {
    let sec1 = p256_sec1(9);
    let pkcs8 = p256_pkcs8();
    let pem = to_pem("PRIVATE KEY", &pkcs8);
    let rsa_pkcs8 = read_documents(RSA.as_bytes()).expect("PEM").remove(0).der;
    // PrivateKeyInfo: version, algorithm, and the key in an OCTET STRING.
    let inner = Tlv::parse(&rsa_pkcs8).expect("DER").reader().nth(2).expect("a key");
    let pkcs1 = inner.expect("DER").contents.to_vec();
    Seeds::from([
        ("ec-curve-unknown.der", of_curve("1.3.132.0.10")),
        ("ec-p384-of-32-octets.der", of_curve("1.3.132.0.34")),
        ("ec-zero.der", p256_sec1(0)),
        ("ec-over-the-order.der", p256_sec1(0xff)),
        (
            "legacy-encrypted.pem",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
            DEK-Info: DES-EDE3-CBC,0000000000000000\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
                .into(),
        ),
        ("pkcs1.der", pkcs1.clone()),
        ("pkcs1-truncated.der", pkcs1[..pkcs1.len() / 2].to_vec()),
        ("pkcs8.der", pkcs8.clone()),
        ("pkcs8.pem", pem.clone().into_bytes()),
        (
            "pkcs8-crlf-and-text.pem",
            format!("\u{feff}Bag\n{pem}").replace('\n', "\r\n").into_bytes(),
        ),
        ("rsa.pem", RSA.into()),
        ("sec1.der", sec1.clone()),
        ("sec1.pem", to_pem("EC PRIVATE KEY", &sec1).into_bytes()),
        ("two-keys.pem", pem.repeat(2).into_bytes()),
        ("unfinished.pem", pem[..pem.len() - 10].into()),
    ])
}

/// An `ECPrivateKey` of 32 octets that names this curve.
fn of_curve(oid: &str) -> Vec<u8> {
    let oid = asn1::object_identifier(&ObjectIdentifier::new_unwrap(oid));
    asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::octet_string(&[9; 32]),
        &asn1::tlv(tag::context_constructed(0), &[&oid]),
    ])
}

fn p256_pkcs8() -> Vec<u8> {
    let pem = p256(9).danger_to_plain_pem().expect("a key is written");
    read_documents(pem.as_bytes()).expect("PEM").remove(0).der
}

/// Keys that the passphrase opens, at next to no cost.
fn encrypted() -> Seeds {
    let (salt, iv) = ([1; 16], [2; 16]);
    let pbkdf2 =
        || Parameters::generate_pbkdf2_sha256_aes256cbc(2, &salt, iv).expect("they are valid");
    let params = Params::new(4, 1, 1).expect("they are valid");
    let scrypt = Parameters::generate_scrypt_aes256cbc(params, &salt, iv).expect("they are valid");
    let mut triple_des = pbkdf2();
    triple_des.encryption = pbes2::EncryptionScheme::DesEde3Cbc { iv: [3; 8] };
    let seal = |parameters: Parameters, passphrase: &[u8]| {
        let data = parameters.encrypt(passphrase, &p256_pkcs8()).expect("it can be encrypted");
        let scheme = EncryptionScheme::from(parameters).to_der().expect("it can be written");
        asn1::sequence(&[&scheme, &asn1::octet_string(&data)])
    };
    let opened = seal(pbkdf2(), PASSPHRASE);
    Seeds::from([
        ("encrypted-another-passphrase.der", seal(pbkdf2(), b"another")),
        ("encrypted-pbkdf2.der", opened.clone()),
        ("encrypted-pbkdf2.pem", to_pem("ENCRYPTED PRIVATE KEY", &opened).into_bytes()),
        ("encrypted-scrypt.der", seal(scrypt, PASSPHRASE)),
        ("encrypted-triple-des.der", seal(triple_des, PASSPHRASE)),
        ("encrypted-truncated.der", opened[..opened.len() - 1].to_vec()),
    ])
}

/// Encrypted keys whose parameters ask for too much, or for nothing that can be done.
fn hostile() -> Seeds {
    let salt = asn1::octet_string(&[7; 16]);
    let aes = algorithm("2.16.840.1.101.3.4.1.42", &asn1::octet_string(&[0; 16]));
    let short_iv = |oid, len| algorithm(oid, &asn1::octet_string(&vec![0; len]));
    let kdf = |oid, salt: &[u8], numbers: &[u64]| {
        let numbers = numbers.iter().map(|number| asn1::unsigned_integer(&number.to_be_bytes()));
        algorithm(oid, &asn1::sequence(&[salt, &numbers.collect::<Vec<_>>().concat()]))
    };
    let pbkdf2 = |numbers: &[u64]| kdf("1.2.840.113549.1.5.12", &salt, numbers);
    let scrypt = |numbers: &[u64]| kdf("1.3.6.1.4.1.11591.4.11", &salt, numbers);
    let long_salt = kdf("1.2.840.113549.1.5.12", &asn1::octet_string(&[7; 33]), &[2]);
    let seal = |kdf: &[u8], cipher: &[u8]| {
        let scheme = algorithm("1.2.840.113549.1.5.13", &asn1::sequence(&[kdf, cipher]));
        asn1::sequence(&[&scheme, &asn1::octet_string(&[0x5a; 48])])
    };
    let pbes1 = algorithm("1.2.840.113549.1.5.3", &asn1::sequence(&[&salt, &[2, 1, 1]]));
    Seeds::from([
        ("hostile-aes-short-vector", seal(&pbkdf2(&[2]), &short_iv("2.16.840.1.101.3.4.1.42", 15))),
        ("hostile-des-short-vector", seal(&pbkdf2(&[2]), &short_iv("1.2.840.113549.3.7", 4))),
        ("hostile-no-pbes2", asn1::sequence(&[&pbes1, &asn1::octet_string(&[0; 48])])),
        ("hostile-pbkdf2-iterations", seal(&pbkdf2(&[u64::from(u32::MAX)]), &aes)),
        ("hostile-pbkdf2-iterations-0", seal(&pbkdf2(&[0]), &aes)),
        ("hostile-pbkdf2-long-salt", seal(&long_salt, &aes)),
        ("hostile-pbkdf2-padding-noise", seal(&pbkdf2(&[1]), &aes)),
        ("hostile-scrypt-everything", seal(&scrypt(&[1 << 63, 65535, 65535]), &aes)),
        ("hostile-scrypt-memory", seal(&scrypt(&[1 << 19, 8, 1]), &aes)),
        ("hostile-scrypt-n-0", seal(&scrypt(&[0, 8, 1]), &aes)),
        ("hostile-scrypt-n-no-power", seal(&scrypt(&[1000, 8, 1]), &aes)),
        ("hostile-scrypt-r-0", seal(&scrypt(&[1024, 0, 1]), &aes)),
        ("hostile-scrypt-work", seal(&scrypt(&[1 << 14, 8, 65]), &aes)),
    ])
}

fn algorithm(oid: &str, parameters: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&ObjectIdentifier::new_unwrap(oid)), parameters])
}
