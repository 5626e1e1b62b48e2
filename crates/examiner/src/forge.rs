//! Certificates and signatures no honest tool makes, written field by field.

use chancery_authenticode::oid;
use chancery_cms::oid as cms_oid;
use chancery_key::{DigestAlgorithm, PublicKey, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{Certificate, Identity, algorithm_identifier, oid as x509_oid};
use const_oid::ObjectIdentifier;

/// An object identifier that nobody knows.
pub const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.1");

/// keyUsage bits in DER: digitalSignature.
pub const SIGNS: &[u8] = &[3, 2, 7, 0x80];
/// keyUsage bits in DER: keyCertSign.
pub const CERTIFIES: &[u8] = &[3, 2, 2, 0x04];

/// A certificate to be written as it stands, valid from 2025 to 2045 where nothing else is said.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests change one field at a time")]
pub struct ForgedCertificate {
    /// The issuer's name.
    pub issuer: &'static str,
    /// The subject's name.
    pub subject: &'static str,
    /// The key that is certified.
    pub public_key: PublicKey,
    /// notBefore and notAfter, as UTCTime writes them.
    pub times: (&'static str, &'static str),
    /// Type, whether critical, and value.
    pub extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
    /// How it is signed.
    pub scheme: SignatureScheme,
    /// The serial number.
    pub serial: u8,
    /// `SubjectPublicKeyInfo` in place of that of the key.
    pub spki: Option<Vec<u8>>,
}

impl ForgedCertificate {
    /// Starts a certificate without extensions.
    #[must_use]
    pub fn new(issuer: &'static str, subject: &'static str, key: &SoftKey) -> Self {
        Self {
            issuer,
            subject,
            public_key: key.public_key().clone(),
            times: ("250101000000Z", "450101000000Z"),
            extensions: Vec::new(),
            scheme: SignatureScheme::EcdsaSha256,
            serial: 1,
            spki: None,
        }
    }

    /// Sets the serial number.
    #[must_use]
    pub fn numbered(mut self, serial: u8) -> Self {
        self.serial = serial;
        self
    }

    /// Starts a code-signing certificate.
    #[must_use]
    pub fn leaf(issuer: &'static str, key: &SoftKey) -> Self {
        Self::new(issuer, "CN=Leaf", key).with(x509_oid::KEY_USAGE, true, SIGNS).with(
            x509_oid::EXTENDED_KEY_USAGE,
            false,
            &purposes(&[x509_oid::CODE_SIGNING]),
        )
    }

    /// Starts a CA without a path length.
    #[must_use]
    pub fn ca(issuer: &'static str, subject: &'static str, key: &SoftKey) -> Self {
        Self::new(issuer, subject, key)
            .with(x509_oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff])
            .with(x509_oid::KEY_USAGE, true, CERTIFIES)
    }

    /// Starts a CA with a path length.
    #[must_use]
    pub fn ca_above(
        path_len: u8,
        issuer: &'static str,
        subject: &'static str,
        key: &SoftKey,
    ) -> Self {
        let constraint = [0x30, 6, 1, 1, 0xff, 2, 1, path_len];
        Self::ca(issuer, subject, key).with(x509_oid::BASIC_CONSTRAINTS, true, &constraint)
    }

    /// Adds an extension, in the place of the one of its type.
    #[must_use]
    pub fn with(mut self, oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Self {
        self = self.without(oid);
        self.extensions.push((oid, critical, value.to_vec()));
        self
    }

    /// Drops an extension.
    #[must_use]
    pub fn without(mut self, oid: ObjectIdentifier) -> Self {
        self.extensions.retain(|(has, ..)| *has != oid);
        self
    }

    /// Sets from when to when it is valid.
    #[must_use]
    pub fn valid(mut self, from: &'static str, to: &'static str) -> Self {
        self.times = (from, to);
        self
    }

    /// Has a key sign it.
    #[must_use]
    pub fn by(&self, key: &SoftKey) -> Certificate {
        Certificate::from_der(&self.der_by(key)).unwrap()
    }

    /// Has a key sign it, whether or not that can be read again.
    #[must_use]
    pub fn der_by(&self, key: &SoftKey) -> Vec<u8> {
        let algorithm = algorithm_identifier(self.scheme);
        let time = |text: &str| asn1::tlv(tag::UTC_TIME, &[text.as_bytes()]);
        let list: Vec<Vec<u8>> = self
            .extensions
            .iter()
            .map(|(oid, critical, value)| {
                let critical: &[u8] = if *critical { &[1, 1, 0xff] } else { &[] };
                asn1::sequence(&[
                    &asn1::object_identifier(oid),
                    critical,
                    &asn1::octet_string(value),
                ])
            })
            .collect();
        let extensions = if list.is_empty() {
            Vec::new()
        } else {
            asn1::tlv(tag::context_constructed(3), &[&asn1::sequence(&[&list.concat()])])
        };
        let tbs = asn1::sequence(&[
            &asn1::tlv(tag::context_constructed(0), &[&[2, 1, 2]]),
            &[2, 1, self.serial],
            &algorithm,
            self.issuer.parse::<chancery_x509::Name>().unwrap().as_der(),
            &asn1::sequence(&[&time(self.times.0), &time(self.times.1)]),
            self.subject.parse::<chancery_x509::Name>().unwrap().as_der(),
            self.spki.as_deref().unwrap_or(self.public_key.spki_der()),
            &extensions,
        ]);
        let signature = key.sign(self.scheme, &tbs).unwrap();
        asn1::sequence(&[&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())])
    }
}

