//! Why a timestamp proves nothing.

use core::fmt;

use chancery_chain::Status;

/// One thing that is wrong with a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It cannot be read.
    Malformed,
    /// It has no signer or several.
    NotExactlyOneSigner,
    /// It signs no attributes, and with that no time or no certificate.
    SignedAttributesMissing,
    /// The certificate of the server is not in it.
    SignerCertificateMissing,
    /// It is signed in a way that cannot be checked here.
    UnsupportedSignatureAlgorithm,
    /// Its signature does not verify.
    SignatureMismatch,
    /// Its signature is over a bare hash, as old servers made it, and nobody said to tolerate that.
    BareHashSignature,
    /// The purpose in the server's certificate is not marked critical, as with Microsoft's servers until about
    /// 2021, and nobody said to tolerate that.
    PurposeNotCritical,
    /// The contentType attribute is missing or names another type.
    ContentTypeMismatch,
    /// The messageDigest attribute is missing or another's.
    MessageDigestMismatch,
    /// The hash function of the imprint is none we know.
    UnsupportedImprintAlgorithm,
    /// It is over something else.
    ImprintMismatch,
    /// A counter-signature without a signingTime.
    SigningTimeMissing,
    /// No attribute says which certificate signed.
    SigningCertificateAttributeMissing,
    /// The attribute names another certificate than the one the signature is by.
    SigningCertificateMismatch,
    /// The `TSTInfo` has a critical extension that is not understood here.
    UnknownCriticalExtension,
    /// The imprint is by a hash function that is too weak.
    WeakImprint,
    /// It is signed over a hash that is too weak.
    WeakDigest,
    /// Its time has not come.
    TimeInTheFuture,
    /// The server's certificate has expired since, and the verifier does not bear with that.
    SignerCertificateExpiredSince,
    /// Nobody is trusted.
    NoTrustAnchors,
    /// There is no trusted path to the server's certificate, or the certificate is not for this.
    Chain(Status),
}

impl Reason {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotExactlyOneSigner => "not-exactly-one-signer",
            Self::SignedAttributesMissing => "signed-attributes-missing",
            Self::SignerCertificateMissing => "signer-certificate-missing",
            Self::UnsupportedSignatureAlgorithm => "unsupported-signature-algorithm",
            Self::SignatureMismatch => "signature-mismatch",
            Self::BareHashSignature => "bare-hash-signature",
            Self::PurposeNotCritical => "purpose-not-critical",
            Self::ContentTypeMismatch => "content-type-mismatch",
            Self::MessageDigestMismatch => "message-digest-mismatch",
            Self::UnsupportedImprintAlgorithm => "unsupported-imprint-algorithm",
            Self::ImprintMismatch => "imprint-mismatch",
            Self::SigningTimeMissing => "signing-time-missing",
            Self::SigningCertificateAttributeMissing => "signing-certificate-attribute-missing",
            Self::SigningCertificateMismatch => "signing-certificate-mismatch",
            Self::UnknownCriticalExtension => "unknown-critical-extension",
            Self::WeakImprint => "weak-imprint",
            Self::WeakDigest => "weak-digest",
            Self::TimeInTheFuture => "time-in-the-future",
            Self::SignerCertificateExpiredSince => "signer-certificate-expired-since",
            Self::NoTrustAnchors => "no-trust-anchors",
            Self::Chain(status) => match status {
                Status::RevocationUnknown => "chain-revocation-unknown",
                Status::Weak => "chain-weak",
                Status::Expired => "chain-expired",
                Status::WrongUsage => "chain-wrong-usage",
                Status::Revoked => "chain-revoked",
                Status::Incomplete => "chain-incomplete",
                // What is trusted is no reason; a status that comes later is no trust.
                _ => "chain-untrusted",
            },
        }
    }

    /// Tells whether this is about how far the server or its algorithms are trusted, and not about whether
    /// the timestamp is what it says: another verifier may see it otherwise.
    #[must_use]
    pub const fn is_about_trust(self) -> bool {
        matches!(
            self,
            Self::WeakImprint
                | Self::WeakDigest
                | Self::TimeInTheFuture
                | Self::SignerCertificateExpiredSince
                | Self::NoTrustAnchors
                | Self::Chain(_)
                | Self::BareHashSignature
                | Self::PurposeNotCritical
                | Self::UnsupportedSignatureAlgorithm
                | Self::UnsupportedImprintAlgorithm
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_lists_every_reason() {
        let readme = include_str!("../README.md");
        let source = include_str!("reason.rs");
        let body = source.split("fn name(").nth(1).unwrap().split("\n    }\n").next().unwrap();
        let names: Vec<&str> = body.split('"').skip(1).step_by(2).collect();
        assert!(names.len() > 25, "{names:?}");
        for name in names {
            assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
        }
    }
}
