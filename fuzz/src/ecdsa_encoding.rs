//! The two forms of an ECDSA signature.

use chancery_key::{EcCurve, ecdsa_der_from_fixed, ecdsa_fixed_from_der};

/// Reads the bytes as either form: each turns into the other and back into itself.
pub fn ecdsa_encoding(data: &[u8]) {
    if let Ok(der) = ecdsa_der_from_fixed(data) {
        let back = ecdsa_fixed_from_der(&der, data.len() / 2).expect("our own DER is read");
        assert_eq!(back, data);
    }
    for field_len in EcCurve::ALL.map(EcCurve::field_len).into_iter().chain([1, data.len()]) {
        if let Ok(fixed) = ecdsa_fixed_from_der(data, field_len) {
            assert_eq!(fixed.len(), 2 * field_len);
            let (r, s) = fixed.split_at(field_len);
            let back = ecdsa_der_from_fixed(&fixed);
            if [r, s].iter().any(|number| number.iter().all(|octet| *octet == 0)) {
                // Read, so that the verifier says no to it; never made.
                assert!(back.is_err());
            } else {
                assert_eq!(back.expect("our own fixed form is read"), data);
            }
        }
    }
}
