//! What can be wrong with encodings, certificates and requests.

use chancery_key::{KeyError, PublicKeyError, SignatureScheme};

/// Why bytes are not what they should be, or why a certificate or request cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding breaks a rule of DER (X.690) or of the structure.
    #[error("bad DER at byte {offset}: {what}")]
    Der {
        /// Offset from the start of the bytes given.
        offset: usize,
        /// What was expected there.
        what: &'static str,
    },
    /// The text has no PEM block of the wanted kind and is no DER either.
    #[error("neither PEM nor DER: no {wanted} in it")]
    NoDocument {
        /// The kind of document looked for.
        wanted: &'static str,
    },
    /// There are PEM blocks, and none is of the wanted kind.
    #[error("no {wanted} in it: what it has is {found}")]
    OtherDocument {
        /// The kind of document looked for.
        wanted: &'static str,
        /// The kinds there are.
        found: String,
    },
    /// A PEM block's Base64 or its frame is broken.
    #[error("broken PEM block in line {line}")]
    Pem {
        /// Line of the block's `-----BEGIN`, from 1.
        line: usize,
    },
    /// The public key in it cannot be read.
    #[error("unreadable public key")]
    PublicKey(#[source] PublicKeyError),
    /// The inner and the outer signature algorithm differ (RFC 5280 section 4.1.1.2).
    #[error("the signature algorithm inside differs from the one outside")]
    AlgorithmMismatch,
    /// The same extension twice (RFC 5280 section 4.2).
    #[error("extension {0} appears twice")]
    DuplicateExtension(const_oid::ObjectIdentifier),
    /// More of something than any real certificate has.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// The signature algorithm is none we know.
    #[error("unknown signature algorithm")]
    UnknownAlgorithm,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature(#[source] chancery_sigverify::VerifyError),
    /// The scheme cannot be used with this key.
    #[error("{scheme} does not fit the key")]
    Scheme {
        /// The scheme asked for.
        scheme: SignatureScheme,
    },
    /// The key did not sign.
    #[error(transparent)]
    Key(KeyError),
    /// No randomness for a serial number.
    #[error("the system has no random numbers")]
    Random(#[source] getrandom::Error),
    /// A validity that does not end after it begins, or a date that cannot be written.
    #[error("validity period is empty or out of range")]
    Validity,
    /// The certificate that should issue may not.
    #[error("`{issuer}` is no certificate authority")]
    NotACa {
        /// Subject of the would-be issuer.
        issuer: String,
    },
    /// The certificate that should issue is for a CA with no CA below it (RFC 5280 section 4.2.1.9).
    #[error("`{issuer}` may have no certificate authority below it")]
    PathLength {
        /// Subject of the would-be issuer.
        issuer: String,
    },
    /// A TLS server that no client would know by any name (RFC 9525 section 2).
    #[error("a TLS server needs an alternative name, such as dns=www.example.com")]
    NoAlternativeName,
    /// The certificate that should sign a revocation list may not.
    #[error("`{issuer}` may not sign revocation lists")]
    NoCrlSigner {
        /// Subject of the would-be signer.
        issuer: String,
    },
    /// A reason that a complete revocation list cannot give (RFC 5280 section 5.3.1).
    #[error("a complete list revokes no certificate because of `{0}`")]
    RevocationReason(&'static str),
}

impl Error {
    /// Returns the byte offset where the encoding goes wrong, where that is what is wrong.
    #[must_use]
    pub const fn offset(&self) -> Option<usize> {
        match self {
            Self::Der { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}
