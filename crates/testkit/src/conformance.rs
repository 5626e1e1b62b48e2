//! What every [`SigningKey`](chancery_key::SigningKey),
//! [`DigestSigner`](chancery_key::hazmat::DigestSigner), [`KeyStore`](chancery_key::KeyStore) and
//! [`KeyGenerator`](chancery_key::KeyGenerator) must do, whatever stands behind it.
//!
//! A failed check is a value with a name, not a panic, so that a test can also prove that a key broken
//! on purpose is found out, and by which check (see [`broken_keys`](crate::broken_keys)).

use core::fmt;
use std::collections::BTreeMap;

use chancery_key::SignatureScheme;

mod key;
mod store;

pub use key::{check, check_digest_signer};
pub use store::check_store;

/// One thing that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Check {
    /// The public key is the same each time it is asked for.
    PublicKeyStable,
    /// The public key's SPKI reads back as the same numbers.
    SpkiRoundTrip,
    /// The advertised schemes are some, each once, and all for keys of this type.
    SchemesFitKey,
    /// The key signs with every scheme it advertises.
    Signs,
    /// A signature has the form of X.509: as long as the modulus, or the one DER of `r` and `s`.
    SignatureForm,
    /// A signature verifies under the public key in the scheme that was asked for.
    Verifies,
    /// A signature does not verify over a changed message.
    RefusesChangedMessage,
    /// A changed signature does not verify.
    RefusesChangedSignature,
    /// PKCS#1 v1.5 gives the same signature for the same message.
    Deterministic,
    /// A scheme that is not advertised is refused as unsupported, and not replaced.
    RefusesUnadvertised,
    /// Four threads sign at once.
    Concurrent,
    /// A signature over a digest verifies over the message.
    SignsDigest,
    /// A digest of another length is refused as malformed.
    RefusesDigestLength,
    /// A generated key is of the type asked for, and described with its public key.
    GeneratesAsAsked,
    /// A second key of the same label is refused.
    RefusesDuplicate,
    /// A generated key is found by public key, modulus and label.
    FindsGenerated,
    /// A key that is not there is not found.
    FindsNothingElse,
    /// What was found opens as the same key.
    OpensGenerated,
}

impl Check {
    /// Returns the stable kebab-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicKeyStable => "public-key-stable",
            Self::SpkiRoundTrip => "spki-round-trip",
            Self::SchemesFitKey => "schemes-fit-key",
            Self::Signs => "signs",
            Self::SignatureForm => "signature-form",
            Self::Verifies => "verifies",
            Self::RefusesChangedMessage => "refuses-changed-message",
            Self::RefusesChangedSignature => "refuses-changed-signature",
            Self::Deterministic => "deterministic",
            Self::RefusesUnadvertised => "refuses-unadvertised",
            Self::Concurrent => "concurrent",
            Self::SignsDigest => "signs-digest",
            Self::RefusesDigestLength => "refuses-digest-length",
            Self::GeneratesAsAsked => "generates-as-asked",
            Self::RefusesDuplicate => "refuses-duplicate",
            Self::FindsGenerated => "finds-generated",
            Self::FindsNothingElse => "finds-nothing-else",
            Self::OpensGenerated => "opens-generated",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Which check.
    pub check: Check,
    /// The scheme in which it failed, where it is about one.
    pub scheme: Option<SignatureScheme>,
    /// What was seen.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme {
            Some(scheme) => write!(f, "{} ({scheme}): {}", self.check, self.detail),
            None => write!(f, "{}: {}", self.check, self.detail),
        }
    }
}

/// How often each check was made; all of them passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The checks that were made, with their number.
    pub passed: BTreeMap<Check, usize>,
}

impl Report {
    /// Returns the number of single checks.
    #[must_use]
    pub fn total(&self) -> usize {
        self.passed.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} checks passed:", self.total())?;
        self.passed.iter().try_for_each(|(check, count)| write!(f, " {check} {count}"))
    }
}

/// Counts what passed and keeps what failed.
#[derive(Default)]
struct Tally {
    report: Report,
    failures: Vec<Failure>,
}

impl Tally {
    fn record(
        &mut self,
        check: Check,
        scheme: Option<SignatureScheme>,
        outcome: Result<(), String>,
    ) {
        match outcome {
            Ok(()) => *self.report.passed.entry(check).or_default() += 1,
            Err(detail) => self.failures.push(Failure { check, scheme, detail }),
        }
    }

    fn about(&mut self, check: Check, scheme: SignatureScheme, outcome: Result<(), String>) {
        self.record(check, Some(scheme), outcome);
    }

    fn note(&mut self, check: Check, outcome: Result<(), String>) {
        self.record(check, None, outcome);
    }

    fn equal<T: PartialEq + fmt::Debug>(&mut self, check: Check, found: T, expected: T) {
        let outcome = if found == expected {
            Ok(())
        } else {
            Err(format!("{found:?}, where {expected:?} was expected"))
        };
        self.note(check, outcome);
    }

    fn add(&mut self, report: Report) {
        for (check, count) in report.passed {
            *self.report.passed.entry(check).or_default() += count;
        }
    }

    fn finish(self) -> Result<Report, Vec<Failure>> {
        if self.failures.is_empty() { Ok(self.report) } else { Err(self.failures) }
    }
}
