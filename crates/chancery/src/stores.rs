//! Certificates in stores, and the keys that belong to them.

mod lists;
mod pending;
mod signer;

use std::path::{Path, PathBuf};

use chancery_certstore::{
    Added, CertificateQuery, CertificateStore, Element, Entry, IfPresent, KeyBinding, Location,
    PropertyChange, PropertyId, StoreError, StoreErrorKind, StoreFolder, SystemStore,
    read_property_inf, read_sst,
};
use chancery_inf::Document;
use chancery_key::Match;
use chancery_x509::{Certificate, read_certificates};

use crate::key_finder::{BoundKey, KeyFinder, binding_to};
use crate::{Error, ErrorKind, KeyAddress, read_small_file};

/// The system stores of a user or machine, in a folder, or on Windows its own.
#[derive(Clone, Debug)]
pub struct Stores(Place);

#[derive(Clone, Debug)]
enum Place {
    Folder(StoreFolder),
    #[cfg(windows)]
    Windows,
}

/// A certificate that a workflow put into a store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The store.
    pub store: SystemStore,
    /// The certificate, as it is in the store now.
    pub entry: Entry,
    /// What became of it.
    pub added: Added,
}

/// A certificate whose key was bound to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Bound {
    /// The certificate, as it is in the store now.
    pub entry: Entry,
    /// The key's address; the pair was proved by a signature. `None` where the changes bind no key.
    pub key: Option<String>,
    /// Other certificates that came with it, and where they are.
    pub chain: Vec<Stored>,
    /// Roots that came with it. Trust is for people to give, so they were left out.
    pub roots: Vec<Certificate>,
}

