//! What can be wrong with the INF of a request.

use core::fmt;

use chancery_inf::Position;
use const_oid::ObjectIdentifier;

use crate::{Error, NameError};

/// Where in an INF something stands, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The section.
    pub section: String,
    /// The key; empty where the section as a whole is meant.
    pub key: String,
    /// Line and column; `None` for what is not there and for a document that was not read from a text.
    pub position: Option<Position>,
}

impl Place {
    pub(crate) fn new(section: &str, key: &str, position: Option<Position>) -> Self {
        Self { section: section.to_owned(), key: key.to_owned(), position }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "{position}: ")?;
        }
        write!(f, "[{}]", self.section)?;
        if self.key.is_empty() { Ok(()) } else { write!(f, " {}", self.key) }
    }
}

/// Why an INF is no request, and where.
#[derive(Debug)]
pub struct PolicyError {
    /// Boxed, or every `Result` here would be as large as this.
    place: Box<Place>,
    kind: PolicyErrorKind,
}

impl PolicyError {
    pub(crate) fn new(place: Place, kind: PolicyErrorKind) -> Self {
        Self { place: Box::new(place), kind }
    }

    /// Returns where it is wrong.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> &PolicyErrorKind {
        &self.kind
    }

    /// Takes what is wrong.
    #[must_use]
    pub fn into_kind(self) -> PolicyErrorKind {
        self.kind
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

impl core::error::Error for PolicyError {
    /// Returns the cause of the kind, whose own words are in this error's.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        core::error::Error::source(&self.kind)
    }
}

/// What is wrong with the INF of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// A section or key that has to be there.
    #[error("missing")]
    Missing,
    /// A section or key that is none of a request's.
    #[error("unknown{}", did_you_mean(.suggestion))]
    Unknown {
        /// The known one that is written most like it.
        suggestion: Option<&'static str>,
    },
    /// A section or value with a meaning we cannot give it.
    #[error("not supported: {why}")]
    Unsupported {
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// A line without `=` where keys and values are.
    #[error("a line without `=`")]
    NoKey,
    /// A key, an extension or an attribute that is there already.
    #[error("given twice")]
    Duplicate,
    /// No value.
    #[error("no value")]
    Empty,
    /// Neither `true` nor `false`, nor their like.
    #[error("`{0}` is neither true nor false")]
    Boolean(String),
    /// No number in decimal or, after `0x`, hexadecimal.
    #[error("`{0}` is no number")]
    Number(String),
    /// A value, or a part of one, that is none of those the key can have.
    #[error("`{value}` is no {what}{}", did_you_mean(.suggestion))]
    Value {
        /// What is there.
        value: String,
        /// What should be there.
        what: &'static str,
        /// The known one that is written most like it.
        suggestion: Option<&'static str>,
    },
    /// An RSA key of a length we do not ask for.
    #[error("{bits} bits: RSA keys have {min} to {max}, in steps of {step}")]
    KeyLength {
        /// The length asked for.
        bits: u32,
        /// The shortest.
        min: u32,
        /// The longest.
        max: u32,
        /// The distance from one to the next.
        step: u32,
    },
    /// A string that is no name (CertStrToName).
    #[error("no distinguished name")]
    Name(#[source] NameError),
    /// A name of a subjectAltName that is not of its kind.
    #[error("`{value}` is no {kind}")]
    AlternativeName {
        /// The kind, as in `IP address`.
        kind: &'static str,
        /// What is there.
        value: String,
    },
    /// Bytes that are not written as pairs of hexadecimal digits.
    #[error("bad hexadecimal digits")]
    Hex,
    /// Bytes that are not written in Base64 (RFC 4648 section 4).
    #[error("bad Base64")]
    Base64,
    /// No object identifier.
    #[error("`{0}` is no object identifier")]
    ObjectIdentifier(String),
    /// An extension whose bytes are not what it should hold.
    #[error("not what the extension holds")]
    ExtensionValue(#[source] Error),
    /// An extension is called critical and not asked for.
    #[error("extension {0} is called critical, and is not asked for")]
    CriticalWithoutExtension(ObjectIdentifier),
    /// A date that does not say which of its numbers is the month.
    #[error("`{0}` may be read in two ways; 2026-01-31 and 31 January 2026 may not")]
    AmbiguousDate(String),
    /// No date.
    #[error("`{0}` is no date such as 2026-01-31 or 31 January 2026 12:30")]
    Date(String),
    /// Two keys that exclude each other.
    #[error("not together with {other}")]
    Conflict {
        /// The other.
        other: &'static str,
    },
    /// A key that needs another.
    #[error("needs {other}")]
    Needs {
        /// The other.
        other: &'static str,
    },
    /// More of something than is read.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
}

fn did_you_mean(suggestion: &Option<&'static str>) -> String {
    suggestion.map(|name| format!("; the nearest known is `{name}`")).unwrap_or_default()
}

/// What is wrong while a value is read: the place is known by whoever has it read, a better one here.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: PolicyErrorKind,
    /// A place inside the value.
    pub(crate) position: Option<Position>,
}

impl From<PolicyErrorKind> for Failure {
    fn from(kind: PolicyErrorKind) -> Self {
        Self { kind, position: None }
    }
}
