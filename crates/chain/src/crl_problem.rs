//! Why revocation lists leave a question open.

use core::fmt;

/// Why it cannot be told whether a certificate is revoked.
///
/// Ordered by how much each says: a list that is too old says more than one about other certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CrlProblem {
    /// There is no list of the right issuer.
    Missing,
    /// The list is about other certificates: another distribution point, CAs only, and so on.
    OutOfScope,
    /// There is a delta list and no complete one it belongs to.
    DeltaWithoutBase,
    /// The certificate says where its revocation is published in a way that cannot be read.
    MalformedDistributionPoints,
    /// No certificate at hand is that of the list's issuer and leads to the same anchor.
    IssuerNotFound,
    /// The list is not signed by its issuer.
    BadSignature,
    /// The keyUsage of the list's issuer has no cRLSign.
    SigningNotAllowed,
    /// The list is signed over a hash that the policy does not allow.
    WeakSignature,
    /// The list, or an entry of it, has a critical extension that is not known (RFC 5280 section 5.2).
    UnknownCriticalExtension,
    /// The list is from after the time asked for.
    NotYetValid,
    /// There should be a newer list.
    Expired,
    /// The lists together do not cover all reasons for revocation.
    SomeReasonsOnly,
}

impl CrlProblem {
    /// Returns the stable name, as in `crl-expired`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "crl-missing",
            Self::OutOfScope => "crl-out-of-scope",
            Self::DeltaWithoutBase => "crl-delta-without-base",
            Self::MalformedDistributionPoints => "crl-distribution-points-malformed",
            Self::IssuerNotFound => "crl-issuer-not-found",
            Self::BadSignature => "crl-bad-signature",
            Self::SigningNotAllowed => "crl-sign-not-allowed",
            Self::WeakSignature => "crl-weak-signature",
            Self::UnknownCriticalExtension => "crl-unknown-critical-extension",
            Self::NotYetValid => "crl-not-yet-valid",
            Self::Expired => "crl-expired",
            Self::SomeReasonsOnly => "crl-some-reasons-only",
        }
    }
}

impl fmt::Display for CrlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no revocation list of its issuer",
            Self::OutOfScope => "the revocation list is about other certificates",
            Self::DeltaWithoutBase => "a delta revocation list without the complete one",
            Self::MalformedDistributionPoints => "its distribution points cannot be read",
            Self::IssuerNotFound => {
                "the issuer of the revocation list is not at hand or not trusted"
            }
            Self::BadSignature => "the revocation list is not signed by its issuer",
            Self::SigningNotAllowed => "its issuer may not sign revocation lists",
            Self::WeakSignature => "the revocation list is signed over a weak hash",
            Self::UnknownCriticalExtension => {
                "the revocation list has an unknown critical extension"
            }
            Self::NotYetValid => "the revocation list is from a later time",
            Self::Expired => "the revocation list is out of date",
            Self::SomeReasonsOnly => "the revocation lists are about some reasons only",
        })
    }
}
