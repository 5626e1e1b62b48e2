//! What verification found, as values.

use core::fmt;

use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_x509::{Certificate, Time};

/// How much a [`Reason`] weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; the verdict does not change.
    Note,
    /// Whoever signed cannot be trusted for it.
    Untrusted,
    /// A check failed.
    Invalid,
    /// The file is not in the form its format demands.
    Malformed,
}

/// Something found, by its stable kebab-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    name: &'static str,
    severity: Severity,
}

impl Reason {
    pub(crate) const fn new(name: &'static str, severity: Severity) -> Self {
        Self { name, severity }
    }

    pub(crate) const fn note(name: &'static str) -> Self {
        Self::new(name, Severity::Note)
    }

    pub(crate) const fn invalid(name: &'static str) -> Self {
        Self::new(name, Severity::Invalid)
    }

    pub(crate) const fn malformed(name: &'static str) -> Self {
        Self::new(name, Severity::Malformed)
    }

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns how much it weighs.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.severity
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// What is to be thought of a file, all signatures together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Every signature holds and its signer is trusted.
    Valid,
    /// Every signature holds; there is no trusted path to a signer.
    Untrusted,
    /// A signature does not hold, or the file hides something beside it.
    Invalid,
    /// There is no signature.
    Unsigned,
    /// The place for signatures is not in order.
    Malformed,
    /// Signed in a way we cannot check.
    Unsupported,
}

impl Verdict {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Untrusted => "untrusted",
            Self::Invalid => "invalid",
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of the path from a signer to a trust anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChainStatus {
    /// It ends in a trust anchor and every certificate on it is in order.
    Trusted,
    /// It ends in a certificate that is no trust anchor, or one on it may not be where it is.
    Untrusted,
    /// An issuer's certificate is missing.
    Incomplete,
    /// It ends in a trust anchor; a certificate on it was not valid at the time.
    Expired,
    /// It ends in a trust anchor; the signer's certificate is not for signing code.
    WrongUsage,
    /// It ends in a trust anchor over a key or signature that is too weak.
    Weak,
    /// It ends in a trust anchor; a certificate on it is revoked.
    Revoked,
    /// It ends in a trust anchor; whether a certificate on it is revoked cannot be told.
    RevocationUnknown,
    /// There were no trust anchors to look for.
    NotChecked,
}

impl ChainStatus {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
            Self::Incomplete => "incomplete",
            Self::Expired => "expired",
            Self::WrongUsage => "wrong-usage",
            Self::Weak => "weak",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::NotChecked => "not-checked",
        }
    }
}

impl From<chancery_chain::Status> for ChainStatus {
    fn from(status: chancery_chain::Status) -> Self {
        use chancery_chain::Status;
        match status {
            Status::Trusted => Self::Trusted,
            Status::RevocationUnknown => Self::RevocationUnknown,
            Status::Weak => Self::Weak,
            Status::Expired => Self::Expired,
            Status::WrongUsage => Self::WrongUsage,
            Status::Revoked => Self::Revoked,
            Status::Incomplete => Self::Incomplete,
            // A status that comes later is no trust.
            _ => Self::Untrusted,
        }
    }
}

impl fmt::Display for ChainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether the page hashes in a signature are those of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PageHashStatus {
    /// The signature has none.
    Absent,
    /// They are.
    Match,
    /// They are not, or the file's layout allows none.
    Mismatch,
}

impl PageHashStatus {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Match => "match",
            Self::Mismatch => "mismatch",
        }
    }
}

/// What was found about one signature.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureReport {
    /// 0 for the first; those nested in a signature follow it.
    pub index: usize,
    /// The hash of the file's digest, where it is one we know.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// The digest in the signature is the file's.
    pub digest_matches: bool,
    /// The signature over its attributes verifies, and these speak of this content.
    pub signature_valid: bool,
    /// The signer's certificate, where it is in the signature.
    pub signer: Option<Certificate>,
    /// The scheme, where it is one we know.
    pub scheme: Option<SignatureScheme>,
    /// What became of the path to a trust anchor.
    pub chain: ChainStatus,
    /// What is wrong with the path, certificate by certificate.
    pub chain_findings: Vec<chancery_chain::Finding>,
    /// Its timestamps: tokens by RFC 3161 first, then counter-signatures.
    pub timestamps: Vec<chancery_timestamp::TimestampReport>,
    /// The time the path was judged at: the earliest a timestamp proves, else the verifier's.
    pub judged_at: Time,
    /// Whether the page hashes are the file's.
    pub page_hashes: PageHashStatus,
    /// What the signer calls the program.
    pub description: Option<String>,
    /// Where the signer says there is more about it.
    pub url: Option<String>,
    /// What was found, in the order it was looked for.
    pub reasons: Vec<Reason>,
}

/// What was found about a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// All together.
    pub verdict: Verdict,
    /// What was found about the file rather than one of its signatures.
    pub reasons: Vec<Reason>,
    /// The file's digest by every hash in use and SHA-256.
    pub authentihash: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// One by one.
    pub signatures: Vec<SignatureReport>,
}
