//! What is written is read again as the same.

use chancery_inf::{Document, Encoding, Unwritable, decode};
use proptest::prelude::*;

#[test]
fn the_writer_quotes_what_needs_it() {
    let text = "[A]\n%s% = plain, \"a b\", \"x\"\"y\", 50%%\nbare\n\"a=b\"\nk=\n_continue_=\"\"\n\
                [Strings]\ns = \"50%\"\n";
    let inf: Document = text.parse().unwrap();
    let written = "[A]\r\n50%% = plain, \"a b\", \"x\"\"y\", 50%%\r\nbare\r\n\"a=b\"\r\nk =\r\n\
                   _continue_ = \"\"\r\n\r\n[Strings]\r\ns = 50%\r\n";
    assert_eq!(inf.to_string(), written);
    assert_eq!(written.parse::<Document>().unwrap(), inf);
}

#[test]
fn a_document_can_be_made() {
    let mut inf = Document::new();
    let request = inf.section_mut("NewRequest").unwrap();
    request.push("Subject", ["CN=Example, Inc."]).unwrap();
    request.push("Empty", [] as [&str; 0]).unwrap();
    request.push_continuation(["more"]).unwrap();
    inf.section_mut("List").unwrap().push_line(["a", "b;c"]).unwrap();
    inf.section_mut("NEWREQUEST").unwrap().push("KeyLength", ["3072"]).unwrap();
    assert_eq!(
        inf.to_string(),
        "[NewRequest]\r\nSubject = \"CN=Example, Inc.\"\r\nEmpty =\r\n_continue_ = more\r\n\
         KeyLength = 3072\r\n\r\n[List]\r\na, \"b;c\"\r\n"
    );
    assert_eq!(inf.to_string().parse::<Document>().unwrap(), inf);
    let (text, encoding) = decode(&inf.to_utf16le()).unwrap();
    assert_eq!((text, encoding), (inf.to_string(), Encoding::Utf16Le));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut inf = Document::new();
    assert_eq!(inf.section_mut("").unwrap_err(), Unwritable::Empty);
    assert_eq!(inf.section_mut(" A").unwrap_err(), Unwritable::OuterBlank);
    assert_eq!(inf.section_mut("A]").unwrap_err(), Unwritable::Character(']'));
    assert!(inf.sections().is_empty(), "nothing was added");
    let section = inf.section_mut("A").unwrap();
    assert_eq!(section.push("k", ["a\nb"]).unwrap_err(), Unwritable::Character('\n'));
    assert_eq!(section.push("k", ["“"]).unwrap_err(), Unwritable::Character('“'));
    assert_eq!(section.push("", ["a"]).unwrap_err(), Unwritable::Empty);
    assert_eq!(section.push("_CONTINUE_", ["a"]).unwrap_err(), Unwritable::Continue);
    assert_eq!(section.push_line([] as [&str; 0]).unwrap_err(), Unwritable::Empty);
    assert_eq!(section.push_continuation(["a"]).unwrap_err(), Unwritable::NothingToContinue);
    assert!(section.entries().is_empty(), "nothing was added");
}

/// Text in which most of what an INF can have happens.
fn inf_like() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        4 => prop::sample::select(vec![
            "[A]\n", "[b]\n", "[Strings]\r\n", "[a]\n", "k", "K2", "s", "_continue_", "=", " = ", ",", "\"", "\"\"",
            "\n", "\r\n", "\\\n", "\\", ";c", "%s%", "%%", " ", "\t", "x", "{text}", "ß",
        ])
        .prop_map(str::to_owned),
        1 => "\"[^\"\\p{C}\\p{Z}]{0,6}\"\n",
    ];
    prop::collection::vec(token, 0..40)
        .prop_map(|tokens| format!("[Strings]\ns=1\n[A]\n{}", tokens.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_read_is_written_and_read_as_the_same(text in inf_like()) {
        if let Ok(inf) = text.parse::<Document>() {
            let written = inf.to_string();
            let again: Document = written.parse().unwrap();
            prop_assert_eq!(&again, &inf, "{}", written);
            prop_assert_eq!(again.to_string(), written);
        }
    }

    #[test]
    fn whatever_can_be_put_in_comes_back(
        names in prop::collection::vec("\\PC{0,4}|Strings", 1..4),
        key in "\\PC{0,6}",
        fields in prop::collection::vec("[ -~\t]{0,8}|\\PC{0,8}", 0..4),
    ) {
        let mut inf = Document::new();
        for name in names {
            let Ok(section) = inf.section_mut(&name) else { continue };
            let _ = section.push(&key, fields.clone());
            let _ = section.push_line(fields.clone());
            let _ = section.push_continuation(fields.clone());
        }
        // `[Strings]` may define a name once only.
        if let Ok(again) = inf.to_string().parse::<Document>() {
            prop_assert_eq!(again, inf);
        } else {
            let strings = inf.section("Strings").unwrap();
            prop_assert!(strings.entries_of(&key).count() > 1);
        }
    }
}
