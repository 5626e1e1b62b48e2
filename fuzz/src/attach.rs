//! A detached signature and a file it may be of.

use chancery_authenticode::{
    Embedded, PeSubject, SignatureSet, Subject, TrustAnchors, Verifier, requested_measurement,
};
use chancery_x509::asn1::Tlv;

use crate::identity::now;

/// Reads the bytes as a signature and the file behind it: what verifies detached verifies attached, and the
/// signatures of a file are taken out one by one until none is left.
pub fn attach(data: &[u8]) {
    let Ok(signature) = Tlv::parse_prefix(data).map(|tlv| tlv.raw) else { return };
    let file = data.get(signature.len()..).unwrap_or_default();
    let detached = Embedded::of(signature.to_vec());
    check_set(&detached);
    let Ok(mut subject) = PeSubject::parse(file) else { return };
    let embedded = subject.embedded().expect("bytes in memory can be read");
    check_set(&embedded);
    let request = requested_measurement(&detached).union(&requested_measurement(&embedded));
    let measurement = subject.measure(&request, &mut |_| Ok(())).expect("and measured");
    let verifier = Verifier::new(TrustAnchors::none(), now());
    let report = verifier.verify(&detached, &measurement);
    let [judged, ..] = report.signatures.as_slice() else { panic!("one was given") };
    let Ok(patch) = subject.replace(&[signature]) else { return };
    let attached = patch.apply(file).expect("it is the file the patch is for");
    let mut subject = PeSubject::parse(attached.as_slice()).expect("what we wrote is read");
    let embedded = subject.embedded().expect("bytes in memory can be read");
    let request = requested_measurement(&embedded);
    let measurement = subject.measure(&request, &mut |_| Ok(())).expect("and measured");
    let report = verifier.verify(&embedded, &measurement);
    let [again, ..] = report.signatures.as_slice() else { panic!("one was attached") };
    assert_eq!(judged.digest_matches, again.digest_matches);
    assert_eq!(judged.signature_valid, again.signature_valid);
    assert_eq!(judged.page_hashes, again.page_hashes);
}

/// Every index has a signature, and each that goes leaves the others.
fn check_set(embedded: &Embedded) {
    let Ok(mut set) = SignatureSet::read(embedded) else { return };
    let count = set.len();
    assert!(set.get(count).is_err() && set.remove(count).is_err());
    for left in (0..count).rev() {
        assert!(set.get(left).is_ok());
        // Whether one can be put in another's place depends on its signers.
        if set.remove(left).is_err() {
            return;
        }
        assert_eq!(set.len(), left);
    }
    assert!(set.is_empty());
}
