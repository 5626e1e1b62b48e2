//! What can be wrong with the encoding of a timestamp.

/// Why bytes are no request, response, token or counter-signature.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The encoding breaks a rule of DER or of the structure; the source has the offset.
    #[error("not the structure of a timestamp")]
    Encoding(#[from] chancery_x509::Error),
    /// The SignedData around the timestamp is broken.
    #[error("not the SignedData of a timestamp")]
    Cms(#[source] chancery_cms::Error),
    /// A SignedData whose content is no `TSTInfo`.
    #[error("a SignedData over {0}, not over a TSTInfo")]
    NotTstInfo(const_oid::ObjectIdentifier),
    /// Not Base64, which legacy servers speak.
    #[error("not Base64")]
    Base64,
    /// Neither one counter-signer nor none too many.
    #[error("{0} signers where there must be one")]
    NotOneSigner(usize),
    /// The system gave no randomness for a nonce or serial number.
    #[error("the system has no random numbers")]
    Random(#[source] getrandom::Error),
}

impl From<chancery_cms::Error> for Error {
    fn from(error: chancery_cms::Error) -> Self {
        match error {
            chancery_cms::Error::Encoding(error) => Self::Encoding(error),
            other => Self::Cms(other),
        }
    }
}
