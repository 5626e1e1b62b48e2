//! Changing what no signature covers.

use chancery_cms::{
    Error, SignedData, add_unsigned_value, replace_signature, retain_unsigned, set_unsigned_values,
};
use chancery_key::SignatureScheme;
use chancery_x509::asn1::{self, Tlv};
use const_oid::ObjectIdentifier;

use super::support::{Forge, UNKNOWN, attribute, holds, p256, sign, with_chain};

const OTHER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.9999.2");

fn number(number: u8) -> [u8; 3] {
    [2, 1, number]
}

/// Returns every value of a type.
fn values(der: &[u8], oid: ObjectIdentifier) -> Vec<Vec<u8>> {
    let signed = SignedData::from_der(der).unwrap();
    let unsigned = signed.signers[0].unsigned_attributes.as_ref();
    unsigned
        .map(|set| set.values(oid).map(|value| value.raw.to_vec()).collect())
        .unwrap_or_default()
}

/// Returns the bytes of everything but the unsigned attributes, without the headers around them.
fn rest(der: &[u8]) -> Vec<Vec<u8>> {
    let signed = Tlv::parse(der).unwrap().reader().nth(1).unwrap().unwrap().only().unwrap();
    let fields: Vec<_> = signed.reader().map(Result::unwrap).collect();
    let signer = fields[4].only().unwrap();
    let parts = signer.reader().map(Result::unwrap).filter(|part| part.tag != 0xa1);
    fields[..4].iter().copied().chain(parts).map(|part| part.raw.to_vec()).collect()
}

#[test]
fn values_are_added_at_the_end_and_the_signature_holds() {
    let der = sign(&with_chain(), SignatureScheme::EcdsaSha256);
    // In another order than that of a sorted set: each keeps its place.
    let one = add_unsigned_value(&der, UNKNOWN, &number(9)).unwrap();
    let two = add_unsigned_value(&one, UNKNOWN, &number(1)).unwrap();
    let three = add_unsigned_value(&two, OTHER, &number(5)).unwrap();
    let four = add_unsigned_value(&three, UNKNOWN, &number(4)).unwrap();
    assert_eq!(values(&four, UNKNOWN), [number(9), number(1), number(4)]);
    assert_eq!(values(&four, OTHER), [number(5)]);
    for amended in [&one, &two, &three, &four] {
        assert!(holds(amended));
        assert_eq!(rest(amended), rest(&der));
    }
    let signed = SignedData::from_der(&four).unwrap();
    let attributes: Vec<_> = signed.signers[0].unsigned_attributes.iter().collect();
    let raw: Vec<_> = attributes[0].iter().map(|attribute| attribute.raw).collect();
    assert_eq!(raw.len(), 2, "one attribute of each type");
    assert!(raw.is_sorted());
}

#[test]
fn lengths_grow_where_they_must() {
    let der = sign(&p256(), SignatureScheme::EcdsaSha256);
    for len in [1, 100, 200, 70_000] {
        let value = asn1::octet_string(&vec![7; len]);
        let amended = add_unsigned_value(&der, UNKNOWN, &value).unwrap();
        assert_eq!(values(&amended, UNKNOWN), [value]);
        assert_eq!(rest(&amended), rest(&der));
        assert!(holds(&amended));
    }
}

