//! A private key of any type, and its encodings.

use chancery_key::{EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, algorithm_name};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, SecretDocument};
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;

use crate::ec_key::EcKey;
use crate::ed25519_key::Ed25519Key;
use crate::rsa_key::RsaKey;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The secret; wiped when dropped, as the types inside see to.
pub(crate) enum PrivateKey {
    Rsa(Box<RsaKey>),
    Ec(EcKey),
    Ed25519(Ed25519Key),
}

impl PrivateKey {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa { bits } => Ok(Self::Rsa(Box::new(RsaKey::generate(bits)?))),
            KeyAlgorithm::Ec(curve) => Ok(Self::Ec(EcKey::generate(curve)?)),
            KeyAlgorithm::Ed25519 => Ok(Self::Ed25519(Ed25519Key::generate()?)),
            other => Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("keys of type {other} are not made in software"),
            )),
        }
    }

    /// Reads a `PrivateKeyInfo` (RFC 5958 section 2).
    pub(crate) fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der).map_err(|error| {
            KeyError::new(KeyErrorKind::Malformed, "not a PKCS#8 private key").with_source(error)
        })?;
        match info.algorithm.oid {
            RSA_ENCRYPTION => Self::from_pkcs1_der(info.private_key.as_bytes()),
            EC_PUBLIC_KEY => {
                let curve = info
                    .algorithm
                    .parameters
                    .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok())
                    .and_then(EcCurve::from_oid)
                    .ok_or_else(|| {
                        KeyError::new(
                            KeyErrorKind::Malformed,
                            "elliptic curve is none of P-256, P-384, P-521",
                        )
                    })?;
                EcKey::from_sec1_der(info.private_key.as_bytes(), Some(curve)).map(Self::Ec)
            }
            // RFC 8410 section 3: the parameters must be absent.
            ED25519 if info.algorithm.parameters.is_some() => Err(KeyError::new(
                KeyErrorKind::Malformed,
                "an Ed25519 key with parameters, where there are none",
            )),
            ED25519 => {
                let public =
                    info.public_key.as_ref().map(|bits| bits.as_bytes().unwrap_or_default());
                Ed25519Key::from_curve_private_key(info.private_key.as_bytes(), public)
                    .map(Self::Ed25519)
            }
            other => {
                let name = algorithm_name(other).map_or_else(|| other.to_string(), str::to_owned);
                Err(KeyError::new(
                    KeyErrorKind::Malformed,
                    format!("a private key of type {name}, where RSA, EC and Ed25519 are read"),
                ))
            }
        }
    }

    pub(crate) fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        RsaKey::from_pkcs1_der(der).map(|key| Self::Rsa(Box::new(key)))
    }

    pub(crate) fn from_sec1_der(der: &[u8]) -> Result<Self, KeyError> {
        EcKey::from_sec1_der(der, None).map(Self::Ec)
    }

    /// Writes a `PrivateKeyInfo`.
    pub(crate) fn to_pkcs8_der(&self) -> Result<SecretDocument, KeyError> {
        let (inner, oid) = match self {
            Self::Rsa(key) => (key.to_pkcs1_der()?.to_bytes(), RSA_ENCRYPTION),
            Self::Ec(key) => (key.to_sec1_der()?.to_bytes(), EC_PUBLIC_KEY),
            Self::Ed25519(key) => (key.to_curve_private_key()?, ED25519),
        };
        let curve = match self {
            Self::Ec(key) => Some(key.curve().oid()),
            Self::Rsa(_) | Self::Ed25519(_) => None,
        };
        let parameters = match self {
            Self::Rsa(_) => Some(AnyRef::NULL),
            Self::Ec(_) => curve.as_ref().map(AnyRef::from),
            Self::Ed25519(_) => None,
        };
        let algorithm = AlgorithmIdentifierRef { oid, parameters };
        OctetStringRef::new(&inner)
            .and_then(|inner| SecretDocument::encode_msg(&PrivateKeyInfoRef::new(algorithm, inner)))
            .map_err(|error| {
                KeyError::new(KeyErrorKind::Malformed, "the key cannot be encoded")
                    .with_source(error)
            })
    }

    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Rsa(key) => key.public_key(),
            Self::Ec(key) => key.public_key(),
            Self::Ed25519(key) => key.public_key(),
        }
    }
}
