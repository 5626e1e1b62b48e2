//! One error for every workflow: what happened, to which file, and what the caller can do next.

use core::error::Error as StdError;
use core::fmt;
use std::path::Path;

use chancery_authenticode as authenticode;
use chancery_certstore::{StoreError, StoreErrorKind};
use chancery_key::{KeyError, KeyErrorKind};
use chancery_pkcs11::Pkcs11Error;
use chancery_timestamp::StampErrorKind;
use chancery_x509 as x509;

/// What the caller can do next about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A key could not be found, opened or used.
    Key(KeyErrorKind),
    /// A certificate store could not be read or changed, or has no such certificate.
    Store(StoreErrorKind),
    /// The file is signed, and nobody said what to do with that signature.
    AlreadySigned,
    /// Something speaks against signing with this certificate; one may insist.
    SignerDoubtful,
    /// Nothing can be signed with this certificate.
    SignerUnfit,
    /// The file has a signature that does not hold, and something was to be added to it.
    BrokenSignature,
    /// A detached signature is not of this file.
    ForeignSignature,
    /// There is no such signature in the file.
    NoSuchSignature,
    /// Data follows the certificate table.
    TrailingData,
    /// There is no timestamp, and one was required.
    Timestamp(StampErrorKind),
    /// Another program changed the file meanwhile.
    Changed,
    /// None of the certificates given belongs to the key.
    CertificateMismatch,
    /// A certificate would break the rules it is issued by.
    Refused,
    /// What was asked for makes no sense together.
    Usage,
    /// The input is not in its format.
    Malformed,
    /// The input is in order and has no place for what was asked.
    Unsupported,
    /// Reading or writing failed.
    Io,
    /// What was written does not verify: a fault in Chancery.
    SelfCheck,
}

impl ErrorKind {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key(kind) => kind.name(),
            Self::Store(kind) => kind.name(),
            Self::AlreadySigned => "already-signed",
            Self::SignerDoubtful => "signer-doubtful",
            Self::SignerUnfit => "signer-unfit",
            Self::BrokenSignature => "broken-signature",
            Self::ForeignSignature => "foreign-signature",
            Self::NoSuchSignature => "no-such-signature",
            Self::TrailingData => "trailing-data",
            Self::Timestamp(kind) => kind.name(),
            Self::Changed => "changed",
            Self::CertificateMismatch => "certificate-mismatch",
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Io => "io",
            Self::SelfCheck => "self-check",
        }
    }
}

