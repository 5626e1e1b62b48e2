//! A store in a `.sst` file, and a folder of such files.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

use crate::{
    Added, CertificateStore, Element, Entry, IfPresent, List, Location, MAX_STORE_LEN,
    PropertyChange, StoreError, StoreErrorKind, SystemStore, Thumbprint, read_sst, store,
    write_sst,
};

/// How long a writer waits for another one, unless told otherwise. Writing takes milliseconds.
pub const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often it looks whether the other one is done.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A store in a `.sst` file. A file that is not there is an empty store, and is made when something is added.
///
/// Each change reads the file, writes a new one beside it, and puts that in its place in one step: who reads, and who
/// comes after a crash, sees the store before or after the change. Writers wait for each other by a lock on a file
/// of the same name with `.lock` behind it, which stays and may be deleted when nobody writes.
#[derive(Clone, Debug)]
pub struct SstFile {
    path: PathBuf,
    patience: Duration,
}

impl SstFile {
    /// Names the file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), patience: LOCK_PATIENCE }
    }

    /// Waits this long for another writer.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything in it, lists too.
    ///
    /// # Errors
    /// [`StoreErrorKind::Malformed`], [`StoreErrorKind::Io`].
    pub fn read(&self) -> Result<Vec<Element>, StoreError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_STORE_LEN).unwrap_or(u64::MAX).saturating_add(1);
        match File::open(&self.path) {
            Ok(file) => file.take(limit).read_to_end(&mut bytes).map_err(|e| self.io("read", e))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.io("read", error)),
        };
        read_sst(&bytes).map_err(|error| {
            let message = format!("cannot read the store {}", self.path.display());
            StoreError::new(StoreErrorKind::Malformed, message).with_source(error)
        })
    }

    /// Writes a store with these in the place of all that was in it.
    ///
    /// # Errors
    /// [`StoreErrorKind::Malformed`] where they are more than is read; [`StoreErrorKind::Locked`];
    /// [`StoreErrorKind::Io`].
    pub fn write(&mut self, elements: &[Element]) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.save(elements)
    }

    /// Adds a revocation list, beside others of its issuer: one issuer can have several for different certificates.
    ///
    /// # Errors
    /// What keeps the store from being written.
    pub fn add_revocation_list(&mut self, list: List) -> Result<Added, StoreError> {
        let _lock = self.lock()?;
        let mut elements = self.read()?;
        let is_there = |element: &Element| matches!(element, Element::RevocationList(old) if old.der() == list.der());
        if elements.iter().any(is_there) {
            return Ok(Added::Kept);
        }
        elements.push(Element::RevocationList(list));
        self.save(&elements)?;
        Ok(Added::New)
    }

    /// Changes the certificates under the lock. `change` says whether there is anything to save.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        let _lock = self.lock()?;
        let (mut entries, mut lists) = (Vec::new(), Vec::new());
        for element in self.read()? {
            match element {
                Element::Certificate(entry) => entries.push(entry),
                list => lists.push(list),
            }
        }
        let (result, changed) = change(&mut entries)?;
        if changed {
            // Certificates come first in a store, then the lists.
            let mut elements: Vec<_> = entries.into_iter().map(Element::Certificate).collect();
            elements.append(&mut lists);
            self.save(&elements)?;
        }
        Ok(result)
    }

    fn save(&self, elements: &[Element]) -> Result<(), StoreError> {
        let bytes = write_sst(elements).map_err(|error| {
            let message = format!("cannot write the store {}", self.path.display());
            StoreError::new(StoreErrorKind::Malformed, message).with_source(error)
        })?;
        // A link stays, and the file it names changes.
        let target = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let failed = |error| self.io("write", error);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".chancery-").suffix(".tmp");
        let old = fs::metadata(&target).ok();
        #[cfg(unix)]
        if old.is_none() {
            // The permissions of any new file, less those the user's mask takes.
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let mut temporary = builder.tempfile_in(folder_of(&target)).map_err(failed)?;
        temporary.write_all(&bytes).map_err(failed)?;
        if let Some(old) = old {
            temporary.as_file().set_permissions(old.permissions()).map_err(failed)?;
        }
        temporary.as_file().sync_all().map_err(failed)?;
        temporary.persist(&target).map_err(|error| self.io("write", error.error))?;
        #[cfg(unix)]
        if let Ok(folder) = File::open(folder_of(&target)) {
            // The new name is durable once the folder is; one that cannot be synced is no reason to fail.
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn lock(&self) -> Result<File, StoreError> {
        let mut name = self.path.clone().into_os_string();
        name.push(".lock");
        fs::create_dir_all(folder_of(&self.path)).map_err(|error| self.io("create", error))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(|error| self.io("lock", error))?;
        let start = Instant::now();
        loop {
            match FileExt::try_lock(&file) {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if start.elapsed() < self.patience => {
                    sleep(LOCK_POLL)
                }
                Err(TryLockError::WouldBlock) => {
                    let message =
                        format!("another process is changing the store {}", self.path.display());
                    return Err(StoreError::new(StoreErrorKind::Locked, message));
                }
                Err(TryLockError::Error(error)) => return Err(self.io("lock", error)),
            }
        }
    }

    fn io(&self, what: &str, error: io::Error) -> StoreError {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied => StoreErrorKind::NotPermitted,
            _ => StoreErrorKind::Io,
        };
        let message = format!("cannot {what} the store {}", self.path.display());
        StoreError::new(kind, message).with_source(error)
    }
}

