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

mod binding;
mod entry;
mod error;
mod memory;
mod property;
mod query;
mod store;
mod thumbprint;
mod wide;

pub use binding::{BindingError, KeyBinding, ProviderParameter, key_spec, provider_flag};
pub use entry::Entry;
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use property::{Properties, PropertyError, PropertyId};
pub use query::CertificateQuery;
pub use store::{Added, CertificateStore, IfPresent, PropertyChange};
pub use thumbprint::{Thumbprint, ThumbprintError};
