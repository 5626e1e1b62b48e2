#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests take blobs apart at places they know to be there"
    )
)]

mod address;
mod blob;
mod error;

#[cfg(windows)]
mod certificate;
#[cfg(windows)]
mod csp_key;
#[cfg(windows)]
mod csp_store;
#[cfg(windows)]
mod digest;
#[cfg(windows)]
#[expect(unsafe_code, reason = "Windows is called in C, and this is the one place that calls it")]
mod ffi;
#[cfg(windows)]
mod key_storage;
#[cfg(windows)]
mod key_storage_key;
#[cfg(windows)]
mod open;

pub use address::{Address, AddressError, KeySpec, SOFTWARE_PROVIDER, Service};
pub use blob::{BlobError, public_key_from_cng_blob, public_key_from_csp_blob};
pub use error::CngError;

#[cfg(windows)]
pub use certificate::open_for_certificate;
#[cfg(windows)]
pub use csp_key::CspKey;
#[cfg(windows)]
pub use csp_store::{CspStore, ServiceProvider, service_providers};
#[cfg(windows)]
pub use key_storage::{KeyStorage, key_storage_providers};
#[cfg(windows)]
pub use key_storage_key::KeyStorageKey;
#[cfg(windows)]
pub use open::{find, find_in_software, generate, open, open_digest_signer};
