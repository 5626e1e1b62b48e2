//! Forms of numbers and ECDSA signatures that every backend needs.

use der::asn1::UintRef;
use der::{Decode, Encode, Reader, SliceReader, Writer};

use crate::{KeyError, KeyErrorKind};

/// Drops leading zero octets; the number zero becomes the empty string.
pub(crate) fn strip_leading_zeros(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn malformed(message: &str) -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, message)
}

/// Turns the fixed-length form `r ‖ s` of PKCS#11 and CNG into DER `SEQUENCE { r, s }`
/// (RFC 3279 section 2.2.3).
///
/// # Errors
/// [`KeyErrorKind::Malformed`] for an empty or odd-length input and for `r` or `s` of zero.
pub fn ecdsa_der_from_fixed(fixed: &[u8]) -> Result<Vec<u8>, KeyError> {
    let bad = || malformed("an ECDSA signature is two positive numbers of one length");
    if fixed.is_empty() || !fixed.len().is_multiple_of(2) {
        return Err(bad());
    }
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let (r, s) = (strip_leading_zeros(r), strip_leading_zeros(s));
    if r.is_empty() || s.is_empty() {
        return Err(bad());
    }
    let (r, s) = (UintRef::new(r).map_err(|_| bad())?, UintRef::new(s).map_err(|_| bad())?);
    let body = (r.encoded_len().and_then(|len| len + s.encoded_len()?)).map_err(|_| bad())?;
    let mut der = Vec::new();
    der::Header::new(der::Tag::Sequence, body)
        .encode(&mut der)
        .and_then(|()| r.encode(&mut der))
        .and_then(|()| s.encode(&mut der))
        .map_err(|_| bad())?;
    Ok(der)
}

/// Turns DER `SEQUENCE { r, s }` into `r ‖ s`, each left-padded to `field_len` octets.
///
/// # Errors
/// [`KeyErrorKind::Malformed`] where the input is no such DER, or a number does not fit.
pub fn ecdsa_fixed_from_der(der: &[u8], field_len: usize) -> Result<Vec<u8>, KeyError> {
    let bad = || malformed("not the DER of an ECDSA signature for this curve");
    let mut reader = SliceReader::new(der).map_err(|_| bad())?;
    let (r, s) = reader
        .sequence(|inner| Ok::<_, der::Error>((UintRef::decode(inner)?, UintRef::decode(inner)?)))
        .map_err(|_| bad())?;
    if !reader.is_finished() {
        return Err(bad());
    }
    let mut fixed = Vec::with_capacity(field_len * 2);
    for number in [r, s] {
        let bytes = number.as_bytes();
        let pad = field_len.checked_sub(bytes.len()).ok_or_else(bad)?;
        fixed.resize(fixed.len() + pad, 0);
        fixed.write(bytes).map_err(|_| bad())?;
    }
    Ok(fixed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fixed_and_der_are_inverse(
            field_len in 1_usize..67,
            seed in proptest::collection::vec(any::<u8>(), 134),
        ) {
            let mut fixed = seed[..field_len * 2].to_vec();
            fixed[field_len - 1] |= 1;
            fixed[2 * field_len - 1] |= 1;
            let der = ecdsa_der_from_fixed(&fixed).unwrap();
            prop_assert_eq!(ecdsa_fixed_from_der(&der, field_len).unwrap(), fixed);
        }

        #[test]
        fn arbitrary_der_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ecdsa_fixed_from_der(&bytes, 32);
            let _ = ecdsa_der_from_fixed(&bytes);
        }
    }

    #[test]
    fn a_high_bit_gets_a_sign_octet_and_zeros_go() {
        let der = ecdsa_der_from_fixed(&[0x00, 0x80, 0x00, 0x01]).unwrap();
        assert_eq!(der, [0x30, 0x07, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x01]);
    }

    #[test]
    fn zero_empty_odd_and_oversized_are_refused() {
        for bad in [&[][..], &[1], &[1, 2, 3], &[0, 1], &[1, 0]] {
            assert!(ecdsa_der_from_fixed(bad).is_err(), "{bad:?}");
        }
        let der = ecdsa_der_from_fixed(&[0x80, 0x01, 0x80, 0x01]).unwrap();
        assert!(ecdsa_fixed_from_der(&der, 1).is_err(), "two-octet numbers in one-octet fields");
        let mut trailing = der;
        trailing.push(0);
        assert!(ecdsa_fixed_from_der(&trailing, 2).is_err(), "trailing data");
    }
}
