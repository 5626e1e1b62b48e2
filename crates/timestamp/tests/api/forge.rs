//! Servers and tokens, good ones and such as no honest server makes.

use std::sync::Arc;

use chancery_chain::TrustAnchors;
use chancery_cms::{NewAttribute, SignedDataBuilder, oid as cms_oid};
use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_timestamp::{GenTime, MessageImprint, TimestampVerifier, TstInfo, oid};
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Identity, algorithm_identifier, oid as x509_oid};
use const_oid::ObjectIdentifier;

pub(crate) use chancery_x509::Time;

const ECDSA: SignatureScheme = SignatureScheme::EcdsaSha256;

/// The value that is stamped in all tests.
pub(crate) const VALUE: &[u8] = b"the value of a signature";

/// The verifier's clock.
pub(crate) const NOW: &str = "2030-01-01";

/// When tokens are made.
pub(crate) const STAMPED: &str = "2026-06-01T12:00:00Z";

pub(crate) fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

pub(crate) fn stamped() -> GenTime {
    time(STAMPED).into()
}

pub(crate) fn key() -> Arc<SoftKey> {
    Arc::new(SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap())
}

pub(crate) fn ed25519() -> Arc<SoftKey> {
    Arc::new(SoftKey::generate(KeyAlgorithm::Ed25519).unwrap())
}

/// A certificate written as it stands, for a key of its own.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) key: Arc<SoftKey>,
    pub(crate) certificate: Certificate,
}

/// A certificate to be: valid from 2025 to 2029 where nothing else is said.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub(crate) subject: &'static str,
    pub(crate) times: (&'static str, &'static str),
    pub(crate) purposes: Option<(bool, Vec<ObjectIdentifier>)>,
    pub(crate) key_usage: u8,
    pub(crate) is_ca: bool,
}

impl Maker {
    pub(crate) fn root() -> Self {
        Self {
            subject: "CN=Root",
            times: ("200101000000Z", "450101000000Z"),
            purposes: None,
            key_usage: 0x04,
            is_ca: true,
        }
    }

    pub(crate) fn server() -> Self {
        Self {
            subject: "CN=Server",
            times: ("250101000000Z", "290101000000Z"),
            purposes: Some((true, vec![x509_oid::TIME_STAMPING])),
            key_usage: 0x80,
            is_ca: false,
        }
    }

    pub(crate) fn self_signed(&self) -> Party {
        let key = key();
        let certificate = self.sign(&key, self.subject, &key);
        Party { key, certificate }
    }

    pub(crate) fn issued_by(&self, issuer: &Party) -> Party {
        self.issued_for(key(), issuer)
    }

    pub(crate) fn issued_for(&self, key: Arc<SoftKey>, issuer: &Party) -> Party {
        let name = issuer.certificate.subject().to_string();
        let certificate = self.sign(&key, &name, &issuer.key);
        Party { key, certificate }
    }

    /// Issues another certificate for a key that has one.
    pub(crate) fn again(&self, issuer: &Party, holder: &Party) -> Certificate {
        self.sign(&holder.key, &issuer.certificate.subject().to_string(), &issuer.key)
    }

    fn sign(&self, key: &SoftKey, issuer: &str, issuer_key: &SoftKey) -> Certificate {
        let name = |text: &str| text.parse::<chancery_x509::Name>().unwrap();
        let time = |text: &str| asn1::tlv(tag::UTC_TIME, &[text.as_bytes()]);
        let mut extensions = Vec::new();
        let mut add = |oid: &ObjectIdentifier, critical: bool, value: &[u8]| {
            let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
            let value = asn1::octet_string(value);
            extensions.push(asn1::sequence(&[&asn1::object_identifier(oid), critical, &value]));
        };
        if self.is_ca {
            add(&x509_oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff]);
        }
        let unused = u8::try_from(self.key_usage.trailing_zeros()).unwrap();
        add(&x509_oid::KEY_USAGE, true, &[3, 2, unused, self.key_usage]);
        if let Some((critical, purposes)) = &self.purposes {
            let purposes: Vec<Vec<u8>> = purposes.iter().map(asn1::object_identifier).collect();
            let purposes: Vec<&[u8]> = purposes.iter().map(Vec::as_slice).collect();
            add(&x509_oid::EXTENDED_KEY_USAGE, *critical, &asn1::sequence(&purposes));
        }
        let extensions: Vec<&[u8]> = extensions.iter().map(Vec::as_slice).collect();
        let tbs = asn1::sequence(&[
            &asn1::tlv(tag::context_constructed(0), &[&asn1::unsigned_integer(&[2])]),
            &asn1::unsigned_integer(&chancery_sigverify::digest(
                DigestAlgorithm::Sha1,
                key.public_key().spki_der(),
            )),
            &algorithm_identifier(ECDSA),
            name(issuer).as_der(),
            &asn1::sequence(&[&time(self.times.0), &time(self.times.1)]),
            name(self.subject).as_der(),
            key.public_key().spki_der(),
            &asn1::tlv(tag::context_constructed(3), &[&asn1::sequence(&extensions)]),
        ]);
        let signature = issuer_key.sign(ECDSA, &tbs).unwrap();
        let parts: [&[u8]; 3] =
            [&tbs, &algorithm_identifier(ECDSA), &asn1::bit_string(signature.as_bytes())];
        Certificate::from_der(&asn1::sequence(&parts)).unwrap()
    }
}

