//! Private keys on the NIST curves: SEC 1 in and out, deterministic signing.

use chancery_key::{
    DigestAlgorithm, EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, SchemeFamily,
    SignatureScheme,
};
use der::{Decode, SecretDocument};
use ecdsa::hazmat::sign_prehashed_rfc6979;
use getrandom::SysRng;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use sec1::{EcParameters, EcPrivateKey};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

/// What a key on any of the curves signs with. SHA-1 is left out: nothing new should be signed
/// with it.
pub(crate) const SCHEMES: &[SignatureScheme] =
    &[SignatureScheme::EcdsaSha256, SignatureScheme::EcdsaSha384, SignatureScheme::EcdsaSha512];

/// A private key on one of the curves, and its public half.
pub(crate) struct EcKey {
    secret: Secret,
    /// The public point, uncompressed (SEC 1 section 2.3.3). Computing it takes about as long as signing.
    point: Box<[u8]>,
}

/// The private number; wiped when dropped.
enum Secret {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
}

/// Does the same with the key of whichever curve it is.
macro_rules! on_curve {
    ($secret:expr, $key:ident => $body:expr) => {
        match $secret {
            Secret::P256($key) => $body,
            Secret::P384($key) => $body,
            Secret::P521($key) => $body,
        }
    };
}

impl EcKey {
    fn new(secret: Secret) -> Self {
        let point = secret.point(false);
        Self { secret, point }
    }

    /// Makes a key.
    pub(crate) fn generate(curve: EcCurve) -> Result<Self, KeyError> {
        let rng = &mut SysRng;
        match curve {
            EcCurve::P256 => p256::SecretKey::try_generate_from_rng(rng).map(Secret::P256),
            EcCurve::P384 => p384::SecretKey::try_generate_from_rng(rng).map(Secret::P384),
            EcCurve::P521 => p521::SecretKey::try_generate_from_rng(rng).map(Secret::P521),
            _ => return Err(unknown_curve()),
        }
        .map(Self::new)
        .map_err(|error| {
            KeyError::new(KeyErrorKind::Unavailable, "the operating system gives no random numbers")
                .with_source(error)
        })
    }

    /// Reads an `ECPrivateKey` (RFC 5915 section 3). `curve` is the one an enclosing PKCS#8 names;
    /// the key's own parameters, where it has them, must not say otherwise.
    pub(crate) fn from_sec1_der(der: &[u8], curve: Option<EcCurve>) -> Result<Self, KeyError> {
        let parts = EcPrivateKey::from_der(der).map_err(|error| {
            KeyError::new(KeyErrorKind::Malformed, "not an EC private key with a named curve")
                .with_source(error)
        })?;
        let own = match parts.parameters {
            Some(EcParameters::NamedCurve(oid)) => {
                Some(EcCurve::from_oid(oid).ok_or_else(unknown_curve)?)
            }
            None => None,
        };
        let curve = match (curve, own) {
            (Some(outer), Some(own)) if outer != own => {
                return Err(KeyError::new(
                    KeyErrorKind::Malformed,
                    format!("the file says {outer} outside the key and {own} inside"),
                ));
            }
            (Some(curve), _) | (None, Some(curve)) => curve,
            (None, None) => {
                return Err(KeyError::new(
                    KeyErrorKind::Malformed,
                    "the EC private key does not name its curve",
                ));
            }
        };
        let secret = parts.private_key;
        let key = match curve {
            EcCurve::P256 => p256::SecretKey::from_slice(secret).map(Secret::P256),
            EcCurve::P384 => p384::SecretKey::from_slice(secret).map(Secret::P384),
            EcCurve::P521 => p521::SecretKey::from_slice(secret).map(Secret::P521),
            _ => return Err(unknown_curve()),
        }
        .map(Self::new)
        .map_err(|error| {
            KeyError::new(KeyErrorKind::Malformed, format!("not a private number of {curve}"))
                .with_source(error)
        })?;
        // The file may hold the point in either form, ours or the compressed one.
        let fits = |claimed: &[u8]| *key.point == *claimed || *key.secret.point(true) == *claimed;
        if !parts.public_key.is_none_or(fits) {
            return Err(KeyError::new(
                KeyErrorKind::Malformed,
                "the public half in the file is not that of the private half",
            ));
        }
        Ok(key)
    }

    /// Writes an `ECPrivateKey` that holds the public half too, and no parameters: those belong into
    /// the PKCS#8 around it.
    pub(crate) fn to_sec1_der(&self) -> Result<SecretDocument, KeyError> {
        let secret = Zeroizing::new(on_curve!(&self.secret, key => key.to_bytes().to_vec()));
        SecretDocument::encode_msg(&EcPrivateKey {
            private_key: &secret,
            parameters: None,
            public_key: Some(&self.point),
        })
        .map_err(|error| {
            KeyError::new(KeyErrorKind::Malformed, "the EC key cannot be encoded")
                .with_source(error)
        })
    }

    pub(crate) const fn curve(&self) -> EcCurve {
        match self.secret {
            Secret::P256(_) => EcCurve::P256,
            Secret::P384(_) => EcCurve::P384,
            Secret::P521(_) => EcCurve::P521,
        }
    }

    /// Returns the public half.
    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_ec_point(self.curve(), &self.point).map_err(|error| {
            KeyError::new(
                KeyErrorKind::Malformed,
                format!("the public half of a key of type {}", KeyAlgorithm::Ec(self.curve())),
            )
            .with_source(error)
        })
    }

    /// Signs a digest with the `k` of RFC 6979, derived with the scheme's own hash.
    ///
    /// Gives `None` for a scheme that is none of [`SCHEMES`].
    pub(crate) fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Option<Vec<u8>> {
        if scheme.family() != SchemeFamily::Ecdsa {
            return None;
        }
        macro_rules! sign {
            ($hash:ty) => {
                on_curve!(&self.secret, key => {
                    let scalar = key.to_nonzero_scalar();
                    let (signature, _) = sign_prehashed_rfc6979::<_, $hash>(&scalar, digest, &[]);
                    signature.to_der().as_bytes().to_vec()
                })
            };
        }
        match scheme.digest() {
            DigestAlgorithm::Sha256 => Some(sign!(Sha256)),
            DigestAlgorithm::Sha384 => Some(sign!(Sha384)),
            DigestAlgorithm::Sha512 => Some(sign!(Sha512)),
            _ => None,
        }
    }
}

impl Secret {
    /// Computes the public point (SEC 1 section 2.3.3).
    fn point(&self, compressed: bool) -> Box<[u8]> {
        on_curve!(self, key => key.public_key().to_sec1_point(compressed).to_bytes())
    }
}

fn unknown_curve() -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, "elliptic curve is none of P-256, P-384, P-521")
}
