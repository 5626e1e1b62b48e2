//! What is wrong with a path, certificate by certificate.

use core::fmt;

use chancery_key::{DigestAlgorithm, KeyAlgorithm};
use chancery_x509::Time;
use const_oid::ObjectIdentifier;

use crate::{CrlProblem, RevocationReason, Status};

/// One thing that is wrong with one certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Which certificate, as an index into [`Outcome::path`](crate::Outcome::path); 0 is the leaf.
    pub index: usize,
    /// The certificate's subject, as RFC 4514 writes it.
    pub subject: String,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.subject, self.reason)
    }
}

/// Why a path is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// No certificate at hand is its issuer's.
    IssuerNotFound,
    /// It is self-signed and no anchor.
    UntrustedRoot,
    /// A certificate of its issuer's name is at hand and did not sign it.
    BadSignature,
    /// It is signed with an algorithm, or with a key, that cannot be verified here.
    UnsupportedSignatureAlgorithm,
    /// The path is longer than [`MAX_PATH_LEN`](crate::MAX_PATH_LEN).
    PathTooLong,
    /// The search ended at [`MAX_SIGNATURE_CHECKS`](crate::MAX_SIGNATURE_CHECKS) or
    /// [`MAX_PATHS`](crate::MAX_PATHS).
    SearchLimit,
    /// The policy distrusts it by name.
    Distrusted,
    /// Its validity has not begun.
    NotYetValid {
        /// The first second of it.
        not_before: Time,
    },
    /// Its validity has ended.
    Expired {
        /// The last second of it.
        not_after: Time,
    },
    /// Its signatures end with it, timestamp or not (szOID_KP_LIFETIME_SIGNING), and it has expired now.
    LifetimeSigningExpired {
        /// The last second of its validity.
        not_after: Time,
    },
    /// Its key is shorter than the policy allows.
    WeakKey(KeyAlgorithm),
    /// Its key is of a type that is not known here.
    UnsupportedKey(KeyAlgorithm),
    /// It is signed over a hash that the policy does not allow.
    WeakSignature(DigestAlgorithm),
    /// It is of version 1 or 2 (RFC 5280 section 6.1.4 (k)).
    NotVersion3,
    /// Its serial number is zero or negative (RFC 5280 section 4.1.2.2).
    SerialNotPositive,
    /// It has a critical extension that is not processed here (RFC 5280 section 6.1.4 (o), 6.1.5 (f)).
    UnknownCriticalExtension(ObjectIdentifier),
    /// The contents of an extension are not what its type says.
    MalformedExtension(ObjectIdentifier),
    /// It issued another and is no CA (RFC 5280 section 6.1.4 (k)).
    NotACa,
    /// It issued another and its keyUsage has no keyCertSign (RFC 5280 section 6.1.4 (n)).
    CertSignNotAllowed,
    /// More CAs follow than a pathLenConstraint allows (RFC 5280 section 6.1.4 (l)).
    PathLengthExceeded,
    /// It has no keyUsage and the policy requires one.
    KeyUsageMissing,
    /// Its keyUsage does not allow signing.
    SigningNotAllowed,
    /// It has no extKeyUsage and the policy requires one.
    ExtendedKeyUsageMissing,
    /// Its extKeyUsage does not name the purpose.
    WrongPurpose,
    /// It is a CA whose extKeyUsage does not name the purpose.
    IssuerWrongPurpose,
    /// Its extKeyUsage names the purpose, but not critical and alone (RFC 3161 section 2.3).
    PurposeNotExclusive,
    /// It is a CA and used as a leaf.
    LeafIsCa,
    /// One of its names is outside of what a CA above permits (RFC 5280 section 6.1.3 (b)).
    NameNotPermitted,
    /// One of its names is inside of what a CA above excludes (RFC 5280 section 6.1.3 (c)).
    NameExcluded,
    /// It has a name of a form that a CA above constrains and that is not understood here.
    NameFormUnsupported,
    /// It has so many names that they are not compared with the constraints.
    TooManyNames,
    /// No certificate policy is valid and one has to be (RFC 5280 sections 6.1.3 (f) and 6.1.5 (g)).
    NoValidPolicy,
    /// It maps anyPolicy or to anyPolicy (RFC 5280 section 6.1.4 (a)).
    AnyPolicyMapped,
    /// It is revoked.
    Revoked {
        /// Since when.
        date: Time,
        /// Why, where the list says.
        reason: Option<RevocationReason>,
    },
    /// It cannot be told whether it is revoked; the most telling of the problems.
    RevocationUnknown(CrlProblem),
}

