//! Requests inside a SignedData (CMC).

use chancery_cms::{pki_data as written, requests_in_pki_data};
use chancery_x509::asn1::Tlv;

/// Reads the bytes as a PKIData. Each request that is found is written into one of its own and found again.
pub fn pki_data(data: &[u8]) {
    let Ok(requests) = requests_in_pki_data(data) else { return };
    for request in requests {
        assert!(Tlv::parse(request).is_ok(), "a request is one value");
        let again = written(request).expect("what was read is written");
        assert_eq!(requests_in_pki_data(&again).expect("what we write is read"), [request]);
    }
}
