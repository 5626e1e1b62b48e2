#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a test that goes out of bounds fails, as it should"
    )
)]

mod document;
mod modulus;
mod pairing;
mod search;

pub use document::{KeyDocument, KeyDocumentError, read_key_documents};
pub use modulus::{
    MAX_MODULUS_BITS, MAX_MODULUS_TEXT, MIN_MODULUS_BITS, Modulus, ModulusError, openssl_modulus,
};
pub use pairing::{HasPublicKey, pair};
pub use search::{FoundKey, Search, Wanted, find_in_stores};
