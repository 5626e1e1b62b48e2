//! Signatures in signatures.

use chancery_authenticode::{Error, SignOptions, Verdict, nest, nested_count, oid};
use chancery_key::SignatureScheme as S;

use super::support::{
    embed, p256_signer, plain_signature, program, reasons, rsa, signature, signer, verify,
    verify_with,
};
use chancery_examiner::forge::ForgedSignature;

#[test]
fn nested_signatures_are_checked_in_the_order_they_were_added() {
    let program = program();
    let (primary, other) = (signer(rsa(), S::RsaPkcs1Sha256), p256_signer());
    let mut bytes = signature(&program, &primary, &SignOptions::new(S::RsaPkcs1Sha256));
    assert_eq!(nested_count(&bytes).unwrap(), 0);
    for (count, scheme) in [(1, S::EcdsaSha512), (2, S::EcdsaSha256), (3, S::EcdsaSha384)] {
        let mut options = SignOptions::new(scheme);
        options.sequence_number = Some(count);
        bytes = nest(&bytes, &signature(&program, &other, &options)).unwrap();
        assert_eq!(nested_count(&bytes).unwrap(), usize::try_from(count).unwrap());
    }
    let file = embed(&program, &[&bytes]);
    let report = verify(&file, &[primary.certificate(), other.certificate()]);
    assert_eq!((report.verdict, reasons(&report)), (Verdict::Valid, vec![]));
    let schemes: Vec<_> = report.signatures.iter().filter_map(|found| found.scheme).collect();
    assert_eq!(schemes, [S::RsaPkcs1Sha256, S::EcdsaSha512, S::EcdsaSha256, S::EcdsaSha384]);
    let indices: Vec<_> = report.signatures.iter().map(|found| found.index).collect();
    assert_eq!(indices, [0, 1, 2, 3]);

    let report = verify(&file, &[primary.certificate()]);
    assert_eq!(report.verdict, Verdict::Untrusted, "of one signer nobody knows");
    let mut changed = program.clone();
    *changed.last_mut().unwrap() ^= 1;
    let report = verify(&embed(&changed, &[&bytes]), &[primary.certificate()]);
    assert!(report.signatures.iter().all(|found| found.signature_valid && !found.digest_matches));
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[test]
fn the_primary_may_be_padded_and_the_nested_may_not() {
    let identity = p256_signer();
    let bytes = plain_signature(&program(), &identity);
    let padded = [&bytes[..], &[0; 5]].concat();
    let nested = nest(&padded, &bytes).unwrap();
    assert_eq!(nested, nest(&bytes, &bytes).unwrap());
    assert_eq!(nested_count(&[&nested[..], &[0; 5]].concat()).unwrap(), 1);
    assert!(matches!(nest(&bytes, &padded), Err(Error::Encoding(_))));
    assert!(matches!(nest(b"junk", &bytes), Err(Error::Encoding(_))));
    assert!(matches!(nested_count(b"junk"), Err(Error::Encoding(_))));
    let two = ForgedSignature { signers: 2, ..ForgedSignature::new(&identity, &[0; 32]) };
    assert!(matches!(
        nest(&two.by(&identity), &bytes),
        Err(Error::Cms(chancery_cms::Error::NotOneSigner(2)))
    ));
}

#[test]
fn a_signature_nested_in_a_nested_one_is_named() {
    let identity = p256_signer();
    let bytes = plain_signature(&program(), &identity);
    let deep = nest(&bytes, &nest(&bytes, &bytes).unwrap()).unwrap();
    let report = verify_with(&[&deep], &identity);
    assert_eq!((report.verdict, report.signatures.len()), (Verdict::Invalid, 2));
    assert_eq!(reasons(&report), ["nested-too-deep"]);
}

#[test]
fn what_is_nested_and_no_signature_is_malformed() {
    let identity = p256_signer();
    let bytes = plain_signature(&program(), &identity);
    let report = verify_with(&[&nest(&bytes, &[0x30, 0]).unwrap()], &identity);
    assert_eq!((report.verdict, reasons(&report)), (Verdict::Malformed, vec!["not-signed-data"]));
    assert!(report.signatures[0].signature_valid);
}

#[test]
fn no_more_than_the_limit_are_checked_and_the_rest_is_named() {
    let identity = p256_signer();
    let junk = |count| (oid::NESTED_SIGNATURE, vec![vec![5, 0]; count]);
    let report = |unsigned| {
        let forged = ForgedSignature { unsigned, ..ForgedSignature::new(&identity, &[0; 32]) };
        verify_with(&[&forged.by(&identity)], &identity)
    };
    let exactly = report(vec![junk(64), junk(63)]);
    assert_eq!(exactly.signatures.len(), 128);
    assert!(!reasons(&exactly).contains(&"too-many-signatures"));
    let beyond = report(vec![junk(64), junk(64)]);
    assert_eq!((beyond.signatures.len(), beyond.verdict), (128, Verdict::Malformed));
    assert!(reasons(&beyond).contains(&"too-many-signatures"));
}
