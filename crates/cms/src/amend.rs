//! Adding to a SignedData without touching what is signed.

use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

use crate::{Error, SignedData};

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
    let signed_data = SignedData::from_der(content_info)?;
    Tlv::parse(value)?;
    let signers = signed_data.signers.len();
    if signers != 1 {
        return Err(Error::NotOneSigner(signers));
    }
    let mut replaced = false;
    let mut attributes: Vec<Vec<u8>> = Vec::new();
    for attribute in signed_data.signers.iter().flat_map(|signer| &signer.unsigned_attributes) {
        for attribute in attribute.iter() {
            if attribute.oid == oid && !replaced {
                let mut values: Vec<&[u8]> = attribute.values.iter().map(|tlv| tlv.raw).collect();
                values.push(value);
                attributes.push(asn1::sequence(&[
                    &asn1::object_identifier(&oid),
                    &asn1::tlv(tag::SET, &values),
                ]));
                replaced = true;
            } else {
                attributes.push(attribute.raw.to_vec());
            }
        }
    }
    if !replaced {
        attributes.push(asn1::sequence(&[
            &asn1::object_identifier(&oid),
            &asn1::tlv(tag::SET, &[value]),
        ]));
    }
    let unsigned = asn1::set_of(tag::context_constructed(1), attributes);

    // ContentInfo > [0] > SignedData > signerInfos > SignerInfo: each is the last part of the one around it.
    let mut path = vec![Tlv::parse(content_info)?];
    for _ in 0..4 {
        let Some(last) = path.last().and_then(|tlv| tlv.reader().last()).transpose()? else {
            return Err(Error::NotOneSigner(signers));
        };
        path.push(last);
    }
    let mut rebuilt = Vec::new();
    for (depth, around) in path.iter().enumerate().rev() {
        let mut parts: Vec<&[u8]> =
            around.reader().collect::<Result<Vec<_>, _>>()?.iter().map(|part| part.raw).collect();
        let is_signer_info = depth == 4;
        let last_goes = !is_signer_info
            || parts.last().and_then(|part| part.first()) == Some(&tag::context_constructed(1));
        if last_goes {
            parts.pop();
        }
        let inner = if is_signer_info { &unsigned } else { &rebuilt };
        parts.push(inner);
        rebuilt = asn1::tlv(around.tag, &parts);
    }
    // What is too much for our own reader is not written.
    SignedData::from_der(&rebuilt)?;
    Ok(rebuilt)
}
