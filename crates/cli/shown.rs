//! Texts that others chose, as file names are, made safe to show: none writes a line of its own, moves the cursor of a
//! terminal, or turns the direction of what follows.

use std::path::Path;

/// Writes a path for people: with control characters, marks that turn the direction, and bytes that are no UTF-8
/// escaped.
pub(crate) fn shown(path: impl AsRef<Path>) -> String {
    let mut shown = String::new();
    for chunk in path.as_ref().as_os_str().as_encoded_bytes().utf8_chunks() {
        shown.push_str(&one_line(chunk.valid()));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Escapes what would not stay on one line, or not look like what it is.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// Escapes the same in a text of ours that has lines and columns.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// Writes a path so that no two look the same: bytes that are no UTF-8, and the sign itself, as `%` and two hex digits.
pub(crate) fn encoded(path: &Path) -> String {
    let mut encoded = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        encoded.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn escaped(text: &str, may_stay: fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if may_stay(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c.is_control() => escaped.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if turns_or_breaks(c) => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Tells what changes the direction of a line (Unicode Standard Annex 9) or ends it, and is no control character.
const fn turns_or_breaks(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_the_line_is_escaped() {
        assert_eq!(shown("a.exe: valid\n  x\u{1b}[1m\t"), "a.exe: valid\\n  x\\x1b[1m\\t");
        assert_eq!(one_line("a\u{202e}exe.b \u{9b}\r"), "a\\u{202e}exe.b \\x9b\\r");
        for turning in ["\u{61c}", "\u{200e}", "\u{200f}", "\u{2028}", "\u{2029}", "\u{2066}"] {
            assert!(one_line(turning).is_ascii(), "{turning:?}");
        }
        assert_eq!(lines("a\n\tb\u{1b}"), "a\n\tb\\x1b");
        assert_eq!(one_line("Grüße 日本 שלום 👍 C:\\a"), "Grüße 日本 שלום 👍 C:\\a");
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_told_apart() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"100%\xff\xc3\xa9.exe"));
        assert_eq!(shown(path), "100%\\xff\u{e9}.exe");
        assert_eq!(encoded(path), "100%25%FF\u{e9}.exe");
    }
}
