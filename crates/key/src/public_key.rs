//! Public keys as SPKI and as numbers.

use core::fmt;
use core::str::FromStr;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::encoding::strip_leading_zeros;
use crate::{UnknownName, algorithm_name};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-Ed25519 (RFC 8410 section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The longest RSA modulus we read, in bits. Longer ones cost quadratic time for no known use.
const MAX_RSA_BITS: u32 = 16_384;

/// The longest SPKI we read, in bytes: room for the largest modulus and a generous exponent.
const MAX_SPKI_LEN: usize = 8_192;

/// The length of an Ed25519 public key in bytes (RFC 8032 section 5.1.5).
const ED25519_LEN: usize = 32;

/// The named elliptic curves that code signing uses (SEC 2, FIPS 186-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EcCurve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

impl EcCurve {
    /// Every curve.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Returns the curve's object identifier (RFC 5480 section 2.1.1.1).
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        const P_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const P_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
        const P_521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
        match self {
            Self::P256 => P_256,
            Self::P384 => P_384,
            Self::P521 => P_521,
        }
    }

    /// Finds the curve an object identifier names.
    #[must_use]
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Returns the length of a coordinate in bytes.
    #[must_use]
    pub const fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Returns the name as in `p256`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::P521 => "p521",
        }
    }
}

impl fmt::Display for EcCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        })
    }
}

impl FromStr for EcCurve {
    type Err = UnknownName;

    /// Reads a curve as people write it: `P-256`, `p256`, `secp256r1`, `prime256v1`, `nistp256`.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let plain: String = text.chars().filter(|c| *c != '-').collect::<String>().to_lowercase();
        match plain.as_str() {
            "p256" | "secp256r1" | "prime256v1" | "nistp256" => Ok(Self::P256),
            "p384" | "secp384r1" | "nistp384" => Ok(Self::P384),
            "p521" | "secp521r1" | "nistp521" => Ok(Self::P521),
            _ => Err(UnknownName { given: text.into(), known: Self::ALL.map(Self::name).to_vec() }),
        }
    }
}

/// Key type and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA with a modulus of this many bits.
    Rsa {
        /// Length of the modulus in bits.
        bits: u32,
    },
    /// A key on a named curve.
    Ec(EcCurve),
    /// An Ed25519 key (RFC 8032 section 5.1).
    Ed25519,
    /// Something else, by the SPKI's algorithm identifier.
    Other(ObjectIdentifier),
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ec(curve) => write!(f, "EC {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Other(oid) => match algorithm_name(*oid) {
                Some(name) => f.write_str(name),
                None => write!(f, "key type {oid}"),
            },
        }
    }
}

/// The numbers of a public key, free of encoding: what two keys are compared by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKeyNumbers {
    /// RSA, big-endian without leading zeros.
    Rsa {
        /// The modulus n.
        modulus: Vec<u8>,
        /// The public exponent e.
        exponent: Vec<u8>,
    },
    /// A point on a named curve, uncompressed: `04 ‖ X ‖ Y` (SEC 1 section 2.3.3).
    Ec {
        /// The curve.
        curve: EcCurve,
        /// The point.
        point: Vec<u8>,
    },
    /// A point on edwards25519, 32 octets as RFC 8032 section 5.1.2 encodes it.
    Ed25519 {
        /// The point.
        point: [u8; ED25519_LEN],
    },
    /// A key whose type we cannot take apart; the whole SPKI stands for it.
    Other {
        /// The SPKI's algorithm identifier.
        algorithm: ObjectIdentifier,
        /// DER of the SPKI.
        spki: Vec<u8>,
    },
}

/// A public key: the DER `SubjectPublicKeyInfo` it came in and the numbers in it.
///
/// Equality is equality of numbers, so a key from a token, whose SPKI we wrote ourselves, equals the same
/// key in a certificate that encodes its parameters differently.
#[derive(Clone)]
pub struct PublicKey {
    spki: Vec<u8>,
    subject_public_key: Vec<u8>,
    numbers: PublicKeyNumbers,
}

