//! Structures that are none, and limits.

use chancery_cms::{Error, SignedData, SignerIdentifier, oid};
use chancery_x509::asn1::{self, tag};
use proptest::prelude::*;

use super::support::{Forge, UNKNOWN, attribute, content_info, holds, p256, sign, with_chain};

/// Returns what is wrong where bytes break the structure.
fn what(der: &[u8]) -> &'static str {
    match SignedData::from_der(der) {
        Err(Error::Encoding(chancery_x509::Error::Der { what, .. })) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_cut_or_followed_by_anything_is_refused() {
    let der = sign(&p256(), chancery_key::SignatureScheme::EcdsaSha256);
    for len in 0..der.len() {
        assert!(SignedData::from_der(&der[..len]).is_err(), "{len} bytes");
        assert!(SignedData::from_der_prefix(&der[..len]).is_err(), "{len} bytes");
    }
    let longer = [&der[..], &[0, 1]].concat();
    assert_eq!(what(&longer), "end of data");
    let (signed, rest) = SignedData::from_der_prefix(&longer).unwrap();
    assert_eq!((signed.raw, rest), (&der[..], &[0, 1][..]));
}

#[test]
fn a_content_info_of_another_kind_says_which() {
    for kind in [oid::DATA, UNKNOWN] {
        let der = content_info(kind, &[&asn1::octet_string(b"x")]);
        let Err(Error::NotSignedData(found)) = SignedData::from_der(&der) else { panic!() };
        assert_eq!(found, kind);
    }
    assert_eq!(what(&content_info(oid::SIGNED_DATA, &[&[5, 0]])), "SignedData");
}

#[test]
fn nothing_follows_the_last_field_of_any_structure() {
    let identity = p256();
    let good = Forge::new(&identity);
    let null = [5, 0];
    let end = "end of data";
    let list = |mut list: Vec<Vec<u8>>, more: &[u8]| {
        list.last_mut().unwrap().extend(more);
        list
    };
    let signed = good.assemble(&[good.signer(&identity)]);
    let inner = asn1::Tlv::parse(&signed).unwrap().reader().nth(1).unwrap().unwrap();
    assert_eq!(what(&content_info(oid::SIGNED_DATA, &[inner.contents, &null])), end);
    assert_eq!(what(&asn1::sequence(&[asn1::Tlv::parse(&signed).unwrap().contents, &null])), end);
    let more = |change: fn(&mut Forge)| {
        let mut forge = good.clone();
        change(&mut forge);
        what(&forge.sign(&identity))
    };
    assert_eq!(more(|forge| forge.tail = vec![5, 0]), end);
    assert_eq!(more(|forge| forge.content.extend([5, 0])), end);
    assert_eq!(more(|forge| forge.bags.extend([5, 0])), "signer infos");
    assert_eq!(more(|forge| forge.identifier = [&forge.identifier[..], &[5, 0]].concat()), {
        "digest algorithm"
    });
    let attributes = list(good.signed_attributes.clone().unwrap(), &null);
    let forged = Forge { signed_attributes: Some(attributes), ..good.clone() }.sign(&identity);
    assert_eq!(what(&forged), "attribute");
    let long =
        asn1::sequence(&[&asn1::object_identifier(&UNKNOWN), &asn1::tlv(tag::SET, &[]), &null]);
    let tail = asn1::tlv(tag::context_constructed(1), &[&long]);
    assert_eq!(what(&Forge { tail, ..good.clone() }.sign(&identity)), end);
}

#[test]
fn optional_fields_stand_in_their_order_and_once() {
    let identity = p256();
    let good = Forge::new(&identity);
    let crls = asn1::tlv(tag::context_constructed(1), &[&[0x30, 0]]);
    let with = |bags: &[&[u8]]| Forge { bags: bags.concat(), ..good.clone() }.sign(&identity);
    assert!(holds(&with(&[&good.bags, &crls])), "revocation lists are passed over");
    for bags in [[&crls[..], &good.bags], [&good.bags, &good.bags], [&crls, &crls]] {
        assert_eq!(what(&with(&bags)), "signer infos");
    }
    let empty = asn1::tlv(tag::context_constructed(1), &[]);
    let tail = [empty.clone(), empty].concat();
    assert_eq!(what(&Forge { tail, ..good.clone() }.sign(&identity)), "end of data");
}

#[test]
fn versions_are_small_numbers_and_read_as_they_are() {
    let identity = p256();
    let good = Forge::new(&identity);
    for number in [0, 1, 3, 5, 127] {
        let version = asn1::unsigned_integer(&[number]);
        let forged = Forge { version: version.clone(), signer_version: version, ..good.clone() };
        let der = forged.sign(&identity);
        let read = SignedData::from_der(&der).unwrap();
        assert_eq!((read.version, read.signers[0].version), (number.into(), number.into()));
    }
    for bad in [&[2, 1, 0xff][..], &[2, 0], &[2, 2, 0, 1], &[2, 5, 1, 0, 0, 0, 0], &[4, 1, 1]] {
        for forged in [
            Forge { version: bad.to_vec(), ..good.clone() },
            Forge { signer_version: bad.to_vec(), ..good.clone() },
        ] {
            assert!(SignedData::from_der(&forged.sign(&identity)).is_err(), "{bad:?}");
        }
    }
}

#[test]
fn a_signer_is_named_by_issuer_and_serial_or_key_identifier() {
    let (identity, stranger) = (with_chain(), with_chain());
    let good = Forge::new(&identity);
    let own = identity.certificate().extensions().subject_key_identifier().unwrap().unwrap();
    let by_key = |id: &[u8]| {
        let identifier = asn1::tlv(tag::context(0), &[id]);
        Forge { identifier, ..good.clone() }.sign(&identity)
    };
    assert!(holds(&by_key(own)));
    assert!(!holds(&by_key(&own[1..])) && !holds(&by_key(&[])));
    let der = by_key(own);
    let named = SignedData::from_der(&der).unwrap().signers[0].identifier;
    assert_eq!(named, SignerIdentifier::SubjectKeyIdentifier(own));
    assert!(named.names(identity.certificate()) && !named.names(stranger.certificate()));

    let serial = |serial: &[u8]| {
        let issuer = identity.certificate().issuer().as_der();
        let serial = asn1::tlv(tag::INTEGER, &[serial]);
        let identifier = asn1::sequence(&[issuer, &serial]);
        Forge { identifier, ..good.clone() }.sign(&identity)
    };
    assert!(holds(&serial(&[7; 20])));
    assert!(!holds(&serial(&[7; 19])) && !holds(&serial(&[8; 20])));
    assert_eq!(what(&serial(&[])), "shortest form of integer");
    assert_eq!(what(&serial(&[0, 7])), "shortest form of integer");
}

#[test]
fn there_is_a_limit_to_each_count() {
    let identity = p256();
    let good = Forge::new(&identity);
    let limit = |der: &[u8]| match SignedData::from_der(der) {
        Ok(_) => None,
        Err(Error::Limit { what, limit }) => Some((what, limit)),
        Err(error) => panic!("{error:?}"),
    };
    let signer = good.signer(&identity);
    assert_eq!(limit(&good.assemble(&vec![signer.clone(); 16])), None);
    assert_eq!(limit(&good.assemble(&vec![signer; 17])), Some(("signers", 16)));

    let algorithms = |count| {
        let digest_algorithms = vec![good.digest_algorithm.clone(); count];
        limit(&Forge { digest_algorithms, ..good.clone() }.sign(&identity))
    };
    assert_eq!(algorithms(16), None);
    assert_eq!(algorithms(17), Some(("digest algorithms", 16)));

    let certificates = |count| {
        let bags = asn1::tlv(tag::context_constructed(0), &vec![&[0x30, 0][..]; count]);
        limit(&Forge { bags, ..good.clone() }.sign(&identity))
    };
    assert_eq!(certificates(64), None);
    assert_eq!(certificates(65), Some(("certificates", 64)));

    let unsigned = |attributes: usize, values: usize| {
        let attribute = attribute(UNKNOWN, &vec![&[5, 0][..]; values]);
        let tail = asn1::tlv(tag::context_constructed(1), &vec![&attribute[..]; attributes]);
        limit(&Forge { tail, ..good.clone() }.sign(&identity))
    };
    assert_eq!(unsigned(64, 64), None);
    assert_eq!(unsigned(65, 1), Some(("attributes or values", 64)));
    assert_eq!(unsigned(1, 65), Some(("attributes or values", 64)));
}

#[test]
fn what_is_no_certificate_is_counted_and_passed_over() {
    let identity = p256();
    let attribute_certificate = asn1::tlv(tag::context_constructed(2), &[&[5, 0]]);
    let certificate = identity.certificate().as_der();
    let bags = asn1::tlv(
        tag::context_constructed(0),
        &[&attribute_certificate, &[0x30, 0], certificate, &[0x30, 0]],
    );
    let der = Forge { bags, ..Forge::new(&identity) }.sign(&identity);
    let found = SignedData::from_der(&der).unwrap().read_certificates();
    assert_eq!((found.readable.len(), found.skipped), (1, 3));
    assert!(holds(&der));
}

#[test]
fn detached_content_is_none() {
    let identity = p256();
    let der = Forge::new(&identity).sign(&identity);
    let tlv = asn1::Tlv::parse(&der).unwrap();
    let signed = tlv.reader().nth(1).unwrap().unwrap().only().unwrap();
    let fields: Vec<&[u8]> = signed.reader().map(|field| field.unwrap().raw).collect();
    let type_alone = asn1::sequence(&[&asn1::object_identifier(&oid::DATA)]);
    let detached = asn1::sequence(&[fields[0], fields[1], &type_alone, fields[3], fields[4]]);
    let der = content_info(oid::SIGNED_DATA, &[&detached]);
    let read = SignedData::from_der(&der).unwrap();
    assert_eq!(read.content, None);
    let key = identity.certificate().public_key();
    let signer = &read.signers[0];
    assert!(signer.check(read.content_type, super::support::CONTENT, key).holds());
    assert!(!signer.check(read.content_type, b"another content", key).holds());
}

proptest! {
    #[test]
    fn arbitrary_changes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        use std::sync::LazyLock;
        static SIGNED: LazyLock<Vec<u8>> = LazyLock::new(|| {
            sign(&with_chain(), chancery_key::SignatureScheme::EcdsaSha256)
        });
        let mut der = SIGNED.clone();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        let _ = super::support::check(&der);
    }
}
