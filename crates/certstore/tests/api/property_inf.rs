//! The INF of `certutil -repairstore`.

use chancery_certstore::{KeyBinding, PropertyId, PropertyInfErrorKind, read_property_inf};
use chancery_inf::Document;

/// As an article about CloudHSM prints it, with a container in the place of its placeholder.
const ARTICLE: &str = "[Properties]\r\n\
    11 = \"\" ; Add friendly name property\r\n\
    2 = \"{text}\" ; Add Key Provider Information property\r\n\
    _continue_=\"Container=CNGRSAPriv-3145768-3407903-26dd1d&\"\r\n\
    _continue_=\"Provider=Cavium Key Storage Provider&\"\r\n\
    _continue_=\"Flags=0&\"\r\n\
    _continue_=\"KeySpec=2\"\r\n";

fn inf(text: &str) -> Document {
    text.parse().unwrap()
}

fn kind(lines: &str) -> PropertyInfErrorKind {
    let error = read_property_inf(&inf(&format!("[Properties]\n{lines}\n"))).unwrap_err();
    assert_eq!(error.position().map(|position| position.line), Some(2), "{error}");
    error.kind().clone()
}

#[test]
fn the_inf_of_the_article_is_a_binding_and_an_empty_name() {
    let changes = read_property_inf(&inf(ARTICLE)).unwrap();
    let [(name, Some(empty)), (info, Some(binding))] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((*name, empty.as_slice()), (PropertyId::FRIENDLY_NAME, &[0, 0][..]));
    assert_eq!(*info, PropertyId::KEY_PROVIDER_INFO);
    let mut expected =
        KeyBinding::new("CNGRSAPriv-3145768-3407903-26dd1d", "Cavium Key Storage Provider");
    expected.key_spec = 2;
    assert_eq!(KeyBinding::decode(binding), Ok(expected));
}

#[test]
fn every_form_of_value_is_read() {
    let text = "[Properties]\n\
        2 = \"{text}container=pkcs11:token=build;object=a&PROVIDER=P&ProviderType=24&Flags=0x20\"\n\
        9 = \"{text}\"\n_continue_ = \"1.3.6.1.5.5.7.3.3,\"\n_continue_ = \"1.3.6.1.5.5.7.3.8,\"\n\
        11 = \"{text}Friendly\"\n13 = plain\n19 = Empty\n20 =\n127 = \"{hex}\"\n_continue_ = \"00 01 fF\"\n";
    let changes = read_property_inf(&inf(text)).unwrap();
    let value = |id: u32| {
        let id = PropertyId::new(id).unwrap();
        changes.iter().find(|(other, _)| *other == id).unwrap().1.clone()
    };
    let binding = KeyBinding::decode(&value(2).unwrap()).unwrap();
    assert_eq!(binding.container.as_deref(), Some("pkcs11:token=build;object=a"));
    assert_eq!((binding.provider_type, binding.flags, binding.key_spec), (24, 0x20, 0));
    let purposes =
        b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x08";
    assert_eq!(value(9).as_deref(), Some(&purposes[..]));
    assert_eq!(value(11).unwrap().len(), 18);
    assert_eq!(value(13).unwrap(), b"p\0l\0a\0i\0n\0\0\0");
    assert_eq!(value(19), Some(Vec::new()));
    assert_eq!(value(20), None);
    assert_eq!(value(127), Some(vec![0, 1, 0xff]));
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    use PropertyInfErrorKind::*;
    let none = read_property_inf(&inf("[Other]\n1 = 2\n")).unwrap_err();
    assert_eq!(none.kind(), &NoSection);
    assert_eq!(kind("text"), NoNumber);
    for number in ["0", "1", "3", "32", "65536", "78", "name", "-1"] {
        assert_eq!(kind(&format!("{number} = a")), Number(number.into()), "{number}");
    }
    assert!(matches!(kind("2 = \"Container=a\""), Form { .. }));
    assert!(matches!(kind("19 = yes"), Form { .. }));
    assert!(matches!(kind("9 = \"{text}codeSigning\""), Form { .. }));
    assert!(matches!(kind("127 = \"{hex}0\""), Form { .. }));
    let binding = |text: &str| kind(&format!("2 = \"{{text}}{text}\""));
    assert_eq!(binding("Container=a&Provider=b&Label=c"), BindingPart("Label=c".into()));
    assert_eq!(binding("Container=a&Provider=b&Flags=x"), NotANumber("x".into()));
    assert_eq!(binding("Container=a&Container=b"), DuplicatePart("Container".into()));
    assert_eq!(binding("Container=a&Flags=1&flags=2"), DuplicatePart("flags".into()));
    assert_eq!(binding("Container=a"), MissingPart("Provider"));
    assert_eq!(binding("Container=&Provider=b"), MissingPart("Container"));
    let twice = read_property_inf(&inf("[Properties]\n11 = a\n11 = b\n")).unwrap_err();
    assert_eq!(twice.kind(), &Duplicate(PropertyId::FRIENDLY_NAME));
    assert!(twice.to_string().contains("3"), "{twice}");
}
