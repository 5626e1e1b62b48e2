//! Certification requests.

use chancery_key::{EcCurve, SignatureScheme as S, SigningKey};
use chancery_testkit::broken_keys::{BrokenKey, Fault};
use chancery_x509::asn1::{self, tag};
use chancery_x509::{
    CertificationRequest, Error, KeyUsage, RequestBuilder, algorithm_identifier, oid, to_pem,
};
use const_oid::ObjectIdentifier;

use super::forge::{extension, unknown_oid};
use super::support::{ec, ed25519, name, p256, rsa};

#[test]
fn a_request_of_every_key_type_is_read_back() {
    let (p256, p384, ed25519) = (ec(EcCurve::P256), ec(EcCurve::P384), ed25519());
    let cases: [(&dyn SigningKey, S); 5] = [
        (rsa(), S::RsaPkcs1Sha256),
        (rsa(), S::RsaPssSha384),
        (&p256, S::EcdsaSha256),
        (&p384, S::EcdsaSha384),
        (&ed25519, S::Ed25519),
    ];
    for (key, scheme) in cases {
        let subject = name("CN=Example,O=Example Ltd,C=GB");
        let made = RequestBuilder::code_signing(subject.clone()).sign(key, scheme).unwrap();
        for read in [
            CertificationRequest::from_der(made.as_der()).unwrap(),
            CertificationRequest::from_file_contents(made.as_der()).unwrap(),
            CertificationRequest::from_file_contents(made.to_pem().as_bytes()).unwrap(),
        ] {
            assert_eq!(read.as_der(), made.as_der());
            assert_eq!(*read.subject(), subject);
            assert_eq!(read.public_key(), key.public_key());
            assert_eq!(read.scheme(), scheme);
            let extensions = read.extensions();
            assert_eq!(extensions.key_usage().unwrap(), Some(KeyUsage::DIGITAL_SIGNATURE));
            assert!(extensions.get(oid::KEY_USAGE).unwrap().critical);
            assert_eq!(extensions.extended_key_usage().unwrap(), Some(vec![oid::CODE_SIGNING]));
        }
    }
}

#[test]
fn a_request_may_ask_for_nothing() {
    let key = p256();
    let made = RequestBuilder::new(name("CN=Example")).extended_key_usage(&[]);
    let made = made.sign(&key, S::EcdsaSha256).unwrap();
    assert!(made.extensions().is_empty());
    // The attributes are there and empty, as RFC 2986 has them.
    assert!(made.as_der().windows(2).any(|window| window == [0xa0, 0]));
}

#[test]
fn any_changed_byte_makes_the_request_unreadable() {
    for (key, scheme) in [
        (&p256() as &dyn SigningKey, S::EcdsaSha256),
        (&ed25519(), S::Ed25519),
        (rsa(), S::RsaPkcs1Sha256),
    ] {
        let made = RequestBuilder::code_signing(name("CN=Example")).sign(key, scheme).unwrap();
        for offset in 0..made.as_der().len() {
            for mask in [0xff, 0x01, 0x80] {
                let mut der = made.as_der().to_vec();
                der[offset] ^= mask;
                assert!(CertificationRequest::from_der(&der).is_err(), "byte {offset} ^ {mask:#x}");
            }
            let truncated = CertificationRequest::from_der(&made.as_der()[..offset]);
            assert!(truncated.unwrap_err().offset().is_some(), "cut at {offset}");
        }
        let mut longer = made.as_der().to_vec();
        longer.push(0);
        let error = CertificationRequest::from_der(&longer).unwrap_err();
        assert_eq!(error.offset(), Some(made.as_der().len()));
    }
}

