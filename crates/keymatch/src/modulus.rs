//! The modulus of an RSA key: as a number, as a line of openssl, as a file.

use core::fmt;
use core::str::FromStr;

use chancery_key::PublicKey;

/// The shortest modulus that is read, in bits. RSA-512 was broken in 1999; shorter text is no modulus.
pub const MIN_MODULUS_BITS: u32 = 512;

/// The longest modulus that is read, in bits: that of the longest public key.
pub const MAX_MODULUS_BITS: u32 = 16_384;

/// The longest file with a modulus that is read, in bytes. Room for the longest one in UTF-16 with a colon
/// between any two digits.
pub const MAX_MODULUS_TEXT: usize = 64 * 1024;

/// The modulus of an RSA key, free of encoding: big-endian, without leading zeros.
///
/// `Display` writes upper-case hex, as openssl does behind `Modulus=`. Read from text by
/// [`FromStr`], from a file by [`from_file_contents`](Self::from_file_contents).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Modulus(Vec<u8>);

/// Why a text is no modulus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModulusError {
    /// More text than a modulus can have.
    #[error("longer than {MAX_MODULUS_TEXT} bytes, which no modulus is")]
    TooLong,
    /// UTF-16 that is cut off, or bytes that are neither that nor UTF-8.
    #[error("neither UTF-8 nor UTF-16 text")]
    Encoding,
    /// Nothing but blanks, or nothing behind `Modulus=`.
    #[error("there is no number in it")]
    Empty,
    /// A name other than `Modulus` before a `=`.
    #[error("`{0}=` where `Modulus=` or a hexadecimal number is expected")]
    Name(String),
    /// What openssl prints for a key that has none.
    #[error(
        "it says that the key has no modulus: it is no RSA key, look for its public key instead"
    )]
    NotRsa,
    /// Something that is no hexadecimal digit.
    #[error("`{found}` is no hexadecimal digit, at character {position}")]
    Digit {
        /// The character.
        found: char,
        /// Where it is, from 1.
        position: usize,
    },
    /// Fewer or more bits than an RSA key can have.
    #[error(
        "a modulus of {bits} bits, where RSA keys have {MIN_MODULUS_BITS} to {MAX_MODULUS_BITS}"
    )]
    Length {
        /// How many bits it has.
        bits: u32,
    },
    /// An even number, which no product of two odd primes is.
    #[error("an even number, which no modulus is; is the end of it missing?")]
    Even,
}

impl Modulus {
    /// Takes the modulus out of a public key; `None` where it is no RSA key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        key.modulus().map(|bytes| Self(bytes.to_vec()))
    }

    /// Takes a number, big-endian; leading zeros do not count.
    ///
    /// # Errors
    /// [`ModulusError::Empty`], [`ModulusError::Length`] and [`ModulusError::Even`] for one that no RSA key has.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModulusError> {
        let start = bytes.iter().position(|byte| *byte != 0).ok_or(ModulusError::Empty)?;
        let modulus = Self(bytes.get(start..).unwrap_or_default().to_vec());
        let bits = modulus.bits();
        if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) {
            return Err(ModulusError::Length { bits });
        }
        if modulus.0.last().is_none_or(|last| last & 1 == 0) {
            return Err(ModulusError::Even);
        }
        Ok(modulus)
    }

    /// Reads a file as `findKey -m` of CloudHSM's `key_mgmt_util` takes it, and as people make it.
    ///
    /// With `Modulus=` before the digits or without; upper and lower case; `0x` before them; blanks, colons and
    /// line breaks between them; leading zeros; UTF-8 or UTF-16, with a byte-order mark or without, as Windows
    /// shells write what `openssl` prints.
    ///
    /// # Errors
    /// Every [`ModulusError`].
    pub fn from_file_contents(bytes: &[u8]) -> Result<Self, ModulusError> {
        if bytes.len() > MAX_MODULUS_TEXT {
            return Err(ModulusError::TooLong);
        }
        decode(bytes)?.parse()
    }

    /// Returns the number, big-endian, without leading zeros.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns its length in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        let zeros = self.0.first().map_or(0, |first| first.leading_zeros());
        let length = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        length.saturating_mul(8).saturating_sub(zeros)
    }

    /// Tells whether RSA keys commonly have this length: a multiple of 128 bits, or up to seven less, as a
    /// product can fall short. One that has not is most likely cut off.
    #[must_use]
    pub fn has_usual_length(&self) -> bool {
        self.0.len().is_multiple_of(16)
    }
}

impl FromStr for Modulus {
    type Err = ModulusError;

