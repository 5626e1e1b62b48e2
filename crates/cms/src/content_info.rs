//! The wrapper around a SignedData, which some formats leave out.

use chancery_x509::asn1::{self, Tlv, tag};

use crate::{Error, SignedData, oid};

/// Returns the SignedData without the `ContentInfo` around it, as it came.
///
/// Variables of UEFI carry it so (UEFI specification, section 8.2.2: `EFI_VARIABLE_AUTHENTICATION_2`), and SignTool
/// writes it so for `/p7ce DetachedSignedData`.
///
/// # Errors
/// [`Error`]: not DER, not a SignedData, or beyond a limit.
pub fn bare_signed_data(content_info: &[u8]) -> Result<&[u8], Error> {
    SignedData::from_der(content_info)?;
    let mut outer = Tlv::parse(content_info)?.reader();
    outer.read()?;
    Ok(outer.expect(tag::context_constructed(0), "[0] of the ContentInfo")?.only()?.raw)
}

/// Puts a bare SignedData into a `ContentInfo`.
///
/// # Errors
/// As [`bare_signed_data`].
pub fn wrap_signed_data(signed_data: &[u8]) -> Result<Vec<u8>, Error> {
    Tlv::parse(signed_data)?;
    let content_info = asn1::sequence(&[
        &asn1::object_identifier(&oid::SIGNED_DATA),
        &asn1::tlv(tag::context_constructed(0), &[signed_data]),
    ]);
    SignedData::from_der(&content_info)?;
    Ok(content_info)
}
