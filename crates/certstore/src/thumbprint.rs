//! Hashes that name certificates.

use core::fmt;
use core::str::FromStr;

use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The SHA-1 of a whole certificate: the name Windows knows it by. It identifies, and proves nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thumbprint([u8; 20]);

/// Why a text is no thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThumbprintError {
    /// Something that is neither a hexadecimal digit nor a separator.
    #[error("`{0}` is no hexadecimal digit")]
    Digit(char),
    /// Not 40 digits.
    #[error("{0} hexadecimal digits, where a SHA-1 thumbprint has 40")]
    Length(usize),
}

impl Thumbprint {
    /// Takes the hash.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Computes it from a certificate's DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self(Sha1::digest(der).into())
    }

    /// Returns the hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }
}

impl fmt::Display for Thumbprint {
    /// Writes upper-case hex, as registry keys and PowerShell have it; lower-case with `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let write_byte = |byte: &u8| {
            if f.alternate() { write!(f, "{byte:02x}") } else { write!(f, "{byte:02X}") }
        };
        self.0.iter().try_for_each(write_byte)
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    /// Reads it as people paste it: either case, with blanks, colons, hyphens, and the invisible U+200E that the
    /// Windows certificate dialog puts before it.
    fn from_str(text: &str) -> Result<Self, ThumbprintError> {
        let digits = hex_digits(text)?;
        let bytes = Some(&digits).filter(|digits| digits.len() == 40).map(|all| hex_bytes(all));
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(ThumbprintError::Length(digits.len()))
    }
}

pub(crate) fn sha256(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Takes the hexadecimal digits out of what separates and decorates them.
pub(crate) fn hex_digits(text: &str) -> Result<Vec<u8>, ThumbprintError> {
    let decoration = |c: &char| {
        c.is_whitespace()
            || matches!(c, ':' | '-' | '\0' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    };
    let digit = |c: char| {
        let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digit.ok_or(ThumbprintError::Digit(c))
    };
    text.chars().filter(|c| !decoration(c)).map(digit).collect()
}

/// Packs digits in pairs from the end; an odd number lacks its leading zero.
pub(crate) fn hex_bytes(digits: &[u8]) -> Vec<u8> {
    let pack = |pair: &[u8]| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit);
    let mut bytes: Vec<u8> = digits.rchunks(2).map(pack).collect();
    bytes.reverse();
    bytes
}
