//! Whom the targets sign as: the same each time, so that seeds are the same bytes each time.

use std::sync::LazyLock;

use chancery_key::{
    KeyError, KeyErrorKind, Pin, PinRequest, PinSource, SignatureScheme, SigningKey,
};
use chancery_softkey::SoftKey;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{
    Certificate, CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity,
};

/// What every signature here is made with. It is deterministic (RFC 6979).
pub(crate) const SCHEME: SignatureScheme = SignatureScheme::EcdsaSha256;

/// A self-signed identity.
pub(crate) static SIGNER: LazyLock<Identity> = LazyLock::new(|| {
    let key = p256(1);
    let certificate = builder(Profile::CodeSigning, "CN=Fuzzer", &key, 1)
        .self_signed(&key, SCHEME)
        .expect("its own key signs it");
    Identity::new(key, certificate, &[]).expect("key and certificate belong together")
});

/// A self-signed timestamp authority.
static STAMPER: LazyLock<Identity> = LazyLock::new(|| {
    let key = p256(2);
    let certificate = builder(Profile::TimeStamping, "CN=Fuzzed Timestamps", &key, 2)
        .self_signed(&key, SCHEME)
        .expect("its own key signs it");
    Identity::new(key, certificate, &[]).expect("key and certificate belong together")
});

/// Returns the timestamp authority.
pub(crate) fn stamper() -> &'static Identity {
    &STAMPER
}

/// Returns a P-256 key whose private number consists of one octet, 32 times.
pub(crate) fn p256(octet: u8) -> SoftKey {
    SoftKey::from_der(&p256_sec1(octet), &NoPins, "p256").expect("a SEC 1 key with its curve")
}

/// Returns the `ECPrivateKey` (RFC 5915 section 3) of such a key.
pub(crate) fn p256_sec1(octet: u8) -> Vec<u8> {
    let curve = asn1::object_identifier(&chancery_key::EcCurve::P256.oid());
    asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::octet_string(&[octet; 32]),
        &asn1::tlv(tag::context_constructed(0), &[&curve]),
    ])
}

/// Starts a certificate that is valid through 2025 and 2026.
pub(crate) fn builder(
    profile: Profile,
    subject: &str,
    key: &dyn SigningKey,
    serial: u8,
) -> CertificateBuilder {
    let validity = Validity::new(time("2025-01-01"), time("2026-12-31")).expect("it is not empty");
    CertificateBuilder::new(
        profile,
        subject.parse().expect("a name"),
        key.public_key().clone(),
        validity,
        SerialNumber::from_octets([serial; 20]),
    )
}

/// Returns a moment at which all certificates are valid.
pub(crate) fn now() -> Time {
    time("2026-01-31")
}

/// Returns what is trusted: the signer's own certificate.
pub(crate) fn anchor() -> Certificate {
    SIGNER.certificate().clone()
}

fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).expect("a date")
}

/// Nobody to ask.
#[derive(Debug)]
pub(crate) struct NoPins;

impl PinSource for NoPins {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        Err(KeyError::new(KeyErrorKind::AuthRequired, "nobody to ask"))
    }
}
