//! Certificates we issue, and what we refuse to issue.

use chancery_key::{EcCurve, KeyErrorKind, SignatureScheme as S, SigningKey};
use chancery_testkit::broken_keys::{BrokenKey, Fault};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{
    CaConstraint, Certificate, CertificateBuilder, Error, Identity, KeyUsage, Profile,
    SerialNumber, Time, Validity, oid,
};

use super::support::{builder, ec, issue, name, p256, root, root_identity, rsa, time, validity};

#[test]
fn a_chain_of_every_key_type_and_scheme_verifies() {
    let (p256, p384) = (ec(EcCurve::P256), ec(EcCurve::P384));
    let cases: [(&dyn SigningKey, &[S]); 3] = [
        (rsa(), &[S::RsaPkcs1Sha256, S::RsaPkcs1Sha384, S::RsaPkcs1Sha512, S::RsaPssSha256]),
        (&p256, &[S::EcdsaSha256, S::EcdsaSha384]),
        (&p384, &[S::EcdsaSha384, S::EcdsaSha512]),
    ];
    for (key, schemes) in cases {
        for &scheme in schemes {
            let root = root("CN=Root,C=GB", key, scheme);
            assert_eq!(root.scheme(), Some(scheme));
            assert!(root.is_self_signed() && root.is_ca() && !root.may_sign_code());
            root.verify_signature(key.public_key()).unwrap();
            let again = Certificate::from_der(root.as_der()).unwrap();
            assert_eq!(again, root);
            assert_eq!(again.public_key(), key.public_key());

            let other = ec(EcCurve::P256);
            assert!(root.verify_signature(other.public_key()).is_err(), "{scheme}: another key");
        }
    }
}

#[test]
fn each_profile_has_its_extensions() {
    let root = root_identity("CN=Root");
    let (ca_key, key) = (p256(), p256());
    let ca = issue(&root, Profile::IntermediateCa, "CN=CA", &ca_key).unwrap();
    let ca = Identity::new(ca_key, ca, &[root.certificate().clone()]).unwrap();
    let leaf = issue(&ca, Profile::CodeSigning, "CN=Leaf", &key).unwrap();

    let critical = |certificate: &Certificate| -> Vec<_> {
        let all = certificate.extensions().iter();
        all.filter(|extension| extension.critical).map(|extension| extension.oid).collect()
    };
    let ca_usage = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN);
    let of_root = root.certificate().extensions();
    assert_eq!(of_root.ca().unwrap(), Some(constraint(root.certificate(), None)));
    assert_eq!(of_root.key_usage().unwrap(), Some(ca_usage));
    assert_eq!(of_root.extended_key_usage().unwrap(), None);
    assert_eq!(of_root.authority_key_identifier().unwrap(), None);
    assert_eq!(critical(root.certificate()), [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE]);

    let of_ca = ca.certificate().extensions();
    assert_eq!(of_ca.ca().unwrap(), Some(constraint(ca.certificate(), Some(0))));
    assert_eq!(of_ca.key_usage().unwrap(), Some(ca_usage));
    assert_eq!(of_ca.extended_key_usage().unwrap(), Some(vec![oid::CODE_SIGNING]));
    assert_eq!(
        of_ca.authority_key_identifier().unwrap(),
        of_root.subject_key_identifier().unwrap()
    );
    assert_eq!(critical(ca.certificate()), [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE]);

    let of_leaf = leaf.extensions();
    assert_eq!(of_leaf.ca().unwrap(), None);
    assert_eq!(of_leaf.key_usage().unwrap(), Some(KeyUsage::DIGITAL_SIGNATURE));
    assert_eq!(of_leaf.extended_key_usage().unwrap(), Some(vec![oid::CODE_SIGNING]));
    assert_eq!(critical(&leaf), [oid::KEY_USAGE]);
    assert!(leaf.may_sign_code() && !leaf.is_ca());
    assert!(leaf.names_as_issuer(ca.certificate()) && !leaf.names_as_issuer(root.certificate()));
    assert_eq!(leaf.issuer().as_der(), ca.certificate().subject().as_der());
}

/// Returns the constraint of a certificate after asserting its path length.
fn constraint(certificate: &Certificate, path_len: Option<u32>) -> CaConstraint {
    let constraint = certificate.extensions().ca().unwrap().unwrap();
    assert_eq!(constraint.path_len, path_len);
    constraint
}

#[test]
fn the_same_inputs_give_the_same_certificate() {
    for (key, scheme) in
        [(rsa() as &dyn SigningKey, S::RsaPkcs1Sha256), (&ec(EcCurve::P384), S::EcdsaSha384)]
    {
        let first = root("CN=Root", key, scheme);
        assert_eq!(root("CN=Root", key, scheme).as_der(), first.as_der());
    }
}

#[test]
fn who_is_no_ca_issues_nothing() {
    let root = root_identity("CN=Root");
    let key = p256();
    let leaf = issue(&root, Profile::CodeSigning, "CN=Leaf", &key).unwrap();
    let leaf = Identity::new(key, leaf, &[]).unwrap();
    let refused = issue(&leaf, Profile::CodeSigning, "CN=Below", &p256());
    assert!(matches!(refused, Err(Error::NotACa { issuer }) if issuer == "CN=Leaf"));
}

