//! The ASN.1 of signatures, value by value.

use std::path::Path;

use chancery_authenticode::{Subject, oid};
use chancery_cms::oid as cms_oid;
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::oid as x509_oid;
use const_oid::ObjectIdentifier;

use crate::Error;
use crate::verifying::open_subject;

/// How deep values may stand in each other; what is deeper is shown as bytes.
const MAX_DEPTH: usize = 48;

/// The most values shown of a file; beyond, bytes.
const MAX_NODES: usize = 100_000;

/// One value of a signature's ASN.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asn1Value {
    /// Where it begins in the file.
    pub offset: u64,
    /// The length of its identifier and length octets.
    pub header_len: usize,
    /// The identifier octet.
    pub tag: u8,
    /// Its contents octets.
    pub contents: Vec<u8>,
    /// What is in it, where it is constructed or an OCTET STRING that holds one value.
    pub children: Vec<Self>,
}

impl Asn1Value {
    /// Returns the name of the type, as in `SEQUENCE` and `[0]`.
    #[must_use]
    pub fn type_name(&self) -> String {
        let name = match self.tag {
            tag::BOOLEAN => "BOOLEAN",
            tag::INTEGER => "INTEGER",
            tag::BIT_STRING => "BIT STRING",
            tag::OCTET_STRING => "OCTET STRING",
            tag::NULL => "NULL",
            tag::OID => "OBJECT IDENTIFIER",
            tag::UTF8_STRING => "UTF8String",
            tag::PRINTABLE_STRING => "PrintableString",
            tag::TELETEX_STRING => "TeletexString",
            tag::IA5_STRING => "IA5String",
            tag::UTC_TIME => "UTCTime",
            tag::GENERALIZED_TIME => "GeneralizedTime",
            tag::BMP_STRING => "BMPString",
            tag::SEQUENCE => "SEQUENCE",
            tag::SET => "SET",
            other if other & 0xc0 == 0x80 => return format!("[{}]", other & 0x1f),
            other => return format!("tag {other:#04x}"),
        };
        name.to_owned()
    }

    /// Returns the value as a person reads it, where it has a form for that: identifiers with their names, text,
    /// times and small numbers.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self.tag {
            tag::BOOLEAN => Some(if self.contents == [0] { "false" } else { "true" }.to_owned()),
            tag::OID => {
                let oid = ObjectIdentifier::from_bytes(&self.contents).ok()?;
                Some(match name(oid) {
                    Some(name) => format!("{oid} {name}"),
                    None => oid.to_string(),
                })
            }
            tag::INTEGER if self.contents.len() <= 4 => {
                let start = match self.contents.first() {
                    Some(first) if first & 0x80 != 0 => -1_i64,
                    _ => 0,
                };
                let number = self
                    .contents
                    .iter()
                    .fold(start, |number, byte| (number << 8) | i64::from(*byte));
                Some(number.to_string())
            }
            tag::UTF8_STRING
            | tag::PRINTABLE_STRING
            | tag::IA5_STRING
            | tag::UTC_TIME
            | tag::GENERALIZED_TIME => {
                let text = core::str::from_utf8(&self.contents).ok()?;
                Some(text.escape_debug().to_string())
            }
            tag::BMP_STRING => {
                let (pairs, _) = self.contents.as_chunks::<2>();
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
                Some(String::from_utf16_lossy(&units).escape_debug().to_string())
            }
            _ => None,
        }
    }
}

/// Reads the ASN.1 of each entry of a file's certificate table, with what is nested in it. Nothing is verified; an
/// entry that is no DER is left out, as [`inspect_file`](crate::inspect_file) says.
///
/// # Errors
/// [`crate::ErrorKind::Io`] or [`crate::ErrorKind::Malformed`].
pub fn inspect_asn1(path: &Path) -> Result<Vec<Asn1Value>, Error> {
    let mut subject = open_subject(path, "inspect")?;
    let embedded = subject.embedded().map_err(|error| Error::of_subject("inspect", path, error))?;
    let mut left = MAX_NODES;
    let read = embedded.signatures.iter().filter_map(|signature| {
        let tlv = Tlv::parse_prefix(&signature.bytes).ok()?;
        Some(value(tlv, signature.offset, 0, &mut left))
    });
    Ok(read.collect())
}

fn value(tlv: Tlv<'_>, offset: u64, depth: usize, left: &mut usize) -> Asn1Value {
    *left = left.saturating_sub(1);
    let header_len = tlv.raw.len() - tlv.contents.len();
    let is_constructed = tlv.tag & 0x20 != 0;
    let mut children = Vec::new();
    if *left > 0 && depth < MAX_DEPTH && (is_constructed || tlv.tag == tag::OCTET_STRING) {
        let mut rest = tlv.contents;
        while let Ok(child) = Tlv::parse_prefix(rest) {
            let begins = header_len + (tlv.contents.len() - rest.len());
            rest = rest.get(child.raw.len()..).unwrap_or_default();
            // Random bytes that look like one value are rare; like one that has values in it, rarer still.
            if !is_constructed && (!rest.is_empty() || child.tag & 0x20 == 0) {
                break;
            }
            children.push(value(child, offset + begins as u64, depth + 1, left));
        }
        if !rest.is_empty() {
            children.clear();
        }
    }
    Asn1Value { offset, header_len, tag: tlv.tag, contents: tlv.contents.to_vec(), children }
}

/// Names what signatures and certificates are made of.
fn name(oid: ObjectIdentifier) -> Option<&'static str> {
    Some(match oid {
        cms_oid::SIGNED_DATA => "signedData",
        cms_oid::DATA => "data",
        cms_oid::CONTENT_TYPE => "contentType",
        cms_oid::MESSAGE_DIGEST => "messageDigest",
        cms_oid::SIGNING_TIME => "signingTime",
        cms_oid::COUNTER_SIGNATURE => "counterSignature",
        oid::SPC_INDIRECT_DATA => "SpcIndirectDataContent",
        oid::SPC_PE_IMAGE_DATA => "SpcPeImageData",
        oid::SPC_SP_OPUS_INFO => "SpcSpOpusInfo",
        oid::SPC_STATEMENT_TYPE => "SpcStatementType",
        oid::SPC_INDIVIDUAL => "individualCodeSigning",
        oid::SPC_COMMERCIAL => "commercialCodeSigning",
        oid::SPC_PAGE_HASHES_V1 => "SpcPageHashesV1",
        oid::SPC_PAGE_HASHES_V2 => "SpcPageHashesV2",
        oid::NESTED_SIGNATURE => "nestedSignature",
        oid::RFC3161_COUNTER_SIGNATURE => "rfc3161CounterSignature",
        oid::SEQUENCE_NUMBER => "sequenceNumber",
        x509_oid::CODE_SIGNING => "codeSigning",
        x509_oid::TIME_STAMPING => "timeStamping",
        x509_oid::LIFETIME_SIGNING => "lifetimeSigning",
        x509_oid::KEY_USAGE => "keyUsage",
        x509_oid::EXTENDED_KEY_USAGE => "extKeyUsage",
        x509_oid::BASIC_CONSTRAINTS => "basicConstraints",
        x509_oid::SUBJECT_KEY_IDENTIFIER => "subjectKeyIdentifier",
        x509_oid::AUTHORITY_KEY_IDENTIFIER => "authorityKeyIdentifier",
        other => {
            let mut digests = chancery_key::DigestAlgorithm::ALL.iter();
            return digests.find(|digest| digest.oid() == other).map(|digest| digest.name());
        }
    })
}
