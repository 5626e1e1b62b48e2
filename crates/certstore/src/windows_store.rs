//! The system stores of this Windows.

#[expect(unsafe_code, reason = "crypt32 is called in C, and this is the one place that calls it")]
mod ffi;

use crate::{
    Added, CertificateStore, Element, Entry, IfPresent, Location, PropertyChange, StoreError,
    StoreErrorKind, SystemStore, Thumbprint, read_blob, store, write_blob,
};
use ffi::{CallError, Handle};

/// A system store of the Windows this runs on, as `LocalMachine/My`.
///
/// Certificates go in and out as serialized elements, the form the registry has. What is in the store already is never
/// changed in place: it is removed, the removal is committed, and the new one is added with all its properties.
/// So a change is kept by any crypt32 we know, and one that fails puts the old certificate back.
///
/// A store of the user shows the computer's certificates too, as everywhere in Windows.
#[derive(Clone, Debug)]
pub struct WindowsStore(SystemStore);

impl WindowsStore {
    /// Names the store. It is opened for each step, and made by the first that adds to it.
    #[must_use]
    pub const fn new(store: SystemStore) -> Self {
        Self(store)
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &SystemStore {
        &self.0
    }

    /// Lists the stores of the user and of the computer.
    ///
    /// # Errors
    /// [`StoreErrorKind::Io`] where Windows does not tell. A store of a name that is none of ours is left out.
    pub fn list() -> Result<Vec<SystemStore>, StoreError> {
        let mut stores = Vec::new();
        for location in [Location::CurrentUser, Location::LocalMachine] {
            let names = ffi::store_names(location.flags()).map_err(|error| {
                let message = format!("cannot list the stores of {location}");
                StoreError::new(StoreErrorKind::Io, message).with_source(error)
            })?;
            stores.extend(names.iter().filter_map(|name| SystemStore::new(location, name).ok()));
        }
        Ok(stores)
    }

    fn open(&self, access: ffi::Access) -> Result<Handle, StoreError> {
        let flags = Location::flags(self.0.location());
        Handle::open(self.0.name(), flags, access)
            .map_err(|error| self.failed("cannot open", error))
    }

    fn failed(&self, what: &str, error: CallError) -> StoreError {
        let kind = match error.code {
            // ERROR_FILE_NOT_FOUND, CRYPT_E_NOT_FOUND
            0x2 | 0x8009_2004 => StoreErrorKind::NotFound,
            // ERROR_ACCESS_DENIED, E_ACCESSDENIED
            0x5 | 0x8007_0005 => StoreErrorKind::NotPermitted,
            // CRYPT_E_EXISTS
            0x8009_2005 => StoreErrorKind::AlreadyExists,
            _ => StoreErrorKind::Io,
        };
        StoreError::new(kind, format!("{what} {}", self.0)).with_source(error)
    }

    /// Reads what the open store has.
    fn read(&self, handle: &Handle) -> Result<Vec<Entry>, StoreError> {
        let elements = handle.elements().map_err(|error| self.failed("cannot read", error))?;
        let read = |bytes: Vec<u8>| match read_blob(&bytes) {
            Ok(Element::Certificate(entry)) => Ok(entry),
            Ok(_) => Err(self.malformed("has something else where a certificate should be")),
            Err(error) => {
                Err(self.malformed("has a certificate we cannot read").with_source(error))
            }
        };
        elements.into_iter().map(read).collect()
    }

    fn malformed(&self, what: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Malformed, format!("{} {what}", self.0))
    }

    /// Puts `new` in the place of all copies of a certificate.
    fn replace(
        &self,
        handle: &Handle,
        certificate: &Thumbprint,
        old: &[Entry],
        new: &[Entry],
    ) -> Result<(), StoreError> {
        let outcome = self.write(handle, certificate, !old.is_empty(), new);
        if outcome.is_err() {
            // What can be done for the old ones; the first error says what went wrong.
            let _ = self.write(handle, certificate, true, old);
        }
        outcome
    }

    fn write(
        &self,
        handle: &Handle,
        certificate: &Thumbprint,
        is_there: bool,
        new: &[Entry],
    ) -> Result<(), StoreError> {
        let failed = |error| self.failed("cannot change", error);
        if is_there {
            handle.delete(certificate.as_bytes()).map_err(failed)?;
            // Wine forgets a removal that is not committed before something is added.
            handle.commit().map_err(failed)?;
        }
        for entry in new {
            let bytes = write_blob(&Element::Certificate(entry.clone())).map_err(|error| {
                self.malformed("cannot take the certificate").with_source(error)
            })?;
            handle.add(&bytes).map_err(failed)?;
        }
        handle.commit().map_err(failed)
    }

    /// Opens the store and picks the copies of a certificate.
    fn copies(&self, certificate: &Thumbprint) -> Result<(Handle, Vec<Entry>), StoreError> {
        let handle = self.open(ffi::Access::Change)?;
        let mut entries = self.read(&handle)?;
        entries.retain(|entry| entry.thumbprint() == *certificate);
        Ok((handle, entries))
    }
}

impl CertificateStore for WindowsStore {
    fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        match self.open(ffi::Access::Read) {
            Ok(handle) => self.read(&handle),
            // A store that nobody added to is not there yet, and is empty.
            Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn add(&mut self, entry: Entry, if_present: IfPresent) -> Result<Added, StoreError> {
        let certificate = entry.thumbprint();
        let (handle, old) = self.copies(&certificate)?;
        let mut new = old.clone();
        let added = store::add(&mut new, entry, if_present)?;
        if added != Added::Kept {
            self.replace(&handle, &certificate, &old, &new)?;
        }
        Ok(added)
    }

    fn remove(&mut self, certificate: &Thumbprint) -> Result<Entry, StoreError> {
        let (handle, old) = self.copies(certificate)?;
        let removed = store::remove(&mut old.clone(), certificate)?;
        self.replace(&handle, certificate, &old, &[])?;
        Ok(removed)
    }

    fn update(
        &mut self,
        certificate: &Thumbprint,
        changes: &[PropertyChange],
    ) -> Result<(), StoreError> {
        let (handle, old) = self.copies(certificate)?;
        let mut new = old.clone();
        store::update(&mut new, certificate, changes)?;
        self.replace(&handle, certificate, &old, &new)
    }
}
