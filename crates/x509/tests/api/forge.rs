//! Certificates no builder makes, written field by field.

use chancery_key::{PublicKey, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Name, algorithm_identifier};
use const_oid::ObjectIdentifier;

use super::support::name;

/// A certificate to be written as it stands.
#[derive(Clone)]
pub(crate) struct Forge {
    /// DER of the version field, with its tag.
    pub(crate) version: Vec<u8>,
    /// Contents octets.
    pub(crate) serial: Vec<u8>,
    /// DER of the signature algorithm inside.
    pub(crate) algorithm: Vec<u8>,
    pub(crate) issuer: Name,
    pub(crate) subject: Name,
    /// DER of the two times.
    pub(crate) times: Vec<u8>,
    pub(crate) public_key: PublicKey,
    /// DER of everything after the public key.
    pub(crate) tail: Vec<u8>,
}

impl Forge {
    /// Starts a certificate of version 3 for `CN=Forged`, issued by itself.
    pub(crate) fn new(public_key: &PublicKey) -> Self {
        Self {
            version: version(2),
            serial: vec![1],
            algorithm: algorithm_identifier(SignatureScheme::EcdsaSha256),
            issuer: name("CN=Forged"),
            subject: name("CN=Forged"),
            times: [utc_time("250101000000Z"), utc_time("450101000000Z")].concat(),
            public_key: public_key.clone(),
            tail: Vec::new(),
        }
    }

    pub(crate) fn names(mut self, issuer: &str, subject: &str) -> Self {
        (self.issuer, self.subject) = (name(issuer), name(subject));
        self
    }

    pub(crate) fn extensions(mut self, list: &[Vec<u8>]) -> Self {
        self.tail = extensions(list);
        self
    }

    /// Signs it with ECDSA and SHA-256.
    pub(crate) fn sign(&self, key: &SoftKey) -> Vec<u8> {
        let tbs = asn1::sequence(&[
            &self.version,
            &asn1::tlv(tag::INTEGER, &[&self.serial]),
            &self.algorithm,
            self.issuer.as_der(),
            &asn1::sequence(&[&self.times]),
            self.subject.as_der(),
            self.public_key.spki_der(),
            &self.tail,
        ]);
        let scheme = SignatureScheme::EcdsaSha256;
        let signature = key.sign(scheme, &tbs).unwrap();
        asn1::sequence(&[
            &tbs,
            &algorithm_identifier(scheme),
            &asn1::bit_string(signature.as_bytes()),
        ])
    }
}

pub(crate) fn version(number: u8) -> Vec<u8> {
    asn1::tlv(tag::context_constructed(0), &[&asn1::unsigned_integer(&[number])])
}

pub(crate) fn utc_time(text: &str) -> Vec<u8> {
    asn1::tlv(tag::UTC_TIME, &[text.as_bytes()])
}

/// Writes extensions under their tag.
pub(crate) fn extensions(list: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
    asn1::tlv(tag::context_constructed(3), &[&asn1::sequence(&list)])
}

/// Writes an extension; `critical` is the DER of its flag, or nothing.
pub(crate) fn extension(oid: ObjectIdentifier, critical: &[u8], value: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&oid), critical, &asn1::octet_string(value)])
}

/// Makes object identifiers that nobody knows, each another.
pub(crate) fn unknown_oid(number: usize) -> ObjectIdentifier {
    ObjectIdentifier::new(&format!("1.3.9999.{number}")).unwrap()
}
