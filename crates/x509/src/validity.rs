//! From when until when a certificate is valid.

use crate::{Error, Time};

/// A clock may be this many seconds behind: validity begins so much earlier.
const CLOCK_SKEW: u64 = 600;

/// From when until when a certificate is valid, both seconds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: Time,
    not_after: Time,
}

impl Validity {
    /// Makes a period.
    ///
    /// # Errors
    /// [`Error::Validity`] where it does not end after it begins.
    pub fn new(not_before: Time, not_after: Time) -> Result<Self, Error> {
        if not_before < not_after {
            Ok(Self { not_before, not_after })
        } else {
            Err(Error::Validity)
        }
    }

    /// Makes a period of `days` from `now`, begun ten minutes early for clocks that are behind.
    ///
    /// # Errors
    /// [`Error::Validity`] for no days, or an end past the year 9999.
    pub fn from_now(now: Time, days: u32) -> Result<Self, Error> {
        if days == 0 {
            return Err(Error::Validity);
        }
        Self::new(now.minus_seconds(CLOCK_SKEW), now.plus_days(days)?)
    }

    /// Returns its first second.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }

    /// Returns its last second.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Tells whether every second of it is one of `other`'s.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.not_before <= self.not_before && self.not_after <= other.not_after
    }
}
