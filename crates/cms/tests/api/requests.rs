//! Requests in a PKIData.

use chancery_cms::{Error, pki_data, requests_in_pki_data};
use chancery_x509::asn1::{self, tag};

#[test]
fn a_request_is_read_back_from_its_pki_data() {
    let request = asn1::sequence(&[&asn1::octet_string(b"request")]);
    let data = pki_data(&request).unwrap();
    assert_eq!(requests_in_pki_data(&data).unwrap(), [request.as_slice()]);
    assert!(pki_data(b"text").is_err());
    for end in 0..data.len() {
        assert!(requests_in_pki_data(&data[..end]).is_err());
    }
}

#[test]
fn other_forms_are_passed_over_and_too_many_are_refused() {
    let none = asn1::sequence(&[]);
    let tagged = |tag| asn1::tlv(tag, &[&asn1::unsigned_integer(&[1]), &none]);
    let data = |requests: &[u8]| asn1::sequence(&[&none, requests, &none, &none]);
    let (ours, other) = (tagged(tag::context_constructed(0)), tagged(tag::context_constructed(1)));
    let mixed = data(&asn1::sequence(&[&other, &ours, &other]));
    assert_eq!(requests_in_pki_data(&mixed).unwrap().len(), 1);
    let many = data(&asn1::sequence(&[&ours.repeat(17)]));
    assert!(matches!(requests_in_pki_data(&many), Err(Error::Limit { limit: 16, .. })));
}
