//! Percent-encoding (RFC 3986 section 2.1) as RFC 7512 uses it.

use core::fmt;

use super::{UriError, UriErrorKind};

/// Octets shown with everything but some characters percent-encoded.
pub(super) struct Escaped<'a> {
    octets: &'a [u8],
    plain: fn(u8) -> bool,
}

impl<'a> Escaped<'a> {
    /// A text in the path: only RFC 3986's unreserved characters stay.
    pub(super) const fn path(text: &'a str) -> Self {
        Self { octets: text.as_bytes(), plain: is_unreserved }
    }

    /// A text in the query, where paths and URIs are legible.
    pub(super) const fn query(text: &'a str) -> Self {
        Self {
            octets: text.as_bytes(),
            plain: |octet| is_unreserved(octet) || matches!(octet, b'/' | b':'),
        }
    }

    /// An `id`, which RFC 7512 section 2.3 recommends to encode whole.
    pub(super) const fn every_octet(octets: &'a [u8]) -> Self {
        Self { octets, plain: |_| false }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in self.octets {
            if (self.plain)(octet) {
                write!(f, "{}", char::from(octet))?;
            } else {
                write!(f, "%{octet:02X}")?;
            }
        }
        Ok(())
    }
}

/// Decodes a value that stands at `offset` in the URI.
pub(super) fn decode(value: &str, offset: usize) -> Result<Vec<u8>, UriError> {
    let mut octets = Vec::with_capacity(value.len());
    let mut characters = value.char_indices();
    while let Some((at, character)) = characters.next() {
        let error = |kind| UriError { kind, offset: offset.saturating_add(at) };
        if character == '%' {
            let mut digit = || {
                characters
                    .next()
                    .and_then(|(_, digit)| digit.to_digit(16))
                    .and_then(|digit| u8::try_from(digit).ok())
                    .ok_or(error(UriErrorKind::PercentEncoding))
            };
            let (high, low) = (digit()?, digit()?);
            octets.push(high << 4 | low);
        } else if character.is_ascii_graphic() {
            let mut buffer = [0; 4];
            octets.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        } else {
            return Err(error(UriErrorKind::Character(character)));
        }
    }
    Ok(octets)
}

const fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~')
}
