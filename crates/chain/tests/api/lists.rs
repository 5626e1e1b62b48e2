//! Reading revocation lists.

use chancery_chain::Crl;
use chancery_x509::asn1;

use crate::maker::time;
use crate::revocation::Pair;

#[test]
fn a_list_is_what_was_written() {
    let pair = Pair::new();
    let issuer = pair.root.certificate.subject();
    let list = pair
        .list()
        .number(5)
        .entry(&[3], "2025-05-02", &[])
        .entry(&[0x80], "2025-05-03", &[])
        .entry(&[3], "2025-05-01", &[])
        .entry(&[1, 0], "2025-05-04", &[])
        .sign();
    assert_eq!((list.issuer(), list.number(), list.len()), (issuer, Some(&[5][..]), 4));
    assert_eq!(list.this_update(), time("2025-05-25"));
    assert_eq!(list.next_update(), Some(time("2025-06-10")));
    assert!(!list.is_delta() && !list.is_empty());
    let date = |serial: &[u8]| list.find(issuer, serial).map(|entry| entry.date);
    assert_eq!(date(&[3]), Some(time("2025-05-01")), "the earlier of two");
    assert_eq!(date(&[0x80]), Some(time("2025-05-03")));
    assert_eq!(date(&[1, 0]), Some(time("2025-05-04")));
    assert_eq!(date(&[0]), None);
    assert_eq!(list.find(pair.leaf.certificate.subject(), &[3]), None);
    assert_eq!(Crl::from_der(list.as_der()).unwrap(), list);
}

#[test]
fn what_is_no_list_is_refused() {
    let pair = Pair::new();
    let der = pair.list().number(5).entry(&[3], "2025-05-02", &[]).der();
    assert!(Crl::from_der(&der).is_ok());
    for length in 0..der.len() {
        assert!(Crl::from_der(&der[..length]).is_err(), "{length} bytes");
    }
    assert!(Crl::from_der(&[der.clone(), vec![0]].concat()).is_err());
    assert!(Crl::from_der(pair.certificate().as_der()).is_err());
    let twice = pair.list().number(5).number(6);
    assert!(Crl::from_der(&twice.der()).is_err());
    let no_reason = pair.list().revoking_for(pair.certificate(), "2025-05-01", 7);
    assert!(Crl::from_der(&no_reason.der()).is_err());
    let outer = asn1::Tlv::parse(&der).unwrap();
    let parts: Vec<&[u8]> = outer.reader().map(|part| part.unwrap().raw).collect();
    let other_algorithm =
        chancery_x509::algorithm_identifier(chancery_key::SignatureScheme::EcdsaSha384);
    let mismatch = asn1::sequence(&[parts[0], &other_algorithm, parts[2]]);
    assert!(matches!(Crl::from_der(&mismatch), Err(chancery_x509::Error::AlgorithmMismatch)));
}
