//! Serial numbers of certificates.

use core::fmt;
use core::str::FromStr;

use crate::Error;

/// A positive serial number of at most 20 octets (RFC 5280 section 4.1.2.2).
///
/// Written by `Display` as lower-case hex of whole octets, none of them zero before the first digit, and read back from hex of either case, with or
/// without leading zeros, colons and `0x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialNumber([u8; 20]);

impl SerialNumber {
    /// Draws 159 random bits, never zero.
    ///
    /// # Errors
    /// [`Error::Random`] where the system has none.
    pub fn random() -> Result<Self, Error> {
        let mut octets = [0; 20];
        getrandom::fill(&mut octets).map_err(Error::Random)?;
        Ok(Self::from_octets(octets))
    }

    /// Takes 160 bits from elsewhere: clears the highest, which is the sign, and makes zero one.
    #[must_use]
    pub fn from_octets(mut octets: [u8; 20]) -> Self {
        octets[0] &= 0x7f;
        if octets == [0; 20] {
            octets[19] = 1;
        }
        Self(octets)
    }

    /// Takes the contents octets of an INTEGER, as [`Certificate::serial`](crate::Certificate::serial) returns them;
    /// `None` for zero, a negative number, and one that takes more than 20 octets.
    #[must_use]
    pub fn from_contents(contents: &[u8]) -> Option<Self> {
        let negative = contents.first().is_none_or(|first| *first >= 0x80);
        let zeros = contents.iter().take_while(|octet| **octet == 0).count();
        let digits = contents.get(zeros..).filter(|digits| !digits.is_empty() && !negative)?;
        let mut octets = [0; 20];
        let start = octets.len().checked_sub(digits.len())?;
        octets.get_mut(start..)?.copy_from_slice(digits);
        // The sign takes a bit of the 20 octets.
        (octets[0] < 0x80).then_some(Self(octets))
    }

    /// Returns the number big-endian, filled up with zeros.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 20] {
        &self.0
    }

    /// Returns how many bits the number takes.
    pub(crate) fn bits(&self) -> usize {
        let zeros = self.0.iter().take_while(|octet| **octet == 0).count();
        let leading = self.0.get(zeros).map_or(0, |octet| octet.leading_zeros());
        let bits = self.0.len().saturating_sub(zeros).saturating_mul(8);
        bits.saturating_sub(usize::try_from(leading).unwrap_or_default())
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .skip_while(|octet| **octet == 0)
            .try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The text is no serial number: hex of a positive number of at most 159 bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[error("`{}` is no serial number in hex", .0.escape_debug())]
pub struct SerialNumberError(pub String);

impl FromStr for SerialNumber {
    type Err = SerialNumberError;

    fn from_str(text: &str) -> Result<Self, SerialNumberError> {
        let error = || SerialNumberError(text.to_owned());
        let digits: String = text.trim().chars().filter(|c| *c != ':').collect();
        let digits = digits.strip_prefix("0x").unwrap_or(&digits).trim_start_matches('0');
        if digits.is_empty() || digits.len() > 40 {
            return Err(error());
        }
        let mut octets = [0_u8; 20];
        for (index, digit) in digits.chars().rev().enumerate() {
            let digit = digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let digit = digit.ok_or_else(error)?;
            let place = octets.iter_mut().rev().nth(index / 2).ok_or_else(error)?;
            *place |= if index % 2 == 0 { digit } else { digit << 4 };
        }
        if octets[0] < 0x80 { Ok(Self(octets)) } else { Err(error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_and_written() {
        for (text, written) in
            [("1", "01"), ("00:aB:cd", "abcd"), ("0x7f", "7f"), ("123456789", "0123456789")]
        {
            assert_eq!(text.parse::<SerialNumber>().unwrap().to_string(), written, "{text}");
        }
        let largest = format!("7f{}", "ff".repeat(19));
        assert_eq!(largest.parse::<SerialNumber>().unwrap().to_string(), largest);
        for bad in ["", "0", "0x", "-1", "xyz", "1 2", &"f".repeat(40), &"1".repeat(41), "+1"] {
            assert!(bad.parse::<SerialNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn contents_of_an_integer_are_a_positive_number() {
        let number = |contents: &[u8]| SerialNumber::from_contents(contents);
        assert_eq!(number(&[0, 0x80]).unwrap().to_string(), "80");
        assert_eq!(number(&[0x7f; 20]).unwrap().bits(), 159);
        assert_eq!(number(&[1]).unwrap().bits(), 1);
        let too_long = [&[0][..], &[0x80; 20]].concat();
        for bad in [&[][..], &[0], &[0x80], &[0xff, 1], &[1; 21], &too_long] {
            assert_eq!(number(bad), None, "{bad:x?}");
        }
    }

    #[test]
    fn random_numbers_use_all_of_159_bits() {
        let mut seen = [0_u8; 20];
        for _ in 0..200 {
            let number = SerialNumber::random().unwrap();
            assert!(number.as_octets()[0] < 0x80);
            for (seen, octet) in seen.iter_mut().zip(number.as_octets()) {
                *seen |= octet;
            }
        }
        // A bit that is never set in 200 drawings is one that is not drawn.
        assert_eq!((seen[0], &seen[1..]), (0x7f, &[0xff; 19][..]));
    }
}