impl Reason {
    /// Returns the stable name, as in `issuer-not-found`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::IssuerNotFound => "issuer-not-found",
            Self::UntrustedRoot => "untrusted-root",
            Self::BadSignature => "bad-signature",
            Self::UnsupportedSignatureAlgorithm => "unsupported-signature-algorithm",
            Self::PathTooLong => "path-too-long",
            Self::SearchLimit => "search-limit",
            Self::Distrusted => "distrusted",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::LifetimeSigningExpired { .. } => "lifetime-signing-expired",
            Self::WeakKey(_) => "weak-key",
            Self::UnsupportedKey(_) => "unsupported-key",
            Self::WeakSignature(_) => "weak-signature",
            Self::NotVersion3 => "not-version-3",
            Self::SerialNotPositive => "serial-not-positive",
            Self::UnknownCriticalExtension(_) => "unknown-critical-extension",
            Self::MalformedExtension(_) => "malformed-extension",
            Self::NotACa => "not-a-ca",
            Self::CertSignNotAllowed => "cert-sign-not-allowed",
            Self::PathLengthExceeded => "path-length-exceeded",
            Self::KeyUsageMissing => "key-usage-missing",
            Self::SigningNotAllowed => "signing-not-allowed",
            Self::ExtendedKeyUsageMissing => "extended-key-usage-missing",
            Self::WrongPurpose => "wrong-purpose",
            Self::IssuerWrongPurpose => "issuer-wrong-purpose",
            Self::PurposeNotExclusive => "purpose-not-exclusive",
            Self::LeafIsCa => "leaf-is-ca",
            Self::NameNotPermitted => "name-not-permitted",
            Self::NameExcluded => "name-excluded",
            Self::NameFormUnsupported => "name-form-unsupported",
            Self::TooManyNames => "too-many-names",
            Self::NoValidPolicy => "no-valid-policy",
            Self::AnyPolicyMapped => "any-policy-mapped",
            Self::Revoked { .. } => "revoked",
            Self::RevocationUnknown(problem) => problem.name(),
        }
    }

    /// Returns the status of a path that has nothing else wrong with it.
    #[must_use]
    pub const fn status(&self) -> Status {
        match self {
            Self::IssuerNotFound => Status::Incomplete,
            Self::NotYetValid { .. }
            | Self::Expired { .. }
            | Self::LifetimeSigningExpired { .. } => Status::Expired,
            Self::WeakKey(_) | Self::WeakSignature(_) => Status::Weak,
            Self::KeyUsageMissing
            | Self::SigningNotAllowed
            | Self::ExtendedKeyUsageMissing
            | Self::WrongPurpose
            | Self::IssuerWrongPurpose
            | Self::PurposeNotExclusive
            | Self::LeafIsCa => Status::WrongUsage,
            Self::Revoked { .. } => Status::Revoked,
            Self::RevocationUnknown(_) => Status::RevocationUnknown,
            _ => Status::Untrusted,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerNotFound => f.write_str("its issuer's certificate is not at hand"),
            Self::UntrustedRoot => f.write_str("self-signed, and not among the trusted"),
            Self::BadSignature => f.write_str("not signed by the issuer it names"),
            Self::UnsupportedSignatureAlgorithm => f.write_str("its signature cannot be verified"),
            Self::PathTooLong => f.write_str("the path above it is too long"),
            Self::SearchLimit => f.write_str("too many certificates to try"),
            Self::Distrusted => f.write_str("distrusted by name"),
            Self::NotYetValid { not_before } => write!(f, "not valid before {not_before}"),
            Self::Expired { not_after } => write!(f, "not valid after {not_after}"),
            Self::LifetimeSigningExpired { not_after } => {
                write!(f, "its signatures were good until {not_after}, timestamp or not")
            }
            Self::WeakKey(key) => write!(f, "weak key ({key})"),
            Self::UnsupportedKey(key) => write!(f, "unknown key type ({key})"),
            Self::WeakSignature(digest) => write!(f, "signed over {digest}"),
            Self::NotVersion3 => f.write_str("not a version 3 certificate"),
            Self::SerialNotPositive => f.write_str("its serial number is not positive"),
            Self::UnknownCriticalExtension(oid) => write!(f, "unknown critical extension {oid}"),
            Self::MalformedExtension(oid) => write!(f, "malformed extension {oid}"),
            Self::NotACa => f.write_str("not a CA, and has issued a certificate"),
            Self::CertSignNotAllowed => f.write_str("its key may not sign certificates"),
            Self::PathLengthExceeded => {
                f.write_str("more CAs in the path than one above it allows")
            }
            Self::KeyUsageMissing => f.write_str("has no key usage"),
            Self::SigningNotAllowed => f.write_str("its key usage does not allow signing"),
            Self::ExtendedKeyUsageMissing => f.write_str("has no extended key usage"),
            Self::WrongPurpose => f.write_str("not for this purpose"),
            Self::IssuerWrongPurpose => f.write_str("a CA, and not for this purpose"),
            Self::PurposeNotExclusive => f.write_str("not for this purpose alone"),
            Self::LeafIsCa => f.write_str("a CA, and used as a leaf"),
            Self::NameNotPermitted => f.write_str("a name outside of those a CA above permits"),
            Self::NameExcluded => f.write_str("a name that a CA above excludes"),
            Self::NameFormUnsupported => {
                f.write_str("a name of an unknown form that a CA above constrains")
            }
            Self::TooManyNames => f.write_str("too many names to compare with the constraints"),
            Self::NoValidPolicy => f.write_str("no certificate policy is valid along the path"),
            Self::AnyPolicyMapped => f.write_str("maps anyPolicy"),
            Self::Revoked { date, reason: Some(reason) } => {
                write!(f, "revoked since {date} ({})", reason.name())
            }
            Self::Revoked { date, reason: None } => write!(f, "revoked since {date}"),
            Self::RevocationUnknown(problem) => {
                write!(f, "cannot tell whether it is revoked: {problem}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    /// Takes the names out of the source of the functions that give them.
    fn names(source: &str) -> Vec<&str> {
        let body = source.split("fn name(").nth(1).and_then(|rest| rest.split("\n    }\n").next());
        let mut parts = body.unwrap().split('"');
        let mut names = Vec::new();
        while let (Some(_), Some(name)) = (parts.next(), parts.next()) {
            names.push(name);
        }
        names
    }

    #[test]
    fn the_readme_lists_every_reason() {
        let readme = include_str!("../README.md");
        let mut all = names(include_str!("finding.rs"));
        assert_eq!((all.first(), all.last()), (Some(&"issuer-not-found"), Some(&"revoked")));
        all.extend(names(include_str!("crl_problem.rs")));
        for name in all {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
        }
    }
}
