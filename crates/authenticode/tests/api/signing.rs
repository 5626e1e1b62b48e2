//! What a signature looks like, to the byte.

use chancery_authenticode::{
    Error, PeSubject, PreparedSignature, Request, SignOptions, Subject, Verdict, oid, sign,
};
use chancery_cms::{SignedData, SignedDataBuilder};
use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, KeyErrorKind, SignatureScheme as S};
use chancery_softkey::SoftKey;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::asn1;

use super::support::{
    ec, embed, measure, p256_signer, program, reasons, rsa, signature, signer, verify,
};
use chancery_examiner::forge::{PE_IMAGE_DATA, indirect_data};

const OPUS: &[u8] = b"\x30\x10\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0c\x31\x02\x30\x00";
const CONTENT_TYPE: &[u8] =
    b"\x30\x19\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03\x31\x0c\x06\x0a\x2b\x06\x01\x04\x01\x82\
      \x37\x02\x01\x04";
const STATEMENT: &[u8] =
    b"\x30\x1c\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0b\x31\x0e\x30\x0c\x06\x0a\x2b\x06\x01\
      \x04\x01\x82\x37\x02\x01\x15";
const MESSAGE_DIGEST: &[u8] =
    b"\x30\x2f\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04\x31\x22\x04\x20";
const FIRST_APPENDED: &[u8] =
    b"\x30\x11\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x09\x19\x04\x31\x03\x02\x01\x01";

/// Returns the signed attributes.
fn attributes(der: &[u8]) -> Vec<Vec<u8>> {
    let signed = SignedData::from_der(der).unwrap();
    let attributes = signed.signers[0].signed_attributes.clone().unwrap();
    attributes.iter().map(|attribute| attribute.raw.to_vec()).collect()
}

#[test]
fn content_and_attributes_are_those_of_signtool() {
    let sha256 = DigestAlgorithm::Sha256;
    let program = program();
    let measurement = measure(&program, &Request::digests([sha256]));
    let digest = measurement.digest(sha256).unwrap();
    let der = signature(&program, &p256_signer(), &SignOptions::new(S::EcdsaSha256));
    let signed = SignedData::from_der(&der).unwrap();
    let content = indirect_data(&PE_IMAGE_DATA, &sha256.oid(), digest);
    assert_eq!(signed.content.unwrap().raw, content);
    assert_eq!((signed.version, signed.signers[0].version), (1, 1));
    assert!(signed.signers[0].unsigned_attributes.is_none());

    let hash = chancery_sigverify::digest(sha256, signed.content.unwrap().contents);
    let digest = [MESSAGE_DIGEST, &hash].concat();
    assert_eq!(attributes(&der), [OPUS, CONTENT_TYPE, STATEMENT, &digest]);

    let mut options = SignOptions::new(S::EcdsaSha256);
    options.sequence_number = Some(1);
    let appended = signature(&program, &p256_signer(), &options);
    assert_eq!(attributes(&appended), [OPUS, FIRST_APPENDED, CONTENT_TYPE, STATEMENT, &digest]);
}

#[test]
fn two_signings_are_one_and_verify_for_every_key() {
    let program = program();
    for (identity, schemes) in [
        (signer(rsa(), S::RsaPkcs1Sha256), &[S::RsaPkcs1Sha256, S::RsaPkcs1Sha384][..]),
        (p256_signer(), &[S::EcdsaSha256, S::EcdsaSha512]),
        (signer(ec(EcCurve::P384), S::EcdsaSha384), &[S::EcdsaSha384]),
        (signer(ec(EcCurve::P521), S::EcdsaSha512), &[S::EcdsaSha512]),
    ] {
        for &scheme in schemes {
            let options = SignOptions::new(scheme);
            let first = signature(&program, &identity, &options);
            assert_eq!(signature(&program, &identity, &options), first, "{scheme}");
            let file = embed(&program, &[&first]);
            assert_eq!(file.len() % 8, 0);
            assert_eq!(signature(&file, &identity, &options), first, "of the signed file too");
            let report = verify(&file, &[identity.certificate()]);
            assert_eq!((report.verdict, reasons(&report)), (Verdict::Valid, vec![]));
            assert_eq!(report.signatures[0].scheme, Some(scheme));
        }
    }
}

#[test]
fn eddsa_is_not_signed_and_where_it_is_not_verified() {
    let program = program();
    let identity = signer(SoftKey::generate(KeyAlgorithm::Ed25519).unwrap(), S::Ed25519);
    let sha512 = DigestAlgorithm::Sha512;
    let measurement = measure(&program, &Request::digests([sha512]));
    let subject = PeSubject::parse(program.as_slice()).unwrap();
    let refused = sign(&subject, &measurement, &identity, &SignOptions::new(S::Ed25519));
    let error = refused.unwrap_err();
    assert!(matches!(error, Error::NotInAuthenticode { scheme: S::Ed25519 }));
    assert_eq!(
        error.to_string(),
        "ed25519 is EdDSA, which Windows does not verify in Authenticode"
    );

    let digest = measurement.digest(sha512).unwrap();
    let content = indirect_data(&PE_IMAGE_DATA, &sha512.oid(), digest);
    let builder = SignedDataBuilder::new(oid::SPC_INDIRECT_DATA, content).unwrap();
    let forged = builder.sign(&identity, S::Ed25519).unwrap();
    let report = verify(&embed(&program, &[&forged]), &[identity.certificate()]);
    assert_eq!(report.verdict, Verdict::Unsupported);
    assert!(reasons(&report).contains(&"unsupported-signature-algorithm"), "{report:?}");
    assert_eq!(report.signatures[0].scheme, Some(S::Ed25519));
    let prepared = PreparedSignature::from_content_info(&forged);
    assert!(matches!(prepared, Err(Error::NotInAuthenticode { scheme: S::Ed25519 })));
}

