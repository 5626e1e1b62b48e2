//! From bytes to text.

use std::char::REPLACEMENT_CHARACTER;

use crate::{Error, ErrorKind, Position};

/// How the characters of a file are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark; ASCII is the same.
    Utf8,
    /// UTF-16, the low byte first, with a byte-order mark: what Windows calls Unicode.
    Utf16Le,
    /// UTF-16, the high byte first, with a byte-order mark.
    Utf16Be,
    /// Windows-1252, the ANSI code page of western European systems.
    Windows1252,
}

/// Decodes a file.
///
/// A byte-order mark decides. Without one the text is UTF-8 where it is valid UTF-8, and else Windows-1252:
/// SetupAPI reads such files in the code page of the machine it runs on, and a file should not mean something else
/// on another machine. The mark is not part of the text.
///
/// # Errors
/// [`ErrorKind::Encoding`] where the bytes are not what their mark says, [`ErrorKind::NoByteOrderMark`] for UTF-16
/// without one.
pub fn decode(bytes: &[u8]) -> Result<(String, Encoding), Error> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return utf16(rest, u16::from_le_bytes, "UTF-16LE").map(|text| (text, Encoding::Utf16Le));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return utf16(rest, u16::from_be_bytes, "UTF-16BE").map(|text| (text, Encoding::Utf16Be));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return match core::str::from_utf8(rest) {
            Ok(text) => Ok((text.to_owned(), Encoding::Utf8)),
            Err(error) => {
                let good = rest.get(..error.valid_up_to()).unwrap_or_default();
                let position = Position::behind(&String::from_utf8_lossy(good));
                Err(Error::new(position, ErrorKind::Encoding { encoding: "UTF-8" }))
            }
        };
    }
    // An INF begins with ASCII: in UTF-16 one of its first two bytes is zero, and in nothing else.
    if bytes.iter().take(2).any(|byte| *byte == 0) {
        return Err(Error::new(Position::START, ErrorKind::NoByteOrderMark));
    }
    Ok(match core::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), Encoding::Utf8),
        Err(_) => (bytes.iter().copied().map(windows_1252).collect(), Encoding::Windows1252),
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, encoding: &'static str) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    let units = pairs.iter().map(|pair| unit(*pair));
    let broken = |text: &str| Error::new(Position::behind(text), ErrorKind::Encoding { encoding });
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) => text.push(c),
            Err(_) => return Err(broken(&text)),
        }
    }
    if rest.is_empty() { Ok(text) } else { Err(broken(&text)) }
}

/// Decodes one byte. The five that Windows-1252 leaves open become the control characters of Latin-1, as
/// Windows has it, and are refused as such later.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => {
            let index = usize::from(byte.saturating_sub(0x80));
            HIGH.get(index).copied().unwrap_or(REPLACEMENT_CHARACTER)
        }
        byte => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[A]\r\nk = Grüße, 日本, 😀\r\n";

    fn utf16_bytes(mark: [u8; 2], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        mark.into_iter().chain(TEXT.encode_utf16().flat_map(bytes)).collect()
    }

    #[test]
    fn a_byte_order_mark_decides() {
        let marked = format!("\u{feff}{TEXT}");
        for (bytes, encoding) in [
            (TEXT.as_bytes().to_vec(), Encoding::Utf8),
            (marked.into_bytes(), Encoding::Utf8),
            (utf16_bytes([0xff, 0xfe], u16::to_le_bytes), Encoding::Utf16Le),
            (utf16_bytes([0xfe, 0xff], u16::to_be_bytes), Encoding::Utf16Be),
        ] {
            assert_eq!(decode(&bytes), Ok((TEXT.to_owned(), encoding)));
        }
    }

    #[test]
    fn what_is_no_utf8_and_has_no_mark_is_windows_1252() {
        let (text, encoding) = decode(b"[A]\nk = Gr\xfc\xdfe f\xfcr 5 \x80").unwrap();
        assert_eq!((text.as_str(), encoding), ("[A]\nk = Grüße für 5 €", Encoding::Windows1252));
    }

    #[test]
    fn a_broken_promise_is_reported_where_it_breaks() {
        let broken = |bytes: &[u8]| {
            let error = decode(bytes).unwrap_err();
            (error.position().line, error.position().column, error.kind().clone())
        };
        let kind = |encoding| ErrorKind::Encoding { encoding };
        assert_eq!(broken(b"\xef\xbb\xbf[A]\nk\xff"), (2, 2, kind("UTF-8")));
        assert_eq!(broken(b"\xff\xfea\0\n\0\x00\xd8a\0"), (2, 1, kind("UTF-16LE")));
        assert_eq!(broken(b"\xfe\xff\0a\0"), (1, 2, kind("UTF-16BE")));
        assert_eq!(broken(b"[\0A\0]\0"), (1, 1, ErrorKind::NoByteOrderMark));
        assert_eq!(broken(b"\0[\0A\0]"), (1, 1, ErrorKind::NoByteOrderMark));
    }

    #[test]
    fn every_byte_of_windows_1252_is_another_character() {
        let all: std::collections::HashSet<char> = (0..=255).map(windows_1252).collect();
        assert_eq!(all.len(), 256);
    }
}