/// Writes extKeyUsage.
#[must_use]
pub fn purposes(list: &[ObjectIdentifier]) -> Vec<u8> {
    let list: Vec<Vec<u8>> = list.iter().map(asn1::object_identifier).collect();
    asn1::sequence(&[&list.concat()])
}

/// The 25 bytes by which SignTool says that a PE file without page hashes is signed.
pub const PE_IMAGE_DATA: [u8; 25] = [
    0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f, 0x30, 0x09,
    0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,
];

/// Writes SpcIndirectDataContent.
#[must_use]
pub fn indirect_data(data: &[u8], algorithm: &ObjectIdentifier, digest: &[u8]) -> Vec<u8> {
    asn1::sequence(&[
        data,
        &asn1::sequence(&[&asn1::algorithm_with_null(algorithm), &asn1::octet_string(digest)]),
    ])
}

/// Writes an attribute with these values, one after the other in DER.
#[must_use]
pub fn attribute(oid: &ObjectIdentifier, values: &[u8]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(oid), &asn1::tlv(tag::SET, &[values])])
}

/// A signature to be written as it stands.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests change one field at a time")]
pub struct ForgedSignature {
    /// The version, of SignedData and SignerInfo alike.
    pub version: u8,
    /// The type of the content.
    pub content_type: ObjectIdentifier,
    /// DER of the content.
    pub content: Vec<u8>,
    /// The hashes that SignedData declares.
    pub digest_algorithms: Vec<ObjectIdentifier>,
    /// The bag, each in DER.
    pub certificates: Vec<Vec<u8>>,
    /// How often the SignerInfo is written.
    pub signers: usize,
    /// Signed attributes, one after the other in DER, in place of the two honest ones.
    pub signed: Option<Vec<u8>>,
    /// Unsigned attributes: type and values.
    pub unsigned: Vec<(ObjectIdentifier, Vec<Vec<u8>>)>,
}

impl ForgedSignature {
    /// Starts an honest signature by a P-256 key over the SHA-256 digest of a file.
    #[must_use]
    pub fn new(identity: &Identity, digest: &[u8]) -> Self {
        let sha256 = DigestAlgorithm::Sha256.oid();
        Self {
            version: 1,
            content_type: oid::SPC_INDIRECT_DATA,
            content: indirect_data(&PE_IMAGE_DATA, &sha256, digest),
            digest_algorithms: vec![sha256],
            certificates: vec![identity.certificate().as_der().to_vec()],
            signers: 1,
            signed: None,
            unsigned: Vec::new(),
        }
    }

    /// Has an identity sign it; returns the DER.
    #[must_use]
    pub fn by(&self, identity: &Identity) -> Vec<u8> {
        let digest = DigestAlgorithm::Sha256;
        let hash = chancery_sigverify::digest(digest, Tlv::parse(&self.content).unwrap().contents);
        let attributes = [
            attribute(&cms_oid::CONTENT_TYPE, &asn1::object_identifier(&self.content_type)),
            attribute(&cms_oid::MESSAGE_DIGEST, &asn1::octet_string(&hash)),
        ]
        .concat();
        let attributes = self.signed.clone().unwrap_or(attributes);
        let message = asn1::tlv(tag::SET, &[&attributes]);
        let scheme = SignatureScheme::EcdsaSha256;
        let signature = identity.key().sign(scheme, &message).unwrap();
        let certificate = identity.certificate();
        let unsigned: Vec<u8> = self
            .unsigned
            .iter()
            .flat_map(|(oid, values)| attribute(oid, &values.concat()))
            .collect();
        let unsigned = if unsigned.is_empty() {
            Vec::new()
        } else {
            asn1::tlv(tag::context_constructed(1), &[&unsigned])
        };
        let signer = asn1::sequence(&[
            &asn1::unsigned_integer(&[self.version]),
            &asn1::sequence(&[
                certificate.issuer().as_der(),
                &asn1::tlv(tag::INTEGER, &[certificate.serial()]),
            ]),
            &asn1::algorithm_with_null(&digest.oid()),
            &asn1::tlv(tag::context_constructed(0), &[&attributes]),
            &algorithm_identifier(scheme),
            &asn1::octet_string(signature.as_bytes()),
            &unsigned,
        ]);
        let algorithms: Vec<u8> =
            self.digest_algorithms.iter().flat_map(asn1::algorithm_with_null).collect();
        let signed_data = asn1::sequence(&[
            &asn1::unsigned_integer(&[self.version]),
            &asn1::tlv(tag::SET, &[&algorithms]),
            &asn1::sequence(&[
                &asn1::object_identifier(&self.content_type),
                &asn1::tlv(tag::context_constructed(0), &[&self.content]),
            ]),
            &asn1::tlv(tag::context_constructed(0), &[&self.certificates.concat()]),
            &asn1::tlv(tag::SET, &[&signer.repeat(self.signers)]),
        ]);
        asn1::sequence(&[
            &asn1::object_identifier(&cms_oid::SIGNED_DATA),
            &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
        ])
    }
}
