//! The crate `authenticode`, which reads files and signatures and verifies neither.

use authenticode::{
    AttributeCertificateIterator, AuthenticodeSignature, AuthenticodeSignatureParseError as Wrong,
    PeTrait, authenticode_digest,
};
use chancery_authenticode::{Embedded, Measurement, Severity, SignatureReport};
use chancery_cms::SignedData;
use chancery_key::DigestAlgorithm;
use object::read::pe::{PeFile32, PeFile64};

use super::{Rule, reduced};
use crate::identity::anchor;

/// Takes the bytes that are hashed.
#[derive(Default)]
struct Canonical(Vec<u8>);

impl digest::Update for Canonical {
    fn update(&mut self, data: &[u8]) {
        self.0.extend(data);
    }
}

/// Compares the digest and the entries of a file whose certificate table is in order.
pub(super) fn check_file(file: &[u8], embedded: &Embedded, measurement: &Measurement) {
    if let Ok(pe) = PeFile64::parse(file) {
        compare(&pe, embedded, measurement);
    } else if let Ok(pe) = PeFile32::parse(file) {
        compare(&pe, embedded, measurement);
    }
}

fn compare(pe: &dyn PeTrait, embedded: &Embedded, measurement: &Measurement) {
    let mut canonical = Canonical::default();
    if authenticode_digest(pe, &mut canonical).is_ok() {
        // It reads section by section, as firmware does; where that makes a difference, we know both.
        let ours = match measurement.readings_agree {
            true => measurement.authentihash(),
            false => &measurement.section_order,
        };
        let theirs = chancery_sigverify::digest(DigestAlgorithm::Sha256, &canonical.0);
        let ours = ours.iter().find(|(has, _)| *has == DigestAlgorithm::Sha256);
        assert!(ours.is_none_or(|(_, ours)| *ours == theirs), "another digest");
    }
    let Ok(Some(entries)) = AttributeCertificateIterator::new(pe) else { return };
    let theirs: Vec<&[u8]> = entries.flatten().map(|one| one.data).collect();
    let ours: Vec<&[u8]> = embedded.signatures.iter().map(|one| one.bytes.as_slice()).collect();
    assert_eq!(ours, theirs, "other entries");
}

/// Compares what is read of one signature.
pub(super) fn check_signature(read: &SignedData<'_>, ours: &SignatureReport) {
    match AuthenticodeSignature::from_bytes(read.raw) {
        Ok(theirs) => {
            assert_eq!(ours.digest.as_deref(), Some(theirs.digest()), "another digest: {ours:?}");
            let content = read.content.map(|one| one.contents);
            assert_eq!(content, theirs.encapsulated_content(), "other content: {ours:?}");
            let [signer] = read.signers.as_slice() else { panic!("several signers: {ours:?}") };
            assert_eq!(signer.signature, theirs.signature(), "another signature: {ours:?}");
        }
        Err(error) => {
            let rule = why_unread(&error, read, ours);
            assert!(rule.is_some(), "not read: {error:?}, ours: {ours:?}");
        }
    }
}

/// Names why it does not read what we do.
fn why_unread(error: &Wrong, read: &SignedData<'_>, ours: &SignatureReport) -> Option<Rule> {
    if ours.severity() >= Severity::Invalid || !ours.signature_valid {
        return Some(Rule::WeRefuseItToo);
    }
    let reads = |certificate: &[u8]| {
        reduced(read, certificate)
            .is_some_and(|one| AuthenticodeSignature::from_bytes(&one).is_ok())
    };
    match error {
        Wrong::InvalidSignedDataVersion(_) | Wrong::InvalidSignerInfoVersion(_) => {
            Some(Rule::VersionNot1)
        }
        // Of the algorithms itself we would have said that they differ.
        Wrong::AlgorithmMismatch => Some(Rule::HashWrittenInTwoWays),
        _ if reads(ours.signer.as_ref()?.as_der()) => Some(Rule::UnsignedPartUnreadable),
        _ if reads(anchor().as_der()) => Some(Rule::CertificateUnreadable),
        _ => None,
    }
}
