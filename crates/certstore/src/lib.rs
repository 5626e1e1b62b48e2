#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a test that goes out of bounds fails, as it should"
    )
)]

mod binding;
mod entry;
mod error;
mod format;
mod memory;
mod property;
mod property_inf;
mod query;
mod registry;
mod serialized;
mod sst_file;
mod store;
mod system;
mod thumbprint;
mod wide;
#[cfg(windows)]
mod windows_store;

pub use binding::{BindingError, KeyBinding, ProviderParameter, key_spec, provider_flag};
pub use entry::Entry;
pub use error::{StoreError, StoreErrorKind};
pub use format::FormatError;
pub use memory::MemoryStore;
pub use property::{Properties, PropertyError, PropertyId};
pub use property_inf::{PropertyInfError, PropertyInfErrorKind, read_property_inf};
pub use query::CertificateQuery;
pub use registry::RegistryFile;
pub use serialized::{
    Element, List, MAX_PROPERTIES, MAX_STORE_LEN, read_blob, read_sst, write_blob, write_sst,
};
pub use sst_file::{LOCK_PATIENCE, SstFile, StoreFolder};
pub use store::{Added, CertificateStore, IfPresent, PropertyChange};
pub use system::{Location, SystemStore, SystemStoreError};
pub use thumbprint::{Thumbprint, ThumbprintError};
#[cfg(windows)]
pub use windows_store::WindowsStore;
