//! Signers and signatures that the tests share, and parts of signatures to put together otherwise.

use std::sync::LazyLock;

use chancery_cms::{SignedData, SignedDataBuilder, SignerCheck, oid};
use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{
    CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity, algorithm_identifier,
};
use const_oid::ObjectIdentifier;

pub(crate) const CONTENT: &[u8] = b"what is signed";

/// An object identifier that nobody knows.
pub(crate) const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.1");

/// Making RSA keys takes seconds; one serves all tests of a run.
static RSA: LazyLock<SoftKey> =
    LazyLock::new(|| SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap());

pub(crate) fn rsa() -> &'static SoftKey {
    &RSA
}

pub(crate) fn ec(curve: EcCurve) -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ec(curve)).unwrap()
}

pub(crate) fn ed25519() -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ed25519).unwrap()
}

fn builder(profile: Profile, subject: &str, key: &dyn SigningKey) -> CertificateBuilder {
    let time = |text| Time::parse_rfc3339(text).unwrap();
    CertificateBuilder::new(
        profile,
        subject.parse().unwrap(),
        key.public_key().clone(),
        Validity::new(time("2025-01-01"), time("2045-01-01")).unwrap(),
        SerialNumber::from_octets([7; 20]),
    )
}

/// Makes a signer with a self-signed certificate.
pub(crate) fn alone(key: impl SigningKey + 'static, scheme: SignatureScheme) -> Identity {
    let certificate =
        builder(Profile::CodeSigning, "CN=Signer", &key).self_signed(&key, scheme).unwrap();
    Identity::new(key, certificate, &[]).unwrap()
}

pub(crate) fn p256() -> Identity {
    alone(ec(EcCurve::P256), SignatureScheme::EcdsaSha256)
}

/// Makes a P-256 signer below an intermediate and a root.
pub(crate) fn with_chain() -> Identity {
    let scheme = SignatureScheme::EcdsaSha256;
    let [root_key, ca_key, key] = [0; 3].map(|_| ec(EcCurve::P256));
    let root = builder(Profile::RootCa, "CN=Root", &root_key).self_signed(&root_key, scheme);
    let root = Identity::new(root_key, root.unwrap(), &[]).unwrap();
    let ca = builder(Profile::IntermediateCa, "CN=CA", &ca_key).issued_by(&root, scheme).unwrap();
    let ca = Identity::new(ca_key, ca, &[]).unwrap();
    let leaf = builder(Profile::CodeSigning, "CN=Signer", &key).issued_by(&ca, scheme).unwrap();
    let others = [ca.certificate().clone(), root.certificate().clone()];
    Identity::new(key, leaf, &others).unwrap()
}

/// Signs [`CONTENT`] as id-data.
pub(crate) fn sign(identity: &Identity, scheme: SignatureScheme) -> Vec<u8> {
    data().sign(identity, scheme).unwrap()
}

pub(crate) fn data() -> SignedDataBuilder {
    SignedDataBuilder::new(oid::DATA, asn1::octet_string(CONTENT)).unwrap()
}

/// Checks a signature as a user of this crate does: by the only signer and the certificate in the bag they
/// name. `None` where it is unreadable or the certificate is not there.
pub(crate) fn check(der: &[u8]) -> Option<SignerCheck> {
    let signed = SignedData::from_der(der).ok()?;
    let [signer] = signed.signers.as_slice() else { return None };
    let certificates = signed.read_certificates();
    let by = certificates.readable.iter().find(|has| signer.identifier.names(has))?;
    let content = signed.content.map(|content| content.contents).unwrap_or_default();
    Some(signer.check(signed.content_type, content, by.public_key()))
}

pub(crate) fn holds(der: &[u8]) -> bool {
    check(der).is_some_and(|check| check.holds())
}