/// A root and a server below it.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) root: Party,
    pub(crate) server: Party,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&Maker::server())
    }

    pub(crate) fn with(server: &Maker) -> Self {
        let root = Maker::root().self_signed();
        Self { server: server.issued_by(&root), root }
    }

    pub(crate) fn identity(&self) -> Identity {
        let Party { key, certificate } = self.server.clone();
        Identity::new(key, certificate, &[]).unwrap()
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        TrustAnchors::new(vec![self.root.certificate.clone()])
    }

    pub(crate) fn verifier(&self) -> TimestampVerifier {
        TimestampVerifier::new(self.anchors(), time(NOW))
    }

    /// Returns the names of all that is wrong with a token over [`VALUE`].
    pub(crate) fn judge(&self, token: &[u8]) -> Vec<&'static str> {
        let report = self.verifier().token(token, VALUE, &[]);
        assert_eq!(report.is_valid(), report.reasons.is_empty());
        report.reasons.iter().map(|reason| reason.name()).collect()
    }
}

/// A token to be.
#[derive(Clone, Debug)]
pub(crate) struct TokenMaker {
    pub(crate) info: Vec<u8>,
    pub(crate) content_type: ObjectIdentifier,
    pub(crate) attributes: Vec<(ObjectIdentifier, Vec<u8>)>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) scheme: SignatureScheme,
}

pub(crate) fn info() -> TstInfo {
    let imprint = MessageImprint::of(DigestAlgorithm::Sha256, VALUE);
    TstInfo::new("1.2.3.4".parse().unwrap(), imprint, vec![7], stamped())
}

impl TokenMaker {
    pub(crate) fn new(world: &World) -> Self {
        let certificate = world.server.certificate.clone();
        let binding = ess_v2(&certificate, None);
        Self {
            info: info().to_der(),
            content_type: oid::TST_INFO,
            attributes: vec![(oid::SIGNING_CERTIFICATE_V2, binding)],
            certificates: vec![certificate],
            scheme: ECDSA,
        }
    }

    pub(crate) fn info(mut self, info: &TstInfo) -> Self {
        self.info = info.to_der();
        self
    }

    pub(crate) fn attributes(mut self, attributes: &[(ObjectIdentifier, Vec<u8>)]) -> Self {
        self.attributes = attributes.to_vec();
        self
    }

    pub(crate) fn sign(&self, signer: &Party) -> Vec<u8> {
        let content = asn1::octet_string(&self.info);
        let mut builder = SignedDataBuilder::new(self.content_type, content).unwrap().version(3);
        for (oid, value) in &self.attributes {
            builder = builder.signed_attribute(NewAttribute::new(*oid, value.clone()));
        }
        let message = builder.message(self.scheme.digest());
        let signature = signer.key.sign(self.scheme, &message).unwrap();
        let certificates: Vec<&Certificate> = self.certificates.iter().collect();
        builder
            .assemble(
                &signer.certificate,
                &certificates,
                self.scheme,
                &message,
                signature.as_bytes(),
            )
            .unwrap()
    }
}

/// Writes a `SigningCertificateV2`, with issuer and serial number where given.
pub(crate) fn ess_v2(certificate: &Certificate, issuer: Option<&Certificate>) -> Vec<u8> {
    ess(&certificate.thumbprint_sha256(), issuer)
}

/// Writes a `SigningCertificate` of SHA-1.
pub(crate) fn ess_v1(certificate: &Certificate) -> Vec<u8> {
    ess(&certificate.thumbprint_sha1(), None)
}

fn ess(hash: &[u8], issuer_serial_of: Option<&Certificate>) -> Vec<u8> {
    let issuer_serial = issuer_serial_of.map(|certificate| {
        let name = asn1::tlv(tag::context_constructed(4), &[certificate.issuer().as_der()]);
        let serial = asn1::tlv(tag::INTEGER, &[certificate.serial()]);
        asn1::sequence(&[&asn1::sequence(&[&name]), &serial])
    });
    let hash = asn1::octet_string(hash);
    let id = asn1::sequence(&[&hash, &issuer_serial.unwrap_or_default()]);
    asn1::sequence(&[&asn1::sequence(&[&id])])
}

/// Writes a legacy counter-signature over a value, as the SignedData a server answers.
pub(crate) fn counter_signed(signer: &Party, value: &[u8], attributes: &[NewAttribute]) -> Vec<u8> {
    let mut builder = SignedDataBuilder::new(cms_oid::DATA, asn1::octet_string(value)).unwrap();
    for attribute in attributes {
        builder = builder.signed_attribute(attribute.clone());
    }
    let message = builder.message(ECDSA.digest());
    let signature = signer.key.sign(ECDSA, &message).unwrap();
    builder
        .assemble(
            &signer.certificate,
            &[&signer.certificate],
            ECDSA,
            &message,
            signature.as_bytes(),
        )
        .unwrap()
}