/// Why a workflow stopped. The message names the file or key; the cause is the [`source`](StdError::source).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    candidates: Vec<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Makes an error.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), candidates: Vec::new(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds what the caller can choose among.
    #[must_use]
    pub(crate) fn with_candidates(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Puts what it happened to before the message.
    #[must_use]
    pub(crate) fn with_context(mut self, what: String) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Returns what the caller can do next.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the key addresses among which the caller must choose, where there are several.
    #[must_use]
    pub fn candidates(&self) -> &[String] {
        &self.candidates
    }

    /// An operating-system error about a file.
    #[must_use]
    pub fn io(what: &str, file: &Path, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {what} {}", file.display())).with_source(error)
    }

    /// Contents of a file that are not what they should be.
    #[must_use]
    pub fn malformed(file: &Path, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Malformed, format!("cannot read {}", file.display()))
            .with_source(error)
    }

    /// An error of the Authenticode layer about a file, by what it means for the caller.
    pub(crate) fn of_subject(what: &str, file: &Path, error: authenticode::Error) -> Self {
        let what = format!("cannot {what} {}", file.display());
        // What went wrong is the key's alone, and belongs into the first line.
        let error = match error {
            authenticode::Error::Key(error) => return Self::from(error).with_context(what),
            authenticode::Error::Pe(chancery_pe::Error::Source(error)) => {
                return Self::of_reading("read", file, error);
            }
            other => other,
        };
        let kind = match &error {
            authenticode::Error::Copy(_) => ErrorKind::Io,
            authenticode::Error::Embed(chancery_pe::EmbedError::MalformedTable {
                reason: chancery_pe::TableFault::DataAfterTable,
                ..
            }) => ErrorKind::TrailingData,
            authenticode::Error::NoSuchSignature { .. }
            | authenticode::Error::Embed(chancery_pe::EmbedError::NotSigned) => {
                ErrorKind::NoSuchSignature
            }
            authenticode::Error::Embed(chancery_pe::EmbedError::MalformedTable { .. })
            | authenticode::Error::Pe(_)
            | authenticode::Error::Encoding(_) => ErrorKind::Malformed,
            authenticode::Error::Embed(_) => ErrorKind::Unsupported,
            authenticode::Error::Cms(_) => ErrorKind::Malformed,
            authenticode::Error::ForeignSignature(_) => ErrorKind::ForeignSignature,
            authenticode::Error::OtherSigner { .. } => ErrorKind::CertificateMismatch,
            authenticode::Error::NotPrepared { .. } => ErrorKind::Malformed,
            authenticode::Error::Attribute(_) => ErrorKind::Usage,
            authenticode::Error::NotInAuthenticode { .. } => {
                return Self::new(ErrorKind::SignerUnfit, format!("{what}: {error}"));
            }
            authenticode::Error::Scheme { .. } | authenticode::Error::Text { .. } => {
                ErrorKind::Usage
            }
            _ => ErrorKind::SelfCheck,
        };
        Self::new(kind, what).with_source(error)
    }

    /// A file that could be opened and not read to its end.
    pub(crate) fn of_reading(what: &str, file: &Path, error: chancery_pe::SourceError) -> Self {
        let is_short = |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
        // Nothing is looked for behind the end that the file had when it was opened.
        if error.io_error().is_some_and(is_short) {
            let text = format!("{} became shorter while it was read", file.display());
            return Self::new(ErrorKind::Changed, text);
        }
        Self::new(ErrorKind::Io, format!("cannot {what} {}", file.display())).with_source(error)
    }

    /// An error while making a request or certificate.
    #[must_use]
    pub fn of_certificate(what: &str, error: x509::Error) -> Self {
        let error = match error {
            x509::Error::Key(error) => {
                return Self::from(error).with_context(format!("cannot {what}"));
            }
            other => other,
        };
        let kind = match &error {
            x509::Error::Scheme { .. }
            | x509::Error::Validity
            | x509::Error::PathLength { .. }
            | x509::Error::NoAlternativeName
            | x509::Error::NoCrlSigner { .. }
            | x509::Error::RevocationReason(_)
            | x509::Error::NotACa { .. } => ErrorKind::Usage,
            x509::Error::Random(_) => ErrorKind::Io,
            _ => ErrorKind::Malformed,
        };
        Self::new(kind, format!("cannot {what}")).with_source(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = ErrorKind::Store(error.kind());
        let (message, source) = error.into_parts();
        Self { kind, message, candidates: Vec::new(), source }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        let kind = ErrorKind::Key(error.kind());
        let candidates = error.candidates().to_vec();
        // A token's call and its code are the cause that people search for, and have none below them.
        let call = error.source().and_then(|source| source.downcast_ref::<Pkcs11Error>());
        if let Some(call) = call {
            return Self { kind, message: format!("{error}: {call}"), candidates, source: None };
        }
        // The message stands for the key error itself; its cause comes next.
        let message = error.to_string();
        let source = KeyCause::of(error);
        Self { kind, message, candidates, source: source.map(Into::into) }
    }
}

/// The cause of a key error whose own message has moved up.
#[derive(Debug)]
struct KeyCause(KeyError);

impl KeyCause {
    fn of(error: KeyError) -> Option<Self> {
        error.source().is_some().then_some(Self(error))
    }
}

impl fmt::Display for KeyCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source().map_or(Ok(()), |source| fmt::Display::fmt(source, f))
    }
}

impl StdError for KeyCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source().and_then(StdError::source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
