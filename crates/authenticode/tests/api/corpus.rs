//! Real files: what strict reading must not refuse.

use chancery_authenticode::{PageHashStatus, PeSubject, Subject, oid};
use chancery_cms::SignedData;
use chancery_testkit::corpus::corpus;

use super::support::verify;

#[test]
fn every_certificate_of_a_real_signature_is_read() {
    let Some(corpus) = corpus() else { return };
    let (mut certificates, mut unreadable) = (0, Vec::new());
    for file in corpus.of_kind("pe").filter(|file| file.expects("digest-ok")) {
        let bytes = std::fs::read(&file.path).unwrap();
        let embedded = PeSubject::parse(bytes.as_slice()).unwrap().embedded().unwrap();
        for signature in &embedded.signatures {
            let (primary, _) = SignedData::from_der_prefix(&signature.bytes).unwrap();
            let unsigned = primary.signers[0].unsigned_attributes.clone();
            let nested: Vec<_> = unsigned
                .iter()
                .flat_map(|attributes| attributes.values(oid::NESTED_SIGNATURE))
                .map(|value| SignedData::from_der(value.raw).unwrap())
                .collect();
            for signed in nested.iter().chain([&primary]) {
                let found = signed.read_certificates();
                certificates += found.readable.len();
                if found.skipped > 0 {
                    unreadable.push((&file.name, found.skipped));
                }
                for certificate in &found.readable {
                    let extensions = certificate.extensions();
                    assert!(extensions.key_usage().is_ok(), "{certificate:?}");
                    assert!(extensions.extended_key_usage().is_ok(), "{certificate:?}");
                    assert!(extensions.ca().is_ok(), "{certificate:?}");
                }
            }
        }
    }
    println!("{certificates} certificates read");
    assert!(certificates > 0);
    assert_eq!(unreadable, []);
}

#[test]
fn page_hashes_of_every_signature_are_those_we_compute() {
    let Some(corpus) = corpus() else { return };
    let (mut carried, mut equal) = (0, 0);
    for file in corpus.of_kind("pe").filter(|file| file.expects("digest-ok")) {
        let report = verify(&std::fs::read(&file.path).unwrap(), &[]);
        for signature in &report.signatures {
            carried += usize::from(signature.page_hashes != PageHashStatus::Absent);
            equal += usize::from(signature.page_hashes == PageHashStatus::Match);
        }
    }
    println!("{equal} of {carried} lists of page hashes are ours");
    assert_eq!(equal, carried);
    assert!(carried >= 10);
}
