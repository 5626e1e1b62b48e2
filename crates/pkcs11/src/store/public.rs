//! The public half of a private key, put together from what the token tells.

use chancery_key::{EcCurve, PublicKey};
use cryptoki_sys::{
    CK_KEY_TYPE, CKA_CLASS, CKA_EC_PARAMS, CKA_EC_POINT, CKA_ID, CKA_KEY_TYPE, CKA_MODULUS,
    CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_VALUE, CKK_EC, CKK_EC_EDWARDS, CKK_RSA,
    CKO_CERTIFICATE, CKO_PUBLIC_KEY,
};
use der::Decode;
use der::asn1::OctetStringRef;

use super::certificate::Fields;
use super::edwards;
use super::proof;
use crate::Pkcs11Error;
use crate::raw::{Attribute, Attributes, ObjectHandle, Session};

/// Finds the public half of a private key: in its own attributes, else in the public key or certificate
/// with the same `CKA_ID`, as far as that agrees with what the private key does tell.
///
/// Where that leaves several, as tokens let identifiers be shared, or where there is no identifier, the key is
/// [proved](super::proof): labels and guesses decide nothing.
pub(super) fn of_private_key(
    session: &mut Session,
    handle: ObjectHandle,
    private: &Attributes,
) -> Result<Option<PublicKey>, Pkcs11Error> {
    if let Some(own) = from_attributes(private) {
        return Ok(Some(own));
    }
    let Some(id) = private.bytes(CKA_ID) else { return proof::by_label(session, handle, private) };
    for class in [CKO_PUBLIC_KEY, CKO_CERTIFICATE] {
        let wanted = [Attribute::number(CKA_CLASS, class), Attribute::bytes(CKA_ID, id)];
        let found = candidates(session, &wanted, private)?;
        match found.as_slice() {
            [] => {}
            [(_, first), others @ ..] if others.iter().all(|(_, other)| other == first) => {
                return Ok(Some(first.clone()));
            }
            _ => return proof::among(session, handle, private, found),
        }
    }
    proof::by_label(session, handle, private)
}

/// Lists the public halves that agree with what a private key tells of itself.
pub(super) fn candidates(
    session: &mut Session,
    wanted: &[Attribute],
    private: &Attributes,
) -> Result<Vec<(ObjectHandle, PublicKey)>, Pkcs11Error> {
    let mut found = Vec::new();
    for handle in session.find(wanted)? {
        let key = public_object(session, handle)?.filter(|key| agrees(key, private));
        found.extend(key.map(|key| (handle, key)));
    }
    Ok(found)
}

/// Reads the key of a public key object or a certificate.
pub(crate) fn public_object(
    session: &mut Session,
    handle: ObjectHandle,
) -> Result<Option<PublicKey>, Pkcs11Error> {
    let told = session.read(
        handle,
        &[
            CKA_CLASS,
            CKA_KEY_TYPE,
            CKA_MODULUS,
            CKA_PUBLIC_EXPONENT,
            CKA_EC_PARAMS,
            CKA_EC_POINT,
            CKA_PUBLIC_KEY_INFO,
            CKA_VALUE,
        ],
    )?;
    Ok(match told.number(CKA_CLASS) {
        Some(CKO_CERTIFICATE) => {
            told.bytes(CKA_VALUE).and_then(|der| Fields::of(der)?.public_key())
        }
        _ => from_attributes(&told),
    })
}

/// DER of a curve's name, as `CKA_EC_PARAMS` has it.
pub(crate) fn ec_parameters(curve: EcCurve) -> Vec<u8> {
    let oid = curve.oid();
    // The identifiers of named curves are far shorter than the 128 octets of a one-octet length.
    let len = u8::try_from(oid.as_bytes().len()).unwrap_or(u8::MAX);
    [&[0x06, len], oid.as_bytes()].concat()
}

/// The two forms in which tokens hold `CKA_EC_POINT`: in an OCTET STRING, as the standard asks, and bare.
pub(super) fn ec_point_forms(point: &[u8]) -> Vec<Vec<u8>> {
    let wrapped = OctetStringRef::new(point).and_then(|octets| der::Encode::to_der(&octets));
    wrapped.into_iter().chain([point.to_vec()]).collect()
}

fn from_attributes(told: &Attributes) -> Option<PublicKey> {
    let whole = || PublicKey::from_spki_der(told.bytes(CKA_PUBLIC_KEY_INFO)?).ok();
    from_numbers(told).or_else(whole)
}

