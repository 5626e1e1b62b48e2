#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests take key files apart at places they know to be there"
    )
)]

mod container;
mod directory;
mod ec_key;
mod ed25519_key;
mod encryption;
mod file;
mod pem;
#[cfg(feature = "pkcs12")]
mod pkcs12;
mod private_key;
mod rsa_key;
mod soft_key;

pub use directory::SoftKeyDirectory;
pub use encryption::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK};
pub use file::MAX_KEY_FILE_LEN;
#[cfg(feature = "pkcs12")]
pub use pkcs12::{MAX_PKCS12_ITERATIONS, MAX_PKCS12_TOTAL_ITERATIONS, Pkcs12};
pub use soft_key::SoftKey;
