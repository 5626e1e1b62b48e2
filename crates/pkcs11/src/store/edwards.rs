//! Keys on the Edwards curves, in the forms that tokens hold them (`CKK_EC_EDWARDS`).

use chancery_key::{KeyAlgorithm, PublicKey};
use der::asn1::ObjectIdentifier;

/// id-Ed448 (RFC 8410 section 3).
const ED448: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.113");

/// What `CKA_EC_PARAMS` says for Ed25519: the identifier of RFC 8410, the curve's name (PKCS#11 v3.1 section 6.3.5),
/// and the identifier from before RFC 8410, which PKCS#11 v3.0 still gave.
const ED25519_PARAMETERS: [&[u8]; 3] = [
    &[0x06, 0x03, 0x2b, 0x65, 0x70],
    b"\x13\x0cedwards25519",
    &[0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01],
];

/// The same for Ed448.
const ED448_PARAMETERS: [&[u8]; 2] = [&[0x06, 0x03, 0x2b, 0x65, 0x71], b"\x13\x0aedwards448"];

/// What stands before the point in the SPKI of an Ed448 key (RFC 8410 section 4).
const ED448_SPKI: [u8; 12] =
    [0x30, 0x43, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71, 0x03, 0x3a, 0x00];

/// The lengths of the points, in bytes (RFC 8032 sections 5.1.2 and 5.2.2).
const ED25519_LEN: usize = 32;
const ED448_LEN: usize = 57;

/// An Edwards curve that signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curve {
    Ed25519,
    Ed448,
}

/// What to ask for when an Ed25519 key is made, the form that most tokens know first.
pub(crate) const fn ed25519_parameters() -> [&'static [u8]; 2] {
    [ED25519_PARAMETERS[0], ED25519_PARAMETERS[1]]
}

/// Reads a public key. Of Ed448 it is one that has a name and no scheme.
pub(super) fn public_key(parameters: &[u8], point: &[u8]) -> Option<PublicKey> {
    match curve(parameters)? {
        Curve::Ed25519 => PublicKey::from_ed25519_point(bare(point, ED25519_LEN)?).ok(),
        Curve::Ed448 => {
            let spki = [&ED448_SPKI[..], bare(point, ED448_LEN)?].concat();
            PublicKey::from_spki_der(&spki).ok()
        }
    }
}

/// Tells whether the curve that a private key names is that of a public key.
pub(super) fn is_on(parameters: &[u8], key: &PublicKey) -> bool {
    curve(parameters).is_some_and(|curve| curve_of(key) == Some(curve))
}

/// Tells whether a public key is on an Edwards curve that signs.
pub(super) fn is_edwards(key: &PublicKey) -> bool {
    curve_of(key).is_some()
}

fn curve_of(key: &PublicKey) -> Option<Curve> {
    match key.algorithm() {
        KeyAlgorithm::Ed25519 => Some(Curve::Ed25519),
        KeyAlgorithm::Other(ED448) => Some(Curve::Ed448),
        _ => None,
    }
}

/// The forms in which tokens hold the point: bare, as PKCS#11 v3.1 has it, in an OCTET STRING as points of other
/// curves are, and in a BIT STRING.
pub(super) fn point_forms(point: &[u8; ED25519_LEN]) -> Vec<Vec<u8>> {
    vec![
        [&[0x04, 0x20][..], point].concat(),
        point.to_vec(),
        [&[0x03, 0x21, 0x00][..], point].concat(),
    ]
}

fn curve(parameters: &[u8]) -> Option<Curve> {
    if ED25519_PARAMETERS.contains(&parameters) {
        Some(Curve::Ed25519)
    } else if ED448_PARAMETERS.contains(&parameters) {
        Some(Curve::Ed448)
    } else {
        None
    }
}

/// Takes a point of this length out of whatever it is in. The length decides: a bare point may begin with the octet
/// of any tag.
fn bare(value: &[u8], len: usize) -> Option<&[u8]> {
    let octets = u8::try_from(len).ok()?;
    let wrappings = [&[][..], &[0x04, octets], &[0x03, octets.checked_add(1)?, 0]];
    wrappings
        .into_iter()
        .filter_map(|wrapping| value.strip_prefix(wrapping))
        .find(|point| point.len() == len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_bare_and_in_both_strings() {
        // Its first octets are those of an OCTET STRING around it.
        let mut point = [7; 32];
        (point[0], point[1]) = (0x04, 0x20);
        let key = PublicKey::from_ed25519_point(&point).unwrap();
        for parameters in ED25519_PARAMETERS {
            for form in point_forms(&point) {
                assert_eq!(public_key(parameters, &form).as_ref(), Some(&key), "{form:02x?}");
                let longer = [&form[..], &[0]].concat();
                assert_eq!(public_key(parameters, &longer), None);
            }
            assert!(is_on(parameters, &key));
            for bad in [&[][..], &point[..31], &[0x04, 0x21], &[7; 57]] {
                assert_eq!(public_key(parameters, bad), None, "{bad:02x?}");
            }
        }
    }

    #[test]
    fn ed448_has_a_name_and_other_curves_have_none() {
        for parameters in ED448_PARAMETERS {
            let bare = [7; 57];
            for form in [&bare[..], &[&[0x04, 0x39][..], &bare].concat()] {
                let key = public_key(parameters, form).unwrap();
                assert_eq!(key.algorithm().to_string(), "Ed448");
                assert!(is_on(parameters, &key) && !is_on(ED25519_PARAMETERS[0], &key));
            }
            assert_eq!(public_key(parameters, &[7; 32]), None);
        }
        // X25519, which signs nothing.
        for parameters in [&[0x06, 0x03, 0x2b, 0x65, 0x6e][..], b"\x13\x0acurve25519", &[]] {
            assert_eq!(public_key(parameters, &[7; 32]), None);
        }
    }
}
