//! What was found, in words for people and names for programs.

use core::error::Error as _;
use std::path::{Path, PathBuf};

use chancery_pkcs11::Uri;

use crate::{Error, ErrorKind};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing.
    Note,
    /// It works, and may not for long or not for all.
    Warning,
    /// It keeps something from working.
    Problem,
}

impl Severity {
    /// Returns the stable kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// Lists the names once, as values and as text.
macro_rules! finding_names {
    ($($(#[$meaning:meta])+ $name:ident = $text:literal,)+) => {
        /// What a finding is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum FindingName {
            $($(#[$meaning])+ $name,)+
        }

        impl FindingName {
            /// Returns the stable kebab-case name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

finding_names! {
    /// A module was loaded.
    Module = "module",
    /// There is no module to load.
    NoModule = "no-module",
    /// A module cannot be loaded or does not start.
    ModuleUnusable = "module-unusable",
    /// A module does not list its slots.
    SlotsUnreadable = "slots-unreadable",
    /// A slot has a token that was never initialised.
    BlankToken = "blank-token",
    /// A token is there.
    Token = "token",
    /// No token is there, or not the one asked for.
    NoToken = "no-token",
    /// Several tokens are there, so that nobody logs in.
    SeveralTokens = "several-tokens",
    /// The token signs.
    Mechanisms = "mechanisms",
    /// The token lists no mechanism that Chancery signs with.
    NoSigningMechanism = "no-signing-mechanism",
    /// The token does not list its mechanisms.
    MechanismsUnreadable = "mechanisms-unreadable",
    /// The user's PIN was never set.
    PinNotSet = "pin-not-set",
    /// The user's PIN is locked.
    PinLocked = "pin-locked",
    /// One more wrong PIN locks the token.
    PinFinalTry = "pin-final-try",
    /// A wrong PIN was given since the last right one.
    PinTriesSpent = "pin-tries-spent",
    /// Nothing can be written to the token.
    WriteProtected = "write-protected",
    /// The user is logged in.
    Login = "login",
    /// The user cannot be logged in.
    LoginFailed = "login-failed",
    /// Keys or certificates cannot be read.
    ContentsUnreadable = "contents-unreadable",
    /// There is no private key.
    NoKeys = "no-keys",
    /// A private key is there.
    Key = "key",
    /// A key whose public half the token does not tell.
    KeyWithoutPublicHalf = "key-without-public-half",
    /// A key that is not for signing.
    KeyNotForSigning = "key-not-for-signing",
    /// A key that can be read out, or could be.
    KeyExtractable = "key-extractable",
    /// Several keys with one identifier.
    KeysShareId = "keys-share-id",
    /// Several keys with one label.
    KeysShareLabel = "keys-share-label",
    /// One key several times.
    KeyTwice = "key-twice",
    /// A certificate and the key it belongs to.
    Pair = "pair",
    /// A certificate that is none we can read.
    CertificateUnreadable = "certificate-unreadable",
    /// A signer's certificate whose key is not there.
    CertificateWithoutKey = "certificate-without-key",
    /// A certificate whose identifier is not that of its key.
    CertificateIdDiffers = "certificate-id-differs",
    /// A certificate that is not valid at this time.
    CertificateNotValidNow = "certificate-not-valid-now",
    /// A signer's certificate that is not for signing code.
    CertificateNotForCodeSigning = "certificate-not-for-code-signing",
    /// A key of those asked for signs, and its signature verifies.
    KeySigns = "key-signs",
    /// A key of those asked for does not sign.
    KeyUnusable = "key-unusable",
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    name: FindingName,
    subject: String,
    message: String,
    kind: Option<ErrorKind>,
    place: Place,
}

/// Where the examination is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) module: Option<PathBuf>,
    pub(super) token: Option<Uri>,
}

impl Finding {
    /// Returns how much it matters.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what it is about.
    #[must_use]
    pub const fn name(&self) -> FindingName {
        self.name
    }

    /// Returns the module, token, key or certificate it is about.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Returns it in words, on one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the kind of error it came of, where it came of one.
    #[must_use]
    pub const fn error_kind(&self) -> Option<ErrorKind> {
        self.kind
    }

    /// Returns the module that was used, where one was.
    #[must_use]
    pub fn module(&self) -> Option<&Path> {
        self.place.module.as_deref()
    }

    /// Returns the token that was looked at, where one was.
    #[must_use]
    pub const fn token(&self) -> Option<&Uri> {
        self.place.token.as_ref()
    }

    pub(super) fn in_place(mut self, place: &Place) -> Self {
        self.place = place.clone();
        self
    }

    pub(super) fn fine(
        name: FindingName,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Fine, name, subject, what)
    }

    pub(super) fn note(
        name: FindingName,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Note, name, subject, what)
    }

    pub(super) fn warning(
        name: FindingName,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, name, subject, what)
    }

    pub(super) fn problem(
        name: FindingName,
        subject: impl Into<String>,
        what: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Problem, name, subject, what)
    }

    pub(super) const fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// A problem with an error's message and its causes.
    pub(super) fn of_error(name: FindingName, subject: impl Into<String>, error: &Error) -> Self {
        let mut what = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            what.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Self::problem(name, subject, what).of_kind(error.kind())
    }

    fn new(
        severity: Severity,
        name: FindingName,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            name,
            subject: subject.into(),
            message: message.into(),
            kind: None,
            place: Place::default(),
        }
    }
}
