//! `[RequestAttributes]`: names and values for the certificate authority, beside what the certificate should say.

use chancery_inf::Entry;

use super::draft::Draft;
use super::error::{Failure, Place, PolicyErrorKind as Kind};
use crate::asn1::{self, tag};

/// The most pairs that are read. Real requests have one.
const MAX_ATTRIBUTES: usize = 64;

/// Reads `name = value` as an enrollmentNameValuePair (MS-WCCE section 2.2.2.7.10).
pub(crate) fn any(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    let value = entry.value();
    if value.is_empty() {
        return Err(Kind::Empty.into());
    }
    if draft.attributes.iter().any(|(name, _)| name.eq_ignore_ascii_case(&place.key)) {
        return Err(Kind::Duplicate.into());
    }
    if draft.attributes.len() >= MAX_ATTRIBUTES {
        return Err(Kind::Limit { what: "attributes", limit: MAX_ATTRIBUTES }.into());
    }
    let pair = asn1::sequence(&[&bmp_string(&place.key)?, &bmp_string(&value)?]);
    draft.attributes.push((place.key.clone(), pair));
    Ok(())
}

/// Writes a BMPString, which has the characters of the basic plane only (X.680 section 41.15).
fn bmp_string(text: &str) -> Result<Vec<u8>, Kind> {
    if text.chars().any(|c| c.len_utf16() > 1) {
        return Err(Kind::Value { value: text.to_owned(), what: "BMPString", suggestion: None });
    }
    let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    Ok(asn1::tlv(tag::BMP_STRING, &[&octets]))
}
