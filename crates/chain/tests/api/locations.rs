//! Where certificates say that more is to be had.

use chancery_chain::{crl_locations, issuer_locations};
use chancery_x509::Certificate;
use chancery_x509::asn1::{self, tag};
use const_oid::ObjectIdentifier;

use crate::maker::{
    CRL_DISTRIBUTION_POINTS, Maker, directory_name, general_name, point_name, sequence_of,
};

const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");
const OCSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1");

fn with(oid: ObjectIdentifier, value: Vec<u8>) -> Certificate {
    Maker::leaf("CN=Leaf").with(oid, false, value).self_signed().certificate
}

#[test]
fn issuers_are_where_the_certificate_says_and_responders_are_not_among_them() {
    let access = |method: &ObjectIdentifier, name: Vec<u8>| {
        asn1::sequence(&[&asn1::object_identifier(method), &name])
    };
    let certificate = with(
        AUTHORITY_INFO_ACCESS,
        sequence_of(&[
            access(&OCSP, general_name(6, "http://ocsp.example.com")),
            access(&CA_ISSUERS, general_name(6, "http://example.com/a.cer")),
            access(&CA_ISSUERS, directory_name("CN=There")),
            access(&CA_ISSUERS, general_name(6, "ldap://example.com/")),
        ]),
    );
    assert_eq!(issuer_locations(&certificate), ["http://example.com/a.cer", "ldap://example.com/"]);
    assert!(crl_locations(&certificate).is_empty());
}

#[test]
fn lists_are_at_the_distribution_points() {
    let point = |uri| asn1::sequence(&[&point_name(uri)]);
    let points = [point("http://example.com/a.crl"), point("http://example.com/b.crl")];
    let certificate = with(CRL_DISTRIBUTION_POINTS, sequence_of(&points));
    let expected = ["http://example.com/a.crl", "http://example.com/b.crl"];
    assert_eq!(crl_locations(&certificate), expected);
}

#[test]
fn a_broken_or_endless_extension_leads_nowhere_far() {
    for oid in [AUTHORITY_INFO_ACCESS, CRL_DISTRIBUTION_POINTS] {
        for value in [vec![5, 0], vec![0x30, 2, 5, 0], vec![]] {
            let certificate = with(oid, value);
            assert!(issuer_locations(&certificate).is_empty());
            assert!(crl_locations(&certificate).is_empty());
        }
    }
    let method = asn1::object_identifier(&CA_ISSUERS);
    let access = asn1::sequence(&[&method, &general_name(6, "http://example.com/")]);
    let certificate =
        with(AUTHORITY_INFO_ACCESS, asn1::tlv(tag::SEQUENCE, &[&access.repeat(1000)]));
    assert_eq!(issuer_locations(&certificate).len(), 16);
}
