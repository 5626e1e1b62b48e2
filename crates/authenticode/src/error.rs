//! What can go wrong between a file and its signature.

use chancery_key::{KeyError, SignatureScheme};

/// Why a file could not be measured, signed or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no PE executable, or a broken one; the source says where.
    #[error("not a PE executable that can be read")]
    Pe(#[source] chancery_pe::Error),
    /// The file has no place for this signature.
    #[error("the file cannot take a signature")]
    Embed(#[source] chancery_pe::EmbedError),
    /// The changes do not make a patch.
    #[error("the changes contradict each other")]
    Patch(#[source] chancery_pe::PatchError),
    /// The bytes read could not be passed on.
    #[error("copying failed")]
    Copy(#[source] std::io::Error),
    /// A signature could not be read, or not be put together.
    #[error("signature structure")]
    Cms(#[source] chancery_cms::Error),
    /// The key did not sign.
    #[error(transparent)]
    Key(KeyError),
    /// A structure inside a signature is broken.
    #[error("not the structure of an Authenticode signature")]
    Encoding(#[from] chancery_x509::Error),
    /// The subject was not measured with this digest before it was signed or changed.
    #[error("the file was not measured")]
    NotMeasured,
    /// The scheme cannot be used with this key.
    #[error("{scheme} does not fit the signing key")]
    Scheme {
        /// The scheme asked for.
        scheme: SignatureScheme,
    },
    /// The scheme is one that Windows does not verify in Authenticode, whoever signs.
    #[error("{scheme} is EdDSA, which Windows does not verify in Authenticode")]
    NotInAuthenticode {
        /// The scheme asked for.
        scheme: SignatureScheme,
    },
    /// An attribute that signing writes itself, or one that is given twice.
    #[error("the attribute {0} is there already")]
    Attribute(const_oid::ObjectIdentifier),
    /// What is to be signed elsewhere is no signature that lacks its value alone.
    #[error("not a prepared signature: {what}")]
    NotPrepared {
        /// What is wrong with it.
        what: &'static str,
    },
    /// It was prepared for another key.
    #[error("it was prepared for the key of `{subject}`, which this is not")]
    OtherSigner {
        /// The subject of that key's certificate.
        subject: String,
    },
    /// A signature that was made elsewhere is not one by the signer over this.
    #[error("the signature was not made by this signer, or not over this file's digest")]
    ForeignSignature(#[source] chancery_sigverify::VerifyError),
    /// There is no signature of this index.
    #[error("{}", no_such_signature(*index, *count))]
    NoSuchSignature {
        /// The index asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// A description that UTF-16 without surrogates, or a URL that ASCII cannot hold.
    #[error("the {what} has characters its field cannot hold")]
    Text {
        /// `description` or `URL`.
        what: &'static str,
    },
}

impl From<chancery_pe::Error> for Error {
    fn from(error: chancery_pe::Error) -> Self {
        Self::Pe(error)
    }
}

impl From<chancery_cms::Error> for Error {
    fn from(error: chancery_cms::Error) -> Self {
        match error {
            chancery_cms::Error::Encoding(error) => Self::Encoding(error),
            chancery_cms::Error::Key(error) => Self::Key(error),
            other => Self::Cms(other),
        }
    }
}

fn no_such_signature(index: usize, count: usize) -> String {
    match count {
        0 => "there is no signature in the file".to_owned(),
        _ => format!("there is no signature {index}: the file has {count}, counted from 0"),
    }
}
