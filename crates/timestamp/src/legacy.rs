//! Timestamps from before RFC 3161: a request in Base64, a SignedData over the signature value in return.

use base64ct::{Base64, Encoding};
use chancery_cms::{SignedData, oid as cms_oid};
use chancery_x509::Certificate;
use chancery_x509::asn1::{self, Tlv, tag};

use crate::{Error, oid};

/// A request as SignTool's `/t` sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyRequest {
    signature_value: Vec<u8>,
}

impl LegacyRequest {
    /// Asks for a counter-signature over a signature value.
    #[must_use]
    pub const fn new(signature_value: Vec<u8>) -> Self {
        Self { signature_value }
    }

    /// Returns what is to be counter-signed.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.signature_value
    }

    /// Reads the Base64 of a request, line breaks and all.
    ///
    /// # Errors
    /// [`Error::Base64`], [`Error::Encoding`].
    pub fn from_base64(text: &[u8]) -> Result<Self, Error> {
        let der = decode(text)?;
        let mut fields = Tlv::parse(&der)?.expect(tag::SEQUENCE, "timestamp request")?.reader();
        let wrong = |tlv: Tlv<'_>, what| chancery_x509::Error::Der { offset: tlv.offset, what };
        let kind = fields.read()?;
        if kind.oid()? != oid::SPC_TIME_STAMP_REQUEST {
            return Err(wrong(kind, "a timestamp request").into());
        }
        // Attributes, which nobody sends, may stand between the two.
        fields.optional(tag::SET)?;
        let mut content = fields.expect(tag::SEQUENCE, "content")?.reader();
        fields.finish()?;
        let content_type = content.read()?;
        if content_type.oid()? != cms_oid::DATA {
            return Err(wrong(content_type, "content of type data").into());
        }
        let explicit = content.expect(tag::context_constructed(0), "[0] of the content")?;
        content.finish()?;
        let value = explicit.only()?.expect(tag::OCTET_STRING, "signature value")?;
        Ok(Self { signature_value: value.contents.to_vec() })
    }

    /// Writes the request in Base64, as servers want it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        let value = asn1::octet_string(&self.signature_value);
        let content = asn1::sequence(&[
            &asn1::object_identifier(&cms_oid::DATA),
            &asn1::tlv(tag::context_constructed(0), &[&value]),
        ]);
        let kind = asn1::object_identifier(&oid::SPC_TIME_STAMP_REQUEST);
        Base64::encode_string(&asn1::sequence(&[&kind, &content]))
    }
}

/// What a legacy server answers: what goes into a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LegacyResponse {
    /// DER of the SignerInfo, the value of the counterSignature attribute.
    pub counter_signature: Vec<u8>,
    /// The server's certificates, to be merged into those of the signature.
    pub certificates: Vec<Certificate>,
}

impl LegacyResponse {
    /// Reads the Base64 of a response, line breaks and all. Nothing in it is verified.
    ///
    /// # Errors
    /// [`Error::Base64`], [`Error::Encoding`], [`Error::Cms`], [`Error::NotOneSigner`].
    pub fn from_base64(text: &[u8]) -> Result<Self, Error> {
        let der = decode(text)?;
        let signed_data = SignedData::from_der(&der)?;
        let [signer] = signed_data.signers.as_slice() else {
            return Err(Error::NotOneSigner(signed_data.signers.len()));
        };
        Ok(Self {
            counter_signature: signer.raw.to_vec(),
            certificates: signed_data.read_certificates().readable,
        })
    }

    /// Writes a SignedData as a server answers it: Base64 in lines of 64.
    #[must_use]
    pub fn to_base64(signed_data: &[u8]) -> String {
        let text = Base64::encode_string(signed_data);
        let mut lines = String::with_capacity(text.len().saturating_add(text.len() / 32));
        for (position, character) in text.char_indices() {
            if position > 0 && position % 64 == 0 {
                lines.push_str("\r\n");
            }
            lines.push(character);
        }
        lines.push_str("\r\n");
        lines
    }
}

fn decode(text: &[u8]) -> Result<Vec<u8>, Error> {
    let characters = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace() && *byte != 0);
    let text = String::from_utf8(characters.collect()).map_err(|_| Error::Base64)?;
    Base64::decode_vec(&text).map_err(|_| Error::Base64)
}