impl CertificateStore for SstFile {
    fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let certificate = |element| match element {
            Element::Certificate(entry) => Some(entry),
            _ => None,
        };
        Ok(self.read()?.into_iter().filter_map(certificate).collect())
    }

    fn add(&mut self, entry: Entry, if_present: IfPresent) -> Result<Added, StoreError> {
        self.change(|entries| {
            let added = store::add(entries, entry, if_present)?;
            Ok((added, added != Added::Kept))
        })
    }

    fn remove(&mut self, certificate: &Thumbprint) -> Result<Entry, StoreError> {
        self.change(|entries| Ok((store::remove(entries, certificate)?, true)))
    }

    fn update(
        &mut self,
        certificate: &Thumbprint,
        changes: &[PropertyChange],
    ) -> Result<(), StoreError> {
        self.change(|entries| Ok((store::update(entries, certificate, changes)?, true)))
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A folder that stands for the system stores of Windows: a folder a location, a `.sst` file a store, as
/// `LocalMachine/My.sst`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFolder(PathBuf);

impl StoreFolder {
    /// Names the folder. It need not be there before something is added.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Opens a store. One that has no file yet is empty.
    #[must_use]
    pub fn open(&self, store: &SystemStore) -> SstFile {
        let folder = self.0.join(store.location().name());
        // A file whose name differs in case alone is the same store.
        let existing = stores_in(&folder, store.location())
            .unwrap_or_default()
            .into_iter()
            .find(|(other, _)| other == store);
        let path = existing.map(|(_, path)| path);
        SstFile::new(path.unwrap_or_else(|| folder.join(format!("{}.sst", store.name()))))
    }

    /// Lists the stores that have a file, by location and name.
    ///
    /// # Errors
    /// [`StoreErrorKind::Io`] where a folder is there and cannot be read.
    pub fn list(&self) -> Result<Vec<SystemStore>, StoreError> {
        let mut all = Vec::new();
        for location in Location::ALL {
            let folder = self.0.join(location.name());
            let found = stores_in(&folder, location).map_err(|error| {
                let message = format!("cannot read the folder {}", folder.display());
                StoreError::new(StoreErrorKind::Io, message).with_source(error)
            })?;
            all.extend(found.into_iter().map(|(store, _)| store));
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}

fn stores_in(folder: &Path, location: Location) -> io::Result<Vec<(SystemStore, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut stores = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_suffix(".sst"));
        if let Some(store) = name.and_then(|name| SystemStore::new(location, name).ok()) {
            stores.push((store, path));
        }
    }
    stores.sort();
    Ok(stores)
}
