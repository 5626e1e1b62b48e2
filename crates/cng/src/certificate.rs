//! The key that belongs to a certificate in a system store.

use chancery_key::{KeyError, KeyErrorKind, SigningKey};

use crate::ffi::{self, Acquired};
use crate::{CspKey, KeyStorageKey};

/// Opens the key that the system store `My`, the user's or the computer's, has bound to a certificate, given in
/// DER. Windows compares the public halves.
///
/// # Errors
/// [`KeyErrorKind::NotFound`] where the store does not have the certificate or no key bound to it,
/// [`KeyErrorKind::Mismatch`] where the key is another one.
pub fn open_for_certificate(der: &[u8], machine: bool) -> Result<Box<dyn SigningKey>, KeyError> {
    let place = if machine { "LocalMachine" } else { "CurrentUser" };
    let acquired = ffi::acquire(der, machine).map_err(|error| {
        error.at(format!("cannot open the key of the certificate in {place}\\My"))
    })?;
    let name = format!("bound to the certificate in {place}\\My");
    match acquired {
        Some(Acquired::Csp(context, spec)) => Ok(Box::new(CspKey::new(name, context, spec)?)),
        Some(Acquired::Cng(key)) => Ok(Box::new(KeyStorageKey::new(name, key)?)),
        None => Err(KeyError::new(
            KeyErrorKind::NotFound,
            format!("the certificate is not in {place}\\My"),
        )),
    }
}
