//! Adding to the certificates of a SignedData, which no signature covers.

use chancery_x509::Certificate;
use chancery_x509::asn1::{self, Tlv, tag};

use crate::{Error, SignedData};

/// Adds certificates to the bag and returns the new `ContentInfo`. Those of an issuer and serial number that is there
/// are left out; the bag is sorted as DER demands, and no other byte changes but lengths.
///
/// # Errors
/// [`Error::Encoding`] where `content_info` is no SignedData, [`Error::Limit`] where there would be more than are
/// read.
pub fn add_certificates(
    content_info: &[u8],
    certificates: &[Certificate],
) -> Result<Vec<u8>, Error> {
    let signed_data = SignedData::from_der(content_info)?;
    let there = signed_data.read_certificates().readable;
    let mut bag: Vec<Vec<u8>> =
        signed_data.certificates.iter().map(|certificate| certificate.raw.to_vec()).collect();
    let before = bag.len();
    for new in certificates {
        let is_same = |old: &Certificate| {
            old.serial() == new.serial() && old.issuer().as_der() == new.issuer().as_der()
        };
        if !there.iter().any(is_same) && !bag.iter().any(|old| old == new.as_der()) {
            bag.push(new.as_der().to_vec());
        }
    }
    if bag.len() == before {
        return Ok(content_info.to_vec());
    }
    let bag = asn1::set_of(tag::context_constructed(0), bag);

    let mut outer = Tlv::parse(content_info)?.reader();
    let kind = outer.read()?.raw;
    let explicit = outer.read()?;
    let fields = explicit.only()?.reader().collect::<Result<Vec<_>, _>>()?;
    let mut parts: Vec<&[u8]> = Vec::new();
    for (position, field) in fields.iter().enumerate() {
        // The bag stands behind version, hash functions and content.
        if position == 3 {
            parts.push(&bag);
        }
        if field.tag != tag::context_constructed(0) {
            parts.push(field.raw);
        }
    }
    let rebuilt = asn1::tlv(explicit.tag, &[&asn1::sequence(&parts)]);
    let rebuilt = asn1::sequence(&[kind, &rebuilt]);
    // What is too much for our own reader is not written.
    SignedData::from_der(&rebuilt)?;
    Ok(rebuilt)
}