impl Stores {
    /// Uses the stores in a folder.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(Place::Folder(StoreFolder::new(folder)))
    }

    /// Uses the stores of this Windows.
    #[cfg(windows)]
    #[must_use]
    pub const fn of_windows() -> Self {
        Self(Place::Windows)
    }

    /// Opens a store.
    #[must_use]
    pub fn open(&self, store: &SystemStore) -> Box<dyn CertificateStore> {
        match &self.0 {
            Place::Folder(folder) => Box::new(folder.open(store)),
            #[cfg(windows)]
            Place::Windows => Box::new(chancery_certstore::WindowsStore::new(store.clone())),
        }
    }

    /// Lists the stores there are.
    ///
    /// # Errors
    /// [`ErrorKind::Store`].
    pub fn list(&self) -> Result<Vec<SystemStore>, Error> {
        Ok(match &self.0 {
            Place::Folder(folder) => folder.list()?,
            #[cfg(windows)]
            Place::Windows => chancery_certstore::WindowsStore::list()?,
        })
    }

    /// Finds the one certificate of a store that a text names: by hash, serial number, or part of its subject.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]: [`StoreErrorKind::NotFound`], or [`StoreErrorKind::Ambiguous`] with the candidates' hashes.
    pub fn find_one(&self, store: &SystemStore, id: &str) -> Result<Entry, Error> {
        let query = CertificateQuery::any().with_id(id);
        match self.open(store).find(&query)? {
            Match::One(entry) => Ok(entry),
            Match::None => Err(Error::new(
                ErrorKind::Store(StoreErrorKind::NotFound),
                format!("no certificate `{id}` in {store}"),
            )),
            Match::Many(all) => {
                let same = all.windows(2).all(|pair| matches!(pair, [a, b] if a.der() == b.der()));
                let what = if same {
                    format!(
                        "certificate {id} is in {store} several times with different properties; \
                         remove it, or add it again with --if-present replace"
                    )
                } else {
                    format!("{} certificates in {store} fit `{id}`", all.len())
                };
                let mut candidates: Vec<String> =
                    all.iter().map(|entry| entry.thumbprint().to_string()).collect();
                candidates.dedup();
                Err(Error::new(ErrorKind::Store(StoreErrorKind::Ambiguous), what)
                    .with_candidates(candidates))
            }
        }
    }

    /// Adds every certificate of a file to a store: PEM, DER, or `.sst` with the properties in it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Malformed`], [`ErrorKind::Store`].
    pub fn add_file(
        &self,
        store: &SystemStore,
        file: &Path,
        if_present: IfPresent,
    ) -> Result<Vec<Stored>, Error> {
        let bytes = read_small_file(file)?;
        let entries = if bytes.starts_with(b"\0\0\0\0CERT") {
            let elements = read_sst(&bytes).map_err(|error| Error::malformed(file, error))?;
            let certificate = |element| match element {
                Element::Certificate(entry) => Some(entry),
                _ => None,
            };
            elements.into_iter().filter_map(certificate).collect()
        } else {
            read_certificates(&bytes)
                .map_err(|error| Error::malformed(file, error))?
                .into_iter()
                .map(Entry::new)
                .collect::<Vec<_>>()
        };
        entries.into_iter().map(|entry| self.add(store, entry, if_present)).collect()
    }

    fn add(
        &self,
        store: &SystemStore,
        entry: Entry,
        if_present: IfPresent,
    ) -> Result<Stored, Error> {
        let added = self.open(store).add(entry.clone(), if_present)?;
        Ok(Stored { store: store.clone(), entry, added })
    }

    /// Adds a certificate to a store, with the rest of its file as its chain, finds its key and binds it.
    ///
    /// The pair is proved by a signature before anything is written. Intermediate certificates go to the store CA of the
    /// location; roots do not go anywhere.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Malformed`], [`ErrorKind::Store`], and those of [`KeyFinder::find`].
    pub fn bind_file(
        &self,
        store: &SystemStore,
        file: &Path,
        chain: &[PathBuf],
        key: &KeyWanted<'_>,
    ) -> Result<Bound, Error> {
        let (leaf, others) = leaf_and_chain(file, chain)?;
        let found = key.finder.find(&leaf, key.place)?;
        self.bind(store, Entry::new(leaf), others, &found, key)
    }

    fn bind(
        &self,
        store: &SystemStore,
        mut entry: Entry,
        others: Vec<Certificate>,
        found: &BoundKey,
        key: &KeyWanted<'_>,
    ) -> Result<Bound, Error> {
        found.prove()?;
        let of_machine =
            !matches!(store.location(), Location::CurrentUser | Location::CurrentUserGroupPolicy);
        let binding = encoded(found, key, of_machine)?;
        entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding);
        let (chain, roots) = self.add_chain(store.location(), others)?;
        let thumbprint = entry.thumbprint();
        self.open(store).add(entry, IfPresent::Inherit)?;
        let entry = self.find_one(store, &thumbprint.to_string())?;
        Ok(Bound { entry, key: Some(found.address.clone()), chain, roots })
    }

    /// Puts the certificates between signer and root into the store CA.
    fn add_chain(
        &self,
        location: Location,
        others: Vec<Certificate>,
    ) -> Result<(Vec<Stored>, Vec<Certificate>), Error> {
        let (roots, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(Certificate::is_self_signed);
        let store = named(location, "CA")?;
        let add = |one| self.add(&store, Entry::new(one), IfPresent::Keep);
        Ok((others.into_iter().map(add).collect::<Result<_, _>>()?, roots))
    }

    /// Finds the key of a certificate in a store and binds it anew.
    ///
    /// # Errors
    /// Those of [`find_one`](Self::find_one) and [`KeyFinder::find`].
    pub fn repair(
        &self,
        store: &SystemStore,
        id: &str,
        key: &KeyWanted<'_>,
    ) -> Result<Bound, Error> {
        let entry = self.find_one(store, id)?;
        let found = key.finder.find(&certificate_of(&entry)?, key.place)?;
        self.bind(store, entry, Vec::new(), &found, key)
    }

    /// Sets the properties of a certificate as an INF for `certutil -repairstore` says. Where it binds a key, that is
    /// proved first to be the certificate's, and to sign.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] with the place in the INF, and those of [`find_one`](Self::find_one) and
    /// [`KeyFinder::bound_key`].
    pub fn repair_by_inf(
        &self,
        store: &SystemStore,
        id: &str,
        inf: &Path,
        finder: &KeyFinder<'_>,
    ) -> Result<Bound, Error> {
        let document = Document::from_bytes(&read_small_file(inf)?)
            .map_err(|error| Error::malformed(inf, error))?;
        let changes = read_property_inf(&document).map_err(|error| Error::malformed(inf, error))?;
        let mut changed = self.find_one(store, id)?;
        let thumbprint = changed.thumbprint();
        apply(&mut changed, &changes);
        let binds = changes
            .iter()
            .any(|(id, value)| *id == PropertyId::KEY_PROVIDER_INFO && value.is_some());
        let key = if binds {
            let bound = finder.bound_key(&changed)?;
            bound.prove()?;
            Some(bound.address)
        } else {
            None
        };
        self.open(store).update(&thumbprint, &changes)?;
        let entry = self.find_one(store, &thumbprint.to_string())?;
        Ok(Bound { entry, key, chain: Vec::new(), roots: Vec::new() })
    }

    /// Adds a certificate that is bound to a key in the words given; nobody looks whether that is its key.
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; [`ErrorKind::Usage`] for a binding that cannot be written.
    pub fn add_bound(
        &self,
        store: &SystemStore,
        mut entry: Entry,
        binding: &KeyBinding,
        if_present: IfPresent,
    ) -> Result<Stored, Error> {
        let encoded = binding.encode().map_err(|error| unwritable(&binding.to_string(), error))?;
        entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, encoded);
        self.add(store, entry, if_present)
    }
}

