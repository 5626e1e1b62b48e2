//! Opening keys by address, whatever kind of provider has them.

use chancery_key::{KeyError, KeyErrorKind, SigningKey};

use crate::{Address, CspKey, KeyStorageKey, Service};

/// Opens the key at an address.
///
/// # Errors
/// As [`CspKey::open`] and [`KeyStorageKey::open`].
pub fn open(address: &Address) -> Result<Box<dyn SigningKey>, KeyError> {
    Ok(match address.service {
        Service::KeyStorage => Box::new(KeyStorageKey::open(address)?),
        Service::Csp { .. } => Box::new(CspKey::open(address)?),
    })
}

/// Reads the address that a store gave for a key.
pub(crate) fn parse(address: &str) -> Result<Address, KeyError> {
    address.parse().map_err(|error| {
        let message = format!("`{address}` is no address of a key in Windows");
        KeyError::new(KeyErrorKind::Malformed, message).with_source(error)
    })
}
