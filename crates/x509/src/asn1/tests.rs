use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn written_values_are_read_back(
        tag in 1_u8..0x1f,
        contents in proptest::collection::vec(any::<u8>(), 0..70_000),
    ) {
        let written = tlv(tag, &[&contents]);
        let read = Tlv::parse(&written).unwrap();
        prop_assert_eq!(read.tag, tag);
        prop_assert_eq!(read.contents, &contents[..]);
        prop_assert_eq!(read.raw, &written[..]);
    }

    /// An identifier is taken where writing the numbers that are read of it gives the same octets again.
    #[test]
    fn identifiers_that_are_taken_have_no_other_encoding(
        contents in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(0x80), Just(0x8f), Just(0x90), Just(0xff), 0_u8..0x80],
            0..12,
        ),
    ) {
        let again = ObjectIdentifier::from_bytes(&contents)
            .ok()
            .and_then(|oid| ObjectIdentifier::from_arcs(oid.arcs()).ok())
            .filter(|again| again.as_bytes() == contents);
        prop_assert_eq!(Tlv::parse(&tlv(tag::OID, &[&contents])).unwrap().oid().ok(), again);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        for tlv in Reader::new(&bytes).flatten() {
            let _ = (tlv.small_integer(), tlv.oid(), tlv.bit_string(), tlv.reader().count());
        }
    }
}

#[test]
fn ber_is_refused_where_it_begins() {
    for (bytes, offset) in [
        (&[0x30, 0x80, 0, 0][..], 0),
        (&[0x30, 0x81, 0x02, 5, 0], 0),
        (&[0x30, 0x82, 0x00, 0x80], 0),
        (&[0x1f, 0x81, 0x01, 0], 0),
        (&[0x04, 0x05, 1, 2], 0),
        (&[0x05, 0x00, 0x00], 2),
    ] {
        assert_eq!(Tlv::parse(bytes).unwrap_err().offset(), Some(offset), "{bytes:x?}");
    }
}

#[test]
fn offsets_count_from_the_outermost_input() {
    let bytes = sequence(&[&tlv(tag::NULL, &[]), &[0x30, 0x80]]);
    let mut inner = Tlv::parse(&bytes).unwrap().reader();
    inner.read().unwrap();
    assert_eq!(inner.read().unwrap_err().offset(), Some(4));
}

#[test]
fn booleans_are_00_or_ff() {
    for (contents, value) in [(&[0][..], Some(false)), (&[0xff], Some(true))] {
        assert_eq!(Tlv::parse(&tlv(1, &[contents])).unwrap().boolean().ok(), value);
    }
    for bad in [&[][..], &[1], &[0x7f], &[0, 0], &[0xff, 0xff]] {
        assert!(Tlv::parse(&tlv(1, &[bad])).unwrap().boolean().is_err(), "{bad:?}");
    }
    assert!(Tlv::parse(&[2, 1, 0]).unwrap().boolean().is_err(), "an integer");
}

#[test]
fn integers_of_any_size_and_sign_are_read_in_their_shortest_form() {
    for octets in [&[0][..], &[0x80], &[0, 0x80], &[0xff], &[0xff, 0x7f], &[0x7f; 20]] {
        let der = tlv(2, &[octets]);
        assert_eq!(Tlv::parse(&der).unwrap().integer().unwrap(), octets);
    }
    for bad in [&[][..], &[0, 0], &[0, 0x7f], &[0xff, 0x80], &[0xff, 0xff]] {
        assert!(Tlv::parse(&tlv(2, &[bad])).unwrap().integer().is_err(), "{bad:?}");
    }
    assert!(Tlv::parse(&[4, 1, 0]).unwrap().integer().is_err(), "an octet string");
}

#[test]
fn an_explicit_tag_holds_exactly_one_value() {
    let null = tlv(tag::NULL, &[]);
    let one = tlv(0xa0, &[&null]);
    let only = Tlv::parse(&one).unwrap().only().unwrap();
    assert_eq!((only.raw, only.offset), (&null[..], 2));
    assert_eq!(
        Tlv::parse(&tlv(0xa0, &[&null, &null])).unwrap().only().unwrap_err().offset(),
        Some(4)
    );
    assert!(Tlv::parse(&tlv(0xa0, &[])).unwrap().only().is_err());
}

#[test]
fn integers_are_minimal() {
    assert_eq!(unsigned_integer(&[0, 0]), [2, 1, 0]);
    assert_eq!(unsigned_integer(&[0, 0x80]), [2, 2, 0, 0x80]);
    for (contents, value) in [(&[0][..], Some(0)), (&[1, 0], Some(256)), (&[0, 0x80], Some(128))] {
        assert_eq!(Tlv::parse(&tlv(2, &[contents])).unwrap().small_integer().ok(), value);
    }
    for bad in [&[][..], &[0x80], &[0, 1], &[1, 2, 3, 4, 5], &[0xff, 0]] {
        assert!(Tlv::parse(&tlv(2, &[bad])).unwrap().small_integer().is_err(), "{bad:?}");
    }
}

#[test]
fn an_object_identifier_has_one_encoding() {
    let read = |contents: &[u8]| Tlv::parse(&tlv(tag::OID, &[contents])).unwrap().oid().ok();
    for (contents, shown) in
        [(&[0x2b, 6, 1][..], "1.3.6.1"), (&[0x2b, 0x8f, 0xff, 0xff, 0xff, 0x7f], "1.3.4294967295")]
    {
        assert_eq!(read(contents).unwrap().to_string(), shown);
    }
    for (bad, why) in [
        (&[0x2b, 0x80, 6, 1][..], "a padded arc"),
        (&[0x2b, 0x90, 0x80, 0x80, 0x80, 0x06], "an arc of 33 bits"),
        (&[0x2b, 0x81, 0x80, 0x80, 0x80, 0x80, 0x06], "an arc of 36 bits"),
        (&[0x2b, 0x86], "an arc that does not end"),
        (&[], "none"),
    ] {
        assert_eq!(read(bad), None, "{why}");
    }
}
