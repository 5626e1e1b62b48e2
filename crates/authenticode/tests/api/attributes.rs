//! What a signer may say beside what SignTool says.

use chancery_authenticode::{
    Error, NewAttribute, PreparedSignature, SignOptions, Statement, Verdict, oid,
};
use chancery_cms::{SignedData, oid as cms_oid};
use chancery_key::SignatureScheme as S;
use chancery_x509::asn1;

use super::support::{
    embed, measure, p256_signer, plain_signature, program, reasons, rsa, signature, signer, verify,
};
use chancery_examiner::forge::UNKNOWN;

fn number(number: u8) -> Vec<u8> {
    asn1::unsigned_integer(&[number])
}

fn attempt(options: &SignOptions) -> Result<PreparedSignature, Error> {
    let (program, identity) = (program(), p256_signer());
    let measurement = measure(&program, &options.request());
    let subject = chancery_authenticode::PeSubject::parse(program.as_slice()).unwrap();
    PreparedSignature::new(&subject, &measurement, &[identity.certificate()], options)
}

#[test]
fn a_company_says_so() {
    let identity = p256_signer();
    let mut options = SignOptions::new(S::EcdsaSha256);
    options.statement = Statement::Commercial;
    let der = signature(&program(), &identity, &options);
    let signed = SignedData::from_der(&der).unwrap();
    let attributes = signed.signers[0].signed_attributes.clone().unwrap();
    let statement = attributes.single(oid::SPC_STATEMENT_TYPE).unwrap();
    assert_eq!(statement.only().unwrap().oid().unwrap(), oid::SPC_COMMERCIAL);
    let report = verify(&embed(&program(), &[&der]), &[identity.certificate()]);
    assert_eq!(report.verdict, Verdict::Valid);
}

#[test]
fn attributes_of_ones_own_are_signed_or_not() {
    let identity = p256_signer();
    let mut options = SignOptions::new(S::EcdsaSha256);
    options.signed_attributes = vec![NewAttribute::new(UNKNOWN, number(1))];
    options.unsigned_attributes = vec![NewAttribute::new(UNKNOWN, number(2))];
    let der = signature(&program(), &identity, &options);
    let signed = SignedData::from_der(&der).unwrap();
    let signer = &signed.signers[0];
    let value = |set: &Option<chancery_cms::Attributes<'_>>| {
        set.as_ref().unwrap().single(UNKNOWN).unwrap().raw.to_vec()
    };
    assert_eq!(value(&signer.signed_attributes), number(1));
    assert_eq!(value(&signer.unsigned_attributes), number(2));
    let raw: Vec<_> = signer.signed_attributes.iter().flat_map(|all| all.iter()).collect();
    assert!(raw.iter().map(|one| one.raw).collect::<Vec<_>>().is_sorted(), "in DER order");
    let report = verify(&embed(&program(), &[&der]), &[identity.certificate()]);
    // Anybody could have added it.
    assert_eq!(report.verdict, Verdict::Untrusted);
    assert_eq!(reasons(&report), ["unknown-unsigned-attribute"]);
}

#[test]
fn attributes_that_signing_writes_itself_are_refused() {
    for taken in [cms_oid::MESSAGE_DIGEST, oid::SPC_STATEMENT_TYPE, oid::SEQUENCE_NUMBER] {
        let mut options = SignOptions::new(S::EcdsaSha256);
        options.signed_attributes = vec![NewAttribute::new(taken, number(1))];
        assert!(matches!(attempt(&options), Err(Error::Attribute(found)) if found == taken));
    }
    let mut options = SignOptions::new(S::EcdsaSha256);
    options.unsigned_attributes = vec![NewAttribute::new(UNKNOWN, number(1)); 2];
    assert!(matches!(attempt(&options), Err(Error::Attribute(_))));
    options.unsigned_attributes = vec![NewAttribute::new(UNKNOWN, vec![5])];
    assert!(matches!(attempt(&options), Err(Error::Encoding(_))));
}

#[test]
fn a_prepared_signature_is_completed_elsewhere() {
    let program = program();
    for (identity, scheme) in [
        (p256_signer(), S::EcdsaSha256),
        (signer(rsa(), S::RsaPkcs1Sha256), S::RsaPkcs1Sha256),
        (signer(rsa(), S::RsaPkcs1Sha256), S::RsaPssSha384),
    ] {
        let mut options = SignOptions::new(scheme);
        options.unsigned_attributes = vec![NewAttribute::new(UNKNOWN, number(2))];
        let measurement = measure(&program, &options.request());
        let subject = chancery_authenticode::PeSubject::parse(program.as_slice()).unwrap();
        let certificates: Vec<_> = identity.certificates_to_embed().collect();
        let made = PreparedSignature::new(&subject, &measurement, &certificates, &options).unwrap();
        let read = PreparedSignature::from_content_info(made.content_info()).unwrap();
        assert_eq!(read, made, "everything is in its bytes");
        assert_eq!(Some(read.digest().1.as_slice()), measurement.digest(scheme.digest()));

        let value = identity.key().sign(scheme, read.message()).unwrap();
        let der = read.complete(value.as_bytes()).unwrap();
        let report = verify(&embed(&program, &[&der]), &[identity.certificate()]);
        assert_eq!(reasons(&report), ["unknown-unsigned-attribute"]);
        assert_eq!(report.signatures[0].scheme, Some(scheme));
        let mut wrong = value.into_bytes();
        *wrong.last_mut().unwrap() ^= 1;
        assert!(matches!(read.complete(&wrong), Err(Error::ForeignSignature(_))));
        assert!(matches!(read.sign(&p256_signer()), Err(Error::OtherSigner { .. })));
    }
}

#[test]
fn what_contradicts_itself_is_not_prepared() {
    let prepared = attempt(&SignOptions::new(S::EcdsaSha256)).unwrap();
    let read = |der: &[u8]| PreparedSignature::from_content_info(der);
    let good = prepared.content_info();
    let mut refused = 0;
    for at in 0..good.len() {
        let mut changed = good.to_vec();
        changed[at] ^= 0x01;
        // Nothing of what is signed can differ and still be taken for prepared under the same message.
        if let Ok(other) = read(&changed) {
            let same = other.message() == prepared.message();
            assert!(!same || other.digest() == prepared.digest(), "octet {at}");
        } else {
            refused += 1;
        }
    }
    assert!(refused > good.len() / 4);
    assert!(matches!(read(b"junk"), Err(Error::Encoding(_))));
    let complete = plain_signature(&program(), &p256_signer());
    assert!(read(&complete).is_ok(), "what stands in the place of the signature does not matter");
}
