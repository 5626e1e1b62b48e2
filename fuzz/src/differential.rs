//! Our verifier beside two that we did not write: the crate `authenticode`, which reads, and OpenSSL, which verifies.
//!
//! A disagreement is let pass only by a [`Rule`], which says who is right and is shown for the very input; one without
//! a rule panics.

mod by_authenticode;
mod by_openssl;

use chancery_authenticode::{
    Require, Severity, SignatureReport, VerificationPolicy, oid as spc_oid,
};
use chancery_cms::{SignedData, retain_unsigned};
use chancery_pe::Layout;
use chancery_x509::asn1::{self, tag};

use crate::verify::{anchors, file_of, measured, verifier};

/// Why two verifiers may disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// We refuse the signature as well, by a finding that the other does not look for.
    WeRefuseItToo,
    /// The other cannot read something that nobody signed, and reads what is left without it.
    UnsignedPartUnreadable,
    /// The other cannot read the signer's certificate, of which we need no more than the key.
    CertificateUnreadable,
    /// OpenSSL has no RSA-PSS in PKCS#7, only in CMS, which knows no Authenticode.
    NoPssInPkcs7,
    /// OpenSSL verifies by what the key is for, whatever algorithm the signature names.
    AlgorithmNotRead,
    /// The other wants version 1, of which we make a note.
    VersionNot1,
    /// The other compares how a hash is written, and we which one it is: its parameters may be NULL or absent.
    HashWrittenInTwoWays,
}

/// Verifies the bytes, and asks both others.
pub fn differential(data: &[u8]) {
    let file = file_of(data);
    let Some((embedded, measurement)) = measured(&*file) else { return };
    let report = verifier(anchors())
        .under(VerificationPolicy::Integrity)
        .requiring(Require::All)
        .verify(&embedded, &measurement);
    // Where the headers end before the entry of the table, there is none to leave out; the other does all the same.
    let layout = Layout::parse(&mut &*file).expect("it was measured");
    let in_order = report.reasons.iter().all(|one| one.severity() == Severity::Note);
    if in_order && layout.certificate_directory().is_some() {
        by_authenticode::check_file(&file, &embedded, &measurement);
    }
    // Nested ones are reported after the one they are in.
    let mut reports = report.signatures.iter();
    for entry in &embedded.signatures {
        let Some(signature) = reports.next() else { return };
        let Ok((read, _)) = SignedData::from_der_prefix(&entry.bytes) else { continue };
        check_signature(&read, signature);
        let nested = read.signers.iter().filter_map(|one| one.unsigned_attributes.as_ref());
        for value in nested.flat_map(|all| all.values(spc_oid::NESTED_SIGNATURE)) {
            let Some(signature) = reports.next() else { return };
            if let Ok(read) = SignedData::from_der(value.raw) {
                check_signature(&read, signature);
            }
        }
    }
}

fn check_signature(read: &SignedData<'_>, ours: &SignatureReport) {
    by_authenticode::check_signature(read, ours);
    by_openssl::check(read, ours);
}

/// Writes a signature again without what nobody signed: no unsigned attributes, and one certificate.
fn reduced(read: &SignedData<'_>, certificate: &[u8]) -> Option<Vec<u8>> {
    let without = retain_unsigned(read.raw, |_| false).ok()?;
    let without = SignedData::from_der(&without).ok()?;
    let [only] = without.signers.as_slice() else { return None };
    let algorithms: Vec<&[u8]> = without.digest_algorithms.iter().map(|one| one.raw).collect();
    let content = without.content.map(|one| one.raw).unwrap_or_default();
    let signed_data = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::tlv(tag::SET, &algorithms),
        &asn1::sequence(&[
            &asn1::object_identifier(&without.content_type),
            &asn1::tlv(tag::context_constructed(0), &[content]),
        ]),
        &asn1::tlv(tag::context_constructed(0), &[certificate]),
        &asn1::tlv(tag::SET, &[only.raw]),
    ]);
    Some(asn1::sequence(&[
        &asn1::object_identifier(&chancery_cms::oid::SIGNED_DATA),
        &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
    ]))
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;
    use crate::seeds;

    /// An honest signature, and what we say of it.
    fn honest() -> (Vec<u8>, SignatureReport) {
        let signature = seeds::of("verify").remove("signature").unwrap();
        let (embedded, measurement) = measured(&*file_of(&signature)).unwrap();
        let verifier = verifier(anchors()).under(VerificationPolicy::Integrity);
        (signature, verifier.verify(&embedded, &measurement).signatures.remove(0))
    }

    #[test]
    fn all_agree_on_an_honest_signature() {
        let (signature, report) = honest();
        assert!(report.signature_valid && report.digest_matches);
        check_signature(&SignedData::from_der(&signature).unwrap(), &report);
    }

    #[test]
    fn a_verifier_that_accepts_too_much_is_seen() {
        let (mut signature, report) = honest();
        *signature.last_mut().unwrap() ^= 1;
        let read = || SignedData::from_der(&signature).unwrap();
        assert!(catch_unwind(|| by_openssl::check(&read(), &report)).is_err());
    }

    #[test]
    fn a_verifier_that_accepts_too_little_is_seen() {
        let (signature, mut report) = honest();
        report.signature_valid = false;
        let read = || SignedData::from_der(&signature).unwrap();
        assert!(catch_unwind(|| by_openssl::check(&read(), &report)).is_err());
    }

    #[test]
    fn a_reader_of_another_digest_is_seen() {
        let (signature, mut report) = honest();
        report.digest = Some(vec![0; 32]);
        let read = || SignedData::from_der(&signature).unwrap();
        assert!(catch_unwind(|| by_authenticode::check_signature(&read(), &report)).is_err());
    }

    #[test]
    fn the_reduced_signature_is_still_one() {
        let (_, report) = honest();
        let stamped = seeds::of("verify").remove("signature-stamped").unwrap();
        let signer = report.signer.as_ref().unwrap();
        let reduced = reduced(&SignedData::from_der(&stamped).unwrap(), signer.as_der()).unwrap();
        assert!(reduced.len() < stamped.len());
        by_openssl::check(&SignedData::from_der(&reduced).unwrap(), &report);
    }
}
