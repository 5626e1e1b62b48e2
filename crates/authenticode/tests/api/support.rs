//! Signers, and the way from a program to a report.

use std::sync::LazyLock;

use chancery_authenticode::{
    Error, Measurement, PeSubject, Report, Request, SignOptions, Subject, TrustAnchors, Verifier,
    requested_measurement, sign,
};
use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::{
    Certificate, CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity,
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

pub(crate) fn p256() -> SoftKey {
    ec(EcCurve::P256)
}

pub(crate) fn time(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// The time at which everything is judged.
pub(crate) fn now() -> Time {
    time("2030-01-01")
}

/// Makes a signer with a self-signed certificate, valid from 2025 to 2045.
pub(crate) fn signer(key: impl SigningKey + 'static, scheme: SignatureScheme) -> Identity {
    let certificate = CertificateBuilder::new(
        Profile::CodeSigning,
        "CN=Signer".parse().unwrap(),
        key.public_key().clone(),
        Validity::new(time("2025-01-01"), time("2045-01-01")).unwrap(),
        SerialNumber::from_octets([7; 20]),
    )
    .self_signed(&key, scheme)
    .unwrap();
    Identity::new(key, certificate, &[]).unwrap()
}

pub(crate) fn p256_signer() -> Identity {
    signer(p256(), SignatureScheme::EcdsaSha256)
}

pub(crate) fn program() -> Vec<u8> {
    tiny_pe(&TinyPe::default())
}

pub(crate) fn measure(program: &[u8], request: &Request) -> Measurement {
    PeSubject::parse(program).unwrap().measure(request, &mut |_| Ok(())).unwrap()
}

/// Signs a program and returns the signature.
pub(crate) fn signature(program: &[u8], identity: &Identity, options: &SignOptions) -> Vec<u8> {
    let mut subject = PeSubject::parse(program).unwrap();
    let request = Request::digests([options.scheme.digest()]);
    let measurement = subject.measure(&request, &mut |_| Ok(())).unwrap();
    sign(&subject, &measurement, identity, options).unwrap()
}

/// Signs by P-256 and SHA-256, without a description.
pub(crate) fn plain_signature(program: &[u8], identity: &Identity) -> Vec<u8> {
    signature(program, identity, &SignOptions::new(SignatureScheme::EcdsaSha256))
}

/// Puts signatures into a program, in the place of all there are.
pub(crate) fn embed(program: &[u8], signatures: &[&[u8]]) -> Vec<u8> {
    let mut subject = PeSubject::parse(program).unwrap();
    let request = Request::digests([chancery_key::DigestAlgorithm::Sha256]);
    subject.measure(&request, &mut |_| Ok(())).unwrap();
    subject.replace(signatures).unwrap().apply(program).unwrap()
}

/// Verifies a file by these anchors.
pub(crate) fn try_verify(file: &[u8], anchors: &[&Certificate]) -> Result<Report, Error> {
    let mut subject = PeSubject::parse(file)?;
    let embedded = subject.embedded()?;
    let measurement = subject.measure(&requested_measurement(&embedded), &mut |_| Ok(()))?;
    let anchors = TrustAnchors::new(anchors.iter().copied().cloned().collect());
    Ok(Verifier::new(anchors, now()).verify(&embedded, &measurement))
}

pub(crate) fn verify(file: &[u8], anchors: &[&Certificate]) -> Report {
    try_verify(file, anchors).unwrap()
}

/// Verifies a program with these signatures, trusting one signer.
pub(crate) fn verify_with(signatures: &[&[u8]], trusted: &Identity) -> Report {
    verify(&embed(&program(), signatures), &[trusted.certificate()])
}

/// Returns the names of what was found, about the file first.
pub(crate) fn reasons(report: &Report) -> Vec<&'static str> {
    let of_signatures = report.signatures.iter().flat_map(|signature| &signature.reasons);
    report.reasons.iter().chain(of_signatures).map(|reason| reason.name()).collect()
}