/// Why bytes are no public key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not the DER of a `SubjectPublicKeyInfo` with known contents; the byte offset where known.
    Encoding {
        /// Offset of the first byte that does not fit.
        offset: Option<u32>,
    },
    /// An RSA modulus or exponent out of the range a public key can have.
    RsaNumbers,
    /// A point of the wrong length or in compressed form.
    EcPoint,
    /// An Ed25519 key that is not 32 octets long, or has parameters.
    Ed25519,
    /// An elliptic curve we do not know, or one given by explicit parameters.
    Curve,
    /// Longer than any key we read.
    TooLong,
}

impl fmt::Display for PublicKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding { offset: Some(offset) } => {
                write!(f, "not a SubjectPublicKeyInfo: bad DER at byte {offset}")
            }
            Self::Encoding { offset: None } => f.write_str("not a SubjectPublicKeyInfo: bad DER"),
            Self::RsaNumbers => f.write_str("RSA modulus or exponent out of range"),
            Self::EcPoint => f.write_str("not an uncompressed point of its curve"),
            Self::Ed25519 => f.write_str("not 32 octets of Ed25519 without parameters"),
            Self::Curve => f.write_str("elliptic curve is none of P-256, P-384, P-521"),
            Self::TooLong => f.write_str("public key longer than 8192 bytes"),
        }
    }
}

impl core::error::Error for PublicKeyError {}

impl From<der::Error> for PublicKeyError {
    fn from(error: der::Error) -> Self {
        Self::Encoding { offset: error.position().map(u32::from) }
    }
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
    ///
    /// # Errors
    /// [`PublicKeyError`]. A key type we do not know is not an error: see [`KeyAlgorithm::Other`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        if der.len() > MAX_SPKI_LEN {
            return Err(PublicKeyError::TooLong);
        }
        let spki = SubjectPublicKeyInfoRef::from_der(der)?;
        let bits =
            spki.subject_public_key.as_bytes().ok_or(PublicKeyError::Encoding { offset: None })?;
        let numbers = match spki.algorithm.oid {
            RSA_ENCRYPTION | RSASSA_PSS => {
                let key = pkcs1::RsaPublicKeyRef::from_der(bits)?;
                rsa_numbers(key.modulus.as_bytes(), key.public_exponent.as_bytes())?
            }
            EC_PUBLIC_KEY => {
                let curve = spki
                    .algorithm
                    .parameters
                    .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok())
                    .and_then(EcCurve::from_oid)
                    .ok_or(PublicKeyError::Curve)?;
                ec_numbers(curve, bits)?
            }
            // RFC 8410 section 3: the parameters must be absent.
            ED25519 if spki.algorithm.parameters.is_some() => {
                return Err(PublicKeyError::Ed25519);
            }
            ED25519 => ed25519_numbers(bits)?,
            algorithm => PublicKeyNumbers::Other { algorithm, spki: der.to_vec() },
        };
        Ok(Self { spki: der.to_vec(), subject_public_key: bits.to_vec(), numbers })
    }

    /// Makes the key from an RSA modulus and exponent, big-endian; leading zeros do not count.
    ///
    /// # Errors
    /// [`PublicKeyError::RsaNumbers`] for numbers no RSA key has.
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, PublicKeyError> {
        let numbers = rsa_numbers(modulus, exponent)?;
        let key = pkcs1::RsaPublicKeyRef {
            modulus: UintRef::new(strip_leading_zeros(modulus))?,
            public_exponent: UintRef::new(strip_leading_zeros(exponent))?,
        };
        let subject_public_key = key.to_der()?;
        let spki = spki_der(RSA_ENCRYPTION, Some(AnyRef::NULL), &subject_public_key)?;
        Ok(Self { spki, subject_public_key, numbers })
    }

    /// Makes the key from a named curve and an uncompressed point, `04 ‖ X ‖ Y`.
    ///
    /// # Errors
    /// [`PublicKeyError::EcPoint`] for a point of another form or length.
    pub fn from_ec_point(curve: EcCurve, point: &[u8]) -> Result<Self, PublicKeyError> {
        let numbers = ec_numbers(curve, point)?;
        let oid = curve.oid();
        let spki = spki_der(EC_PUBLIC_KEY, Some(AnyRef::from(&oid)), point)?;
        Ok(Self { spki, subject_public_key: point.to_vec(), numbers })
    }

    /// Makes the key from an Ed25519 point as RFC 8032 section 5.1.2 encodes it.
    ///
    /// # Errors
    /// [`PublicKeyError::Ed25519`] for anything but 32 octets. Whether they are a point of the curve is for who
    /// verifies with it.
    pub fn from_ed25519_point(point: &[u8]) -> Result<Self, PublicKeyError> {
        let numbers = ed25519_numbers(point)?;
        let spki = spki_der(ED25519, None, point)?;
        Ok(Self { spki, subject_public_key: point.to_vec(), numbers })
    }

    /// Returns the DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Returns the contents of the SPKI's BIT STRING, which subject key identifiers are a hash of.
    #[must_use]
    pub fn subject_public_key(&self) -> &[u8] {
        &self.subject_public_key
    }

    /// Returns the key as numbers.
    #[must_use]
    pub const fn numbers(&self) -> &PublicKeyNumbers {
        &self.numbers
    }

    /// Returns the RSA modulus, big-endian without leading zeros, where this is an RSA key.
    #[must_use]
    pub fn modulus(&self) -> Option<&[u8]> {
        match &self.numbers {
            PublicKeyNumbers::Rsa { modulus, .. } => Some(modulus),
            _ => None,
        }
    }

    /// Returns the type and size.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        match &self.numbers {
            PublicKeyNumbers::Rsa { modulus, .. } => {
                KeyAlgorithm::Rsa { bits: bit_length(modulus) }
            }
            PublicKeyNumbers::Ec { curve, .. } => KeyAlgorithm::Ec(*curve),
            PublicKeyNumbers::Ed25519 { .. } => KeyAlgorithm::Ed25519,
            PublicKeyNumbers::Other { algorithm, .. } => KeyAlgorithm::Other(*algorithm),
        }
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for PublicKey {}