/// Where to look for a key, and what the store shall call its provider.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the arguments of several workflows")]
pub struct KeyWanted<'a> {
    /// What looks for it.
    pub finder: &'a KeyFinder<'a>,
    /// Where; on every token there is without it.
    pub place: Option<&'a KeyAddress>,
    /// The provider's name; that of the key's kind of address without it.
    pub provider: Option<&'a str>,
}

fn encoded(found: &BoundKey, key: &KeyWanted<'_>, of_machine: bool) -> Result<Vec<u8>, Error> {
    let binding = binding_to(&found.address, key.provider, of_machine);
    binding.encode().map_err(|error| unwritable(&found.address, error))
}

fn unwritable(address: &str, error: chancery_certstore::BindingError) -> Error {
    Error::new(ErrorKind::Usage, format!("cannot bind to {address}")).with_source(error)
}

fn apply(entry: &mut Entry, changes: &[PropertyChange]) {
    for (id, value) in changes {
        match value {
            Some(value) => entry.properties_mut().set(*id, value.as_slice()),
            None => {
                entry.properties_mut().remove(*id);
            }
        }
    }
}

fn named(location: Location, name: &str) -> Result<SystemStore, Error> {
    SystemStore::new(location, name)
        .map_err(|error| StoreError::new(StoreErrorKind::Usage, error.to_string()).into())
}

fn certificate_of(entry: &Entry) -> Result<Certificate, Error> {
    entry
        .certificate()
        .cloned()
        .map_err(|error| Error::of_certificate(&format!("read {}", entry.thumbprint()), error))
}

/// Reads the certificate of a signer and those above it. The signer's is the one that issued none of the others.
fn leaf_and_chain(
    file: &Path,
    chain: &[PathBuf],
) -> Result<(Certificate, Vec<Certificate>), Error> {
    let read = |path: &Path| {
        read_certificates(&read_small_file(path)?).map_err(|error| Error::malformed(path, error))
    };
    let mut all = read(file)?;
    let is_leaf = |index: usize| {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != index);
        all.get(index).is_some_and(|one| !others.any(|(_, other)| other.names_as_issuer(one)))
    };
    let leaves: Vec<usize> = (0..all.len()).filter(|index| is_leaf(*index)).collect();
    let [leaf] = leaves[..] else {
        let message = format!(
            "{} has {} certificates that issued no other, where the signer's is to be the one",
            file.display(),
            leaves.len()
        );
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let leaf = all.remove(leaf);
    for path in chain {
        all.extend(read(path)?);
    }
    Ok((leaf, all))
}
