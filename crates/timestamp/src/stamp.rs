//! The seam: somebody who stamps signatures.

use core::fmt;
use std::error::Error as StdError;

use chancery_cms::oid as cms_oid;
use chancery_x509::Certificate;
use const_oid::ObjectIdentifier;

use crate::{LegacyResponse, TimestampKind, oid};

/// A timestamp over one signature value, ready to be embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stamp {
    /// DER of a token, as it was received.
    Rfc3161(Vec<u8>),
    /// A counter-signature and the certificates of its server.
    Legacy(LegacyResponse),
}

impl Stamp {
    /// Returns which kind it is.
    #[must_use]
    pub const fn kind(&self) -> TimestampKind {
        match self {
            Self::Rfc3161(_) => TimestampKind::Rfc3161,
            Self::Legacy(_) => TimestampKind::Legacy,
        }
    }

    /// Returns the unsigned attribute an Authenticode signature carries it in: type, and DER of the value.
    #[must_use]
    pub fn attribute(&self) -> (ObjectIdentifier, &[u8]) {
        match self {
            Self::Rfc3161(token) => (oid::RFC3161_COUNTER_SIGNATURE, token),
            Self::Legacy(response) => (cms_oid::COUNTER_SIGNATURE, &response.counter_signature),
        }
    }

    /// Returns the certificates that have to join those of the signature: a token carries its own.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        match self {
            Self::Rfc3161(_) => &[],
            Self::Legacy(response) => &response.certificates,
        }
    }
}

/// Somebody who stamps signatures: a server, or a list of them to fall back on, or an authority in this
/// process.
///
/// An implementation hands out only what it has verified: over this signature value, for this request, by a
/// certificate for timestamping.
pub trait Timestamper: fmt::Debug + Send + Sync {
    /// Stamps a signature value: the contents octets of `SignerInfo.signature`.
    ///
    /// # Errors
    /// [`StampError`], whose kind says whether trying later may help.
    fn stamp(&self, signature_value: &[u8]) -> Result<Stamp, StampError>;
}

/// What the caller can do next about a [`StampError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StampErrorKind {
    /// No server could be reached, or each was out of order: later may help.
    Unavailable,
    /// A server answered that it will not: asking otherwise may help.
    Rejected,
    /// A server answered with what is no timestamp over this signature. Never embedded.
    Invalid,
    /// The address of a server, or another setting, makes no sense.
    Settings,
}

impl StampErrorKind {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "timestamp-unavailable",
            Self::Rejected => "timestamp-rejected",
            Self::Invalid => "timestamp-invalid",
            Self::Settings => "timestamp-settings",
        }
    }
}

/// Why there is no stamp.
#[derive(Debug)]
pub struct StampError {
    kind: StampErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StampError {
    /// Makes an error. The message names the server.
    #[must_use]
    pub fn new(kind: StampErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Says what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns what the caller can do next.
    #[must_use]
    pub const fn kind(&self) -> StampErrorKind {
        self.kind
    }
}

impl fmt::Display for StampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for StampError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}