/// A SignedData of [`CONTENT`] by one signer, each field in the DER it is to have.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) version: Vec<u8>,
    pub(crate) digest_algorithms: Vec<Vec<u8>>,
    pub(crate) content_type: ObjectIdentifier,
    /// DER of the content.
    pub(crate) content: Vec<u8>,
    /// DER of what stands between the content and the signers: certificates and revocation lists.
    pub(crate) bags: Vec<u8>,
    pub(crate) signer_version: Vec<u8>,
    pub(crate) identifier: Vec<u8>,
    pub(crate) digest_algorithm: Vec<u8>,
    pub(crate) signature_algorithm: Vec<u8>,
    /// DER of the signed attributes; none at all, and the signature is over the content.
    pub(crate) signed_attributes: Option<Vec<Vec<u8>>>,
    /// DER of what follows the signature.
    pub(crate) tail: Vec<u8>,
}

impl Forge {
    /// Starts a signature like those the builder makes with SHA-256.
    pub(crate) fn new(identity: &Identity) -> Self {
        let digest = chancery_key::DigestAlgorithm::Sha256;
        let digest_algorithm = asn1::algorithm_with_null(&digest.oid());
        let certificate = identity.certificate();
        let hash = chancery_sigverify::digest(digest, CONTENT);
        Self {
            version: asn1::unsigned_integer(&[1]),
            digest_algorithms: vec![digest_algorithm.clone()],
            content_type: oid::DATA,
            content: asn1::octet_string(CONTENT),
            bags: asn1::tlv(tag::context_constructed(0), &[certificate.as_der()]),
            signer_version: asn1::unsigned_integer(&[1]),
            identifier: asn1::sequence(&[
                certificate.issuer().as_der(),
                &asn1::tlv(tag::INTEGER, &[certificate.serial()]),
            ]),
            digest_algorithm,
            signature_algorithm: algorithm_identifier(SignatureScheme::EcdsaSha256),
            signed_attributes: Some(vec![
                attribute(oid::CONTENT_TYPE, &[&asn1::object_identifier(&oid::DATA)]),
                attribute(oid::MESSAGE_DIGEST, &[&asn1::octet_string(&hash)]),
            ]),
            tail: Vec::new(),
        }
    }

    /// Signs it as it stands, the attributes in the order they are in.
    pub(crate) fn sign(&self, identity: &Identity) -> Vec<u8> {
        self.assemble(&[self.signer(identity)])
    }

    /// Writes the SignerInfo.
    pub(crate) fn signer(&self, identity: &Identity) -> Vec<u8> {
        let attributes = self.signed_attributes.as_ref().map(|list| list.concat());
        let message = match &attributes {
            Some(attributes) => asn1::tlv(tag::SET, &[attributes]),
            None => Tlv::parse(&self.content).unwrap().contents.to_vec(),
        };
        let signature = identity.key().sign(SignatureScheme::EcdsaSha256, &message).unwrap();
        let attributes =
            attributes.map(|attributes| asn1::tlv(tag::context_constructed(0), &[&attributes]));
        asn1::sequence(&[
            &self.signer_version,
            &self.identifier,
            &self.digest_algorithm,
            &attributes.unwrap_or_default(),
            &self.signature_algorithm,
            &asn1::octet_string(signature.as_bytes()),
            &self.tail,
        ])
    }

    /// Writes the ContentInfo around these signers.
    pub(crate) fn assemble(&self, signers: &[Vec<u8>]) -> Vec<u8> {
        let signed_data = asn1::sequence(&[
            &self.version,
            &asn1::tlv(tag::SET, &[&self.digest_algorithms.concat()]),
            &asn1::sequence(&[
                &asn1::object_identifier(&self.content_type),
                &asn1::tlv(tag::context_constructed(0), &[&self.content]),
            ]),
            &self.bags,
            &asn1::tlv(tag::SET, &[&signers.concat()]),
        ]);
        content_info(oid::SIGNED_DATA, &[&signed_data])
    }
}

pub(crate) fn content_info(kind: ObjectIdentifier, parts: &[&[u8]]) -> Vec<u8> {
    asn1::sequence(&[
        &asn1::object_identifier(&kind),
        &asn1::tlv(tag::context_constructed(0), parts),
    ])
}

pub(crate) fn attribute(oid: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(tag::SET, values)])
}
