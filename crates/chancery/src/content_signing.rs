//! PKCS#7 and CMS signatures over any file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use chancery_cms::{
    NewAttribute, SignedData, SignedDataBuilder, add_unsigned_value, bare_signed_data, oid,
    signing_certificate_v2, wrap_signed_data,
};
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_sigverify::Hasher;
use chancery_timestamp::{Stamp, Timestamper};
use chancery_x509::{Identity, Time, asn1, to_pem};
use const_oid::ObjectIdentifier;

use crate::detached::{PKCS7_LABEL, read_signature};
use crate::stamping::Stamping;
use crate::{Error, ErrorKind, replace_file};

/// The longest file that is put into its signature, in bytes: what is read back has to fit as well. A longer one
/// gets a detached signature, for which there is no limit.
pub const MAX_ATTACHED: u64 = 12 << 20;

/// The version of a SignedData whose content is no plain data (RFC 5652 section 5.1).
const CMS_VERSION: u8 = 3;

/// How much of a file is in memory at a time.
const BUFFER: usize = 64 << 10;

/// How to sign content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContentSignOptions {
    /// The scheme; its hash is also the content's.
    pub scheme: SignatureScheme,
    /// Put the file into its signature.
    pub attached: bool,
    /// State that it was signed at this time, which proves nothing.
    pub signing_time: Option<Time>,
    /// What the content is said to be; it is an OCTET STRING whatever this says (RFC 5652 section 5.2).
    pub content_type: ObjectIdentifier,
}

impl ContentSignOptions {
    /// Makes a detached signature that states no time, over content of type data.
    #[must_use]
    pub const fn new(scheme: SignatureScheme) -> Self {
        Self { scheme, attached: false, signing_time: None, content_type: oid::DATA }
    }
}

/// A signature over content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedContent {
    /// DER of the `ContentInfo`.
    pub der: Vec<u8>,
    /// Why there is no timestamp, where there should have been one.
    pub unstamped: Option<String>,
}

/// Signs a file as content, with the signer's certificate named by signingCertificateV2. A timestamp becomes the
/// unsigned attribute timeStampToken (RFC 3161 appendix A).
///
/// Detached, the file is read once, in constant memory.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Unsupported`] for a file longer than [`MAX_ATTACHED`] that shall be in its
/// signature; [`ErrorKind::Key`]; [`ErrorKind::Timestamp`] where a timestamp is required and there is none;
/// [`ErrorKind::Usage`] for a stamp from before RFC 3161, which CMS has no place for.
pub fn sign_content(
    path: &Path,
    identity: &Identity,
    options: &ContentSignOptions,
    stamping: Option<Stamping<'_>>,
) -> Result<SignedContent, Error> {
    let failed = |error| failure(path, error);
    let digest = options.scheme.digest();
    let mut builder = if options.attached {
        let content = asn1::octet_string(&read_bounded(path)?);
        SignedDataBuilder::new(options.content_type, content).map_err(failed)?
    } else {
        let value = hash_file(path, &[digest])?.pop().map(|(_, value)| value).unwrap_or_default();
        SignedDataBuilder::detached(options.content_type, digest, value)
    };
    if options.content_type != oid::DATA {
        builder = builder.version(CMS_VERSION);
    }
    builder = builder.signed_attribute(signing_certificate_v2(identity.certificate()));
    if let Some(time) = options.signing_time {
        let time = time.to_der().map_err(|error| failed(error.into()))?;
        builder = builder.signed_attribute(NewAttribute::new(oid::SIGNING_TIME, time));
    }
    let der = builder.sign(identity, options.scheme).map_err(failed)?;
    match stamping {
        None => Ok(SignedContent { der, unstamped: None }),
        Some(stamping) => stamp(path, der, stamping),
    }
}

/// Adds a timestamp to the signature in a file of [`sign_content`], or of another program, which changes in one
/// step or not at all. Whether the content is the one that was signed is not looked at: it may be elsewhere.
///
/// # Errors
/// [`ErrorKind::Io`]; [`ErrorKind::Malformed`]; [`ErrorKind::BrokenSignature`] where the signature does not hold;
/// [`ErrorKind::Timestamp`]; [`ErrorKind::Usage`] for a stamp from before RFC 3161.
pub fn timestamp_content(path: &Path, timestamper: &dyn Timestamper) -> Result<(), Error> {
    let contents = crate::read_small_file(path)?;
    let der = read_signature(path)?;
    {
        let read = SignedData::from_der(&der).map_err(|error| Error::malformed(path, error))?;
        let bag = read.read_certificates().readable;
        let holds = read.signers.iter().any(|signer| {
            let key = bag.iter().find(|one| signer.identifier.names(one));
            key.is_some_and(|one| {
                signer.check_digest(read.content_type, None, one.public_key()).signature_valid
            })
        });
        if !holds {
            let text = format!("cannot timestamp {}: its signature does not hold", path.display());
            return Err(Error::new(ErrorKind::BrokenSignature, text));
        }
    }
    let is_bare = SignedData::from_der(&contents).is_err() && wrap_signed_data(&contents).is_ok();
    let stamped = stamp(path, der, Stamping::new(timestamper).required())?.der;
    // In the form in which it was.
    if contents.starts_with(b"-----") {
        return replace_file(path, to_pem(PKCS7_LABEL, &stamped).as_bytes());
    }
    let bytes = match is_bare {
        true => bare_signed_data(&stamped).map_err(|error| Error::malformed(path, error))?,
        false => &stamped,
    };
    replace_file(path, bytes)
}

fn stamp(path: &Path, der: Vec<u8>, stamping: Stamping<'_>) -> Result<SignedContent, Error> {
    let failed = |error| failure(path, error);
    let read = SignedData::from_der(&der).map_err(failed)?;
    let value = read.signers.first().map(|signer| signer.signature).unwrap_or_default();
    match stamping.stamp_value(path, value)? {
        Err(why) => Ok(SignedContent { der, unstamped: Some(why) }),
        Ok(Stamp::Rfc3161(token)) => {
            let der = add_unsigned_value(&der, oid::TIME_STAMP_TOKEN, &token).map_err(failed)?;
            Ok(SignedContent { der, unstamped: None })
        }
        Ok(_) => Err(Error::new(ErrorKind::Usage, "CMS takes timestamps by RFC 3161 alone")),
    }
}

fn failure(path: &Path, error: chancery_cms::Error) -> Error {
    let what = format!("cannot sign {}", path.display());
    match error {
        chancery_cms::Error::Key(error) => Error::from(error).with_context(what),
        other => Error::new(ErrorKind::Malformed, what).with_source(other),
    }
}

/// Hashes a file by several functions in one reading.
pub(crate) fn hash_file(
    path: &Path,
    digests: &[DigestAlgorithm],
) -> Result<Vec<(DigestAlgorithm, Vec<u8>)>, Error> {
    let failed = |error| Error::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hashers: Vec<Hasher> = digests.iter().copied().map(Hasher::new).collect();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let chunk = buffer.get(..count).unwrap_or_default();
        hashers.iter_mut().for_each(|hasher| hasher.update(chunk));
    }
    Ok(hashers.into_iter().map(|hasher| (hasher.algorithm(), hasher.finish())).collect())
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io("read", path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_ATTACHED.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_ATTACHED) {
        return Ok(bytes);
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{} is longer than {} MiB and does not go into its signature: sign it detached",
            path.display(),
            MAX_ATTACHED >> 20
        ),
    ))
}
