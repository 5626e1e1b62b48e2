//! The whole verifier: files and signatures, under every policy.

use std::borrow::Cow;
use std::io::Cursor;

use chancery_authenticode::{
    ChainStatus, Embedded, Measurement, PeSubject, Report, Require, Scope, Severity, SignatureSet,
    Subject, TrustAnchors, Verdict, VerificationPolicy, Verifier, requested_measurement,
};
use chancery_pe::{SeekSource, Source};
use chancery_x509::{Certificate, Time};

use crate::identity::{anchor, now, stamper};
use crate::seeds::pe::embedded;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

/// How many findings of one input are weighed anew, so that none takes long.
const MAX_WEIGHED: usize = 4;

/// Verifies the bytes: as a file, or where they do not begin like one, as the signature in a file.
pub fn verify(data: &[u8]) {
    let file = file_of(data);
    let Some((embedded, measurement)) = measured(&*file) else { return };
    let judge = |policy, require| {
        let verifier = verifier(anchors()).under(policy).requiring(require);
        verifier.verify(&embedded, &measurement)
    };
    let strict = judge(VerificationPolicy::Strict, Require::All);
    check_report(&strict);
    check_counted(&strict, &embedded);
    // All for what is replayed; one of them while fuzzing, for speed. Which one depends on the file.
    let chosen = file.iter().fold(0_u64, |hash, byte| hash.rotate_left(5) ^ u64::from(*byte)) % 5;
    let is_due = |number: u64| !cfg!(feature = "libfuzzer") || number == chosen;
    if is_due(0) {
        for policy in [VerificationPolicy::Windows, VerificationPolicy::Integrity] {
            let other = judge(policy, Require::All);
            check_report(&other);
            check_same_facts(&strict, &other);
        }
    }
    if is_due(1) {
        check_requirements(&strict, &|require| judge(VerificationPolicy::Strict, require));
    }
    if is_due(2) {
        check_weights(&strict, &embedded, &measurement);
    }
    if is_due(3) {
        check_strangers(&strict, &embedded, &measurement);
    }
    if is_due(4) {
        check_pieces(&strict, &file);
    }
}

/// Read in pieces, as the command does, it is the same file.
fn check_pieces(strict: &Report, file: &[u8]) {
    let source = SeekSource::new(Cursor::new(file)).expect("bytes in memory can be read");
    let (embedded, measurement) = measured(source).expect("it could be read at once");
    let again = verifier(anchors()).verify(&embedded, &measurement);
    assert_eq!(format!("{strict:?}"), format!("{again:?}"));
}

/// Returns the bytes where they begin like a program, else a program that has them for its signature.
pub(crate) fn file_of(data: &[u8]) -> Cow<'_, [u8]> {
    match data.starts_with(b"MZ") {
        true => Cow::Borrowed(data),
        false => Cow::Owned(embedded(&tiny_pe(&TinyPe::default()), &[data])),
    }
}

/// Reads a file for what is to be verified; none where it is no executable.
pub(crate) fn measured<S: Source>(source: S) -> Option<(Embedded, Measurement)> {
    let mut subject = PeSubject::parse(source).ok()?;
    let embedded = subject.embedded().expect("bytes in memory can be read");
    let request = requested_measurement(&embedded);
    let measurement = subject.measure(&request, &mut |_| Ok(())).expect("and measured");
    Some((embedded, measurement))
}

/// Trusts those who sign and stamp the seeds.
pub(crate) fn anchors() -> Vec<Certificate> {
    vec![anchor(), stamper().certificate().clone()]
}

pub(crate) fn verifier(anchors: Vec<Certificate>) -> Verifier {
    Verifier::new(TrustAnchors::new(anchors), now())
}

/// The verdict is what the findings say, and valid is only what holds.
fn check_report(report: &Report) {
    let worst = |signature: &chancery_authenticode::SignatureReport| signature.severity();
    let of_signatures = report.signatures.iter().map(worst).max().unwrap_or(Severity::Note);
    let of_file = report.reasons.iter().map(|one| one.severity()).max().unwrap_or(Severity::Note);
    match report.verdict {
        Verdict::Valid => assert_eq!(of_signatures.max(of_file), Severity::Note, "{report:?}"),
        Verdict::Untrusted => assert_eq!(of_signatures.max(of_file), Severity::Untrusted),
        Verdict::Malformed => assert_eq!(of_signatures.max(of_file), Severity::Malformed),
        Verdict::Unsigned => assert!(report.signatures.is_empty(), "{report:?}"),
        _ => assert_eq!(of_signatures.max(of_file), Severity::Invalid, "{report:?}"),
    }
    if report.verdict != Verdict::Valid {
        return;
    }
    assert!(!report.signatures.is_empty(), "{report:?}");
    for signature in &report.signatures {
        assert!(signature.digest_matches && signature.signature_valid, "{signature:?}");
        assert!(signature.message_digest_matches && signature.attributes_verify);
        let trusted = signature.path.last().is_some_and(|last| anchors().contains(last));
        match report.policy {
            VerificationPolicy::Integrity => {}
            _ => assert!(trusted && signature.chain == ChainStatus::Trusted, "{signature:?}"),
        }
    }
}

