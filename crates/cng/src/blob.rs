//! Public keys in the forms Windows exports them in.

use chancery_key::{EcCurve, PublicKey, PublicKeyError};

/// `PUBLICKEYBLOB`, version 2, of `wincrypt.h`.
const PUBLIC_KEY_BLOB: [u8; 2] = [6, 2];

/// `BCRYPT_RSAPUBLIC_MAGIC` and the `magic` of `RSAPUBKEY`: the letters `RSA1`.
const RSA_PUBLIC: [u8; 4] = *b"RSA1";

/// The magic numbers of ECDSA and ECDH keys on each curve (`bcrypt.h`).
const EC_PUBLIC: [([u8; 4], EcCurve); 6] = [
    (*b"ECS1", EcCurve::P256),
    (*b"ECS3", EcCurve::P384),
    (*b"ECS5", EcCurve::P521),
    (*b"ECK1", EcCurve::P256),
    (*b"ECK3", EcCurve::P384),
    (*b"ECK5", EcCurve::P521),
];

/// Why a blob is no public key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlobError {
    /// It ends too early, goes on too long, or begins as nothing we know.
    Form,
    /// The numbers in it are no key's.
    Key(PublicKeyError),
}

impl core::fmt::Display for BlobError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Form => f.write_str("not a public key blob of RSA, P-256, P-384 or P-521"),
            Self::Key(_) => f.write_str("a public key blob with numbers that no key has"),
        }
    }
}

impl core::error::Error for BlobError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Form => None,
            Self::Key(error) => Some(error),
        }
    }
}

/// Reads what `CryptExportKey` gives for `PUBLICKEYBLOB`: an RSA key with its numbers in little-endian order.
///
/// # Errors
/// [`BlobError`] for anything else.
pub fn public_key_from_csp_blob(blob: &[u8]) -> Result<PublicKey, BlobError> {
    let mut reader = Reader(blob);
    if reader.array::<2>()? != PUBLIC_KEY_BLOB {
        return Err(BlobError::Form);
    }
    // Reserved, and the algorithm that the key is for: it does not change the key.
    reader.array::<6>()?;
    if reader.array::<4>()? != RSA_PUBLIC {
        return Err(BlobError::Form);
    }
    let bits = reader.length()?;
    let exponent = reader.array::<4>()?;
    let mut modulus = reader.take(bits.div_ceil(8))?.to_vec();
    reader.end()?;
    modulus.reverse();
    let exponent = u32::from_le_bytes(exponent).to_be_bytes();
    PublicKey::from_rsa_numbers(&modulus, &exponent).map_err(BlobError::Key)
}

/// Reads what `NCryptExportKey` gives for `RSAPUBLICBLOB` or `ECCPUBLICBLOB`: numbers in big-endian order.
///
/// # Errors
/// [`BlobError`] for anything else.
pub fn public_key_from_cng_blob(blob: &[u8]) -> Result<PublicKey, BlobError> {
    let mut reader = Reader(blob);
    let magic = reader.array::<4>()?;
    if magic == RSA_PUBLIC {
        // The length of the modulus in bits comes first and follows from the modulus.
        reader.length()?;
        let (exponent_len, modulus_len) = (reader.length()?, reader.length()?);
        // A public key has no primes.
        if (reader.length()?, reader.length()?) != (0, 0) {
            return Err(BlobError::Form);
        }
        let (exponent, modulus) = (reader.take(exponent_len)?, reader.take(modulus_len)?);
        reader.end()?;
        return PublicKey::from_rsa_numbers(modulus, exponent).map_err(BlobError::Key);
    }
    let known = EC_PUBLIC.into_iter().find(|(of_curve, _)| *of_curve == magic);
    let (_, curve) = known.ok_or(BlobError::Form)?;
    if reader.length()? != curve.field_len() {
        return Err(BlobError::Form);
    }
    let coordinates = reader.take(curve.field_len().saturating_mul(2))?;
    reader.end()?;
    let point = [&[4], coordinates].concat();
    PublicKey::from_ec_point(curve, &point).map_err(BlobError::Key)
}

/// The part of a blob that was not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], BlobError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(BlobError::Form)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(BlobError::Form)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn length(&mut self) -> Result<usize, BlobError> {
        usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| BlobError::Form)
    }

    fn end(&self) -> Result<(), BlobError> {
        if self.0.is_empty() { Ok(()) } else { Err(BlobError::Form) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn modulus() -> Vec<u8> {
        (0..128).map(|at| at | 0x80).chain([1; 128]).collect()
    }

    fn csp_blob() -> Vec<u8> {
        let mut little = modulus();
        little.reverse();
        // CALG_RSA_SIGN, 2048 bits, exponent 65537.
        let head = [6, 2, 0, 0, 0, 0x24, 0, 0, b'R', b'S', b'A', b'1', 0, 8, 0, 0, 1, 0, 1, 0];
        [&head[..], &little].concat()
    }

    fn cng_blob() -> Vec<u8> {
        let mut blob = b"RSA1".to_vec();
        for number in [2048_u32, 3, 256, 0, 0] {
            blob.extend(number.to_le_bytes());
        }
        [blob, vec![1, 0, 1], modulus()].concat()
    }

    fn ec_blob() -> Vec<u8> {
        [&b"ECS1"[..], &32_u32.to_le_bytes(), &[7; 64]].concat()
    }

    #[test]
    fn both_orders_of_bytes_give_the_same_key() {
        let key = public_key_from_csp_blob(&csp_blob()).unwrap();
        assert_eq!(key.modulus(), Some(modulus().as_slice()));
        assert_eq!(public_key_from_cng_blob(&cng_blob()), Ok(key));
    }

    #[test]
    fn a_point_is_read_with_its_curve() {
        let key = public_key_from_cng_blob(&ec_blob()).unwrap();
        let point = [&[4][..], &[7; 64]].concat();
        assert_eq!(key, PublicKey::from_ec_point(EcCurve::P256, &point).unwrap());
    }

    #[test]
    fn a_blob_that_is_shorter_or_longer_is_refused() {
        for len in 0..csp_blob().len() {
            assert!(public_key_from_csp_blob(&csp_blob()[..len]).is_err(), "{len}");
        }
        for whole in [cng_blob(), ec_blob()] {
            for len in 0..whole.len() {
                assert!(public_key_from_cng_blob(&whole[..len]).is_err(), "{len}");
            }
            assert!(public_key_from_cng_blob(&[whole, vec![0]].concat()).is_err());
        }
        assert!(public_key_from_csp_blob(&[csp_blob(), vec![0]].concat()).is_err());
    }

    #[test]
    fn private_keys_and_other_curves_are_refused() {
        let mut private = csp_blob();
        private[0] = 7;
        assert_eq!(public_key_from_csp_blob(&private), Err(BlobError::Form));
        let mut other = ec_blob();
        other[..4].copy_from_slice(b"ECDP");
        assert_eq!(public_key_from_cng_blob(&other), Err(BlobError::Form));
        let mut length = ec_blob();
        length[4] = 31;
        assert_eq!(public_key_from_cng_blob(&length), Err(BlobError::Form));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = public_key_from_csp_blob(&bytes);
            let _ = public_key_from_cng_blob(&bytes);
        }

        #[test]
        fn arbitrary_lengths_never_panic(at in 0_usize..24, byte: u8) {
            for blob in [csp_blob(), cng_blob(), ec_blob()] {
                let mut blob = blob;
                blob[at] = byte;
                let _ = public_key_from_csp_blob(&blob);
                let _ = public_key_from_cng_blob(&blob);
            }
        }
    }
}
