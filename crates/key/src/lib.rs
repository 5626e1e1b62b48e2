#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod algorithm_name;
mod encoding;
mod error;
mod generator;
pub mod hazmat;
mod pin;
mod public_key;
mod scheme;
mod signing;
mod store;

pub use algorithm_name::algorithm_name;
pub use encoding::{ecdsa_der_from_fixed, ecdsa_fixed_from_der};
pub use error::{KeyError, KeyErrorKind};
pub use generator::{KeyGenerator, KeyTemplate};
pub use pin::{Pin, PinPurpose, PinRequest, PinSource, RememberedPins, without_pin_value};
pub use public_key::{EcCurve, KeyAlgorithm, PublicKey, PublicKeyError, PublicKeyNumbers};
pub use scheme::{DigestAlgorithm, SchemeFamily, SignatureScheme, UnknownName};
pub use signing::{Signature, SigningKey};
pub use store::{KeyInfo, KeyQuery, KeyStore, Match};