#[test]
fn a_wrong_signature_or_scheme_makes_no_request() {
    let builder = RequestBuilder::code_signing(name("CN=Example"));
    let broken = BrokenKey::new(p256(), Fault::FlipsOneBit);
    assert!(matches!(builder.sign(&broken, S::EcdsaSha256), Err(Error::Signature(_))));
    let others = BrokenKey::new(p256(), Fault::ShowsPublicKey(p256().public_key().clone()));
    assert!(matches!(builder.sign(&others, S::EcdsaSha256), Err(Error::Signature(_))));
    assert!(matches!(
        builder.sign(&p256(), S::RsaPkcs1Sha256),
        Err(Error::Scheme { scheme: S::RsaPkcs1Sha256 })
    ));
    assert!(matches!(builder.sign(&p256(), S::EcdsaSha1), Err(Error::Key(_))));
}

#[test]
fn a_file_without_a_request_says_so() {
    let certificate = to_pem("CERTIFICATE", &[0x30, 0]);
    let refused = CertificationRequest::from_file_contents(b"hello").unwrap_err();
    assert!(matches!(refused, Error::NoDocument { wanted: "certification request" }));
    let refused = CertificationRequest::from_file_contents(certificate.as_bytes()).unwrap_err();
    assert_eq!(refused.to_string(), "no certification request in it: what it has is a certificate");
}

/// Writes and signs a request with these fields before the public key, and this DER after it.
fn forged(version: &[u8], tail: &[u8]) -> Result<CertificationRequest, Error> {
    let key = p256();
    let info = asn1::sequence(&[
        &asn1::tlv(tag::INTEGER, &[version]),
        name("CN=Example").as_der(),
        key.public_key().spki_der(),
        tail,
    ]);
    let signature = key.sign(S::EcdsaSha256, &info).unwrap();
    CertificationRequest::from_der(&asn1::sequence(&[
        &info,
        &algorithm_identifier(S::EcdsaSha256),
        &asn1::bit_string(signature.as_bytes()),
    ]))
}

fn attribute(oid: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(tag::SET, values)])
}

fn attributes(list: &[&[u8]]) -> Vec<u8> {
    asn1::tlv(tag::context_constructed(0), list)
}

#[test]
fn the_extensions_are_asked_for_once() {
    let list = |number| asn1::sequence(&[&extension(unknown_oid(number), &[], b"x")]);
    let (one, other) = (list(1), list(2));
    let standard = attribute(oid::EXTENSION_REQUEST, &[&one]);
    let microsoft = attribute(oid::MS_CERT_EXTENSIONS, &[&other]);
    let unknown = attribute(unknown_oid(3), &[&one, &other]);

    for single in [&standard, &microsoft] {
        let read = forged(&[0], &attributes(&[&unknown, single, &unknown])).unwrap();
        assert_eq!(read.extensions().iter().count(), 1);
    }
    for twice in [[&standard, &standard], [&standard, &microsoft], [&microsoft, &standard]] {
        let refused = forged(&[0], &attributes(&[twice[0], twice[1]]));
        assert!(matches!(refused, Err(Error::Der { what: "one request for extensions", .. })));
    }
    for values in [&[&one[..], &other][..], &[]] {
        let refused = forged(&[0], &attributes(&[&attribute(oid::EXTENSION_REQUEST, values)]));
        assert!(refused.unwrap_err().offset().is_some());
    }
    let none = attribute(oid::EXTENSION_REQUEST, &[&asn1::sequence(&[])]);
    assert!(matches!(
        forged(&[0], &attributes(&[&none])),
        Err(Error::Der { what: "at least one extension", .. })
    ));
}

#[test]
fn a_request_has_version_1_and_nothing_after_its_attributes() {
    assert!(forged(&[0], &attributes(&[])).is_ok());
    assert!(forged(&[0], &[]).is_ok(), "some tools leave the attributes out");
    assert!(matches!(forged(&[1], &attributes(&[])), Err(Error::Der { what: "version 1", .. })));
    let twice = [attributes(&[]), attributes(&[])].concat();
    assert!(matches!(forged(&[0], &twice), Err(Error::Der { what: "end of data", .. })));
}
