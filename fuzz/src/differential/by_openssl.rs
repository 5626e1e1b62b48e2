//! OpenSSL's `PKCS7_verify`, without a word on who signed.

use chancery_authenticode::{Check, Severity, SignatureReport};
use chancery_cms::SignedData;
use chancery_key::SchemeFamily;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;

use super::{Rule, reduced};

/// What OpenSSL says of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accepts,
    Refuses,
    CannotRead,
}

/// Compares what both say of the cryptography of one signature.
pub(super) fn check(read: &SignedData<'_>, ours: &SignatureReport) {
    // PKCS7_verify of OpenSSL before its CVE-2026-45447 was repaired uses memory that it freed.
    if read.digest_algorithms.is_empty() {
        return;
    }
    let theirs = ask(read);
    let rule = match (ours.signature_valid, theirs) {
        (true, Answer::Accepts) | (false, Answer::Refuses | Answer::CannotRead) => return,
        (true, _) => why_refused(read, ours, theirs),
        (false, Answer::Accepts) => why_accepted(ours),
    };
    assert!(rule.is_some(), "OpenSSL: {theirs:?}, ours: {ours:?}");
}

/// Names why OpenSSL does not accept what we do.
fn why_refused(read: &SignedData<'_>, ours: &SignatureReport, theirs: Answer) -> Option<Rule> {
    if is_pss(ours) {
        return Some(Rule::NoPssInPkcs7);
    }
    if ours.severity() >= Severity::Invalid {
        return Some(Rule::WeRefuseItToo);
    }
    let signer = ours.signer.as_ref()?;
    if X509::from_der(signer.as_der()).is_err() {
        return Some(Rule::CertificateUnreadable);
    }
    let reduced = reduced(read, signer.as_der())?;
    let reduced = SignedData::from_der(&reduced).expect("what we write is read");
    (theirs == Answer::CannotRead && ask(&reduced) == Answer::Accepts)
        .then_some(Rule::UnsignedPartUnreadable)
}

/// Names why OpenSSL accepts what we do not.
fn why_accepted(ours: &SignatureReport) -> Option<Rule> {
    let found = |check| ours.reasons.iter().any(|reason| reason.check() == check);
    if found(Check::SignatureMismatch) {
        // The same bytes under the same key: only the algorithm may make a difference.
        return is_pss(ours).then_some(Rule::AlgorithmNotRead);
    }
    (ours.severity() >= Severity::Invalid).then_some(Rule::WeRefuseItToo)
}

fn is_pss(ours: &SignatureReport) -> bool {
    ours.scheme.is_some_and(|scheme| scheme.family() == SchemeFamily::RsaPss)
}

fn ask(read: &SignedData<'_>) -> Answer {
    let Ok(pkcs7) = Pkcs7::from_der(read.raw) else { return Answer::CannotRead };
    let content = read.content.map(|content| content.contents).unwrap_or_default();
    let nobody = X509StoreBuilder::new().expect("OpenSSL has memory").build();
    let none = Stack::new().expect("OpenSSL has memory");
    let flags = Pkcs7Flags::NOVERIFY | Pkcs7Flags::BINARY;
    match pkcs7.verify(&none, &nobody, Some(content), None, flags) {
        Ok(()) => Answer::Accepts,
        Err(_) => Answer::Refuses,
    }
}
