//! Making a signature.

use chancery_cms::{NewAttribute, SignedData};
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_x509::{Identity, asn1};

use crate::{Error, Measurement, PreparedSignature, Request, Subject, oid};

/// What the signer says of themselves (SpcStatementType).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statement {
    /// Somebody who signs, which is what SignTool always says.
    #[default]
    Individual,
    /// Somebody who signs for a company.
    Commercial,
}

/// How to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignOptions {
    /// The scheme; its hash is also the file's digest.
    pub scheme: SignatureScheme,
    /// What the program is called, shown by Windows when it asks for consent.
    pub description: Option<String>,
    /// Where to read more about it.
    pub url: Option<String>,
    /// The hash of the page hashes to sign as well, where the format has them: SHA-1 or SHA-256.
    pub page_hashes: Option<DigestAlgorithm>,
    /// What the signer says of themselves.
    pub statement: Statement,
    /// More signed attributes.
    pub signed_attributes: Vec<NewAttribute>,
    /// Attributes that the signature does not cover. A verifier must not believe them.
    pub unsigned_attributes: Vec<NewAttribute>,
    /// The place among appended signatures, from 1; none for a primary signature.
    pub sequence_number: Option<u32>,
}

impl SignOptions {
    /// Signs with a scheme, without a description.
    #[must_use]
    pub const fn new(scheme: SignatureScheme) -> Self {
        Self {
            scheme,
            description: None,
            url: None,
            page_hashes: None,
            statement: Statement::Individual,
            signed_attributes: Vec::new(),
            unsigned_attributes: Vec::new(),
            sequence_number: None,
        }
    }

    /// Signs page hashes as well, by the hash that SignTool takes for them: SHA-1 beside a SHA-1 digest, else
    /// SHA-256, for there are no others.
    #[must_use]
    pub const fn with_page_hashes(mut self) -> Self {
        self.page_hashes = Some(match self.scheme.digest() {
            DigestAlgorithm::Sha1 => DigestAlgorithm::Sha1,
            _ => DigestAlgorithm::Sha256,
        });
        self
    }

    /// Says what must be measured of a subject to sign it so.
    #[must_use]
    pub fn request(&self) -> Request {
        let page_hashes = self.page_hashes.into_iter().collect();
        Request { page_hashes, ..Request::digests([self.scheme.digest()]) }
    }
}

/// Signs what was measured, and returns the DER `ContentInfo` to embed.
///
/// The output is SignTool's: PKCS#7 1.5, attributes contentType, messageDigest, SpcStatementType and
/// SpcSpOpusInfo in DER order, no signingTime. It is the same bytes each time for a scheme that is
/// deterministic.
///
/// # Errors
/// What [`PreparedSignature::new`] says, and [`Error::Cms`] where the key does not sign.
pub fn sign(
    subject: &dyn Subject,
    measurement: &Measurement,
    identity: &Identity,
    options: &SignOptions,
) -> Result<Vec<u8>, Error> {
    let certificates: Vec<_> = identity.certificates_to_embed().collect();
    PreparedSignature::new(subject, measurement, &certificates, options)?.sign(identity)
}

/// Tells how many signatures are nested in a primary one, whose `ContentInfo` may be padded.
///
/// # Errors
/// [`Error::Encoding`] where it is none.
pub fn nested_count(primary: &[u8]) -> Result<usize, Error> {
    let (signed_data, _) = SignedData::from_der_prefix(primary)?;
    let unsigned = signed_data.signers.iter().filter_map(|s| s.unsigned_attributes.as_ref());
    Ok(unsigned.map(|attributes| attributes.values(oid::NESTED_SIGNATURE).count()).sum())
}

/// Nests a signature in the primary one, whose `ContentInfo` may be padded, and returns the new
/// `ContentInfo`.
///
/// The primary signature stays valid: the nested one is an unsigned attribute of it.
///
/// # Errors
/// [`Error::Encoding`] or [`Error::Cms`] where the primary is no signature of one signer, the nested one is
/// not one DER value, or there are more than can be read.
pub fn nest(primary: &[u8], nested: &[u8]) -> Result<Vec<u8>, Error> {
    let primary = asn1::Tlv::parse_prefix(primary)?;
    Ok(chancery_cms::add_unsigned_value(primary.raw, oid::NESTED_SIGNATURE, nested)?)
}
