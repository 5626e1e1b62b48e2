use proptest::prelude::*;

use super::*;

fn refused(text: &str) -> (UriErrorKind, usize) {
    let error = text.parse::<Uri>().expect_err(text);
    (error.kind().clone(), error.offset())
}

#[test]
fn reads_every_attribute() {
    let uri: Uri = "pkcs11:token=The%20Software%20token;manufacturer=Snake%20Oil,%20Inc.;serial=1;\
        model=1.0;library-manufacturer=a;library-description=b;library-version=3;slot-manufacturer=c;\
        slot-description=d;slot-id=327;object=my-key;id=%69%95%3e%5c%F4%bd%ec%91;type=cert\
        ?pin-source=file:/etc/token_pin&module-name=softhsm2&module-path=/usr/lib/x.so&x-later=1"
        .parse()
        .unwrap();
    assert_eq!(uri.token.as_deref(), Some("The Software token"));
    assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
    assert_eq!(uri.library_version, Some((3, 0)));
    assert_eq!(uri.slot_id, Some(327));
    assert_eq!(uri.id.as_deref(), Some(&[0x69, 0x95, 0x3e, 0x5c, 0xf4, 0xbd, 0xec, 0x91][..]));
    assert_eq!(uri.object_type, Some(ObjectType::Cert));
    assert_eq!(uri.pin_source.as_deref(), Some("file:/etc/token_pin"));
    assert_eq!(
        uri.to_string(),
        "pkcs11:token=The%20Software%20token;manufacturer=Snake%20Oil%2C%20Inc.;serial=1;model=1.0;\
         library-manufacturer=a;library-description=b;library-version=3.0;slot-manufacturer=c;\
         slot-description=d;slot-id=327;object=my-key;id=%69%95%3E%5C%F4%BD%EC%91;type=cert\
         ?pin-source=file:/etc/token_pin&module-name=softhsm2&module-path=/usr/lib/x.so"
    );
}

#[test]
fn the_empty_uri_allows_everything() {
    assert_eq!("pkcs11:".parse(), Ok(Uri::new()));
    assert_eq!("PKCS11:".parse(), Ok(Uri::new()));
    assert_eq!(Uri::new().to_string(), "pkcs11:");
    assert_eq!("pkcs11:?module-name=x".parse::<Uri>().unwrap().module_name.as_deref(), Some("x"));
}

#[test]
fn an_empty_value_is_a_value() {
    let uri: Uri = "pkcs11:object=;id=".parse().unwrap();
    assert_eq!(uri.object.as_deref(), Some(""));
    assert_eq!(uri.id.as_deref(), Some(&[][..]));
    assert_eq!(uri.to_string().parse(), Ok(uri));
}

#[test]
fn says_what_is_wrong_and_where() {
    use UriErrorKind as K;
    assert_eq!(refused(""), (K::Scheme, 0));
    assert_eq!(refused("pkcs1"), (K::Scheme, 0));
    assert_eq!(refused("file:key.pem"), (K::Scheme, 0));
    assert_eq!(refused("pkcs11:token"), (K::NoValue, 7));
    assert_eq!(refused("pkcs11:token=a;colour=b"), (K::UnknownAttribute("colour".into()), 15));
    assert_eq!(refused("pkcs11:token=a;token=a"), (K::Duplicate("token".into()), 15));
    assert_eq!(refused("pkcs11:object=ab%4"), (K::PercentEncoding, 16));
    assert_eq!(refused("pkcs11:object=ab%zz"), (K::PercentEncoding, 16));
    assert_eq!(refused("pkcs11:object=%+1"), (K::PercentEncoding, 14));
    assert_eq!(refused("pkcs11:object=a b"), (K::Character(' '), 15));
    assert_eq!(refused("pkcs11:object=é"), (K::Character('é'), 14));
    assert_eq!(refused("pkcs11:object=%ff"), (K::NotUtf8, 14));
    assert_eq!(refused("pkcs11:type=key"), (K::ObjectType, 12));
    assert_eq!(refused("pkcs11:slot-id=+1"), (K::Number, 15));
    assert_eq!(refused("pkcs11:slot-id="), (K::Number, 15));
    assert_eq!(refused("pkcs11:library-version=1.256"), (K::Number, 23));
    assert_eq!(refused(&format!("pkcs11:object={}", "a".repeat(9_000))), (K::TooLong, 8_192));
}

#[test]
fn an_error_is_one_line_whatever_the_address() {
    let error = "pkcs11:to\n\x1b[2Jken=a".parse::<Uri>().unwrap_err();
    assert_eq!(error.to_string(), r"unknown attribute `to\n\u{1b}[2Jken` at byte 7");
}

#[test]
fn what_only_escaping_makes_too_long_is_refused() {
    let long = format!("pkcs11:object={}", "!".repeat(4_000));
    assert_eq!(refused(&long), (UriErrorKind::TooLong, long.len()));
    // Each character of the value becomes three, and there are ten before it.
    let longest = format!("pkcs11:id={}", "!".repeat((8_192 - 10) / 3));
    let uri: Uri = longest.parse().unwrap();
    assert_eq!(uri.to_string().parse(), Ok(uri));
}

#[test]
fn a_pin_in_the_address_is_refused_and_not_repeated() {
    for text in ["pkcs11:token=a?pin-value=7531", "pkcs11:pin-value=7531"] {
        let error = text.parse::<Uri>().unwrap_err();
        assert_eq!(error.kind(), &UriErrorKind::PinValue);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("pin-source") && !shown.contains("7531"), "{shown}");
    }
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,12}")
}

prop_compose! {
    fn any_uri()(
        texts in proptest::collection::vec(text(), 12),
        library_version in any::<Option<(u8, u8)>>(),
        slot_id in any::<Option<u64>>(),
        id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..24)),
        object_type in proptest::option::of(proptest::sample::select(&ObjectType::ALL)),
    ) -> Uri {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        Uri {
            token: next(),
            manufacturer: next(),
            serial: next(),
            model: next(),
            library_manufacturer: next(),
            library_description: next(),
            library_version,
            slot_manufacturer: next(),
            slot_description: next(),
            slot_id,
            object: next(),
            id,
            object_type,
            pin_source: next(),
            module_name: next(),
            module_path: next(),
        }
    }
}

proptest! {
    #[test]
    fn display_and_parse_are_inverse(uri in any_uri()) {
        let text = uri.to_string();
        prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic()), "{}", text);
        prop_assert_eq!(text.parse::<Uri>(), Ok(uri));
    }

    #[test]
    fn what_parses_has_one_canonical_form(text in "pkcs11:([a-z-]{2,6}=[a-z%0-9?&]{0,6};){0,3}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string().parse::<Uri>(), Ok(uri));
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(pkcs11:)?.{0,60}") {
        if let Err(error) = text.parse::<Uri>() {
            prop_assert!(error.offset() <= text.len());
        }
    }
}
