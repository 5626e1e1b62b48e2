//! What a caller should know of an INF that is in order.

use core::fmt;

use super::Place;

/// Something that will not be as the INF says, or that others may object to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: NoticeKind,
    /// Why, in words.
    pub why: &'static str,
}

/// The kinds of [`Notice`]. Their names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The key has a meaning for Windows and none here: it changes nothing.
    NotApplicable,
    /// Nothing says that the file is for Windows; `certreq` refuses such a file.
    NoVersion,
    /// Certificate authorities refuse it by their rules.
    Weak,
}

impl NoticeKind {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::NoVersion => "no-version",
            Self::Weak => "weak",
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.kind.name(), self.why)
    }
}