#[test]
fn description_and_url_are_read_back() {
    let identity = p256_signer();
    let mut options = SignOptions::new(S::EcdsaSha256);
    options.description = Some("Tést – program".into());
    options.url = Some("https://example.com/?a=b".into());
    let program = program();
    let file = embed(&program, &[&signature(&program, &identity, &options)]);
    let report = verify(&file, &[identity.certificate()]);
    assert_eq!(report.verdict, Verdict::Valid);
    assert_eq!(report.signatures[0].description, options.description);
    assert_eq!(report.signatures[0].url, options.url);

    for (description, url, what) in
        [(Some("\u{1f600}"), None, "description"), (None, Some("https://exämple.com"), "URL")]
    {
        options.description = description.map(str::to_owned);
        options.url = url.map(str::to_owned);
        let subject = PeSubject::parse(program.as_slice()).unwrap();
        let measurement = measure(&program, &Request::digests([DigestAlgorithm::Sha256]));
        let refused = sign(&subject, &measurement, &identity, &options);
        assert!(matches!(refused, Err(Error::Text { what: found }) if found == what));
    }
}

#[test]
fn page_hashes_are_signed_and_verified() {
    let identity = p256_signer();
    let program = program();
    let (sha1, sha256) = (DigestAlgorithm::Sha1, DigestAlgorithm::Sha256);
    let signed = |hash| {
        let mut options = SignOptions::new(S::EcdsaSha256).with_page_hashes();
        assert_eq!(options.page_hashes, Some(sha256));
        options.page_hashes = Some(hash);
        let mut subject = PeSubject::parse(program.as_slice()).unwrap();
        let measurement = subject.measure(&options.request(), &mut |_| Ok(())).unwrap();
        assert_eq!(measurement.page_hashes.len(), 1);
        sign(&subject, &measurement, &identity, &options).unwrap()
    };
    let (v1, v2) = (signed(sha1), signed(sha256));
    // Both kinds in one file, as programs signed twice have them.
    let both = chancery_authenticode::nest(&v1, &v2).unwrap();
    for (signature, count) in [(&v1, 1), (&v2, 1), (&both, 2)] {
        let report = verify(&embed(&program, &[signature]), &[identity.certificate()]);
        assert_eq!(report.verdict, Verdict::Valid, "{:?}", reasons(&report));
        let matching: Vec<_> =
            report.signatures.iter().map(|signature| signature.page_hashes.name()).collect();
        assert_eq!(matching, vec!["match"; count]);
    }
    let other = {
        let mut other = program.clone();
        *other.last_mut().unwrap() ^= 1;
        embed(&other, &[&v2])
    };
    let report = verify(&other, &[identity.certificate()]);
    assert_eq!(report.signatures[0].page_hashes.name(), "mismatch");
    assert_eq!(report.verdict, Verdict::Invalid);
}

#[test]
fn a_file_whose_pages_cannot_be_told_apart_gets_no_page_hashes() {
    let (identity, options) = (p256_signer(), SignOptions::new(S::EcdsaSha256).with_page_hashes());
    let without_sections = tiny_pe(&TinyPe { sections: vec![], ..TinyPe::default() });
    let try_sign = |program: &[u8], request: &Request| {
        let mut subject = PeSubject::parse(program).unwrap();
        let measurement = subject.measure(request, &mut |_| Ok(())).unwrap();
        sign(&subject, &measurement, &identity, &options)
    };
    let refused = try_sign(&without_sections, &options.request());
    let Err(Error::Pe(chancery_pe::Error::PageHashes(why))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(why, chancery_pe::PageHashObstacle::NoSections);
    let not_asked_for = Request::digests([DigestAlgorithm::Sha256]);
    assert!(matches!(try_sign(&program(), &not_asked_for), Err(Error::NotMeasured)));
}

#[test]
fn what_cannot_be_signed_is_refused() {
    let identity = p256_signer();
    let program = program();
    let mut subject = PeSubject::parse(program.as_slice()).unwrap();
    assert!(matches!(subject.replace(&[&[5, 0]]), Err(Error::NotMeasured)));
    let request = Request::digests([DigestAlgorithm::Sha256]);
    let measurement = subject.measure(&request, &mut |_| Ok(())).unwrap();
    let try_sign = |scheme| sign(&subject, &measurement, &identity, &SignOptions::new(scheme));
    assert!(matches!(
        try_sign(S::RsaPkcs1Sha256),
        Err(Error::Scheme { scheme: S::RsaPkcs1Sha256 })
    ));
    assert!(matches!(try_sign(S::EcdsaSha384), Err(Error::NotMeasured)));
    let measurement = measure(&program, &Request::digests(DigestAlgorithm::ALL));
    let refused = sign(&subject, &measurement, &identity, &SignOptions::new(S::EcdsaSha1));
    let Err(Error::Key(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
}

#[test]
fn an_unsigned_file_is_unsigned_whoever_is_trusted() {
    let identity = p256_signer();
    let report = verify(&program(), &[identity.certificate()]);
    assert_eq!((report.verdict, report.signatures.len()), (Verdict::Unsigned, 0));
    let expected = measure(&program(), &Request::digests([DigestAlgorithm::Sha256]));
    assert_eq!(report.authentihash, expected.authentihash());
}

#[test]
fn a_signature_is_one_der_value() {
    let der = signature(&program(), &p256_signer(), &SignOptions::new(S::EcdsaSha256));
    assert_eq!(asn1::Tlv::parse(&der).unwrap().raw, der);
}
