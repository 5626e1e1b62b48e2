//! A private key of any type, and its encodings.

use chancery_key::{EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, PublicKey};
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, SecretDocument};
use pkcs8::PrivateKeyInfoRef;
use rsa::RsaPrivateKey;
use spki::AlgorithmIdentifierRef;

use crate::ec_key::EcKey;
use crate::rsa_key;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The secret; wiped when dropped, as both types inside see to.
pub(crate) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    Ec(EcKey),
}

impl PrivateKey {
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa { bits } => Ok(Self::Rsa(Box::new(rsa_key::generate(bits)?))),
            KeyAlgorithm::Ec(curve) => Ok(Self::Ec(EcKey::generate(curve)?)),
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
            other => Err(KeyError::new(
                KeyErrorKind::Malformed,
                format!("a private key of type {other}, where RSA and EC are read"),
            )),
        }
    }

    pub(crate) fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        rsa_key::from_pkcs1_der(der).map(|key| Self::Rsa(Box::new(key)))
    }

    pub(crate) fn from_sec1_der(der: &[u8]) -> Result<Self, KeyError> {
        EcKey::from_sec1_der(der, None).map(Self::Ec)
    }

    /// Writes a `PrivateKeyInfo`.
    pub(crate) fn to_pkcs8_der(&self) -> Result<SecretDocument, KeyError> {
        let (inner, oid) = match self {
            Self::Rsa(key) => (rsa_key::to_pkcs1_der(key)?, RSA_ENCRYPTION),
            Self::Ec(key) => (key.to_sec1_der()?, EC_PUBLIC_KEY),
        };
        let curve = match self {
            Self::Rsa(_) => None,
            Self::Ec(key) => Some(key.curve().oid()),
        };
        let parameters = curve.as_ref().map_or(AnyRef::NULL, AnyRef::from);
        let algorithm = AlgorithmIdentifierRef { oid, parameters: Some(parameters) };
        OctetStringRef::new(inner.as_bytes())
            .and_then(|inner| SecretDocument::encode_msg(&PrivateKeyInfoRef::new(algorithm, inner)))
            .map_err(|error| {
                KeyError::new(KeyErrorKind::Malformed, "the key cannot be encoded")
                    .with_source(error)
            })
    }

    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        match self {
            Self::Rsa(key) => rsa_key::public_key(key),
            Self::Ec(key) => key.public_key(),
        }
    }
}
