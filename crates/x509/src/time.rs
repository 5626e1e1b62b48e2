//! Points in time, to the second, in UTC.

use core::fmt;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use der::DateTime;
use der::asn1::{GeneralizedTime, UtcTime};
use der::{Decode, Encode};

use crate::Error;
use crate::asn1::{self, Tlv, tag};

/// A second between 1970 and 9999, UTC: what the dates of a certificate can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(DateTime);

impl Time {
    /// Takes seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Error::Validity`] past the year 9999.
    pub fn from_unix(seconds: u64) -> Result<Self, Error> {
        DateTime::from_unix_duration(Duration::from_secs(seconds))
            .map(Self)
            .map_err(|_| Error::Validity)
    }

    /// Reads the system's clock.
    ///
    /// # Errors
    /// [`Error::Validity`] where it stands before 1970 or past 9999.
    pub fn now() -> Result<Self, Error> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::Validity)?;
        Self::from_unix(since.as_secs())
    }

    /// Returns seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.0.unix_duration().as_secs()
    }

    /// Moves forward by whole days of 86 400 seconds.
    ///
    /// # Errors
    /// [`Error::Validity`] past the year 9999.
    pub fn plus_days(self, days: u32) -> Result<Self, Error> {
        Self::from_unix(self.unix().saturating_add(u64::from(days).saturating_mul(86_400)))
    }

    /// Moves forward by months of the calendar: to the same day, or to the month's last where it is shorter.
    ///
    /// # Errors
    /// [`Error::Validity`] past the year 9999.
    pub fn plus_months(self, months: u32) -> Result<Self, Error> {
        let month = u32::from(self.0.month()).saturating_sub(1).saturating_add(months);
        let year = u16::try_from(month / 12).ok().and_then(|more| self.0.year().checked_add(more));
        let (Some(year), Ok(month)) = (year, u8::try_from(month % 12)) else {
            return Err(Error::Validity);
        };
        let (hour, minute, second) = (self.0.hour(), self.0.minutes(), self.0.seconds());
        // No month is shorter than 28 days: one of the four is a day of it.
        (0..4)
            .map(|missing| self.0.day().saturating_sub(missing))
            .find_map(|day| {
                DateTime::new(year, month.saturating_add(1), day, hour, minute, second).ok()
            })
            .map(Self)
            .ok_or(Error::Validity)
    }

    /// Moves back, at most to 1970.
    #[must_use]
    pub fn minus_seconds(self, seconds: u64) -> Self {
        Self::from_unix(self.unix().saturating_sub(seconds)).unwrap_or(self)
    }

    /// Reads RFC 3339 in UTC: `2026-01-31T12:00:00Z`, or the date alone for its first second.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        full.parse().ok().map(Self)
    }

    /// Reads a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5).
    ///
    /// The years 1950 to 1969, which a UTCTime can say, are read as the first second of 1970: they are
    /// before every time there is here.
    ///
    /// # Errors
    /// [`Error::Der`] for another type, and for a time without seconds or not in UTC.
    pub fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let error = Error::Der { offset: tlv.offset, what: "a time in UTC with seconds" };
        match tlv.tag {
            tag::UTC_TIME => match UtcTime::from_der(tlv.raw) {
                Ok(time) => Ok(Self(time.to_date_time())),
                Err(_) if is_utc_time_before_1970(tlv) => Self::from_unix(0),
                Err(_) => Err(error),
            },
            tag::GENERALIZED_TIME => GeneralizedTime::from_der(tlv.raw)
                .map(|time| Self(time.to_date_time()))
                .map_err(|_| error),
            _ => Err(error),
        }
    }

    /// Writes a UTCTime before 2050 and a GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
    ///
    /// # Errors
    /// [`Error::Validity`] for a time that neither can say.
    pub fn to_der(self) -> Result<Vec<u8>, Error> {
        if self.0.year() < 2050 {
            UtcTime::from_date_time(self.0).and_then(|time| time.to_der())
        } else {
            GeneralizedTime::from_date_time(self.0).to_der()
        }
        .map_err(|_| Error::Validity)
    }
}

/// Writes a GeneralizedTime whatever the year, as an invalidityDate has it (RFC 5280 section 5.3.2).
pub(crate) fn generalized_time(time: Time) -> Result<Vec<u8>, Error> {
    GeneralizedTime::from_date_time(time.0).to_der().map_err(|_| Error::Validity)
}

/// Tells whether a UTCTime is in order but for being of the years 1950 to 1969.
fn is_utc_time_before_1970(tlv: Tlv<'_>) -> bool {
    // Twenty years later the calendar is the same, leap days included.
    let later = match tlv.contents {
        [b'5', rest @ ..] => [b"7", rest].concat(),
        [b'6', rest @ ..] => [b"8", rest].concat(),
        _ => return false,
    };
    UtcTime::from_der(&asn1::tlv(tag::UTC_TIME, &[&later])).is_ok()
}

impl fmt::Display for Time {
    /// Writes RFC 3339: `2026-01-31T12:00:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_changes_with_the_year_2050() {
        for (text, tag) in [
            ("2049-12-31T23:59:59Z", tag::UTC_TIME),
            ("2050-01-01T00:00:00Z", tag::GENERALIZED_TIME),
        ] {
            let time = Time::parse_rfc3339(text).unwrap();
            let der = time.to_der().unwrap();
            assert_eq!(der[0], tag);
            assert_eq!(Time::from_tlv(Tlv::parse(&der).unwrap()).unwrap(), time);
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (from, months, to) in [
            ("2026-01-31T12:30:59Z", 1, "2026-02-28T12:30:59Z"),
            ("2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z"),
            ("2026-12-01T00:00:00Z", 0, "2026-12-01T00:00:00Z"),
            ("2026-12-01T00:00:00Z", 1, "2027-01-01T00:00:00Z"),
            ("2028-02-29T00:00:00Z", 12, "2029-02-28T00:00:00Z"),
            ("2026-08-31T00:00:00Z", 37, "2029-09-30T00:00:00Z"),
        ] {
            let moved = Time::parse_rfc3339(from).unwrap().plus_months(months).unwrap();
            assert_eq!(moved.to_string(), to, "{from} and {months} months");
        }
        let last = Time::parse_rfc3339("9999-12-01").unwrap();
        for months in [1, 12 * 60_000, u32::MAX] {
            assert!(matches!(last.plus_months(months), Err(Error::Validity)), "{months}");
        }
    }

    #[test]
    fn years_before_1970_are_read_as_its_first_second() {
        let read = |text: &str| {
            Time::from_tlv(Tlv::parse(&asn1::tlv(tag::UTC_TIME, &[text.as_bytes()])).unwrap())
        };
        for text in ["500101120100Z", "691231235959Z", "520229000000Z"] {
            assert_eq!(read(text).unwrap(), Time::from_unix(0).unwrap(), "{text}");
        }
        assert_eq!(read("700101000001Z").unwrap().unix(), 1);
        for bad in
            ["501301120100Z", "510229000000Z", "5001011201Z", "500101120100", "5x0101120100Z"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_date_alone_is_its_first_second() {
        assert_eq!(Time::parse_rfc3339("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00Z");
        for bad in
            ["", "2026-13-01", "2026-01-31T12:00:00", "31.01.2026", "2026-01-31T12:00:00+01:00"]
        {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }
}
