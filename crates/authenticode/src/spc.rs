//! The SPC structures inside an Authenticode signature.

use chancery_key::DigestAlgorithm;
use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::digest_from_algorithm;
use const_oid::ObjectIdentifier;

use crate::{Error, oid};

/// SpcUuid of serialized page hashes.
const PAGE_HASH_CLASS: [u8; 16] = [
    0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6,
];

/// `SpcIndirectDataContent`: what is signed, by the hash of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndirectData<'a> {
    /// The kind of subject.
    pub data_type: ObjectIdentifier,
    /// What the kind of subject adds.
    pub data_value: Option<Tlv<'a>>,
    /// `AlgorithmIdentifier` of the hash.
    pub digest_algorithm: Tlv<'a>,
    /// The digest of the subject.
    pub digest: &'a [u8],
}

impl<'a> IndirectData<'a> {
    /// Reads the structure from the content of a SignedData.
    ///
    /// # Errors
    /// [`Error::Encoding`] with the offset where it is none.
    pub fn from_tlv(content: Tlv<'a>) -> Result<Self, Error> {
        let mut fields = content.expect(tag::SEQUENCE, "SpcIndirectDataContent")?.reader();
        let mut data = fields.expect(tag::SEQUENCE, "SpcAttributeTypeAndOptionalValue")?.reader();
        let data_type = data.read()?.oid()?;
        let data_value = if data.is_empty() { None } else { Some(data.read()?) };
        data.finish()?;
        let mut info = fields.expect(tag::SEQUENCE, "DigestInfo")?.reader();
        fields.finish()?;
        let digest_algorithm = info.expect(tag::SEQUENCE, "digest algorithm")?;
        let digest = info.expect(tag::OCTET_STRING, "digest")?.contents;
        info.finish()?;
        Ok(Self { data_type, data_value, digest_algorithm, digest })
    }

    /// Returns the hash, where it is one we know and the digest has its length.
    #[must_use]
    pub fn algorithm(&self) -> Option<DigestAlgorithm> {
        digest_from_algorithm(self.digest_algorithm)
            .ok()
            .filter(|algorithm| algorithm.output_len() == self.digest.len())
    }

    /// Returns the table of page hashes of a PE image, and its hash, where there is one.
    ///
    /// # Errors
    /// [`Error::Encoding`] where the place for one holds something else.
    pub fn page_hashes(&self) -> Result<Option<(DigestAlgorithm, &'a [u8])>, Error> {
        let Some(value) = self.data_value.filter(|_| self.data_type == oid::SPC_PE_IMAGE_DATA)
        else {
            return Ok(None);
        };
        let mut image_data = value.expect(tag::SEQUENCE, "SpcPeImageData")?.reader();
        image_data.optional(tag::BIT_STRING)?;
        let Some(file) = image_data.optional(tag::context_constructed(0))? else {
            return Ok(None);
        };
        let mut link = file.reader();
        let Some(object) = link.optional(tag::context_constructed(1))? else { return Ok(None) };
        let mut object = object.reader();
        if object.expect(tag::OCTET_STRING, "class of the object")?.contents != PAGE_HASH_CLASS {
            return Ok(None);
        }
        let serialized = object.expect(tag::OCTET_STRING, "serialized data")?;
        let set = Tlv::parse(serialized.contents)?.expect(tag::SET, "page hash attributes")?;
        let mut attribute = set.reader().expect(tag::SEQUENCE, "page hash attribute")?.reader();
        let algorithm = match attribute.read()?.oid()? {
            oid::SPC_PAGE_HASHES_V1 => DigestAlgorithm::Sha1,
            oid::SPC_PAGE_HASHES_V2 => DigestAlgorithm::Sha256,
            _ => return Ok(None),
        };
        let mut values = attribute.expect(tag::SET, "page hash values")?.reader();
        Ok(Some((algorithm, values.expect(tag::OCTET_STRING, "page hashes")?.contents)))
    }
}

/// Writes `SpcIndirectDataContent`.
pub(crate) fn indirect_data(data: &[u8], algorithm: DigestAlgorithm, digest: &[u8]) -> Vec<u8> {
    asn1::sequence(&[
        data,
        &asn1::sequence(&[
            &asn1::algorithm_with_null(&algorithm.oid()),
            &asn1::octet_string(digest),
        ]),
    ])
}

