//! Points in time, to the second, in UTC.

use core::fmt;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use der::DateTime;
use der::asn1::{GeneralizedTime, UtcTime};
use der::{Decode, Encode};

use crate::Error;
use crate::asn1::{Tlv, tag};

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
    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let error = Error::Der { offset: tlv.offset, what: "a time in UTC with seconds" };
        match tlv.tag {
            tag::UTC_TIME => {
                UtcTime::from_der(tlv.raw).map(|time| Self(time.to_date_time())).map_err(|_| error)
            }
            tag::GENERALIZED_TIME => GeneralizedTime::from_der(tlv.raw)
                .map(|time| Self(time.to_date_time()))
                .map_err(|_| error),
            _ => Err(error),
        }
    }

    /// Writes a UTCTime before 2050 and a GeneralizedTime from then on (RFC 5280 section 4.1.2.5).
    pub(crate) fn to_der(self) -> Result<Vec<u8>, Error> {
        if self.0.year() < 2050 {
            UtcTime::from_date_time(self.0).and_then(|time| time.to_der())
        } else {
            GeneralizedTime::from_date_time(self.0).to_der()
        }
        .map_err(|_| Error::Validity)
    }
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
    fn a_date_alone_is_its_first_second() {
        assert_eq!(Time::parse_rfc3339("2026-01-31").unwrap().to_string(), "2026-01-31T00:00:00Z");
        for bad in
            ["", "2026-13-01", "2026-01-31T12:00:00", "31.01.2026", "2026-01-31T12:00:00+01:00"]
        {
            assert_eq!(Time::parse_rfc3339(bad), None, "{bad}");
        }
    }
}
