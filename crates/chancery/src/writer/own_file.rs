//! The files that the writer keeps beside a target while it works: one name each, and locked while they are in use.
//!
//! The name follows from the target's, so that a run that was killed leaves nothing which the next run on the same
//! file does not find; the lock goes with the process, so that it tells a left-over from a run that goes on.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chancery_key::DigestAlgorithm;
use chancery_sigverify::digest;
use fs4::{FileExt, TryLockError};
use tempfile::{Builder, NamedTempFile};

use crate::{Error, ErrorKind};

const PREFIX: &str = ".chancery-";

/// The next version of a file.
pub(super) const COPY: &str = ".tmp";

/// What takes an unfinished change of a file back.
pub(super) const UNDO: &str = ".undo";

/// How often a file of ours is made again that another process took for a left-over.
const ATTEMPTS: u32 = 8;

/// Tells whether a file is one of the writer's.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    name.starts_with(PREFIX) && (name.ends_with(COPY) || name.ends_with(UNDO))
}

fn stem(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default();
    let hash = digest(DigestAlgorithm::Sha256, name.as_encoded_bytes());
    let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{hex}")
}

/// Returns the folder a target is in.
pub(super) fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns where a file of ours for this target is.
pub(super) fn path_of(target: &Path, kind: &str) -> PathBuf {
    folder_of(target).join(stem(target) + kind)
}

/// Makes a file of ours, locked; what a killed run left in its place goes.
pub(super) fn create(target: &Path, kind: &str) -> Result<NamedTempFile, Error> {
    let folder = folder_of(target);
    let failed = |error| Error::io("create a file in", folder, error);
    for _ in 0..ATTEMPTS {
        let made =
            Builder::new().prefix(&stem(target)).suffix(kind).rand_bytes(0).tempfile_in(folder);
        match made {
            Ok(file) => {
                // Until here another process could take it for a left-over.
                match FileExt::try_lock(file.as_file()) {
                    Err(TryLockError::WouldBlock) => continue,
                    // Some file systems have no locks: then two runs on one file are the user's business.
                    Ok(()) | Err(TryLockError::Error(_)) => {}
                }
                if is_linked(file.as_file()) {
                    return Ok(file);
                }
                // Its name may be another's by now.
                let _ = file.keep();
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let path = path_of(target, kind);
                if let Some(left_over) = take_left_over(target, kind)? {
                    left_over
                        .remove()
                        .map_err(|error| Error::io("remove the left-over", &path, error))?;
                }
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Err(in_use(target))
}

/// A file of ours that nobody uses any more, held so that nobody else takes it.
#[derive(Debug)]
pub(super) struct LeftOver {
    pub(super) path: PathBuf,
    pub(super) file: File,
}

impl LeftOver {
    pub(super) fn remove(self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Takes what a killed run left; `None` where there is nothing.
pub(super) fn take_left_over(target: &Path, kind: &str) -> Result<Option<LeftOver>, Error> {
    let path = path_of(target, kind);
    let failed = |error| Error::io("open the left-over", &path, error);
    match std::fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        // Something else has our name: whoever made it has to take it away.
        Ok(_) => return Err(failed(io::ErrorKind::AlreadyExists.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    }
    let file = match File::options().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match FileExt::try_lock(&file) {
        Ok(()) | Err(TryLockError::Error(_)) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(target)),
    }
    Ok(is_linked(&file).then_some(LeftOver { path, file }))
}

fn in_use(target: &Path) -> Error {
    let text = format!("{} is being changed by another run of chancery", target.display());
    Error::new(ErrorKind::Changed, text)
}

/// Tells whether a file still has a name.
fn is_linked(file: &File) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// Makes renames, new names and removed names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) {
    // The names are safe once the folder is; one that cannot be opened or synced is no reason to fail, since the
    // contents are safe already and there is nothing else that could be done.
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    #[cfg(not(unix))]
    let _ = folder;
}
