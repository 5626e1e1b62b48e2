//! The one error of the seam.

use core::error::Error;
use core::fmt;

/// What the caller can do next about a [`KeyError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// A PIN or passphrase is needed and none could be had: name a source for one.
    AuthRequired,
    /// The PIN or passphrase was refused. Never retried by us.
    AuthRefused,
    /// The PIN is locked, expired, or has one last try left that was not spent.
    AuthLocked,
    /// The module, device or token is not there or does not answer.
    Unavailable,
    /// Everything answers, and no such key is there.
    NotFound,
    /// Several keys fit; [`KeyError::candidates`] names them, and the caller must narrow.
    Ambiguous,
    /// The key cannot make signatures of the scheme that was asked for.
    UnsupportedScheme,
    /// The key exists and its owner does not let it do this.
    NotPermitted,
    /// The key material or the address is not in a form we can read.
    Malformed,
    /// The key is not the one that belongs to this certificate or request.
    Mismatch,
    /// Reading or writing failed.
    Io,
    /// There is something in the place of what should be created.
    AlreadyExists,
    /// The device failed or gave back something that is no signature by this key.
    Device,
}

impl KeyErrorKind {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthRequired => "auth-required",
            Self::AuthRefused => "auth-refused",
            Self::AuthLocked => "auth-locked",
            Self::Unavailable => "unavailable",
            Self::NotFound => "not-found",
            Self::Ambiguous => "ambiguous",
            Self::UnsupportedScheme => "unsupported-scheme",
            Self::NotPermitted => "not-permitted",
            Self::Malformed => "malformed",
            Self::Mismatch => "mismatch",
            Self::Io => "io",
            Self::AlreadyExists => "already-exists",
            Self::Device => "device",
        }
    }
}

/// Why a key could not be found, opened, made or used.
///
/// One type serves every backend, so that a `&dyn SigningKey` has one error; the backend's own error
/// is the [`source`](Error::source). The message is one line without a full stop and does not repeat
/// the source.
#[derive(Debug)]
pub struct KeyError {
    kind: KeyErrorKind,
    message: String,
    candidates: Vec<String>,
    source: Option<Box<dyn Error + Send + Sync + 'static>>,
}

impl KeyError {
    /// Makes an error of a kind with a message that names what it happened to.
    #[must_use]
    pub fn new(kind: KeyErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), candidates: Vec::new(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds the addresses of the keys among which the caller must choose.
    #[must_use]
    pub fn with_candidates(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Returns what the caller can do next.
    #[must_use]
    pub const fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    /// Returns the key addresses that would each have been an answer; empty unless
    /// [`KeyErrorKind::Ambiguous`].
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        &self.candidates
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for KeyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
