//! What can be wrong with a SignedData.

use chancery_key::KeyError;
use const_oid::ObjectIdentifier;

/// Why bytes are no SignedData, or one cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding breaks a rule of DER or of the structure; the source has the offset.
    #[error("not a PKCS#7 SignedData")]
    Encoding(#[from] chancery_x509::Error),
    /// A `ContentInfo` of another kind.
    #[error("a ContentInfo of type {0}, not a SignedData")]
    NotSignedData(ObjectIdentifier),
    /// More of something than any real signature has.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// No signer or several, where it takes exactly one.
    #[error("{0} signers where there must be one")]
    NotOneSigner(usize),
    /// Content that is elsewhere was hashed by another function than the scheme's.
    #[error("the content was hashed by {measured}, and the scheme wants {wanted}")]
    OtherDigest {
        /// The hash of the scheme.
        wanted: chancery_key::DigestAlgorithm,
        /// The hash of the content.
        measured: chancery_key::DigestAlgorithm,
    },
    /// The key did not sign.
    #[error(transparent)]
    Key(KeyError),
}
