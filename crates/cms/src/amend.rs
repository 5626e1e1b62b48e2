//! Changing what no signature covers: unsigned attributes, and the signature value itself.

use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

use crate::{Error, SignedData, SignerInfo};

/// Adds a value to an unsigned attribute of the only signer, and returns the new `ContentInfo`.
///
/// An attribute of the type gets one more value, at its end, so that earlier ones keep their places; else a
/// new attribute is added. Every other byte stays as it was, apart from the lengths around it and the order
/// of the unsigned attributes, which DER sorts: the signature does not cover them.
///
/// # Errors
/// [`Error::Encoding`] where `content_info` is no SignedData or `value` not one DER value,
/// [`Error::NotOneSigner`] where it has not exactly one signer, [`Error::Limit`] where the attribute would have
/// more values than are read.
pub fn add_unsigned_value(
    content_info: &[u8],
    oid: ObjectIdentifier,
    value: &[u8],
) -> Result<Vec<u8>, Error> {
    Tlv::parse(value)?;
    amend(content_info, |signer| {
        let mut attributes = Vec::new();
        let mut added = false;
        for attribute in signer.unsigned_attributes.iter().flat_map(|all| all.iter()) {
            if attribute.oid == oid && !added {
                let mut values: Vec<&[u8]> = attribute.values.iter().map(|tlv| tlv.raw).collect();
                values.push(value);
                attributes.push(attribute_of(oid, &values));
                added = true;
            } else {
                attributes.push(attribute.raw.to_vec());
            }
        }
        if !added {
            attributes.push(attribute_of(oid, &[value]));
        }
        Amended { attributes, signature: signer.signature.to_vec() }
    })
}

/// Replaces the values of an unsigned attribute of the only signer, in this order, and returns the new
/// `ContentInfo`. Without values there is no attribute of the type afterwards.
///
/// # Errors
/// As [`add_unsigned_value`].
pub fn set_unsigned_values(
    content_info: &[u8],
    oid: ObjectIdentifier,
    values: &[&[u8]],
) -> Result<Vec<u8>, Error> {
    for value in values {
        Tlv::parse(value)?;
    }
    amend(content_info, |signer| {
        let others = signer.unsigned_attributes.iter().flat_map(|all| all.iter());
        let others = others.filter(|attribute| attribute.oid != oid);
        let mut attributes: Vec<_> = others.map(|attribute| attribute.raw.to_vec()).collect();
        if !values.is_empty() {
            attributes.push(attribute_of(oid, values));
        }
        Amended { attributes, signature: signer.signature.to_vec() }
    })
}

/// Removes the unsigned attributes of the only signer but those of types to keep, and returns the new
/// `ContentInfo`.
///
/// # Errors
/// [`Error::Encoding`] and [`Error::NotOneSigner`].
pub fn retain_unsigned(
    content_info: &[u8],
    keep: impl Fn(ObjectIdentifier) -> bool,
) -> Result<Vec<u8>, Error> {
    amend(content_info, |signer| {
        let kept = signer.unsigned_attributes.iter().flat_map(|all| all.iter());
        let kept = kept.filter(|attribute| keep(attribute.oid));
        Amended {
            attributes: kept.map(|attribute| attribute.raw.to_vec()).collect(),
            signature: signer.signature.to_vec(),
        }
    })
}

/// Replaces the signature value of the only signer, as of one that was made without a key, and returns the new
/// `ContentInfo`. Nothing is verified.
///
/// # Errors
/// [`Error::Encoding`] and [`Error::NotOneSigner`].
pub fn replace_signature(content_info: &[u8], signature: &[u8]) -> Result<Vec<u8>, Error> {
    amend(content_info, |signer| {
        let attributes = signer.unsigned_attributes.iter().flat_map(|all| all.iter());
        Amended {
            attributes: attributes.map(|attribute| attribute.raw.to_vec()).collect(),
            signature: signature.to_vec(),
        }
    })
}

/// What a SignerInfo has after the parts that stay.
struct Amended {
    signature: Vec<u8>,
    /// The unsigned attributes, each in DER.
    attributes: Vec<Vec<u8>>,
}

fn attribute_of(oid: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(tag::SET, values)])
}

/// Writes a `ContentInfo` again, with another end of its only SignerInfo.
fn amend(
    content_info: &[u8],
    change: impl FnOnce(&SignerInfo<'_>) -> Amended,
) -> Result<Vec<u8>, Error> {
    let signed_data = SignedData::from_der(content_info)?;
    let [signer] = signed_data.signers.as_slice() else {
        return Err(Error::NotOneSigner(signed_data.signers.len()));
    };
    let Amended { signature, attributes } = change(signer);
    // Up to the signature, which is the last part that is no unsigned attribute.
    let fields = Tlv::parse(signer.raw)?.reader().collect::<Result<Vec<_>, _>>()?;
    let fields = fields.iter().filter(|field| field.tag != tag::context_constructed(1));
    let mut parts: Vec<&[u8]> = fields.map(|field| field.raw).collect();
    parts.pop();
    let signature = asn1::octet_string(&signature);
    parts.push(&signature);
    let unsigned = asn1::set_of(tag::context_constructed(1), attributes.clone());
    if !attributes.is_empty() {
        parts.push(&unsigned);
    }
    let mut rebuilt = asn1::tlv(tag::SEQUENCE, &parts);

    // ContentInfo > [0] > SignedData > signerInfos > SignerInfo: each is the last part of the one around it.
    let mut around = vec![Tlv::parse(content_info)?];
    for _ in 0..3 {
        let Some(last) = around.last().and_then(|tlv| tlv.reader().last()).transpose()? else {
            return Err(Error::NotOneSigner(0));
        };
        around.push(last);
    }
    for tlv in around.iter().rev() {
        let parts = tlv.reader().collect::<Result<Vec<_>, _>>()?;
        let mut parts: Vec<&[u8]> = parts.iter().map(|part| part.raw).collect();
        parts.pop();
        parts.push(&rebuilt);
        rebuilt = asn1::tlv(tlv.tag, &parts);
    }
    // What is too much for our own reader is not written.
    SignedData::from_der(&rebuilt)?;
    Ok(rebuilt)
}
