//! ECDSA (FIPS 186-5 section 6.4) over the signature's DER form.

use chancery_key::{EcCurve, KeyAlgorithm, ecdsa_fixed_from_der};
use signature::hazmat::PrehashVerifier;

use crate::{KeyDefect, VerifyError};

/// Verifies over one curve's types; they share no trait that would be shorter to name.
macro_rules! verify_on {
    ($curve:ident, $name:expr, $point:expr, $digest:expr, $fixed:expr) => {{
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes($point).map_err(|_| {
            VerifyError::UnsupportedKey { key: KeyAlgorithm::Ec($name), defect: KeyDefect::EcPoint }
        })?;
        // Refuses r and s of zero and those not below the order of the curve.
        let signature =
            $curve::ecdsa::Signature::from_slice($fixed).map_err(|_| VerifyError::BadSignature)?;
        key.verify_prehash($digest, &signature).map_err(|_| VerifyError::BadSignature)
    }};
}

/// Verifies a DER signature. A digest longer than the curve's order counts with its leftmost bits
/// (FIPS 186-5 section 6.4.2 step 2), so any hash goes with any curve.
pub(crate) fn verify(
    curve: EcCurve,
    point: &[u8],
    digest: &[u8],
    der: &[u8],
) -> Result<(), VerifyError> {
    let fixed = ecdsa_fixed_from_der(der, curve.field_len()).map_err(|_| VerifyError::Encoding)?;
    match curve {
        EcCurve::P256 => verify_on!(p256, curve, point, digest, &fixed),
        EcCurve::P384 => verify_on!(p384, curve, point, digest, &fixed),
        EcCurve::P521 => verify_on!(p521, curve, point, digest, &fixed),
        _ => Err(VerifyError::UnsupportedKey {
            key: KeyAlgorithm::Ec(curve),
            defect: KeyDefect::Type,
        }),
    }
}
