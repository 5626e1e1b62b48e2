use proptest::prelude::*;

use super::*;

fn round(text: &str) -> String {
    let name: Name = text.parse().unwrap();
    assert_eq!(Name::from_der(name.as_der()).unwrap().to_string(), name.to_string());
    name.to_string()
}

#[test]
fn strings_are_read_most_specific_first() {
    let name: Name = "CN=Example, O=Example Ltd, C=GB".parse().unwrap();
    assert_eq!(name.to_string(), "CN=Example,O=Example Ltd,C=GB");
    // countryName is encoded first, as a PrintableString.
    assert_eq!(&name.as_der()[2..13], b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02");
    assert_eq!(name.common_name().as_deref(), Some("Example"));
}

#[test]
fn special_characters_survive() {
    for (text, written) in [
        (r"CN=Smith\, Jones \+ Co", r"CN=Smith\, Jones \+ Co"),
        (r#"CN="Smith, Jones""#, r"CN=Smith\, Jones"),
        (r"CN=A/S Dansk", "CN=A/S Dansk"),
        (r"CN=\ padded\ ", r"CN=\ padded\ "),
        (r"CN=T\C3\A9st", "CN=Tést"),
        // The set is sorted by its encoding, and the shorter one comes first.
        (r"CN=J Smith+OU=Sales", "OU=Sales+CN=J Smith"),
        ("2.5.4.3=x", "CN=x"),
        ("1.2.3.4=#0c0178", "1.2.3.4=x"),
        ("S=WA,E=a@b.example", "ST=WA,EMAIL=a@b.example"),
        (r"CN=a\0Ab", r"CN=a\0Ab"),
    ] {
        assert_eq!(round(text), written, "{text}");
    }
}

#[test]
fn what_is_no_name_is_refused() {
    for (text, error) in [
        ("", NameError::Empty),
        ("  ", NameError::Empty),
        ("Example", NameError::NoEquals(0)),
        ("CN=a,b", NameError::NoEquals(5)),
        ("CN=a,", NameError::NoEquals(5)),
        ("XX=a", NameError::UnknownType("XX".into())),
        ("C=Großbritannien", NameError::BadValue("C".into())),
        ("countryName=GBR", NameError::BadValue("countryName".into())),
        ("2.5.4.6=G", NameError::BadValue("2.5.4.6".into())),
        ("CN=", NameError::BadValue("CN".into())),
        (r"CN=a\z", NameError::BadEscape(4)),
        ("CN=\"a", NameError::BadEscape(3)),
        ("CN=#0c05", NameError::BadEscape(3)),
    ] {
        assert_eq!(text.parse::<Name>().unwrap_err(), error, "{text}");
    }
}

#[test]
fn what_turns_text_around_is_escaped() {
    for (c, written) in [
        ('\u{202e}', r"CN=a\E2\80\AEb"),
        ('\u{2066}', r"CN=a\E2\81\A6b"),
        ('\u{61c}', r"CN=a\D8\9Cb"),
        ('\u{1b}', r"CN=a\1Bb"),
        ('\0', r"CN=a\00b"),
    ] {
        let name = Name::from_rdns(vec![vec![Attribute {
            oid: COMMON_NAME,
            tag: tag::UTF8_STRING,
            contents: format!("a{c}b").into_bytes(),
        }]]);
        assert_eq!(name.to_string(), written);
    }
}

#[test]
fn a_relative_name_without_attributes_and_a_name_too_long_are_refused() {
    let empty = Name::from_der(&[0x30, 2, 0x31, 0]).unwrap_err();
    assert_eq!(empty.offset(), Some(2));
    let attribute = |len| {
        asn1::sequence(&[&asn1::tlv(
            tag::SET,
            &[&asn1::sequence(&[
                &asn1::object_identifier(&COMMON_NAME),
                &asn1::tlv(tag::UTF8_STRING, &[&vec![b'a'; len]]),
            ])],
        )])
    };
    // Four headers of four octets each, and an OBJECT IDENTIFIER of five.
    let longest = attribute(MAX_NAME_LEN - 21);
    assert_eq!(longest.len(), MAX_NAME_LEN);
    assert!(Name::from_der(&longest).is_ok());
    assert!(matches!(
        Name::from_der(&attribute(MAX_NAME_LEN - 20)),
        Err(Error::Limit { what: "bytes of name", limit: MAX_NAME_LEN })
    ));
}

#[test]
fn names_match_across_string_types_and_case() {
    let utf8: Name = "CN=Example  Root,C=GB".parse().unwrap();
    let der = asn1::sequence(&[
        &utf8.as_der()[2..15],
        &asn1::tlv(
            tag::SET,
            &[&asn1::sequence(&[
                &asn1::object_identifier(&COMMON_NAME),
                &asn1::tlv(tag::PRINTABLE_STRING, &[b"EXAMPLE ROOT"]),
            ])],
        ),
    ]);
    let printable = Name::from_der(&der).unwrap();
    assert!(utf8.matches(&printable) && utf8 != printable);
    assert!(!utf8.matches(&"CN=Example Root 2,C=GB".parse().unwrap()));
}

#[test]
fn an_error_is_one_line_whatever_the_name() {
    let error = "C\nN=a".parse::<Name>().unwrap_err();
    assert_eq!(error.to_string(), r"`C\nN` is no attribute type we know");
}

#[test]
fn several_values_match_in_any_order() {
    let attribute =
        |tag, contents: &[u8]| Attribute { oid: COMMON_NAME, tag, contents: contents.to_vec() };
    let name = |rdn| Name::from_rdns(vec![rdn]);
    // By encoding the PrintableString comes after the UTF8String, and by text before it.
    let mixed =
        name(vec![attribute(tag::PRINTABLE_STRING, b"A"), attribute(tag::UTF8_STRING, b"b")]);
    let one_type = name(vec![attribute(tag::UTF8_STRING, b"a"), attribute(tag::UTF8_STRING, b"b")]);
    assert_eq!(mixed.to_string(), "CN=b+CN=A");
    assert!(mixed.matches(&one_type) && one_type.matches(&mixed));
    let twice = name(vec![attribute(tag::UTF8_STRING, b"a"), attribute(tag::UTF8_STRING, b"a")]);
    assert!(!mixed.matches(&twice) && !twice.matches(&mixed));
}

proptest! {
    #[test]
    fn any_value_survives_writing_and_reading(value in "\\PC{1,20}") {
        let name = Name::from_rdns(vec![vec![Attribute {
            oid: COMMON_NAME,
            tag: tag::UTF8_STRING,
            contents: value.clone().into_bytes(),
        }]]);
        let again: Name = name.to_string().parse().unwrap();
        prop_assert_eq!(again.common_name(), Some(value));
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Name>();
    }
}
