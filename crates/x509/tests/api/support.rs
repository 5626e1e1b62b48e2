//! Keys and certificates that the tests share.

use std::sync::LazyLock;

use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::{
    Certificate, CertificateBuilder, Error, Identity, Name, Profile, SerialNumber, Time, Validity,
};

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

pub(crate) fn p256() -> SoftKey {
    ec(EcCurve::P256)
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

pub(crate) fn validity() -> Validity {
    Validity::new(time("2025-01-01"), time("2045-01-01")).unwrap()
}

/// Starts a certificate with the serial number 1.
pub(crate) fn builder(profile: Profile, subject: &str, key: &dyn SigningKey) -> CertificateBuilder {
    CertificateBuilder::new(
        profile,
        name(subject),
        key.public_key().clone(),
        validity(),
        SerialNumber::from_octets([0; 20]),
    )
}

pub(crate) fn root(subject: &str, key: &dyn SigningKey, scheme: SignatureScheme) -> Certificate {
    builder(Profile::RootCa, subject, key).self_signed(key, scheme).unwrap()
}

/// Makes a P-256 root and its identity.
pub(crate) fn root_identity(subject: &str) -> Identity {
    let key = p256();
    let certificate = root(subject, &key, SignatureScheme::EcdsaSha256);
    Identity::new(key, certificate, &[]).unwrap()
}

/// Has a P-256 issuer sign a certificate for a key.
pub(crate) fn issue(
    issuer: &Identity,
    profile: Profile,
    subject: &str,
    key: &dyn SigningKey,
) -> Result<Certificate, Error> {
    builder(profile, subject, key).issued_by(issuer, SignatureScheme::EcdsaSha256)
}
