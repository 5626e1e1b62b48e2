//! Reading the strings of RFC 4514.

use core::fmt;
use core::str::FromStr;

use const_oid::ObjectIdentifier;

use super::{Attribute, KNOWN, Name, openssl};
use crate::asn1::{Reader, tag};

const COUNTRY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");

/// Why a string is no distinguished name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// No attribute at all.
    Empty,
    /// An attribute without `=`; where it begins, in bytes.
    NoEquals(usize),
    /// An attribute type that is neither a known short name nor an OID.
    UnknownType(String),
    /// A value that its string type cannot hold, as letters outside ASCII in `C`.
    BadValue(String),
    /// A backslash, quotation mark or `#` that nothing valid follows; where, in bytes.
    BadEscape(usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::NoEquals(at) => write!(f, "no `TYPE=` at byte {at} of the name"),
            Self::UnknownType(name) => {
                write!(f, "`{}` is no attribute type we know", name.escape_debug())
            }
            Self::BadValue(name) => write!(f, "`{name}` cannot have that value"),
            Self::BadEscape(at) => write!(f, "bad escape at byte {at} of the name"),
        }
    }
}

impl core::error::Error for NameError {}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut rdns = Vec::new();
        let mut rdn = Vec::new();
        let mut scanner = Scanner { text, at: 0 };
        scanner.skip_blanks();
        if scanner.peek().is_none() {
            return Err(NameError::Empty);
        }
        loop {
            rdn.push(scanner.attribute()?);
            match scanner.next() {
                Some('+') => {}
                end => {
                    rdns.push(core::mem::take(&mut rdn));
                    if end.is_none() {
                        break;
                    }
                }
            }
        }
        rdns.reverse();
        Ok(Self::from_rdns(rdns))
    }
}

/// Reads a string by characters, knowing the byte it stands at.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at = self.at.saturating_add(c.len_utf8());
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.next();
        }
    }

    /// Reads `TYPE=value` up to the separator, which it leaves.
    fn attribute(&mut self) -> Result<Attribute, NameError> {
        self.skip_blanks();
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let (name, _) = rest
            .split_once('=')
            .filter(|(name, _)| !name.contains([',', ';', '+']))
            .ok_or(NameError::NoEquals(start))?;
        self.at = start.saturating_add(name.len()).saturating_add(1);
        let name = name.trim();
        let plain = name.strip_prefix("OID.").or_else(|| name.strip_prefix("oid.")).unwrap_or(name);
        let known = KNOWN
            .iter()
            .find(|known| known.names.iter().any(|short| short.eq_ignore_ascii_case(name)));
        let (oid, string) = match known {
            Some(known) => (known.oid, known.string),
            None => {
                let oid = ObjectIdentifier::new(plain)
                    .ok()
                    .or_else(|| openssl::attribute_type(name))
                    .ok_or_else(|| NameError::UnknownType(name.to_owned()))?;
                let known = KNOWN.iter().find(|known| known.oid == oid);
                (oid, known.map_or(tag::UTF8_STRING, |known| known.string))
            }
        };
        self.skip_blanks();
        if self.peek() == Some('#') {
            return self.hex_value(oid);
        }
        let value = self.value()?;
        let fits = match string {
            tag::PRINTABLE_STRING => value.chars().all(is_printable_string),
            tag::IA5_STRING => value.is_ascii(),
            _ => true,
        };
        // An empty value is no value, and a country is two letters (ISO 3166).
        let country = oid == COUNTRY_NAME && value.len() != 2;
        if !fits || value.is_empty() || country {
            return Err(NameError::BadValue(name.to_owned()));
        }
        Ok(Attribute { oid, tag: string, contents: value.into_bytes() })
    }

    /// Reads `#` and the hex of a BER value (RFC 4514 section 2.4).
    fn hex_value(&mut self, oid: ObjectIdentifier) -> Result<Attribute, NameError> {
        let start = self.at;
        self.next();
        let mut bytes = Vec::new();
        while let Some(high) = self.peek().and_then(|c| c.to_digit(16)) {
            self.next();
            let low =
                self.next().and_then(|c| c.to_digit(16)).ok_or(NameError::BadEscape(start))?;
            bytes.push(u8::try_from((high << 4) | low).map_err(|_| NameError::BadEscape(start))?);
        }
        self.skip_blanks();
        let tlv = Reader::new(&bytes).read().map_err(|_| NameError::BadEscape(start))?;
        let ends = self.peek().is_none_or(|c| matches!(c, ',' | ';' | '+'));
        if tlv.raw.len() != bytes.len() || !ends {
            return Err(NameError::BadEscape(start));
        }
        Ok(Attribute { oid, tag: tlv.tag, contents: tlv.contents.to_vec() })
    }

    /// Reads a plain or quoted value with its escapes.
    fn value(&mut self) -> Result<String, NameError> {
        let quoted = self.peek() == Some('"');
        let start = self.at;
        if quoted {
            self.next();
        }
        let mut value = Vec::new();
        // Blanks count up to the last escaped or quoted character; plain ones at the end do not.
        let mut keep = 0;
        loop {
            match self.peek() {
                None if quoted => return Err(NameError::BadEscape(start)),
                None => break,
                Some('"') if quoted => {
                    self.next();
                    keep = value.len();
                    self.skip_blanks();
                    if self.peek().is_some_and(|c| !matches!(c, ',' | ';' | '+')) {
                        return Err(NameError::BadEscape(self.at));
                    }
                    break;
                }
                Some(',' | ';' | '+') if !quoted => break,
                Some('\\') => {
                    value.push(self.escape()?);
                    keep = value.len();
                    continue;
                }
                Some(c) => {
                    self.next();
                    value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        let blanks = value.get(keep..).unwrap_or_default();
        let trailing = blanks.iter().rev().take_while(|byte| **byte == b' ').count();
        value.truncate(value.len().saturating_sub(trailing));
        String::from_utf8(value).map_err(|_| NameError::BadEscape(start))
    }

    /// Reads `\` and a special character or a hex pair.
    fn escape(&mut self) -> Result<u8, NameError> {
        let start = self.at;
        let error = NameError::BadEscape(start);
        self.next();
        let c = self.next().ok_or(error.clone())?;
        if let Some(high) = c.to_digit(16) {
            let low = self.next().and_then(|c| c.to_digit(16)).ok_or(error.clone())?;
            return u8::try_from((high << 4) | low).map_err(|_| error);
        }
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '#' | '=' | ' ' | '/' => {
                u8::try_from(c).map_err(|_| error)
            }
            _ => Err(error),
        }
    }
}

/// The characters of PrintableString (X.680 section 41.4).
const fn is_printable_string(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, ' ' | '\'' | '(' | ')' | '+' | ',' | '-' | '.' | '/' | ':' | '=' | '?')
}