/// Writes the `SpcAttributeTypeAndOptionalValue` of a PE image as SignTool does: empty flags, and an
/// empty file name where there are no page hashes.
pub(crate) fn pe_image_data(
    page_hashes: Option<(DigestAlgorithm, &[u8])>,
) -> Result<Vec<u8>, Error> {
    let link = match page_hashes {
        None => asn1::tlv(tag::context_constructed(2), &[&asn1::tlv(tag::context(0), &[])]),
        Some((algorithm, table)) => {
            let version = match algorithm {
                DigestAlgorithm::Sha1 => oid::SPC_PAGE_HASHES_V1,
                DigestAlgorithm::Sha256 => oid::SPC_PAGE_HASHES_V2,
                _ => return Err(Error::NotMeasured),
            };
            let attribute = asn1::sequence(&[
                &asn1::object_identifier(&version),
                &asn1::tlv(tag::SET, &[&asn1::octet_string(table)]),
            ]);
            asn1::tlv(
                tag::context_constructed(1),
                &[
                    &asn1::octet_string(&PAGE_HASH_CLASS),
                    &asn1::octet_string(&asn1::tlv(tag::SET, &[&attribute])),
                ],
            )
        }
    };
    let image_data = asn1::sequence(&[
        &asn1::tlv(tag::BIT_STRING, &[&[0]]),
        &asn1::tlv(tag::context_constructed(0), &[&link]),
    ]);
    Ok(asn1::sequence(&[&asn1::object_identifier(&oid::SPC_PE_IMAGE_DATA), &image_data]))
}

/// Writes `SpcSpOpusInfo`: description as BMPString, URL as IA5String, an empty SEQUENCE for neither.
pub(crate) fn opus_info(description: Option<&str>, url: Option<&str>) -> Result<Vec<u8>, Error> {
    let mut parts = Vec::new();
    if let Some(text) = description {
        if text.chars().any(|c| u32::from(c) > 0xffff) {
            return Err(Error::Text { what: "description" });
        }
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let unicode = asn1::tlv(tag::context(0), &[&units]);
        parts.push(asn1::tlv(tag::context_constructed(0), &[&unicode]));
    }
    if let Some(url) = url {
        if !url.is_ascii() {
            return Err(Error::Text { what: "URL" });
        }
        let link = asn1::tlv(tag::context(0), &[url.as_bytes()]);
        parts.push(asn1::tlv(tag::context_constructed(1), &[&link]));
    }
    Ok(asn1::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// Reads `SpcSpOpusInfo`: description and URL, each where there is one in a form we know.
#[must_use]
pub fn read_opus_info(value: Tlv<'_>) -> (Option<String>, Option<String>) {
    let (mut description, mut url) = (None, None);
    for field in value.reader().flatten() {
        let Ok(inner) = Tlv::parse(field.contents) else { continue };
        let slot = match field.tag {
            0xa0 => &mut description,
            0xa1 => &mut url,
            _ => continue,
        };
        *slot = if field.tag == 0xa0 && inner.tag == tag::context(0) {
            let (pairs, _) = inner.contents.as_chunks::<2>();
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            Some(String::from_utf16_lossy(&units))
        } else {
            // osslsigncode writes descriptions as [1]; a link may also be a file, which is no URL.
            match inner.tag {
                0x80 | 0x81 => Some(String::from_utf8_lossy(inner.contents).into_owned()),
                _ => None,
            }
        };
    }
    (description, url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pe_image_data_is_the_25_bytes_of_signtool() {
        let expected = [
            0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f,
            0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2, 0x02, 0x80, 0x00,
        ];
        assert_eq!(pe_image_data(None).unwrap(), expected);
    }

    #[test]
    fn page_hashes_are_read_back() {
        let data = pe_image_data(Some((DigestAlgorithm::Sha256, b"table"))).unwrap();
        let content = indirect_data(&data, DigestAlgorithm::Sha256, &[7; 32]);
        let read = IndirectData::from_tlv(Tlv::parse(&content).unwrap()).unwrap();
        assert_eq!(read.algorithm(), Some(DigestAlgorithm::Sha256));
        assert_eq!(read.page_hashes().unwrap(), Some((DigestAlgorithm::Sha256, &b"table"[..])));
    }

    #[test]
    fn a_digest_of_the_wrong_length_has_no_algorithm() {
        let data = pe_image_data(None).unwrap();
        let content = indirect_data(&data, DigestAlgorithm::Sha256, &[7; 20]);
        let read = IndirectData::from_tlv(Tlv::parse(&content).unwrap()).unwrap();
        assert_eq!(read.algorithm(), None);
    }

    #[test]
    fn opus_info_without_text_is_an_empty_sequence() {
        assert_eq!(opus_info(None, None).unwrap(), [0x30, 0x00]);
        let der = opus_info(Some("Tést"), Some("https://example.com")).unwrap();
        assert_eq!(
            read_opus_info(Tlv::parse(&der).unwrap()),
            (Some("Tést".into()), Some("https://example.com".into()))
        );
        assert!(opus_info(None, Some("https://exämple.com")).is_err());
        assert!(opus_info(Some("\u{1f600}"), None).is_err());
    }
}
