//! The answer to "is this certificate trusted?".

use chancery_x509::{Certificate, Time};
use const_oid::ObjectIdentifier;

use crate::{CrlProblem, Finding, RevokedEntry};

/// What the best path there is comes to, the most severe finding deciding.
///
/// Ordered from good to bad: of several paths the one that is least bad is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// There is a path to an anchor and nothing is wrong with it.
    Trusted,
    /// It cannot be told whether a certificate is revoked, and the policy wants to know.
    RevocationUnknown,
    /// A key or hash is weaker than the policy allows.
    Weak,
    /// A certificate is not valid at the time asked for.
    Expired,
    /// A certificate is not for the purpose asked for.
    WrongUsage,
    /// A certificate is revoked.
    Revoked,
    /// A rule of RFC 5280 is broken, or the path ends in a root nobody trusts.
    Untrusted,
    /// The path ends at a certificate whose issuer is not at hand.
    Incomplete,
}

impl Status {
    /// Returns the stable name, as in `revocation-unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::RevocationUnknown => "revocation-unknown",
            Self::Weak => "weak",
            Self::Expired => "expired",
            Self::WrongUsage => "wrong-usage",
            Self::Revoked => "revoked",
            Self::Untrusted => "untrusted",
            Self::Incomplete => "incomplete",
        }
    }
}

impl core::fmt::Display for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What the revocation lists say of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Revocation {
    /// Nobody asked, or the path reaches no anchor from which a list could be verified.
    NotChecked,
    /// Current lists for all reasons do not name it.
    Good,
    /// It is revoked.
    Revoked(RevokedEntry),
    /// It is revoked, and was not yet at [`Policy::time`](crate::Policy::time).
    RevokedLater(RevokedEntry),
    /// There is no telling, for these reasons; each appears once.
    Unknown(Vec<CrlProblem>),
}

impl Revocation {
    /// Returns since when it is revoked, whether that counts or not.
    #[must_use]
    pub fn revoked_since(&self) -> Option<Time> {
        match self {
            Self::Revoked(entry) | Self::RevokedLater(entry) => Some(entry.since()),
            _ => None,
        }
    }
}

/// The best path that was found and everything there is to say about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// What it comes to.
    pub status: Status,
    /// The path: the leaf first; last the anchor, or the certificate where the path ends early.
    pub path: Vec<Certificate>,
    /// Everything that is wrong with the path, from the anchor's end to the leaf; nothing where it is trusted.
    pub findings: Vec<Finding>,
    /// What is known of each certificate's revocation, in the order of [`path`](Self::path) without its last
    /// certificate: nobody could revoke an anchor.
    pub revocation: Vec<Revocation>,
    /// The certificate policies that are valid for the caller, as the anchor calls them
    /// (user-constrained-policy-set); anyPolicy stands for all.
    pub policies: Vec<ObjectIdentifier>,
    /// How many signatures were verified to find this out, at most
    /// [`MAX_SIGNATURE_CHECKS`](crate::MAX_SIGNATURE_CHECKS).
    pub signature_checks: usize,
}

impl Outcome {
    /// Tells whether the leaf is trusted.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.status == Status::Trusted
    }
}
