//! What is no INF, why, and where.

use chancery_inf::{Document, ErrorKind, MAX_SUBSTITUTED_LEN, MAX_TEXT_LEN};

/// Reads what must be refused.
fn refused(text: &str) -> ((usize, usize), ErrorKind) {
    let error = text.parse::<Document>().unwrap_err();
    ((error.position().line, error.position().column), error.kind().clone())
}

#[test]
fn every_error_says_where() {
    for (text, at, kind) in [
        ("\n k = 1", (2, 2), ErrorKind::OutsideSection),
        ("[A\nk = 1", (1, 1), ErrorKind::UnclosedSection),
        ("[A", (1, 1), ErrorKind::UnclosedSection),
        ("[ ]", (1, 1), ErrorKind::EmptySectionName),
        ("[A] ; fine\n[B] k = 1", (2, 5), ErrorKind::AfterSectionName),
        ("[A]\n = 1", (2, 2), ErrorKind::EmptyKey),
        ("[A]\n%e% = 1\n[Strings]\ne = \"\"", (2, 1), ErrorKind::EmptyKey),
        ("[A]\nk = a, \"b\nc\"", (2, 8), ErrorKind::UnclosedQuote),
        ("[A]\nk = \"b\\\nc\"", (2, 5), ErrorKind::UnclosedQuote),
        ("[A]\nk = 50 %", (2, 8), ErrorKind::UnclosedPercent),
        ("[A]\nk = \"a%b\", c%", (2, 7), ErrorKind::UnclosedPercent),
        ("[A]\nk = a, %b c%", (2, 8), ErrorKind::UndefinedString("b c".into())),
        ("[Strings]\na=1\nA=2", (3, 1), ErrorKind::DuplicateString("A".into())),
        ("[A]\nbare\n_continue_ = 1", (3, 1), ErrorKind::NothingToContinue),
        ("[A]\nk = 1\n[B]\n_continue_ = 1", (4, 1), ErrorKind::NothingToContinue),
        ("[A]\nk = a\u{7}", (2, 6), ErrorKind::Control('\u{7}')),
        ("[A]\nk = \"a\rb\"", (2, 7), ErrorKind::Control('\r')),
    ] {
        assert_eq!(refused(text), (at, kind), "{text:?}");
    }
}

#[test]
fn characters_of_a_web_page_are_named_with_what_belongs_there() {
    for (text, column, found, instead) in [
        ("k = “CN=a”", 5, '“', Some('"')),
        ("k = \"CN=a”\"", 10, '”', Some('"')),
        ("k = ‘a’", 5, '‘', Some('\'')),
        ("k = \"2026–01\"", 10, '–', Some('-')),
        ("k — a", 3, '—', Some('-')),
        ("k = a \u{a0}b", 7, '\u{a0}', Some(' ')),
        ("k = \"a\" \u{a0}\"b\"", 9, '\u{a0}', Some(' ')),
        ("k = \"a\u{a0}\"", 7, '\u{a0}', Some(' ')),
        ("k\u{a0}l = a", 2, '\u{a0}', Some(' ')),
        ("[\u{a0}A]", 2, '\u{a0}', Some(' ')),
        ("k = %s\u{a0}%", 7, '\u{a0}', Some(' ')),
        ("k = a\u{200b}", 6, '\u{200b}', None),
        ("“k” = a", 1, '“', Some('"')),
    ] {
        let (at, kind) = refused(&format!("[A]\n{text}"));
        assert_eq!(at, (2, column), "{text}");
        let ErrorKind::Typographic { found: is, instead: should, .. } = kind else {
            panic!("{text}: {kind:?}");
        };
        assert_eq!((is, should), (found, instead), "{text}");
    }
    let message = "[A]\nk = “a”".parse::<Document>().unwrap_err().to_string();
    assert_eq!(
        message,
        "line 2, column 5: left double quotation mark U+201C, as word processors and web pages write it: write `\"`"
    );
}

#[test]
fn a_comment_may_say_anything() {
    let inf: Document = "; “first” –\n[A] ; — \u{7}\nk = a ; don’t\n".parse().unwrap();
    assert_eq!(inf.section("A").unwrap().value("k").unwrap(), "a");
}

#[test]
fn an_ansi_file_from_a_word_processor_is_recognised() {
    let error = Document::from_bytes(b"[A]\nk = \x93CN=a\x94").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Typographic { found: '“', .. }), "{error}");
}

#[test]
fn limits_have_names() {
    let mut text = String::from("[A]\n;");
    text.push_str(&"x".repeat(MAX_TEXT_LEN - text.len()));
    assert!(text.parse::<Document>().is_ok());
    text.push('x');
    let limit = |what, limit| ErrorKind::Limit { what, limit };
    assert_eq!(refused(&text), ((1, 1), limit("bytes", MAX_TEXT_LEN)));
    assert!(Document::from_bytes(text.as_bytes()).is_err());

    let kib = "x".repeat(1024);
    let uses = MAX_SUBSTITUTED_LEN / kib.len();
    let inf = |uses| format!("[Strings]\ns={kib}\n[A]\n{}", "k=%s%\n".repeat(uses));
    assert_eq!(inf(uses).parse::<Document>().unwrap().section("A").unwrap().entries().len(), uses);
    let (at, kind) = refused(&inf(uses + 1));
    assert_eq!(at, (uses + 4, 3));
    assert_eq!(kind, limit("bytes put in by %name%", MAX_SUBSTITUTED_LEN));
}
