//! The seam: a place that keeps certificates with their properties.

use core::fmt;
use std::collections::HashSet;

use chancery_key::Match;

use crate::{CertificateQuery, Entry, PropertyId, StoreError, StoreErrorKind, Thumbprint};

/// What to do where a certificate is in the store already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IfPresent {
    /// Refuse (CERT_STORE_ADD_NEW).
    #[default]
    Refuse,
    /// Leave it as it is, with the properties it has (CERT_STORE_ADD_USE_EXISTING).
    Keep,
    /// Put the new one in its place; its properties go (CERT_STORE_ADD_REPLACE_EXISTING).
    Replace,
    /// Put the new one in its place, with the old properties it has none of its own for
    /// (CERT_STORE_ADD_REPLACE_EXISTING_INHERIT_PROPERTIES).
    Inherit,
}

/// What became of a certificate that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Added {
    /// It is new in the store.
    New,
    /// It was there, and has the properties given now.
    Replaced,
    /// It was there, and is as it was.
    Kept,
}

/// A property to set, or with no value to remove.
pub type PropertyChange = (PropertyId, Option<Vec<u8>>);

/// A store of certificates.
///
/// Each method is one step: what it changed is kept when it returns, and where it fails the store is as it was.
/// A certificate is named by its [`Thumbprint`].
pub trait CertificateStore: fmt::Debug {
    /// Returns all there is, those out of use (property 19) too, in the order of the store.
    ///
    /// # Errors
    /// [`StoreError`] with what keeps the store from being read.
    fn entries(&self) -> Result<Vec<Entry>, StoreError>;

    /// Adds a certificate with its properties. Hashes among them (3, 4, 15, 107) are not believed, and computed
    /// afresh where the store keeps any.
    ///
    /// # Errors
    /// [`StoreErrorKind::AlreadyExists`] by [`IfPresent::Refuse`]; what keeps the store from being written.
    fn add(&mut self, entry: Entry, if_present: IfPresent) -> Result<Added, StoreError>;

    /// Removes a certificate, all copies of it, and returns the first.
    ///
    /// # Errors
    /// [`StoreErrorKind::NotFound`]; what keeps the store from being written.
    fn remove(&mut self, certificate: &Thumbprint) -> Result<Entry, StoreError>;

    /// Sets and removes properties of a certificate, all in one step.
    ///
    /// # Errors
    /// [`StoreErrorKind::NotFound`]; [`StoreErrorKind::Ambiguous`] where the store has the certificate several times;
    /// what keeps the store from being written.
    fn update(
        &mut self,
        certificate: &Thumbprint,
        changes: &[PropertyChange],
    ) -> Result<(), StoreError>;

    /// Finds certificates. One that is there twice with the same properties is one answer; with different ones it is
    /// two.
    ///
    /// # Errors
    /// Those of [`entries`](Self::entries). Finding nothing is [`Match::None`].
    fn find(&self, query: &CertificateQuery) -> Result<Match<Entry>, StoreError> {
        let mut found: Vec<Entry> = Vec::new();
        let mut seen = HashSet::new();
        for entry in self.entries()? {
            if query.matches(&entry) && seen.insert(entry.digest()) {
                found.push(entry);
            }
        }
        Ok(found.into())
    }
}

/// The rules of adding, removing and changing, over entries in memory.
pub(crate) fn add(
    entries: &mut Vec<Entry>,
    mut entry: Entry,
    if_present: IfPresent,
) -> Result<Added, StoreError> {
    entry.forget_hashes();
    let der = entry.der().to_vec();
    let Some(first) = entries.iter().position(|other| other.der() == der) else {
        entries.push(entry);
        return Ok(Added::New);
    };
    match if_present {
        IfPresent::Refuse => {
            return Err(StoreError::new(
                StoreErrorKind::AlreadyExists,
                format!("certificate {} is in the store already", entry.thumbprint()),
            ));
        }
        IfPresent::Keep => return Ok(Added::Kept),
        IfPresent::Inherit => {
            for old in entries.iter().filter(|other| other.der() == der) {
                for (id, value) in old.properties().iter() {
                    if entry.properties().get(id).is_none() {
                        entry.properties_mut().set(id, value);
                    }
                }
            }
        }
        IfPresent::Replace => {}
    }
    if let Some(place) = entries.get_mut(first) {
        *place = entry;
    }
    // Copies behind the first would bring the old properties back.
    let mut index = 0_usize;
    entries.retain(|other| {
        let stays = index <= first || other.der() != der;
        index = index.saturating_add(1);
        stays
    });
    Ok(Added::Replaced)
}

pub(crate) fn remove(
    entries: &mut Vec<Entry>,
    certificate: &Thumbprint,
) -> Result<Entry, StoreError> {
    let mut removed = None;
    entries.retain(|entry| {
        let goes = entry.thumbprint() == *certificate;
        if goes && removed.is_none() {
            removed = Some(entry.clone());
        }
        !goes
    });
    removed.ok_or_else(|| not_found(certificate))
}

pub(crate) fn update(
    entries: &mut [Entry],
    certificate: &Thumbprint,
    changes: &[PropertyChange],
) -> Result<(), StoreError> {
    let mut fitting = entries.iter_mut().filter(|entry| entry.thumbprint() == *certificate);
    let entry = fitting.next().ok_or_else(|| not_found(certificate))?;
    if fitting.next().is_some() {
        return Err(StoreError::new(
            StoreErrorKind::Ambiguous,
            format!("certificate {certificate} is in the store several times"),
        ));
    }
    for (id, value) in changes {
        match value {
            Some(value) => entry.properties_mut().set(*id, value.as_slice()),
            None => {
                entry.properties_mut().remove(*id);
            }
        }
    }
    Ok(())
}

fn not_found(certificate: &Thumbprint) -> StoreError {
    StoreError::new(
        StoreErrorKind::NotFound,
        format!("no certificate {certificate} is in the store"),
    )
}
