//! Ed25519 private keys: PKCS#8 contents in and out (RFC 8410 section 7), signing (RFC 8032 section 5.1.6).

use chancery_key::{KeyError, KeyErrorKind, PublicKey, SignatureScheme};
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

/// What an Ed25519 key signs with.
pub(crate) const SCHEMES: &[SignatureScheme] = &[SignatureScheme::Ed25519];

/// A private key; wiped when dropped.
pub(crate) struct Ed25519Key(SigningKey);

impl Ed25519Key {
    /// Makes a key: 32 random octets.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|error| {
            KeyError::new(KeyErrorKind::Unavailable, "the operating system gives no random numbers")
                .with_source(error)
        })?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads the `CurvePrivateKey` inside a PKCS#8, an octet string of 32 octets. `public` is the public half,
    /// where the file has it too.
    pub(crate) fn from_curve_private_key(
        der: &[u8],
        public: Option<&[u8]>,
    ) -> Result<Self, KeyError> {
        let malformed = |message| KeyError::new(KeyErrorKind::Malformed, message);
        let seed = <&OctetStringRef>::from_der(der)
            .ok()
            .and_then(|octets| <&[u8; 32]>::try_from(octets.as_bytes()).ok())
            .ok_or_else(|| malformed("the private half of an Ed25519 key is not 32 octets"))?;
        let key = Self(SigningKey::from_bytes(seed));
        if public.is_some_and(|claimed| claimed != key.0.verifying_key().as_bytes()) {
            return Err(malformed("the public half in the file is not that of the private half"));
        }
        Ok(key)
    }

    /// Writes a `CurvePrivateKey`.
    pub(crate) fn to_curve_private_key(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        OctetStringRef::new(self.0.as_bytes())
            .and_then(|seed| seed.to_der())
            .map(Zeroizing::new)
            .map_err(|error| {
                KeyError::new(KeyErrorKind::Malformed, "the Ed25519 key cannot be encoded")
                    .with_source(error)
            })
    }

    /// Returns the public half.
    pub(crate) fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_ed25519_point(self.0.verifying_key().as_bytes()).map_err(|error| {
            KeyError::new(KeyErrorKind::Malformed, "the public half of a key of type Ed25519")
                .with_source(error)
        })
    }

    /// Signs a message: the 64 octets `R ‖ S`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).to_bytes().to_vec()
    }
}
