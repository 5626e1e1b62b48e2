//! How long a self-signed certificate should be valid.

use crate::{Error, Time, Validity};

/// What the INF says of the validity of a certificate it has signed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValidityWish {
    pub(crate) not_before: Option<Time>,
    pub(crate) end: End,
}

/// When it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    At(Time),
    After(u32, ValidityUnit),
}

impl ValidityWish {
    /// What certreq does where nothing is said.
    pub(crate) const YEAR: Self =
        Self { not_before: None, end: End::After(1, ValidityUnit::Years) };

    /// Makes a period of it. It begins at NotBefore, or ten minutes before `now` for clocks that are behind; without an
    /// end it lasts a year, as certreq has it.
    ///
    /// # Errors
    /// [`Error::Validity`] where it ends before it begins, or past the year 9999.
    pub fn starting(&self, now: Time) -> Result<Validity, Error> {
        let end = match self.end {
            End::At(end) => end,
            End::After(count, unit) => unit.after(self.not_before.unwrap_or(now), count)?,
        };
        Validity::new(self.not_before.unwrap_or(now.minus_seconds(600)), end)
    }
}

/// The units of ValidityPeriod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValidityUnit {
    /// Years of the calendar.
    Years,
    /// Months of the calendar.
    Months,
    /// Seven days.
    Weeks,
    /// 24 hours.
    Days,
    /// 60 minutes.
    Hours,
    /// 60 seconds.
    Minutes,
    /// Seconds.
    Seconds,
}

impl ValidityUnit {
    pub(crate) const ALL: [Self; 7] = [
        Self::Years,
        Self::Months,
        Self::Weeks,
        Self::Days,
        Self::Hours,
        Self::Minutes,
        Self::Seconds,
    ];

    /// Returns the name an INF has for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Years => "Years",
            Self::Months => "Months",
            Self::Weeks => "Weeks",
            Self::Days => "Days",
            Self::Hours => "Hours",
            Self::Minutes => "Minutes",
            Self::Seconds => "Seconds",
        }
    }

    fn after(self, time: Time, count: u32) -> Result<Time, Error> {
        let seconds = match self {
            Self::Years => return time.plus_months(count.checked_mul(12).ok_or(Error::Validity)?),
            Self::Months => return time.plus_months(count),
            Self::Weeks => 7 * 86_400,
            Self::Days => 86_400,
            Self::Hours => 3_600,
            Self::Minutes => 60,
            Self::Seconds => 1,
        };
        Time::from_unix(time.unix().saturating_add(u64::from(count).saturating_mul(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn every_unit_has_its_length() {
        let start = time("2026-01-31");
        for (unit, end) in [
            (ValidityUnit::Years, "2028-01-31T00:00:00Z"),
            (ValidityUnit::Months, "2026-03-31T00:00:00Z"),
            (ValidityUnit::Weeks, "2026-02-14T00:00:00Z"),
            (ValidityUnit::Days, "2026-02-02T00:00:00Z"),
            (ValidityUnit::Hours, "2026-01-31T02:00:00Z"),
            (ValidityUnit::Minutes, "2026-01-31T00:02:00Z"),
            (ValidityUnit::Seconds, "2026-01-31T00:00:02Z"),
        ] {
            assert_eq!(unit.after(start, 2).unwrap().to_string(), end, "{}", unit.name());
        }
        assert!(ValidityUnit::Years.after(start, u32::MAX).is_err());
        assert!(ValidityUnit::Years.after(start, 8000).is_err());
        assert!(ValidityUnit::Weeks.after(start, u32::MAX).is_err());
    }

    #[test]
    fn a_period_begins_now_or_when_it_is_said() {
        let now = time("2026-01-31T12:00:00Z");
        let year = End::After(1, ValidityUnit::Years);
        let open = ValidityWish { not_before: None, end: year }.starting(now).unwrap();
        let expected = Validity::new(time("2026-01-31T11:50:00Z"), time("2027-01-31T12:00:00Z"));
        assert_eq!(open, expected.unwrap());
        let begin = time("2030-01-01");
        let said = ValidityWish { not_before: Some(begin), end: year }.starting(now).unwrap();
        assert_eq!(said, Validity::new(begin, time("2031-01-01")).unwrap());
        let past = ValidityWish { not_before: Some(begin), end: End::At(now) };
        assert!(matches!(past.starting(now), Err(Error::Validity)));
    }
}
