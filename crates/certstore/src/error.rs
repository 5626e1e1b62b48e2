//! The one error of stores.

use core::error::Error;
use core::fmt;

/// What the caller can do next about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store's bytes are not in its format, or it holds more than is read.
    Malformed,
    /// There is no such store or certificate.
    NotFound,
    /// The certificate is there already.
    AlreadyExists,
    /// The certificate is there several times with different properties: add it again with
    /// [`IfPresent::Replace`](crate::IfPresent::Replace), or remove it.
    Ambiguous,
    /// Another process is changing the store: try again.
    Locked,
    /// The operating system does not let us.
    NotPermitted,
    /// What was asked for makes no sense, as a store's name with a slash in it.
    Usage,
    /// Reading or writing failed.
    Io,
}

impl StoreErrorKind {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "store-malformed",
            Self::NotFound => "certificate-not-found",
            Self::AlreadyExists => "certificate-exists",
            Self::Ambiguous => "certificate-ambiguous",
            Self::Locked => "store-locked",
            Self::NotPermitted => "store-not-permitted",
            Self::Usage => "usage",
            Self::Io => "io",
        }
    }
}

/// Why a store could not be read or changed. The message is one line that names the store or certificate; the cause is
/// the [`source`](Error::source).
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync + 'static>>,
}

impl StoreError {
    /// Makes an error of a kind, with a message that names what it happened to.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Takes it apart into message and cause.
    #[must_use]
    pub fn into_parts(self) -> (String, Option<Box<dyn Error + Send + Sync + 'static>>) {
        (self.message, self.source)
    }

    /// Returns what the caller can do next.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
