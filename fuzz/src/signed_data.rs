//! PKCS#7 and CMS signatures.

use chancery_authenticode::spc::{self, IndirectData};
use chancery_cms::{Error, SignedData, SignerInfo, add_unsigned_value};
use chancery_x509::Certificate;
use chancery_x509::asn1::{self, tag};
use const_oid::ObjectIdentifier;

/// SpcNestedSignature, which programs with two signatures have.
const ADDED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.4.1");

/// How many signatures are verified for one input, so that none takes long.
const MAX_CHECKS: usize = 8;

/// Reads the bytes as a SignedData, checks who signed it, and adds to it what is not signed.
pub fn signed_data(data: &[u8]) {
    let Ok((read, rest)) = SignedData::from_der_prefix(data) else {
        assert!(SignedData::from_der(data).is_err(), "the whole is a prefix");
        return;
    };
    assert_eq!([read.raw, rest].concat(), data);
    assert_eq!(SignedData::from_der(data).is_ok(), rest.is_empty());
    let certificates = read.read_certificates();
    assert_eq!(certificates.readable.len() + certificates.skipped, read.certificates.len());

    check_signers(&read, &certificates.readable);
    check_content(&read);
    check_adding(&read);
}

/// A signature that holds does not hold for other content.
fn check_signers(read: &SignedData<'_>, certificates: &[Certificate]) {
    let content = read.content.map(|content| content.contents).unwrap_or_default();
    let pairs =
        read.signers.iter().flat_map(|signer| certificates.iter().map(move |c| (signer, c)));
    for (signer, certificate) in pairs.take(MAX_CHECKS) {
        let _ = signer.identifier.names(certificate);
        let key = certificate.public_key();
        if signer.check(read.content_type, content, key).holds() {
            let other = [content, b"!"].concat();
            assert!(!signer.check(read.content_type, &other, key).holds());
        }
    }
}

/// What is said of the content is part of it.
fn check_content(read: &SignedData<'_>) {
    if let Some(Ok(data)) = read.content.map(IndirectData::from_tlv) {
        if let Some(algorithm) = data.algorithm() {
            assert_eq!(algorithm.output_len(), data.digest.len());
        }
        if let Ok(Some((_, table))) = data.page_hashes() {
            assert!(table.len() < read.raw.len());
        }
    }
    for attributes in read.signers.iter().filter_map(|signer| signer.signed_attributes.as_ref()) {
        for attribute in attributes.iter() {
            let values = attributes.values(attribute.oid).count();
            assert!(values >= attribute.values.len());
            let single = attributes.single(attribute.oid);
            assert_eq!(single.is_some(), values == 1 && attribute.values.len() == 1);
            for value in &attribute.values {
                let _ = spc::read_opus_info(*value);
            }
        }
    }
}

/// Unsigned values are added at the end, as often as one likes, and nothing else changes.
fn check_adding(read: &SignedData<'_>) {
    if read.signers.len() != 1 {
        assert!(add_unsigned_value(read.raw, ADDED, &asn1::octet_string(b"")).is_err());
        return;
    }
    let mut before = read.raw.to_vec();
    for number in 1..=2_u8 {
        let value = asn1::octet_string(&[number]);
        match add_unsigned_value(&before, ADDED, &value) {
            Ok(after) => {
                check_added(&before, &after, &value);
                before = after;
            }
            Err(Error::Limit { .. }) => return,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn check_added(before: &[u8], after: &[u8], value: &[u8]) {
    let before = SignedData::from_der(before).expect("it was read before");
    let after = SignedData::from_der(after).expect("what we write is read");
    assert_eq!(before.version, after.version);
    assert_eq!(before.content_type, after.content_type);
    let raw = |values: &[asn1::Tlv<'_>]| -> Vec<Vec<u8>> {
        values.iter().map(|value| value.raw.to_vec()).collect()
    };
    assert_eq!(raw(&before.digest_algorithms), raw(&after.digest_algorithms));
    assert_eq!(raw(&before.certificates), raw(&after.certificates));
    assert_eq!(before.content.map(|tlv| tlv.raw), after.content.map(|tlv| tlv.raw));

    let ([before], [after]) = (before.signers.as_slice(), after.signers.as_slice()) else {
        panic!("there is one signer");
    };
    assert_eq!(signed_part(before), signed_part(after));
    assert_eq!(before.signature, after.signature);
    let values = |signer: &SignerInfo<'_>| -> Vec<Vec<u8>> {
        let attributes = signer.unsigned_attributes.iter();
        attributes.flat_map(|all| all.values(ADDED)).map(|value| value.raw.to_vec()).collect()
    };
    let (mut old, mut new) = (values(before), values(after));
    assert!(new.iter().any(|has| has == value));
    old.push(value.to_vec());
    old.sort_unstable();
    new.sort_unstable();
    assert_eq!(old, new, "none lost, none changed");
}

/// The SignerInfo up to its unsigned attributes, without the length around it.
fn signed_part(signer: &SignerInfo<'_>) -> Vec<u8> {
    let tlv = asn1::Tlv::parse(signer.raw).expect("it was read before");
    let fields = tlv.reader().map(|field| field.expect("it was read before"));
    let signed = fields.filter(|field| field.tag != tag::context_constructed(1));
    signed.flat_map(|field| field.raw.to_vec()).collect()
}
