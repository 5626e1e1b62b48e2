//! Tokens: a `TSTInfo` and who signed it.

use chancery_cms::SignedData;
use chancery_x509::asn1::tag;

use crate::{Error, TstInfo, oid};

/// A `TimeStampToken` (RFC 3161 section 2.4.2) as it was read; nothing in it is verified.
///
/// Attribute certificates among its certificates, which every token by Microsoft has, are passed over.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Token<'a> {
    /// The SignedData around it.
    pub signed_data: SignedData<'a>,
    /// The octets that are signed: DER of the `TSTInfo`.
    pub content: &'a [u8],
    /// What the server says.
    pub info: TstInfo,
}

impl<'a> Token<'a> {
    /// Reads a token that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Error::NotTstInfo`] for a SignedData over something else, [`Error::Encoding`], [`Error::Cms`].
    pub fn from_der(bytes: &'a [u8]) -> Result<Self, Error> {
        let signed_data = SignedData::from_der(bytes)?;
        if signed_data.content_type != oid::TST_INFO {
            return Err(Error::NotTstInfo(signed_data.content_type));
        }
        let missing = chancery_x509::Error::Der { offset: 0, what: "content of a token" };
        let content = signed_data.content.ok_or(missing)?;
        let content = content.expect(tag::OCTET_STRING, "TSTInfo in an OCTET STRING")?.contents;
        let info = TstInfo::from_der(content)?;
        Ok(Self { signed_data, content, info })
    }
}