#[test]
fn a_ca_at_the_end_of_its_path_issues_leaves_alone() {
    let root = root_identity("CN=Root");
    let key = p256();
    let ca = issue(&root, Profile::IntermediateCa, "CN=CA", &key).unwrap();
    let ca = Identity::new(key, ca, &[]).unwrap();
    for profile in [Profile::IntermediateCa, Profile::RootCa] {
        let refused = issue(&ca, profile, "CN=Below", &p256());
        assert!(matches!(refused, Err(Error::PathLength { issuer }) if issuer == "CN=CA"));
    }
    assert!(issue(&ca, Profile::CodeSigning, "CN=Below", &p256()).is_ok());
}

#[test]
fn a_scheme_for_another_key_type_is_refused() {
    let key = p256();
    let root = builder(Profile::RootCa, "CN=Root", &key);
    let refused = root.self_signed(&key, S::RsaPkcs1Sha256);
    assert!(matches!(refused, Err(Error::Scheme { scheme: S::RsaPkcs1Sha256 })));
    let ca = root_identity("CN=Root");
    let refused = builder(Profile::CodeSigning, "CN=Leaf", &key).issued_by(&ca, S::RsaPssSha256);
    assert!(matches!(refused, Err(Error::Scheme { scheme: S::RsaPssSha256 })));
}

#[test]
fn a_scheme_the_key_does_not_do_is_the_keys_refusal() {
    let key = p256();
    let refused = builder(Profile::RootCa, "CN=Root", &key).self_signed(&key, S::EcdsaSha1);
    let Err(Error::Key(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
}

#[test]
fn a_self_signed_certificate_is_signed_with_its_own_key() {
    let refused = builder(Profile::RootCa, "CN=Root", &p256()).self_signed(&p256(), S::EcdsaSha256);
    assert!(matches!(refused, Err(Error::Signature(_))), "{refused:?}");
}

#[test]
fn a_wrong_signature_makes_no_certificate() {
    for fault in [Fault::FlipsOneBit, Fault::Truncates, Fault::RawEcdsa] {
        let key = BrokenKey::new(p256(), fault);
        let refused = builder(Profile::RootCa, "CN=Root", &key).self_signed(&key, S::EcdsaSha256);
        assert!(matches!(refused, Err(Error::Signature(_))), "{refused:?}");
    }
}

#[test]
fn a_validity_ends_after_it_begins() {
    let day = |text| time(text);
    assert!(Validity::new(day("2026-01-01"), day("2026-01-02")).is_ok());
    for (from, to) in [("2026-01-01", "2026-01-01"), ("2026-01-02", "2026-01-01")] {
        assert!(matches!(Validity::new(day(from), day(to)), Err(Error::Validity)));
    }
    assert!(matches!(Validity::from_now(day("2026-01-01"), 0), Err(Error::Validity)));
    assert!(matches!(Validity::from_now(day("2026-01-01"), u32::MAX), Err(Error::Validity)));
    assert!(matches!(Time::from_unix(u64::MAX), Err(Error::Validity)));
}

#[test]
fn a_certificate_is_valid_from_its_first_to_its_last_second() {
    let certificate = root("CN=Root", &p256(), S::EcdsaSha256);
    assert_eq!(certificate.not_before(), time("2025-01-01"));
    for (at, valid) in [
        ("2024-12-31T23:59:59Z", false),
        ("2025-01-01T00:00:00Z", true),
        ("2045-01-01T00:00:00Z", true),
        ("2045-01-01T00:00:01Z", false),
    ] {
        assert_eq!(certificate.is_valid_at(time(at)), valid, "{at}");
    }
}

#[test]
fn validity_has_the_form_of_its_century() {
    let key = p256();
    let validity = Validity::new(time("2049-12-31"), time("9999-12-31T23:59:59Z")).unwrap();
    let serial = SerialNumber::from_octets([1; 20]);
    let certificate = CertificateBuilder::new(
        Profile::RootCa,
        name("CN=R"),
        key.public_key().clone(),
        validity,
        serial,
    )
    .self_signed(&key, S::EcdsaSha256)
    .unwrap();
    let der = certificate.as_der();
    let utc = b"\x17\x0d491231000000Z\x18\x0f99991231235959Z";
    assert!(der.windows(utc.len()).any(|window| window == utc));
}

#[test]
fn serial_numbers_are_positive_and_at_most_20_octets() {
    let key = p256();
    for (octets, written) in [
        ([0xff; 20], [&[0x7f][..], &[0xff; 19]].concat()),
        ([0; 20], vec![1]),
        ([0x80; 20], [&[0][..], &[0x80; 19]].concat()),
    ] {
        let certificate = CertificateBuilder::new(
            Profile::RootCa,
            name("CN=R"),
            key.public_key().clone(),
            validity(),
            SerialNumber::from_octets(octets),
        )
        .self_signed(&key, S::EcdsaSha256)
        .unwrap();
        assert_eq!(certificate.serial(), written);
        let tbs = Tlv::parse(certificate.tbs_der()).unwrap();
        let serial = tbs.reader().nth(1).unwrap().unwrap();
        assert_eq!((serial.tag, serial.contents), (tag::INTEGER, &written[..]));
    }
    let (one, other) = (SerialNumber::random().unwrap(), SerialNumber::random().unwrap());
    assert_ne!(one, other);
}
