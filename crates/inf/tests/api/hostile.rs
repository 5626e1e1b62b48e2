//! Text made to do harm.

use std::time::{Duration, Instant};

use chancery_inf::{Document, decode};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = Document::from_bytes(&bytes);
    }

    #[test]
    fn no_text_does_harm(text in "(\\[A\\]\n)?[\\[\\]=,;%\"\\\\ \t\r\na-cä“\u{0}_]{0,80}") {
        if let Err(error) = text.parse::<Document>() {
            let lines = text.matches('\n').count() + 1;
            prop_assert!((1..=lines).contains(&error.position().line));
            prop_assert!(error.position().column >= 1);
        }
    }
}

/// A quarter of a megabyte of anything takes well under a second; what is quadratic takes minutes.
#[test]
fn time_is_linear_in_the_text() {
    const LEN: usize = 256 * 1024;
    let sections: String = (0..LEN / 12).map(|number| format!("[s{number}]\nk=1\n")).collect();
    let keys: String = (0..LEN / 12).map(|number| format!("k{number} = 1\n")).collect();
    let strings: String = (0..LEN / 16).map(|number| format!("%k{number}%\n")).collect();
    for (what, text) in [
        ("sections", sections),
        ("one section often", "[a]\nk=1\n".repeat(LEN / 8)),
        ("keys", format!("[a]\n{keys}")),
        ("strings", format!("[Strings]\n{keys}[a]\n{strings}")),
        (
            "one long string",
            format!("[Strings]\ns={}\n[a]\n{}", "x".repeat(LEN / 2), "%s%\n".repeat(LEN / 8)),
        ),
        ("fields", format!("[a]\nk={}", "x,".repeat(LEN / 2))),
        ("continued lines", format!("[a]\nk={}", "x\\\n".repeat(LEN / 3))),
        ("backslashes", format!("[a]\nk={}x", "\\".repeat(LEN))),
        ("backslashes and blanks", format!("[a]\nk={}x", "\\ ".repeat(LEN / 2))),
        ("pieces", format!("[a]\nk=1\n{}", "_continue_=x\n".repeat(LEN / 13))),
        ("blanks", format!("[a]\nk={}x", " x".repeat(LEN / 2))),
        ("quotes", format!("[a]\nk={}", "\"".repeat(LEN))),
        ("percent signs", format!("[a]\nk={}", "%".repeat(LEN))),
        ("carriage returns", format!("[a]\n;{}", "\r".repeat(LEN))),
    ] {
        let start = Instant::now();
        if let Ok(inf) = text.parse::<Document>() {
            let _ = inf.to_string();
            for section in inf.sections() {
                let _ = section.value("k");
            }
        }
        let took = start.elapsed();
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
    }
}
