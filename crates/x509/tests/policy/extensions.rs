//! What the sections of extensions and attributes become.

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{CertificationRequest, oid};
use const_oid::ObjectIdentifier;

use super::support::{p256, read, request};

fn value(request: &CertificationRequest, oid: ObjectIdentifier) -> Vec<u8> {
    request.extensions().get(oid).unwrap().value.clone()
}

fn critical(request: &CertificationRequest, oid: ObjectIdentifier) -> bool {
    request.extensions().get(oid).unwrap().critical
}

/// The alternative names of `dns=a` and `dns=b`.
const TWO_NAMES: &[u8] = b"\x30\x06\x82\x01a\x82\x01b";

#[test]
fn alternative_names_are_read_from_every_way_to_write_them() {
    for lines in [
        "2.5.29.17 = \"{text}dns=a&dns=b\"",
        "2.5.29.17 = \"{text}\"\n_continue_ = \"dns=a&\"\n_continue_ = \"dns=b&\"",
        "2.5.29.17 = \"{text}\"\n_continue_ = \"dns=a\"\n_continue_ = \"dns=b\"",
        "2.5.29.17 = {TEXT}dns=a\n_continue_ = \"&dns=b\"",
        "%san% = \"{text}\"\n_continue_ = \"dns = a & dns = b\"\n[Strings]\nsan = 2.5.29.17",
        "OID.2.5.29.17 = {hex}30 06 82 01 61\n_continue_ = \"82 01 62\"",
        "2.5.29.17 = MAaCAWGCAWI=",
        "2.5.29.17 = {asn}MAaCAWGCAWI=",
    ] {
        let request = request(&format!("[Extensions]\n{lines}"));
        assert_eq!(value(&request, oid::SUBJECT_ALTERNATIVE_NAME), TWO_NAMES, "{lines}");
        assert!(!critical(&request, oid::SUBJECT_ALTERNATIVE_NAME));
    }
}

#[test]
fn alternative_names_may_be_all_there_is() {
    let text = "[NewRequest]\nSubject = \"\"\nKeyAlgorithm=ECDSA_P256\n[Extensions]\n\
                2.5.29.17 = {text}dns=a\n";
    let (policy, _) = read(text).unwrap();
    assert!(policy.subject().is_empty());
    let request = policy.sign(&p256()).unwrap();
    assert!(request.subject().is_empty());
    // RFC 5280 section 4.2.1.6
    assert!(critical(&request, oid::SUBJECT_ALTERNATIVE_NAME));
}

#[test]
fn extensions_are_critical_by_the_list() {
    let request = request(
        "KeyUsage=0x80\n[Extensions]\nCritical = 2.5.29.19, 2.5.29.15\n2.5.29.19 = {text}ca=0\n\
         1.2.3.4 = {hex}05 00\n[EnhancedKeyUsageExtension]\nOID=1.3.6.1.5.5.7.3.3\nCritical=No\n",
    );
    assert!(critical(&request, oid::BASIC_CONSTRAINTS));
    assert!(critical(&request, oid::KEY_USAGE));
    assert!(!critical(&request, oid::EXTENDED_KEY_USAGE));
    let other = ObjectIdentifier::new_unwrap("1.2.3.4");
    assert!(!critical(&request, other));
    assert_eq!(value(&request, other), [5, 0]);
}