#[test]
fn attributes_of_others_keep_every_byte() {
    let identity = p256();
    let theirs = [attribute(OTHER, &[&[5, 0], &[5, 0]]), attribute(OTHER, &[])].concat();
    let tail = asn1::tlv(0xa1, &[&theirs]);
    let der = Forge { tail, ..Forge::new(&identity) }.sign(&identity);
    let amended = add_unsigned_value(&der, UNKNOWN, &number(1)).unwrap();
    for part in [attribute(OTHER, &[&[5, 0], &[5, 0]]), attribute(OTHER, &[])] {
        assert!(amended.windows(part.len()).any(|window| window == part));
    }
    assert_eq!(values(&amended, UNKNOWN), [number(1)]);
    // Of two attributes of the type, the first grows.
    let amended = add_unsigned_value(&der, OTHER, &number(1)).unwrap();
    assert_eq!(values(&amended, OTHER).len(), 3);
    assert!(holds(&amended));
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let der = sign(&p256(), SignatureScheme::EcdsaSha256);
    for bad in [&[][..], &[5], &[5, 0, 0], &[0x30, 0x80, 0, 0]] {
        assert!(matches!(add_unsigned_value(&der, UNKNOWN, bad), Err(Error::Encoding(_))));
    }
    let mut full = der;
    for _ in 0..64 {
        full = add_unsigned_value(&full, UNKNOWN, &number(1)).unwrap();
    }
    let refused = add_unsigned_value(&full, UNKNOWN, &number(1));
    assert!(matches!(refused, Err(Error::Limit { what: "attributes or values", limit: 64 })));
}

#[test]
fn it_takes_exactly_one_signer() {
    let identity = p256();
    let forge = Forge::new(&identity);
    let signer = forge.signer(&identity);
    for count in [0, 2] {
        let der = forge.assemble(&vec![signer.clone(); count]);
        let refused = add_unsigned_value(&der, UNKNOWN, &number(1));
        assert!(matches!(refused, Err(Error::NotOneSigner(found)) if found == count));
    }
    assert!(matches!(add_unsigned_value(b"junk", UNKNOWN, &number(1)), Err(Error::Encoding(_))));
}

#[test]
fn values_are_replaced_in_the_order_given_and_taken_out() {
    let der = sign(&with_chain(), SignatureScheme::EcdsaSha256);
    let all = [number(9), number(1), number(4)];
    let set = |der: &[u8], values: &[[u8; 3]]| {
        let values: Vec<&[u8]> = values.iter().map(|value| &value[..]).collect();
        set_unsigned_values(der, UNKNOWN, &values).unwrap()
    };
    let three = set(&der, &all);
    assert_eq!(values(&three, UNKNOWN), all);
    let two = set(&add_unsigned_value(&three, OTHER, &number(5)).unwrap(), &all[1..]);
    assert_eq!(values(&two, UNKNOWN), all[1..]);
    assert_eq!(values(&two, OTHER), [number(5)]);
    assert!(holds(&two) && rest(&two) == rest(&der));
    assert_eq!(set(&three, &[]), der, "byte for byte as it was without");
    assert!(matches!(set_unsigned_values(&der, UNKNOWN, &[b"\x05"]), Err(Error::Encoding(_))));
}

#[test]
fn only_attributes_to_keep_are_kept() {
    let der = sign(&p256(), SignatureScheme::EcdsaSha256);
    let one = add_unsigned_value(&der, UNKNOWN, &number(1)).unwrap();
    let two = add_unsigned_value(&one, OTHER, &number(2)).unwrap();
    assert_eq!(retain_unsigned(&two, |oid| oid == UNKNOWN).unwrap(), one);
    assert_eq!(retain_unsigned(&two, |_| false).unwrap(), der);
    assert_eq!(retain_unsigned(&two, |_| true).unwrap(), two);
}

#[test]
fn a_signature_made_elsewhere_takes_the_place_of_none() {
    let der = sign(&p256(), SignatureScheme::EcdsaSha256);
    let stamped = add_unsigned_value(&der, UNKNOWN, &number(1)).unwrap();
    let made = SignedData::from_der(&der).unwrap().signers[0].signature.to_vec();
    for whole in [&der, &stamped] {
        let without = replace_signature(whole, b"").unwrap();
        assert_eq!(SignedData::from_der(&without).unwrap().signers[0].signature, b"");
        assert!(!holds(&without));
        assert_eq!(replace_signature(&without, &made).unwrap(), *whole);
    }
    assert!(matches!(replace_signature(b"junk", b""), Err(Error::Encoding(_))));
}
