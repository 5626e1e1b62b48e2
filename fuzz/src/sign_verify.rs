//! Signing and verifying executables.

use chancery_authenticode::{
    Error, PageHashStatus, PeSubject, Report, SignOptions, Subject, TrustAnchors, Verdict,
    Verifier, requested_measurement, sign,
};
use chancery_key::DigestAlgorithm;

use crate::identity::{SCHEME, SIGNER, anchor, now};

/// Verifies the bytes as they are; signs them, where they can be signed, and verifies that.
pub fn sign_verify(data: &[u8]) {
    let Some(report) = verify(data) else { return };
    let without = matches!(report.verdict, Verdict::Unsigned | Verdict::Malformed);
    assert!(!report.signatures.is_empty() || without, "{report:?}");
    assert!(report.signatures.is_empty() || report.verdict != Verdict::Unsigned, "{report:?}");
    // One of both, for speed; which one depends on the file.
    let page_hashes = data.len().is_multiple_of(2).then_some(DigestAlgorithm::Sha256);
    let Some(signed) = signed(data, page_hashes) else { return };
    let report = verify(&signed).expect("what we signed can be read");
    let [signature] = report.signatures.as_slice() else { panic!("{report:?}") };
    assert!(signature.digest_matches && signature.signature_valid, "{report:?}");
    assert_eq!(report.verdict, Verdict::Valid, "{report:?}");
    assert_ne!(signature.page_hashes, PageHashStatus::Mismatch);
    check_flipped(&signed);
}

/// Verifies a file; none where it is no executable.
fn verify(file: &[u8]) -> Option<Report> {
    let mut subject = PeSubject::parse(file).ok()?;
    let embedded = subject.embedded().expect("bytes in memory can be read");
    let request = requested_measurement(&embedded);
    let measurement = subject.measure(&request, &mut |_| Ok(())).expect("and measured");
    let verifier = Verifier::new(TrustAnchors::new(vec![anchor()]), now());
    Some(verifier.verify(&embedded, &measurement))
}

/// Signs a file in place of whatever signatures it has; none where it cannot take one.
fn signed(file: &[u8], page_hashes: Option<DigestAlgorithm>) -> Option<Vec<u8>> {
    let mut subject = PeSubject::parse(file).ok()?;
    let mut options = SignOptions::new(SCHEME);
    options.page_hashes = page_hashes;
    let mut copy: Vec<u8> = Vec::new();
    let mut tee = |chunk: &[u8]| {
        copy.extend(chunk);
        Ok(())
    };
    let measurement =
        subject.measure(&options.request(), &mut tee).expect("bytes in memory can be read");
    assert!(copy == file, "the tee sees the file");
    // Not every layout has pages that can be told apart.
    options.page_hashes = page_hashes.filter(|hash| measurement.page_hashes(*hash).is_some());
    let signature = sign(&subject, &measurement, &SIGNER, &options).expect("our own key signs");
    match subject.replace(&[&signature]) {
        Ok(patch) => Some(patch.apply(file).expect("it is the file the patch is for")),
        Err(Error::Embed(_)) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// A byte that the digest covers cannot be changed; which one depends on the file.
fn check_flipped(signed: &[u8]) {
    let subject = PeSubject::parse(signed).expect("what we signed can be read");
    let ranges = subject.layout().flat_ranges();
    let covered: u64 = ranges.iter().map(|range| range.end - range.start).sum();
    let hash = signed.iter().fold(0_u64, |hash, byte| hash.rotate_left(5) ^ u64::from(*byte));
    let mut offset = hash % covered;
    for hole in ranges.windows(2).map(|pair| pair[0].end..pair[1].start) {
        if offset >= hole.start {
            offset += hole.end - hole.start;
        }
    }
    let mut flipped = signed.to_vec();
    flipped[usize::try_from(offset).expect("inside the file")] ^= 0xff;
    if let Some(report) = verify(&flipped) {
        assert_ne!(report.verdict, Verdict::Valid, "flipped at {offset}");
        let holds = report.signatures.iter().any(|s| s.digest_matches && s.signature_valid);
        assert!(!holds, "flipped at {offset}: {report:?}");
    }
}