    fn from_str(text: &str) -> Result<Self, ModulusError> {
        if text.len() > MAX_MODULUS_TEXT {
            return Err(ModulusError::TooLong);
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let digits = match text.split_once('=') {
            Some((name, digits)) if name.trim().eq_ignore_ascii_case("modulus") => digits,
            Some((name, _)) => {
                return Err(ModulusError::Name(name.trim().chars().take(40).collect()));
            }
            None => text,
        };
        let skipped = text.len().saturating_sub(digits.len());
        // The two sentences of openssl, for certificates and for requests.
        if ["No modulus", "Wrong Algorithm"].iter().any(|no| digits.trim_start().starts_with(no)) {
            return Err(ModulusError::NotRsa);
        }
        let trimmed = digits.trim_start();
        let number =
            trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")).unwrap_or(trimmed);
        let before = text.get(..skipped.saturating_add(digits.len().saturating_sub(number.len())));
        let first = before.map_or(0, |before| before.chars().count());
        let mut nibbles = Vec::with_capacity(number.len());
        for (index, c) in number.chars().enumerate() {
            // A zero byte ends what C programs write.
            if c.is_whitespace() || matches!(c, ':' | '\0') {
                continue;
            }
            let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let position = first.saturating_add(index).saturating_add(1);
            nibbles.push(digit.ok_or(ModulusError::Digit { found: c, position })?);
        }
        // An odd number of digits lacks the leading zero, so pairs are made from the end.
        let mut bytes: Vec<u8> = nibbles
            .rchunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit))
            .collect();
        bytes.reverse();
        Self::from_bytes(&bytes)
    }
}

impl fmt::Display for Modulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Modulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Modulus({} bits)", self.bits())
    }
}

/// Writes what `openssl x509 -noout -modulus` prints for a key, without the line's end: `Modulus=` and upper-case
/// hex, or for other keys than RSA that there is none.
#[must_use]
pub fn openssl_modulus(key: &PublicKey) -> String {
    match Modulus::of(key) {
        Some(modulus) => format!("Modulus={modulus}"),
        None => "Modulus=No modulus for this public key type".to_owned(),
    }
}

fn decode(bytes: &[u8]) -> Result<String, ModulusError> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, []) = bytes.as_chunks::<2>() else { return Err(ModulusError::Encoding) };
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).map_err(|_| ModulusError::Encoding)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // ASCII without a mark: every other byte is zero, and the first two tell which.
        [low, 0, ..] if *low != 0 => utf16(bytes, u16::from_le_bytes),
        [0, low, ..] if *low != 0 => utf16(bytes, u16::from_be_bytes),
        _ => core::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ModulusError::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_it_is_read() {
        let digits = format!("{}01", "C0FE".repeat(50));
        let wanted = Modulus([[0xc0, 0xfe].repeat(50), vec![1]].concat());
        let pairs: Vec<&str> = (0..digits.len()).step_by(2).map(|i| &digits[i..i + 2]).collect();
        for text in [
            digits.clone(),
            format!("Modulus={digits}\n"),
            format!("modulus = {}", digits.to_lowercase()),
            format!("\u{feff}{digits}\r\n"),
            format!("0x{digits}"),
            format!("Modulus=0X{digits}"),
            format!("0000{digits}"),
            format!("00:{}", pairs.join(":")),
            format!("  {}\n{}  ", &digits[..40], &digits[40..]),
            format!("{digits}\0"),
        ] {
            assert_eq!(text.parse::<Modulus>().as_ref(), Ok(&wanted), "{text:?}");
        }
    }

    #[test]
    fn an_odd_number_of_digits_lacks_its_leading_zero() {
        let text = format!("C{}", "FF".repeat(64));
        assert_eq!(text.parse::<Modulus>().unwrap().bits(), 516);
        assert_eq!(text.parse::<Modulus>().unwrap().to_string(), format!("0{text}"));
    }

    #[test]
    fn both_kinds_of_utf16_are_read_with_and_without_a_mark() {
        let text = format!("Modulus={}\r\n", "C1".repeat(64));
        let wanted = text.parse::<Modulus>().unwrap();
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = mark.encode_utf16().chain(text.encode_utf16()).collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(Modulus::from_file_contents(&little).as_ref(), Ok(&wanted));
            assert_eq!(Modulus::from_file_contents(&big).as_ref(), Ok(&wanted));
            assert_eq!(
                Modulus::from_file_contents(&little[..little.len() - 1]),
                Err(ModulusError::Encoding)
            );
        }
    }

    #[test]
    fn other_text_is_refused_by_its_reason() {
        use ModulusError::*;
        for (text, reason) in [
            ("", Empty),
            ("Modulus=\n", Empty),
            ("0000", Empty),
            ("Exponent=010001", Name("Exponent".into())),
            ("Modulus=No modulus for this public key type", NotRsa),
            ("Modulus=Wrong Algorithm type", NotRsa),
            ("Modulus=C0xyz", Digit { found: 'x', position: 11 }),
            ("  0xC0-", Digit { found: '-', position: 7 }),
            ("C0FFEE01", Length { bits: 32 }),
            (&"C1".repeat(2049), Length { bits: 16_392 }),
            (&"C0".repeat(64), Even),
        ] {
            assert_eq!(text.parse::<Modulus>(), Err(reason), "{text:?}");
        }
        assert_eq!(Modulus::from_file_contents(&[b'1'; 70_000]), Err(TooLong));
        assert_eq!(Modulus::from_file_contents(b"C0\xff\xff"), Err(Encoding));
    }

    #[test]
    fn a_modulus_that_lost_its_end_has_no_usual_length() {
        let whole = "C1".repeat(256).parse::<Modulus>().unwrap();
        let cut = "C1".repeat(250).parse::<Modulus>().unwrap();
        assert_eq!((whole.bits(), cut.bits()), (2048, 2000));
        assert!(whole.has_usual_length());
        assert!(!cut.has_usual_length());
    }
}
