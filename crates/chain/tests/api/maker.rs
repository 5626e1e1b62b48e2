//! Certificates and revocation lists of any contents, good and bad.

use std::rc::Rc;

use chancery_chain::Crl;
use chancery_key::{
    DigestAlgorithm, EcCurve, KeyAlgorithm, PublicKey, SignatureScheme, SigningKey as _,
};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Name, Time, algorithm_identifier, oid};
use const_oid::ObjectIdentifier;

pub const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
pub const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
pub const CRL_DISTRIBUTION_POINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.31");
pub const CERTIFICATE_POLICIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32");
pub const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
pub const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
pub const POLICY_MAPPINGS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.33");
const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

/// Days in the lives of the test certificates, which are valid from `BEGIN` to `END`.
pub const BEGIN: &str = "2020-01-01";
pub const NOW: &str = "2025-06-01";
pub const END: &str = "2030-01-01";

pub fn time(date: &str) -> Time {
    Time::parse_rfc3339(date).unwrap()
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// The one RSA key of a test: they take a second to make.
pub fn new_rsa_key() -> Rc<SoftKey> {
    Rc::new(SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap())
}

pub fn new_key() -> Rc<SoftKey> {
    Rc::new(SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap())
}

/// Somebody with a certificate and its key.
#[derive(Clone, Debug)]
pub struct Party {
    pub certificate: Certificate,
    pub key: Rc<SoftKey>,
}

/// A certificate to be.
#[derive(Clone, Debug)]
pub struct Maker {
    version: u8,
    serial: Vec<u8>,
    subject: Name,
    issuer: Option<Name>,
    from: String,
    until: String,
    digest: DigestAlgorithm,
    key: Rc<SoftKey>,
    /// The key to certify, where it is not that of `key`.
    public_key: Option<PublicKey>,
    extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

impl Maker {
    pub fn new(subject: &str) -> Self {
        Self {
            version: 3,
            // A serial number of its own for each name is all that most tests need.
            serial: [&[1], subject.as_bytes().get(3..11.min(subject.len())).unwrap()].concat(),
            subject: name(subject),
            issuer: None,
            from: BEGIN.into(),
            until: END.into(),
            digest: DigestAlgorithm::Sha256,
            key: new_key(),
            public_key: None,
            extensions: Vec::new(),
        }
    }

    /// A CA: critical basicConstraints, keyCertSign and cRLSign.
    pub fn ca(subject: &str) -> Self {
        Self::new(subject).basic_constraints(None).key_usage(&[0x06])
    }

    /// A signer of code: digitalSignature, codeSigning.
    pub fn leaf(subject: &str) -> Self {
        Self::new(subject).key_usage(&[0x80]).purposes(false, &[oid::CODE_SIGNING])
    }

    pub fn with(mut self, oid: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Self {
        self = self.without(oid);
        self.extensions.push((oid, critical, value));
        self
    }

    pub fn without(mut self, oid: ObjectIdentifier) -> Self {
        self.extensions.retain(|(other, ..)| *other != oid);
        self
    }

    /// Makes it a CA.
    pub fn basic_constraints(self, path_len: Option<u8>) -> Self {
        let path_len = path_len.map(|len| asn1::unsigned_integer(&[len])).unwrap_or_default();
        let value = asn1::sequence(&[&[1, 1, 0xff], &path_len]);
        self.with(oid::BASIC_CONSTRAINTS, true, value)
    }

    /// Sets keyUsage by the octets of its bits.
    pub fn key_usage(self, bits: &[u8]) -> Self {
        let unused = u8::try_from(bits.last().unwrap().trailing_zeros()).unwrap();
        self.with(oid::KEY_USAGE, true, asn1::tlv(tag::BIT_STRING, &[&[unused], bits]))
    }

    pub fn purposes(self, critical: bool, purposes: &[ObjectIdentifier]) -> Self {
        let encoded: Vec<Vec<u8>> = purposes.iter().map(asn1::object_identifier).collect();
        self.with(oid::EXTENDED_KEY_USAGE, critical, sequence_of(&encoded))
    }

    /// Sets subjectKeyIdentifier and the keyIdentifier of authorityKeyIdentifier.
    pub fn key_identifiers(self, own: &[u8], issuer: &[u8]) -> Self {
        let issuer = asn1::sequence(&[&asn1::tlv(tag::context(0), &[issuer])]);
        self.with(oid::SUBJECT_KEY_IDENTIFIER, false, asn1::octet_string(own)).with(
            oid::AUTHORITY_KEY_IDENTIFIER,
            false,
            issuer,
        )
    }

    pub fn policies(self, policies: &[&str]) -> Self {
        let policies: Vec<Vec<u8>> = policies
            .iter()
            .map(|policy| asn1::sequence(&[&asn1::object_identifier(&policy.parse().unwrap())]))
            .collect();
        self.with(CERTIFICATE_POLICIES, false, sequence_of(&policies))
    }

    /// Sets the subjectAltName to general names.
    pub fn also_called(self, names: &[Vec<u8>]) -> Self {
        self.with(SUBJECT_ALT_NAME, false, sequence_of(names))
    }

    /// Constrains names: general names as they are permitted and excluded.
    pub fn constrains(self, permitted: &[Vec<u8>], excluded: &[Vec<u8>]) -> Self {
        let part = |number, bases: &[Vec<u8>]| match bases {
            [] => Vec::new(),
            bases => {
                let subtrees: Vec<Vec<u8>> =
                    bases.iter().map(|base| asn1::sequence(&[base])).collect();
                asn1::tlv(tag::context_constructed(number), &slices(&subtrees))
            }
        };
        let value = asn1::sequence(&[&part(0, permitted), &part(1, excluded)]);
        self.with(NAME_CONSTRAINTS, true, value)
    }

    pub fn valid(mut self, from: &str, until: &str) -> Self {
        (self.from, self.until) = (from.into(), until.into());
        self
    }

    pub fn serial(mut self, octets: &[u8]) -> Self {
        self.serial = octets.to_vec();
        self
    }

    pub fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    pub fn key(mut self, key: &Rc<SoftKey>) -> Self {
        self.key = Rc::clone(key);
        self
    }

    /// Certifies a key without having it.
    pub fn public_key(mut self, key: PublicKey) -> Self {
        self.public_key = Some(key);
        self
    }

    pub fn digest(mut self, digest: DigestAlgorithm) -> Self {
        self.digest = digest;
        self
    }

    /// Names another issuer than the one who signs.
    pub fn naming_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(name(issuer));
        self
    }

    pub fn self_signed(self) -> Party {
        let (issuer, key) = (self.subject.clone(), Rc::clone(&self.key));
        self.sign(&issuer, &key)
    }

    pub fn issued_by(self, issuer: &Party) -> Party {
        let name = self.issuer.clone().unwrap_or_else(|| issuer.certificate.subject().clone());
        self.sign(&name, &issuer.key)
    }

    fn sign(self, issuer: &Name, issuer_key: &SoftKey) -> Party {
        let scheme = scheme_of(issuer_key, self.digest);
        let version = match self.version {
            1 => Vec::new(),
            version => {
                let number = asn1::unsigned_integer(&[version - 1]);
                asn1::tlv(tag::context_constructed(0), &[&number])
            }
        };
        let tbs = asn1::sequence(&[
            &version,
            &asn1::tlv(tag::INTEGER, &[&self.serial]),
            &algorithm_identifier(scheme),
            issuer.as_der(),
            &asn1::sequence(&[&utc_time(&self.from), &utc_time(&self.until)]),
            self.subject.as_der(),
            self.public_key.as_ref().unwrap_or(self.key.public_key()).spki_der(),
            &explicit_extensions(3, &self.extensions),
        ]);
        let certificate = Certificate::from_der(&signed(&tbs, issuer_key, scheme)).unwrap();
        Party { certificate, key: self.key }
    }
}

/// A revocation list to be.
#[derive(Clone, Debug)]
pub struct CrlMaker {
    issuer: Party,
    issuer_name: Option<Name>,
    from: String,
    until: Option<String>,
    digest: DigestAlgorithm,
    entries: Vec<Vec<u8>>,
    extensions: Vec<(ObjectIdentifier, bool, Vec<u8>)>,
}

impl CrlMaker {
    /// A current list with nothing in it.
    pub fn of(issuer: &Party) -> Self {
        Self {
            issuer: issuer.clone(),
            issuer_name: None,
            from: "2025-05-25".into(),
            until: Some("2025-06-10".into()),
            digest: DigestAlgorithm::Sha256,
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// Names another issuer than the one who signs.
    pub fn naming_issuer(mut self, issuer: &str) -> Self {
        self.issuer_name = Some(name(issuer));
        self
    }

    pub fn valid(mut self, from: &str, until: Option<&str>) -> Self {
        (self.from, self.until) = (from.into(), until.map(str::to_owned));
        self
    }

    pub fn digest(mut self, digest: DigestAlgorithm) -> Self {
        self.digest = digest;
        self
    }

    pub fn revoking(self, certificate: &Certificate, date: &str) -> Self {
        self.entry(certificate.serial(), date, &[])
    }

    pub fn revoking_for(self, certificate: &Certificate, date: &str, reason: u8) -> Self {
        let reason = (REASON_CODE, false, vec![0x0a, 1, reason]);
        self.entry(certificate.serial(), date, &[reason])
    }

    pub fn revoking_since(self, certificate: &Certificate, date: &str, invalid: &str) -> Self {
        let text = format!("{}000000Z", invalid.replace('-', ""));
        let invalid = asn1::tlv(tag::GENERALIZED_TIME, &[text.as_bytes()]);
        self.entry(certificate.serial(), date, &[(INVALIDITY_DATE, false, invalid)])
    }

    pub fn entry(
        mut self,
        serial: &[u8],
        date: &str,
        extensions: &[(ObjectIdentifier, bool, Vec<u8>)],
    ) -> Self {
        let extensions =
            if extensions.is_empty() { Vec::new() } else { extension_list(extensions) };
        self.entries.push(asn1::sequence(&[
            &asn1::tlv(tag::INTEGER, &[serial]),
            &utc_time(date),
            &extensions,
        ]));
        self
    }

    pub fn with(mut self, oid: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Self {
        self.extensions.push((oid, critical, value));
        self
    }

    pub fn number(self, number: u8) -> Self {
        self.with(CRL_NUMBER, false, asn1::unsigned_integer(&[number]))
    }

    pub fn delta_to(self, base: u8) -> Self {
        self.with(DELTA_CRL_INDICATOR, true, asn1::unsigned_integer(&[base]))
    }

    /// Sets issuingDistributionPoint to these parts.
    pub fn scope(self, parts: &[&[u8]]) -> Self {
        self.with(ISSUING_DISTRIBUTION_POINT, true, asn1::sequence(parts))
    }

    pub fn sign(self) -> Crl {
        Crl::from_der(&self.der()).unwrap()
    }

    pub fn der(self) -> Vec<u8> {
        let scheme = scheme_of(&self.issuer.key, self.digest);
        let entries = if self.entries.is_empty() { Vec::new() } else { sequence_of(&self.entries) };
        let tbs = asn1::sequence(&[
            &asn1::unsigned_integer(&[1]),
            &algorithm_identifier(scheme),
            self.issuer_name.as_ref().unwrap_or(self.issuer.certificate.subject()).as_der(),
            &utc_time(&self.from),
            &self.until.as_deref().map(utc_time).unwrap_or_default(),
            &entries,
            &explicit_extensions(0, &self.extensions),
        ]);
        signed(&tbs, &self.issuer.key, scheme)
    }
}

/// A general name of a form by its number, with these contents.
pub fn general_name(number: u8, contents: &str) -> Vec<u8> {
    asn1::tlv(tag::context(number), &[contents.as_bytes()])
}

pub fn directory_name(text: &str) -> Vec<u8> {
    asn1::tlv(tag::context_constructed(4), &[name(text).as_der()])
}

/// A distribution point name: full, a URI.
pub fn point_name(uri: &str) -> Vec<u8> {
    let names = asn1::tlv(tag::context_constructed(0), &[&general_name(6, uri)]);
    asn1::tlv(tag::context_constructed(0), &[&names])
}

pub fn sequence_of(parts: &[Vec<u8>]) -> Vec<u8> {
    asn1::sequence(&slices(parts))
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

fn extension_list(extensions: &[(ObjectIdentifier, bool, Vec<u8>)]) -> Vec<u8> {
    let encoded: Vec<Vec<u8>> = extensions
        .iter()
        .map(|(oid, critical, value)| {
            let critical: &[u8] = if *critical { &[1, 1, 0xff] } else { &[] };
            asn1::sequence(&[&asn1::object_identifier(oid), critical, &asn1::octet_string(value)])
        })
        .collect();
    sequence_of(&encoded)
}

fn explicit_extensions(number: u8, all: &[(ObjectIdentifier, bool, Vec<u8>)]) -> Vec<u8> {
    match all {
        [] => Vec::new(),
        all => asn1::tlv(tag::context_constructed(number), &[&extension_list(all)]),
    }
}

/// Writes midnight of a day as in `2025-06-01`, of the years before 2050.
fn utc_time(date: &str) -> Vec<u8> {
    let text = format!("{}000000Z", date.replace('-', "").strip_prefix("20").unwrap());
    asn1::tlv(tag::UTC_TIME, &[text.as_bytes()])
}

fn scheme_of(key: &SoftKey, digest: DigestAlgorithm) -> SignatureScheme {
    SignatureScheme::conventional(key.public_key().algorithm(), digest).unwrap()
}

fn signed(tbs: &[u8], key: &SoftKey, scheme: SignatureScheme) -> Vec<u8> {
    let signature = key.sign(scheme, tbs).unwrap();
    asn1::sequence(&[tbs, &algorithm_identifier(scheme), &asn1::bit_string(signature.as_bytes())])
}
