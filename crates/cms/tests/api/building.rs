//! What the builder writes, to the byte.

use chancery_cms::{
    CertificateBinding, Error, NewAttribute, SignedData, SignedDataBuilder, certificate_binding,
    oid, signing_certificate_v2,
};
use chancery_key::{DigestAlgorithm, EcCurve, KeyErrorKind, SignatureScheme as S};
use chancery_testkit::broken_keys::{BrokenKey, Fault};
use chancery_x509::asn1::{self, Tlv, tag};

use super::support::{
    CONTENT, UNKNOWN, alone, attribute, check, data, ec, holds, p256, rsa, sign, with_chain,
};

/// Returns the parts of a SignedData.
fn parts(der: &[u8]) -> Vec<Tlv<'_>> {
    let content_info = Tlv::parse(der).unwrap();
    let parts: Vec<_> = content_info.reader().map(Result::unwrap).collect();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].oid().unwrap(), oid::SIGNED_DATA);
    assert_eq!(parts[1].tag, tag::context_constructed(0));
    parts[1].only().unwrap().reader().map(Result::unwrap).collect()
}

fn signer_parts(der: &[u8]) -> Vec<Tlv<'_>> {
    parts(der)[4].only().unwrap().reader().map(Result::unwrap).collect()
}

#[test]
fn every_field_is_where_pkcs7_has_it() {
    let identity = alone(rsa(), S::RsaPkcs1Sha256);
    let der = sign(&identity, S::RsaPkcs1Sha256);
    let fields = parts(&der);
    let sha256 = [0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];
    assert_eq!(fields.len(), 5);
    assert_eq!(fields[0].raw, [2, 1, 1]);
    assert_eq!((fields[1].tag, fields[1].contents), (tag::SET, &sha256[..]));
    let content = asn1::tlv(tag::context_constructed(0), &[&asn1::octet_string(CONTENT)]);
    let content_info = asn1::sequence(&[&asn1::object_identifier(&oid::DATA), &content]);
    assert_eq!(fields[2].raw, content_info);
    assert_eq!(fields[3].tag, tag::context_constructed(0));
    assert_eq!(fields[3].contents, identity.certificate().as_der());
    assert_eq!(fields[4].tag, tag::SET);

    let certificate = identity.certificate();
    let signer = signer_parts(&der);
    assert_eq!(signer.len(), 6, "no unsigned attributes");
    assert_eq!(signer[0].raw, [2, 1, 1]);
    let serial = asn1::tlv(tag::INTEGER, &[certificate.serial()]);
    assert_eq!(signer[1].contents, [certificate.issuer().as_der(), &serial].concat());
    assert_eq!(signer[2].raw, sha256);
    assert_eq!(signer[3].tag, tag::context_constructed(0));
    let rsa_encryption = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    assert_eq!(signer[4].raw, rsa_encryption);
    assert_eq!((signer[5].tag, signer[5].contents.len()), (tag::OCTET_STRING, 256));

    let hash = chancery_sigverify::digest(DigestAlgorithm::Sha256, CONTENT);
    let expected = [
        attribute(oid::CONTENT_TYPE, &[&asn1::object_identifier(&oid::DATA)]),
        attribute(oid::MESSAGE_DIGEST, &[&asn1::octet_string(&hash)]),
    ];
    assert_eq!(signer[3].contents, expected.concat());
}

#[test]
fn the_signature_algorithm_is_the_schemes() {
    let (p256, p384) = (ec(EcCurve::P256), ec(EcCurve::P384));
    let ecdsa = |last| vec![0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, last];
    let ec_cases = [(alone(p256, S::EcdsaSha256), S::EcdsaSha256, 2), {
        (alone(p384, S::EcdsaSha384), S::EcdsaSha384, 3)
    }];
    for (identity, scheme, last) in ec_cases {
        let der = sign(&identity, scheme);
        assert_eq!(signer_parts(&der)[4].raw, ecdsa(last));
        assert_eq!(check(&der).unwrap().scheme, Some(scheme));
        assert!(holds(&der));
    }
    let identity = alone(rsa(), S::RsaPkcs1Sha256);
    for scheme in [S::RsaPkcs1Sha384, S::RsaPkcs1Sha512, S::RsaPssSha256, S::RsaPssSha512] {
        let der = sign(&identity, scheme);
        let found = check(&der).unwrap();
        assert_eq!((found.scheme, found.digest), (Some(scheme), Some(scheme.digest())));
        assert!(found.holds());
    }
}

#[test]
fn sets_are_sorted_and_no_certificate_is_twice() {
    let identity = with_chain();
    let builder = data()
        .signed_attribute(NewAttribute::new(UNKNOWN, vec![0x30, 0]))
        .signed_attribute(NewAttribute::new(oid::SIGNING_TIME, vec![0x05, 0]));
    let der = builder.sign(&identity, S::EcdsaSha256).unwrap();
    let raw = |tlv: &Tlv<'_>| -> Vec<Vec<u8>> {
        tlv.reader().map(|item| item.unwrap().raw.to_vec()).collect()
    };
    let certificates = raw(&parts(&der)[3]);
    assert_eq!(certificates.len(), 2, "the signer and the intermediate, not the root");
    assert!(certificates.is_sorted());
    let attributes = raw(&signer_parts(&der)[3]);
    assert_eq!(attributes.len(), 4);
    assert!(attributes.is_sorted());

    let message = builder.message(DigestAlgorithm::Sha256);
    assert_eq!(Tlv::parse(&message).unwrap().contents, attributes.concat());
    let twice = [identity.certificate(), &identity.chain()[0], identity.certificate()];
    let signature = identity.key().sign(S::EcdsaSha256, &message).unwrap();
    let assembled = builder
        .assemble(identity.certificate(), &twice, S::EcdsaSha256, &message, signature.as_bytes())
        .unwrap();
    assert_eq!(assembled, der, "a signature made elsewhere gives the same bytes");
}