impl core::hash::Hash for PublicKey {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.numbers.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.algorithm())
    }
}

/// Counts the bits of a big-endian number without leading zero octets.
fn bit_length(bytes: &[u8]) -> u32 {
    let Some(first) = bytes.first() else { return 0 };
    u32::try_from(bytes.len()).map_or(u32::MAX, |len| len.saturating_mul(8)) - first.leading_zeros()
}

fn rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<PublicKeyNumbers, PublicKeyError> {
    let (modulus, exponent) = (strip_leading_zeros(modulus), strip_leading_zeros(exponent));
    let odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
    // An exponent of 1 makes every message its own signature; an even one has no inverse.
    if !odd(modulus)
        || !odd(exponent)
        || exponent == [1]
        || bit_length(modulus) > MAX_RSA_BITS
        || exponent.len() > modulus.len()
    {
        return Err(PublicKeyError::RsaNumbers);
    }
    Ok(PublicKeyNumbers::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

fn ec_numbers(curve: EcCurve, point: &[u8]) -> Result<PublicKeyNumbers, PublicKeyError> {
    if point.len() != 1 + 2 * curve.field_len() || point.first() != Some(&4) {
        return Err(PublicKeyError::EcPoint);
    }
    Ok(PublicKeyNumbers::Ec { curve, point: point.to_vec() })
}

fn ed25519_numbers(point: &[u8]) -> Result<PublicKeyNumbers, PublicKeyError> {
    let point = point.try_into().map_err(|_| PublicKeyError::Ed25519)?;
    Ok(PublicKeyNumbers::Ed25519 { point })
}

fn spki_der(
    oid: ObjectIdentifier,
    parameters: Option<AnyRef<'_>>,
    bits: &[u8],
) -> Result<Vec<u8>, PublicKeyError> {
    Ok(SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef { oid, parameters },
        subject_public_key: BitStringRef::from_bytes(bits)?,
    }
    .to_der()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus() -> Vec<u8> {
        let mut modulus = vec![0xc3; 256];
        modulus[255] = 0x01;
        modulus
    }

    #[test]
    fn numbers_go_through_spki_and_back() {
        let key = PublicKey::from_rsa_numbers(&modulus(), &[1, 0, 1]).unwrap();
        assert_eq!(key.algorithm(), KeyAlgorithm::Rsa { bits: 2048 });
        assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);

        for curve in EcCurve::ALL {
            let mut point = vec![7; 1 + 2 * curve.field_len()];
            point[0] = 4;
            let key = PublicKey::from_ec_point(curve, &point).unwrap();
            assert_eq!(key.algorithm(), KeyAlgorithm::Ec(curve));
            assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
        }
    }

    /// The key of RFC 8410 section 10.1.
    const RFC8410_SPKI: [u8; 44] = [
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x19, 0xbf, 0x44,
        0x09, 0x69, 0x84, 0xcd, 0xfe, 0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96, 0xc8, 0x50,
        0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb, 0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1,
    ];

    #[test]
    fn an_ed25519_key_is_its_point_and_has_no_parameters() {
        let key = PublicKey::from_spki_der(&RFC8410_SPKI).unwrap();
        assert_eq!(key.algorithm(), KeyAlgorithm::Ed25519);
        assert_eq!(key.algorithm().to_string(), "Ed25519");
        let made = PublicKey::from_ed25519_point(&RFC8410_SPKI[12..]).unwrap();
        assert_eq!(made, key);
        assert_eq!(made.spki_der(), RFC8410_SPKI);

        for len in [0, 31, 33, 57] {
            let error = PublicKey::from_ed25519_point(&vec![1; len]).unwrap_err();
            assert_eq!(error, PublicKeyError::Ed25519, "{len}");
        }
        let with_null = spki_der(ED25519, Some(AnyRef::NULL), &RFC8410_SPKI[12..]).unwrap();
        assert_eq!(PublicKey::from_spki_der(&with_null), Err(PublicKeyError::Ed25519));
    }

    #[test]
    fn keys_are_compared_as_numbers() {
        let key = PublicKey::from_rsa_numbers(&modulus(), &[1, 0, 1]).unwrap();
        let mut padded = vec![0, 0];
        padded.extend(modulus());
        assert_eq!(PublicKey::from_rsa_numbers(&padded, &[0, 1, 0, 1]).unwrap(), key);

        // The same key with the parameters left out, as some encoders do.
        let without_null = spki_der_without_parameters(key.subject_public_key());
        let other = PublicKey::from_spki_der(&without_null).unwrap();
        assert_ne!(other.spki_der(), key.spki_der());
        assert_eq!(other, key);

        assert_ne!(PublicKey::from_rsa_numbers(&modulus(), &[3]).unwrap(), key);
    }

    fn spki_der_without_parameters(bits: &[u8]) -> Vec<u8> {
        SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: None },
            subject_public_key: BitStringRef::from_bytes(bits).unwrap(),
        }
        .to_der()
        .unwrap()
    }

    #[test]
    fn numbers_no_key_has_are_refused() {
        for (n, e) in [
            (vec![], vec![3]),
            (modulus(), vec![1]),
            (modulus(), vec![2]),
            (modulus(), vec![]),
            (vec![0xfe; 256], vec![3]),
            (vec![0xff; 4096], vec![3]),
        ] {
            assert_eq!(PublicKey::from_rsa_numbers(&n, &e), Err(PublicKeyError::RsaNumbers));
        }
        assert_eq!(PublicKey::from_ec_point(EcCurve::P256, &[4; 33]), Err(PublicKeyError::EcPoint));
        assert_eq!(
            PublicKey::from_ec_point(EcCurve::P256, &[2; 65]),
            Err(PublicKeyError::EcPoint),
            "a compressed form's first octet"
        );
    }
}
