//! What verification found, as values.

use core::fmt;

use chancery_chain::Revocation;
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_x509::{Certificate, Time};
use const_oid::ObjectIdentifier;

use crate::{Check, VerificationPolicy};

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

impl Severity {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Untrusted => "untrusted",
            Self::Invalid => "invalid",
            Self::Malformed => "malformed",
        }
    }
}

/// Something found: which check found it, and how much that weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    check: Check,
    severity: Severity,
}

impl Reason {
    /// Weighs by the strict policy. A [`Verifier`](crate::Verifier) of another one weighs it again.
    #[must_use]
    pub const fn new(check: Check) -> Self {
        Self { check, severity: check.severity(VerificationPolicy::Strict) }
    }

    pub(crate) const fn weighing(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Returns the check.
    #[must_use]
    pub const fn check(self) -> Check {
        self.check
    }

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.check.name()
    }

    /// Returns how much it weighs.
    #[must_use]
    pub const fn severity(self) -> Severity {
        self.severity
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
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

/// The hashes that one signature names in three places, each `None` where it is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedDigests {
    /// In SignedData's digestAlgorithms.
    pub declared: Vec<Option<DigestAlgorithm>>,
    /// In the SignerInfo.
    pub signer: Option<DigestAlgorithm>,
    /// In the content, for the file.
    pub content: Option<DigestAlgorithm>,
}

/// An attribute the verifier gives no meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownAttribute {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// The signature covers it.
    pub is_signed: bool,
    /// The length of the whole attribute, in bytes.
    pub len: usize,
}

/// What was found about one signature.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureReport {
    /// 0 for the first; those nested in a signature follow it.
    pub index: usize,
    /// The type of what is signed.
    pub content_type: Option<ObjectIdentifier>,
    /// The digest of the file as the signature has it.
    pub digest: Option<Vec<u8>>,
    /// The hashes it names.
    pub named_digests: NamedDigests,
    /// The hash of the file's digest, where it is one we know.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// The digest in the signature is the file's.
    pub digest_matches: bool,
    /// The signature over its attributes verifies, and these speak of this content.
    pub signature_valid: bool,
    /// The messageDigest attribute is the hash of the content.
    pub message_digest_matches: bool,
    /// The signature verifies over the signed attributes in the bytes they came in.
    pub attributes_verify: bool,
    /// The signer's certificate, where it is in the signature.
    pub signer: Option<Certificate>,
    /// The scheme, where it is one we know.
    pub scheme: Option<SignatureScheme>,
    /// What became of the path to a trust anchor.
    pub chain: ChainStatus,
    /// The best path there is: the signer first, last the anchor or where it ends early.
    pub path: Vec<Certificate>,
    /// What is known of the revocation of each certificate of the path but the last, in its order.
    pub revocation: Vec<Revocation>,
    /// What is wrong with the path, certificate by certificate.
    pub chain_findings: Vec<chancery_chain::Finding>,
    /// The signer's certificate says that its signatures end with it, timestamp or not
    /// (szOID_KP_LIFETIME_SIGNING).
    pub lifetime_signing: bool,
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
    /// Attributes without a meaning to us, signed ones first.
    pub unknown_attributes: Vec<UnknownAttribute>,
    /// Certificates in the bag that are in no path of signer or timestamp: room for anything.
    pub unused_certificates: Vec<Certificate>,
    /// What was found, in the order it was looked for.
    pub reasons: Vec<Reason>,
}

impl SignatureReport {
    pub(crate) const fn new(index: usize, judged_at: Time) -> Self {
        Self {
            index,
            content_type: None,
            digest: None,
            named_digests: NamedDigests { declared: Vec::new(), signer: None, content: None },
            digest_algorithm: None,
            digest_matches: false,
            signature_valid: false,
            message_digest_matches: false,
            attributes_verify: false,
            signer: None,
            scheme: None,
            chain: ChainStatus::NotChecked,
            path: Vec::new(),
            revocation: Vec::new(),
            chain_findings: Vec::new(),
            lifetime_signing: false,
            timestamps: Vec::new(),
            judged_at,
            page_hashes: PageHashStatus::Absent,
            description: None,
            url: None,
            unknown_attributes: Vec::new(),
            unused_certificates: Vec::new(),
            reasons: Vec::new(),
        }
    }

    pub(crate) fn found(&mut self, check: Check) {
        self.reasons.push(Reason::new(check));
    }

    /// Returns the weight of the most severe finding.
    #[must_use]
    pub fn severity(&self) -> Severity {
        worst(&self.reasons)
    }
}

/// Returns the most severe weight.
pub(crate) fn worst(reasons: &[Reason]) -> Severity {
    reasons.iter().map(|reason| reason.severity()).max().unwrap_or(Severity::Note)
}

/// What was found about a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// All together, of the signatures that have to hold.
    pub verdict: Verdict,
    /// The rules it was weighed by.
    pub policy: VerificationPolicy,
    /// What was found about the file rather than one of its signatures.
    pub reasons: Vec<Reason>,
    /// The file's digest by every hash in use and SHA-256.
    pub authentihash: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The file's digests read section by section, where that gives others.
    pub section_order_digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// One by one.
    pub signatures: Vec<SignatureReport>,
}
