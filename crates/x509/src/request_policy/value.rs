//! Values of several keys: booleans, numbers, symbols, bytes, object identifiers.

use const_oid::ObjectIdentifier;

use super::error::PolicyErrorKind as Kind;
use super::suggestion::nearest;

/// A name for bits of a number.
pub(crate) type Symbol = (&'static str, u32);

pub(crate) fn boolean(text: &str) -> Result<bool, Kind> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(Kind::Boolean(text.to_owned())),
    }
}

/// Reads a decimal number, or a hexadecimal one after `0x`.
pub(crate) fn number(text: &str) -> Result<u32, Kind> {
    let plain = text.trim();
    let hex = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((plain, 10), |digits| (digits, 16));
    // `from_str_radix` takes a sign.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return Err(Kind::Number(text.to_owned()));
    }
    u32::from_str_radix(digits, radix).map_err(|_| Kind::Number(text.to_owned()))
}

/// Reads numbers and symbols joined by `|`.
pub(crate) fn bits(text: &str, symbols: &[Symbol], what: &'static str) -> Result<u32, Kind> {
    text.split('|').try_fold(0, |bits, part| {
        let part = part.trim();
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            return number(part).map(|number| bits | number);
        }
        let known = symbols.iter().find(|(name, _)| name.eq_ignore_ascii_case(part));
        match known {
            Some((_, value)) => Ok(bits | value),
            None => Err(unknown(part, what, symbols.iter().map(|(name, _)| *name))),
        }
    })
}

pub(crate) fn unknown(
    value: &str,
    what: &'static str,
    known: impl IntoIterator<Item = &'static str>,
) -> Kind {
    Kind::Value { value: value.to_owned(), what, suggestion: nearest(value, known) }
}

/// Reads an object identifier, also one after `OID.`.
pub(crate) fn object_identifier(text: &str) -> Result<ObjectIdentifier, Kind> {
    let plain = text.trim();
    let arcs = strip_prefix(plain, "OID.").unwrap_or(plain);
    ObjectIdentifier::new(arcs).map_err(|_| Kind::ObjectIdentifier(text.to_owned()))
}

/// Reads object identifiers between commas, at least one.
pub(crate) fn object_identifiers(text: &str) -> Result<Vec<ObjectIdentifier>, Kind> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let list = parts.map(object_identifier).collect::<Result<Vec<_>, _>>()?;
    if list.is_empty() { Err(Kind::Empty) } else { Ok(list) }
}

/// Reads pairs of hexadecimal digits with or without blanks between them, at least one.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, Kind> {
    let mut bytes = Vec::new();
    let mut chars = text.chars().filter(|c| !matches!(c, ' ' | '\t'));
    while let Some(high) = chars.next() {
        let digit = |c: Option<char>| c.and_then(|c| c.to_digit(16)).ok_or(Kind::Hex);
        let pair = (digit(Some(high))? << 4) | digit(chars.next())?;
        bytes.push(u8::try_from(pair).map_err(|_| Kind::Hex)?);
    }
    if bytes.is_empty() { Err(Kind::Hex) } else { Ok(bytes) }
}

/// Reads Base64 with its padding; blanks do not count.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, Kind> {
    let digits: Vec<u8> = text.bytes().filter(|c| !matches!(c, b' ' | b'\t')).collect();
    let (quads, []) = digits.as_chunks::<4>() else { return Err(Kind::Base64) };
    let mut bytes = Vec::new();
    for (index, quad) in quads.iter().enumerate() {
        let padding = quad.iter().rev().take_while(|c| **c == b'=').count();
        if padding > 2 || padding > 0 && index.saturating_add(1) != quads.len() {
            return Err(Kind::Base64);
        }
        let mut group = 0;
        for c in quad.iter().take(4_usize.saturating_sub(padding)) {
            group = (group << 6) | base64_digit(*c).ok_or(Kind::Base64)?;
        }
        let [_, triple @ ..] = (group << (6_usize.saturating_mul(padding))).to_be_bytes();
        let (used, spare) = triple.split_at(3_usize.saturating_sub(padding));
        // Bits behind the last byte are zero, or two texts would be the same bytes.
        if spare.iter().any(|byte| *byte != 0) {
            return Err(Kind::Base64);
        }
        bytes.extend_from_slice(used);
    }
    if bytes.is_empty() { Err(Kind::Base64) } else { Ok(bytes) }
}

fn base64_digit(c: u8) -> Option<u32> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..).zip(DIGITS).find(|(_, digit)| **digit == c).map(|(value, _)| value)
}

/// Takes a prefix off, upper and lower case being one.
pub(crate) fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_as_people_write_them() {
        for text in ["true", "True   ", "YES", "1"] {
            assert!(boolean(text).unwrap(), "{text}");
        }
        for text in ["FALSE", "no", " 0"] {
            assert!(!boolean(text).unwrap(), "{text}");
        }
        for text in ["", "2", "maybe", "true false"] {
            assert!(matches!(boolean(text), Err(Kind::Boolean(_))), "{text}");
        }
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        for (text, value) in [("0", 0), (" 2048 ", 2048), ("0xA0", 0xa0), ("0Xffffff", 0xff_ffff)] {
            assert_eq!(number(text).unwrap(), value);
        }
        for text in ["", "0x", "-1", "+1", "0x+1", "1.5", "a0", "4294967296", "1 2"] {
            assert!(matches!(number(text), Err(Kind::Number(_))), "{text}");
        }
    }

    #[test]
    fn symbols_and_numbers_add_up() {
        const SYMBOLS: [Symbol; 2] = [("ONE_FLAG", 1), ("TWO_FLAG", 2)];
        let read = |text| bits(text, &SYMBOLS, "flag");
        assert_eq!(read("ONE_FLAG | two_flag|0x10").unwrap(), 0x13);
        assert!(matches!(
            read("ONE_FLAG|TWO_FLAGS").unwrap_err(),
            Kind::Value { value, suggestion: Some("TWO_FLAG"), .. } if value == "TWO_FLAGS"
        ));
        assert!(matches!(read("ONE_FLAG|"), Err(Kind::Value { suggestion: None, .. })));
        assert!(matches!(read("1x"), Err(Kind::Number(_))));
    }

    #[test]
    fn bytes_are_read_in_both_writings() {
        assert_eq!(hex("30 0a01\tff").unwrap(), [0x30, 0x0a, 1, 0xff]);
        for text in ["", "3", "30 0", "3g", "0x30", "30,0a", "é0"] {
            assert!(matches!(hex(text), Err(Kind::Hex)), "{text}");
        }
        for (text, bytes) in [
            ("AAEC", &[0_u8, 1, 2][..]),
            ("AAECAw==", &[0, 1, 2, 3]),
            ("AAEC AwQ=", &[0, 1, 2, 3, 4]),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(base64(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "A", "AAE", "A===", "AA==AAEC", "AAEC=", "AB==", "AAF=", "AA-_", "{as}"] {
            assert!(matches!(base64(text), Err(Kind::Base64)), "{text}");
        }
    }

    #[test]
    fn object_identifiers_are_dotted_numbers() {
        assert_eq!(object_identifier(" OID.2.5.29.17").unwrap().to_string(), "2.5.29.17");
        assert_eq!(object_identifiers("1.2.3, 1.2.4,").unwrap().len(), 2);
        assert!(matches!(object_identifiers(" , "), Err(Kind::Empty)));
        for text in ["", "1", "codeSigning", "1.2.", "3.1"] {
            assert!(matches!(object_identifier(text), Err(Kind::ObjectIdentifier(_))), "{text}");
        }
    }
}