/// A policy weighs; it does not change what was found about bytes and cryptography.
fn check_same_facts(strict: &Report, other: &Report) {
    assert_eq!(strict.authentihash, other.authentihash);
    assert_eq!(strict.signatures.len(), other.signatures.len());
    let mut same_times = true;
    for (one, two) in strict.signatures.iter().zip(&other.signatures) {
        assert_eq!(
            (one.digest_matches, one.signature_valid, one.page_hashes, &one.digest),
            (two.digest_matches, two.signature_valid, two.page_hashes, &two.digest)
        );
        // A timestamp that only one policy takes for proved moves the time the path is judged at.
        same_times &= one.judged_at == two.judged_at;
    }
    assert!(
        strict.verdict != Verdict::Valid || other.verdict == Verdict::Valid || !same_times,
        "strict is not strict: {strict:?} {other:?}"
    );
}

/// What holds for all holds for each, and no signature that is not there is required in vain.
fn check_requirements(strict: &Report, judge: &dyn Fn(Require) -> Report) {
    let is_valid = |require| judge(require).verdict == Verdict::Valid;
    let count = strict.signatures.len();
    assert!(!is_valid(Require::Index(count)), "{strict:?}");
    let each: Vec<bool> = (0..count.min(4)).map(|index| is_valid(Require::Index(index))).collect();
    let (any, primary) = (is_valid(Require::Any), is_valid(Require::Primary));
    assert_eq!(primary, each.first().copied().unwrap_or(false), "{strict:?}");
    if strict.verdict == Verdict::Valid {
        assert!(any && primary && each.iter().all(|one| *one), "{strict:?}");
    }
    if count <= each.len() {
        assert_eq!(any, each.iter().any(|one| *one), "{strict:?}");
        let all = count > 0 && each.iter().all(|one| *one);
        assert_eq!(strict.verdict == Verdict::Valid, all, "{strict:?}");
    }
}

/// What is denied is refused; what is essential cannot be allowed.
fn check_weights(strict: &Report, embedded: &Embedded, measurement: &Measurement) {
    let of_signatures = strict.signatures.iter().flat_map(|one| &one.reasons);
    for reason in strict.reasons.iter().chain(of_signatures).take(MAX_WEIGHED) {
        let check = reason.check();
        let judge = |verifier: Verifier| verifier.verify(embedded, measurement).verdict;
        let denied = judge(verifier(anchors()).denying(check));
        assert!(!matches!(denied, Verdict::Valid | Verdict::Untrusted), "{check:?} {strict:?}");
        if check.is_essential() {
            let allowed = judge(verifier(anchors()).allowing(check));
            let of_file = check.scope() == Scope::File && strict.signatures.is_empty();
            assert!(of_file || allowed == strict.verdict, "{check:?} {strict:?}");
        }
    }
}

/// Nothing is valid where nobody is trusted, or before anybody had a certificate.
fn check_strangers(strict: &Report, embedded: &Embedded, measurement: &Measurement) {
    let nobody = verifier(Vec::new()).verify(embedded, measurement);
    assert_ne!(nobody.verdict, Verdict::Valid, "{nobody:?}");
    let early = Time::parse_rfc3339("2001-01-01").expect("a date");
    let early = Verifier::new(TrustAnchors::new(anchors()), early).verify(embedded, measurement);
    assert_ne!(early.verdict, Verdict::Valid, "{early:?}");
    assert_eq!(strict.signatures.len(), nobody.signatures.len());
}

/// Whoever changes signatures counts them as whoever verifies them.
fn check_counted(strict: &Report, embedded: &Embedded) {
    let Ok(set) = SignatureSet::read(embedded) else { return };
    let all_checked = !strict.reasons.iter().any(|one| one.name() == "too-many-signatures");
    assert!(!all_checked || set.len() == strict.signatures.len(), "{strict:?}");
}
