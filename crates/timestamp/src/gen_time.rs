//! The time in a token.

use core::fmt;

use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{Error, Time};

/// The most digits of a fraction we read: nanoseconds. A server with a finer clock has not been seen.
const MAX_FRACTION_DIGITS: usize = 9;

/// A GeneralizedTime in UTC with an optional fraction of a second (RFC 3161 section 2.4.2, `genTime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GenTime {
    time: Time,
    nanoseconds: u32,
}

impl GenTime {
    /// Joins a second and the nanoseconds after it, of which there are less than a second's.
    #[must_use]
    pub fn new(time: Time, nanoseconds: u32) -> Option<Self> {
        (nanoseconds < 1_000_000_000).then_some(Self { time, nanoseconds })
    }

    /// Returns the second.
    #[must_use]
    pub const fn time(self) -> Time {
        self.time
    }

    /// Returns the nanoseconds after the second.
    #[must_use]
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Reads a GeneralizedTime.
    ///
    /// Trailing zeros of the fraction, which RFC 3161 forbids and some servers write, are read.
    ///
    /// # Errors
    /// [`Error::Der`] for another type, another time zone than `Z`, no seconds, or more than nine digits.
    pub fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let error = || Error::Der { offset: tlv.offset, what: "a time in UTC with seconds" };
        let text = tlv.expect(tag::GENERALIZED_TIME, "GeneralizedTime")?.contents;
        let Some((whole, fraction)) = text.split_at_checked("YYYYMMDDhhmmss".len()) else {
            return Err(error());
        };
        let nanoseconds = match fraction {
            b"Z" => 0,
            [b'.', digits @ .., b'Z']
                if (1..=MAX_FRACTION_DIGITS).contains(&digits.len())
                    && digits.iter().all(u8::is_ascii_digit) =>
            {
                let padded = digits.iter().chain(core::iter::repeat(&b'0'));
                padded.take(MAX_FRACTION_DIGITS).fold(0_u32, |sum, digit| {
                    sum.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0')))
                })
            }
            _ => return Err(error()),
        };
        let whole = asn1::tlv(tag::GENERALIZED_TIME, &[whole, b"Z"]);
        let time = Time::from_tlv(Tlv::parse(&whole)?).map_err(|_| error())?;
        Ok(Self { time, nanoseconds })
    }

    /// Writes a GeneralizedTime in DER: no trailing zeros, no fraction where it is zero (RFC 3161 section 2.4.2).
    #[must_use]
    pub fn to_der(self) -> Vec<u8> {
        let mut text: String = self.time.to_string().chars().filter(char::is_ascii_digit).collect();
        text.push_str(&self.fraction());
        text.push('Z');
        asn1::tlv(tag::GENERALIZED_TIME, &[text.as_bytes()])
    }

    /// The point and the digits after it, or nothing.
    fn fraction(self) -> String {
        if self.nanoseconds == 0 {
            return String::new();
        }
        format!(".{:09}", self.nanoseconds).trim_end_matches('0').to_owned()
    }
}

impl From<Time> for GenTime {
    fn from(time: Time) -> Self {
        Self { time, nanoseconds: 0 }
    }
}

impl fmt::Display for GenTime {
    /// Writes RFC 3339: `2026-01-31T12:00:00.25Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.time.to_string();
        write!(f, "{}{}Z", whole.trim_end_matches('Z'), self.fraction())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GenTime, Error> {
        let der = asn1::tlv(tag::GENERALIZED_TIME, &[text.as_bytes()]);
        GenTime::from_tlv(Tlv::parse(&der)?)
    }

    #[test]
    fn fractions_are_read_and_written() {
        for (text, shown, nanoseconds) in [
            ("20260131120000Z", "2026-01-31T12:00:00Z", 0),
            ("20260131120000.5Z", "2026-01-31T12:00:00.5Z", 500_000_000),
            ("20260131120051.528Z", "2026-01-31T12:00:51.528Z", 528_000_000),
            ("20260131235959.000000001Z", "2026-01-31T23:59:59.000000001Z", 1),
        ] {
            let time = read(text).unwrap();
            assert_eq!((time.to_string().as_str(), time.nanoseconds()), (shown, nanoseconds));
            assert_eq!(Tlv::parse(&time.to_der()).unwrap().contents, text.as_bytes());
        }
        assert_eq!(read("20260131120000.50Z").unwrap(), read("20260131120000.5Z").unwrap());
    }

    #[test]
    fn other_forms_of_time_are_refused() {
        for text in [
            "",
            "Z",
            "202601311200Z",
            "20260131120000",
            "20260131120000+0100",
            "20260131120000.Z",
            "20260131120000,5Z",
            "20260131120000.5",
            "20260131120000.1234567891Z",
            "20261331120000Z",
            "20260131120000.-5Z",
            "2026013112000\u{e9}Z",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(GenTime::new(Time::from_unix(0).unwrap(), 1_000_000_000).is_none());
    }
}
