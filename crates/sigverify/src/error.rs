//! Why a signature does not verify.

use core::error::Error;
use core::fmt;

use chancery_key::{KeyAlgorithm, SignatureScheme};

/// Why a signature does not verify, told apart by what the caller can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The scheme is not one for keys of this type: whoever paired the two made a mistake.
    SchemeDoesNotFitKey {
        /// The scheme that was asked for.
        scheme: SignatureScheme,
        /// The type of the key it was asked of.
        key: KeyAlgorithm,
    },
    /// The key is none that signatures can be verified with here.
    UnsupportedKey {
        /// The type of the key.
        key: KeyAlgorithm,
        /// What is the matter with it.
        defect: KeyDefect,
    },
    /// The bytes are no signature of this scheme and key at all: not strict DER, for RSA not as long as the
    /// modulus, for Ed25519 not 64.
    Encoding,
    /// The bytes are in the form of a signature, and it is not one by this key over this message.
    BadSignature,
    /// A digest was given, and the scheme is over the message itself: a mistake of the caller.
    NeedsMessage {
        /// The scheme that was asked for.
        scheme: SignatureScheme,
    },
    /// A digest was given that has not the length of the scheme's hash: a mistake of the caller.
    DigestLength {
        /// The length of the scheme's hash in bytes.
        expected: usize,
        /// The length of what was given, in bytes.
        given: usize,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SchemeDoesNotFitKey { scheme, key } => {
                write!(f, "{scheme} is no scheme for a key of type {key}")
            }
            Self::UnsupportedKey { key, defect } => {
                write!(f, "cannot verify with this key ({key}): {defect}")
            }
            Self::Encoding => f.write_str("not in the form of a signature by such a key"),
            Self::BadSignature => f.write_str("not a signature by this key over this message"),
            Self::NeedsMessage { scheme } => {
                write!(
                    f,
                    "{scheme} is over the message itself, and a digest does not say what that is"
                )
            }
            Self::DigestLength { expected, given } => {
                write!(f, "a digest of {given} bytes where the scheme's hash has {expected}")
            }
        }
    }
}

impl Error for VerifyError {}

/// What keeps a public key from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyDefect {
    /// Its type is neither RSA, nor a known elliptic curve, nor Ed25519.
    Type,
    /// Its RSA modulus is shorter than 512 or longer than 16384 bits.
    RsaModulus,
    /// Its RSA exponent is 2³³ or more. Such an exponent makes verifying slow and nothing safer.
    RsaExponent,
    /// Its point is not on its curve.
    EcPoint,
    /// Its point has a small order, which that of no generated key has: by it, one signature holds for many
    /// messages.
    SmallOrder,
}

impl fmt::Display for KeyDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "neither RSA, nor a known elliptic curve, nor Ed25519",
            Self::RsaModulus => "the modulus has not 512 to 16384 bits",
            Self::RsaExponent => "the public exponent is longer than 33 bits",
            Self::EcPoint => "the point is not on the curve",
            Self::SmallOrder => "the point has a small order",
        })
    }
}