#[test]
fn purposes_are_read_from_both_places() {
    let purposes = |lines: &str| request(lines).extensions().extended_key_usage().unwrap().unwrap();
    let both = [oid::CODE_SIGNING, oid::LIFETIME_SIGNING];
    let section =
        "[EnhancedKeyUsageExtension]\nOID=1.3.6.1.5.5.7.3.3 ; code\nOID=1.3.6.1.4.1.311.10.3.13\n";
    assert_eq!(purposes(section), both);
    let text = "[Extensions]\n2.5.29.37 = \"{text}\"\n_continue_ = \"1.3.6.1.5.5.7.3.3,\"\n\
                _continue_ = \"1.3.6.1.4.1.311.10.3.13,\"\n";
    assert_eq!(purposes(text), both);
    let unquoted = "[Extensions]\n2.5.29.37 = {text}1.3.6.1.5.5.7.3.3, 1.3.6.1.4.1.311.10.3.13\n";
    assert_eq!(purposes(unquoted), both);
    let critical = request("[EnhancedKeyUsageExtension]\nCritical=1\nOID=1.3.6.1.5.5.7.3.8");
    assert!(super::extensions::critical(&critical, oid::EXTENDED_KEY_USAGE));
}

#[test]
fn application_policies_are_policies_without_qualifiers() {
    let request = request("[ApplicationPolicyExtension]\nOID=1.2.3\nOID=1.2.4\nCritical=true");
    assert_eq!(
        value(&request, oid::APPLICATION_POLICIES),
        b"\x30\x0c\x30\x04\x06\x02\x2a\x03\x30\x04\x06\x02\x2a\x04"
    );
    assert!(critical(&request, oid::APPLICATION_POLICIES));
}

#[test]
fn a_section_of_basic_constraints_makes_a_ca() {
    let limited = request("[BasicConstraintsExtension]\nPathLength = 200\n");
    assert_eq!(value(&limited, oid::BASIC_CONSTRAINTS), b"\x30\x07\x01\x01\xff\x02\x02\0\xc8");
    assert!(critical(&limited, oid::BASIC_CONSTRAINTS));
    let open = request("[BasicConstraintsExtension]\nCritical = false\n");
    assert_eq!(value(&open, oid::BASIC_CONSTRAINTS), b"\x30\x03\x01\x01\xff");
    assert!(!critical(&open, oid::BASIC_CONSTRAINTS));
    let leaf = request("[Extensions]\n2.5.29.19 = \"{text}ca=0\"\n");
    assert_eq!(value(&leaf, oid::BASIC_CONSTRAINTS), [0x30, 0]);
}

#[test]
fn key_usage_can_be_an_extension_too() {
    let request = request("[Extensions]\n2.5.29.15 = {text}CERT_KEY_CERT_SIGN_KEY_USAGE|0x02\n");
    assert_eq!(value(&request, oid::KEY_USAGE), [3, 2, 1, 6]);
}

#[test]
fn attributes_are_pairs_in_the_order_of_der() {
    let request = request(
        "KeyUsage=0x80\n[RequestAttributes]\nSAN = \"dns=a&dns=b\"\nCertificateTemplate = Code\n",
    );
    let mut info = Tlv::parse(request.as_der()).unwrap().reader().read().unwrap().reader();
    let attributes = info.by_ref().map(Result::unwrap).last().unwrap();
    assert_eq!(attributes.tag, tag::context_constructed(0));
    let raw: Vec<&[u8]> = attributes.reader().map(|attribute| attribute.unwrap().raw).collect();
    assert_eq!(raw.len(), 2);
    assert!(raw.is_sorted(), "a SET OF is sorted");

    let pairs = attributes.reader().map(|attribute| attribute.unwrap().reader());
    let values = pairs.filter_map(|mut attribute| {
        let oid = attribute.read().unwrap().oid().unwrap();
        (oid == oid::ENROLLMENT_NAME_VALUE_PAIR).then(|| attribute.read().unwrap())
    });
    let text = |tlv: Tlv<'_>| {
        assert_eq!(tlv.tag, tag::BMP_STRING);
        let units = tlv.contents.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
    };
    let found: Vec<Vec<String>> = values
        .flat_map(|values| values.reader().map(Result::unwrap).collect::<Vec<_>>())
        .map(|pair| pair.reader().map(|part| text(part.unwrap())).collect())
        .collect();
    assert_eq!(found, [["SAN", "dns=a&dns=b"], ["CertificateTemplate", "Code"]]);
}