fn from_numbers(told: &Attributes) -> Option<PublicKey> {
    match told.number(CKA_KEY_TYPE)? {
        CKK_RSA => {
            let (modulus, exponent) = (told.bytes(CKA_MODULUS)?, told.bytes(CKA_PUBLIC_EXPONENT)?);
            PublicKey::from_rsa_numbers(modulus, exponent).ok()
        }
        CKK_EC => {
            let curve = curve(told.bytes(CKA_EC_PARAMS)?)?;
            PublicKey::from_ec_point(curve, ec_point(curve, told.bytes(CKA_EC_POINT)?)?).ok()
        }
        CKK_EC_EDWARDS => {
            edwards::public_key(told.bytes(CKA_EC_PARAMS)?, told.bytes(CKA_EC_POINT)?)
        }
        _ => None,
    }
}

fn curve(parameters: &[u8]) -> Option<EcCurve> {
    EcCurve::ALL.into_iter().find(|curve| ec_parameters(*curve) == parameters)
}

/// Takes the uncompressed point out of its OCTET STRING, if it is in one. The length decides: a bare point
/// begins with the octet of that tag too.
fn ec_point(curve: EcCurve, value: &[u8]) -> Option<&[u8]> {
    let len = 1 + 2 * curve.field_len();
    if value.len() == len {
        return Some(value);
    }
    let point = <&OctetStringRef>::from_der(value).ok()?.as_bytes();
    Some(point).filter(|point| point.len() == len)
}

/// Tells whether a public key can belong to a private key that tells this much of itself.
fn agrees(key: &PublicKey, private: &Attributes) -> bool {
    let (is_rsa, is_edwards) = (key.modulus().is_some(), edwards::is_edwards(key));
    let key_type: Option<CK_KEY_TYPE> = private.number(CKA_KEY_TYPE);
    let of_one_type = match key_type {
        Some(CKK_RSA) => is_rsa,
        Some(CKK_EC) => !is_rsa && !is_edwards,
        Some(CKK_EC_EDWARDS) => is_edwards,
        _ => false,
    };
    let modulus = private.bytes(CKA_MODULUS).map(without_leading_zeros);
    let parameters = private.bytes(CKA_EC_PARAMS);
    of_one_type
        && modulus.is_none_or(|modulus| key.modulus() == Some(modulus))
        && parameters.is_none_or(|parameters| match (curve(parameters), key.algorithm()) {
            (Some(curve), chancery_key::KeyAlgorithm::Ec(other)) => curve == other,
            _ => edwards::is_on(parameters, key),
        })
}

fn without_leading_zeros(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(curve: EcCurve) -> Vec<u8> {
        let mut point = vec![0x41; 1 + 2 * curve.field_len()];
        point[0] = 4;
        point
    }

    #[test]
    fn points_are_read_bare_and_wrapped() {
        for curve in EcCurve::ALL {
            // The second octet of these points is the DER length of P-256's wrapped point.
            let bare = point(curve);
            let [wrapped, same] = ec_point_forms(&bare).try_into().unwrap();
            assert_eq!(same, bare);
            assert_eq!(ec_point(curve, &bare), Some(bare.as_slice()));
            assert_eq!(ec_point(curve, &wrapped), Some(bare.as_slice()));
        }
        assert_eq!(ec_point_forms(&point(EcCurve::P256))[0].len(), 67);
        assert_eq!(ec_point_forms(&point(EcCurve::P521))[0][..3], [4, 0x81, 0x85]);
    }

    #[test]
    fn points_of_another_curve_or_cut_short_are_none() {
        let bare = point(EcCurve::P256);
        let wrapped = &ec_point_forms(&bare)[0];
        assert_eq!(ec_point(EcCurve::P384, &bare), None);
        assert_eq!(ec_point(EcCurve::P384, wrapped), None);
        assert_eq!(ec_point(EcCurve::P256, &wrapped[..66]), None);
        assert_eq!(ec_point(EcCurve::P256, &[wrapped.as_slice(), &[0]].concat()), None);
        assert_eq!(ec_point(EcCurve::P256, &[]), None);
    }

    #[test]
    fn curves_have_the_parameters_of_the_standard() {
        assert_eq!(
            ec_parameters(EcCurve::P256),
            [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
        );
        assert_eq!(ec_parameters(EcCurve::P384), [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]);
        assert_eq!(curve(&ec_parameters(EcCurve::P521)), Some(EcCurve::P521));
        assert_eq!(curve(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]), None, "secp256k1");
        assert_eq!(curve(&[]), None);
    }
}