#[test]
fn the_same_inputs_give_the_same_signature() {
    for (identity, scheme) in
        [(alone(rsa(), S::RsaPkcs1Sha256), S::RsaPkcs1Sha256), (p256(), S::EcdsaSha256)]
    {
        assert_eq!(sign(&identity, scheme), sign(&identity, scheme));
    }
}

#[test]
fn content_of_any_type_is_hashed_without_its_tag_and_length() {
    let identity = p256();
    let content = asn1::sequence(&[&[5, 0]]);
    let der = SignedDataBuilder::new(UNKNOWN, content.clone())
        .unwrap()
        .sign(&identity, S::EcdsaSha256)
        .unwrap();
    let signed = SignedData::from_der(&der).unwrap();
    assert_eq!((signed.content_type, signed.content.unwrap().raw), (UNKNOWN, &content[..]));
    let stated = signed.signers[0].signed_attributes.as_ref().unwrap();
    let hash = chancery_sigverify::digest(DigestAlgorithm::Sha256, &[5, 0]);
    assert_eq!(stated.single(oid::MESSAGE_DIGEST).unwrap().contents, hash);
    assert!(holds(&der));
}

#[test]
fn what_is_no_der_is_no_content_and_no_message() {
    for bad in [&[][..], &[0x30], &[0x04, 1], &[5, 0, 0], &[0x30, 0x80, 0, 0]] {
        assert!(matches!(SignedDataBuilder::new(oid::DATA, bad.to_vec()), Err(Error::Encoding(_))));
    }
    let identity = p256();
    for bad in [&[5, 0][..], &[0x31, 1]] {
        let assembled = data().assemble(identity.certificate(), &[], S::EcdsaSha256, bad, &[]);
        assert!(matches!(assembled, Err(Error::Encoding(_))));
    }
}

#[test]
fn a_key_that_cannot_or_signs_wrongly_makes_no_signature() {
    let kind = |signed: Result<Vec<u8>, Error>| match signed {
        Err(Error::Key(error)) => error.kind(),
        other => panic!("{other:?}"),
    };
    for scheme in [S::RsaPkcs1Sha256, S::EcdsaSha1] {
        assert_eq!(kind(data().sign(&p256(), scheme)), KeyErrorKind::UnsupportedScheme);
    }
    let good = ec(EcCurve::P256);
    let certificate = alone(std::sync::Arc::new(good), S::EcdsaSha256);
    let key = BrokenKey::new(ec(EcCurve::P256), {
        Fault::ShowsPublicKey(certificate.certificate().public_key().clone())
    });
    let thief = chancery_x509::Identity::new(key, certificate.certificate().clone(), &[]).unwrap();
    assert_eq!(kind(data().sign(&thief, S::EcdsaSha256)), KeyErrorKind::Device);
}

#[test]
fn content_that_is_elsewhere_is_signed_by_its_digest() {
    let identity = p256();
    let scheme = S::EcdsaSha256;
    let value = chancery_sigverify::digest(DigestAlgorithm::Sha256, CONTENT);
    let builder = SignedDataBuilder::detached(oid::DATA, DigestAlgorithm::Sha256, value.clone());
    let der = builder.sign(&identity, scheme).unwrap();
    let read = SignedData::from_der(&der).unwrap();
    assert!(read.content.is_none());
    let key = identity.certificate().public_key();
    let signer = &read.signers[0];
    assert!(signer.check(oid::DATA, CONTENT, key).holds());
    assert!(signer.check_digest(oid::DATA, Some(&value), key).holds());
    assert!(!signer.check(oid::DATA, b"other content", key).holds());
    assert!(!signer.check_digest(oid::DATA, None, key).holds());
    let refused = builder.sign(&identity, S::EcdsaSha384).unwrap_err();
    assert!(matches!(refused, Error::OtherDigest { .. }));
}

#[test]
fn the_certificate_is_bound_by_its_hash() {
    let (identity, other) = (p256(), p256());
    let content = asn1::octet_string(CONTENT);
    let builder = SignedDataBuilder::new(oid::DATA, content).unwrap();
    let binding = |builder: &SignedDataBuilder, certificate| {
        let der = builder.sign(&identity, S::EcdsaSha256).unwrap();
        let read = SignedData::from_der(&der).unwrap();
        certificate_binding(read.signers[0].signed_attributes.as_ref().unwrap(), certificate)
    };
    assert_eq!(binding(&builder, identity.certificate()), CertificateBinding::Missing);
    let bound = builder.signed_attribute(signing_certificate_v2(identity.certificate()));
    let ours = binding(&bound, identity.certificate());
    assert!(matches!(ours, CertificateBinding::Bound(_)), "{ours:?}");
    assert_eq!(binding(&bound, other.certificate()), CertificateBinding::Another);
}
