//! A store in memory.

use crate::{
    Added, CertificateStore, Entry, IfPresent, PropertyChange, StoreError, Thumbprint, store,
};

/// A store that is gone with the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore(Vec<Entry>);

impl MemoryStore {
    /// Is empty.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Holds these, as they are.
    #[must_use]
    pub const fn from_entries(entries: Vec<Entry>) -> Self {
        Self(entries)
    }
}

impl CertificateStore for MemoryStore {
    fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.0.clone())
    }

    fn add(&mut self, entry: Entry, if_present: IfPresent) -> Result<Added, StoreError> {
        store::add(&mut self.0, entry, if_present)
    }

    fn remove(&mut self, certificate: &Thumbprint) -> Result<Entry, StoreError> {
        store::remove(&mut self.0, certificate)
    }

    fn update(
        &mut self,
        certificate: &Thumbprint,
        changes: &[PropertyChange],
    ) -> Result<(), StoreError> {
        store::update(&mut self.0, certificate, changes)
    }
}
