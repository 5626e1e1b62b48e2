//! The one place that changes a user's file: whole, checked, or not at all.
//!
//! The new contents grow in a temporary file beside the target, which is synced and renamed over it at the end.
//! Killed at any moment before that, the target is as it was.

#[cfg(unix)]
use std::fs::File;
use std::fs::Metadata;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_pe::{BaseDigest, Patch};
use tempfile::{Builder, NamedTempFile};

use crate::{Error, ErrorKind};

/// A copy of a file on its way to become the next version of it.
#[derive(Debug)]
pub(crate) struct Staged {
    temporary: NamedTempFile,
    target: PathBuf,
    original: Metadata,
    written: u64,
}

/// A target that a staged file may replace, checked before any work is done.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
}

impl Target {
    /// Resolves where the output goes: a symbolic link is followed, so that the file it names changes and
    /// the link stays.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a file with several hard links: replacing it would split them.
    pub(crate) fn resolve(path: &Path) -> Result<Self, Error> {
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(Error::io("write", path, error)),
        };
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(&path) {
            let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
            if metadata.is_file() && links > 1 {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "{} has {links} hard links; replacing it would split them",
                        path.display()
                    ),
                ));
            }
        }
        Ok(Self { path })
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }
}

impl Staged {
    /// Starts an empty file beside the target; `original` lends its permissions.
    pub(crate) fn new(target: Target, original: Metadata) -> Result<Self, Error> {
        let folder = target.folder();
        let temporary = Builder::new()
            .prefix(".chancery-")
            .suffix(".tmp")
            .tempfile_in(folder)
            .map_err(|error| Error::io("create a file in", folder, error))?;
        Ok(Self { temporary, target: target.path, original, written: 0 })
    }

    /// Takes the next bytes of the original.
    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.temporary.as_file_mut().write_all(chunk)?;
        self.written = self.written.saturating_add(chunk.len() as u64);
        Ok(())
    }

    /// Returns where the file will be.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Turns the copy into the patched file, in place. `base` is the digest of the bytes that were written.
    pub(crate) fn apply(&mut self, patch: &Patch, base: &BaseDigest) -> Result<(), Error> {
        patch.check_base(self.written, base).map_err(|error| {
            Error::new(ErrorKind::SelfCheck, format!("cannot patch {}", self.target.display()))
                .with_source(error)
        })?;
        let failed = |target: &Path, error| Error::io("write", target, error);
        let file = self.temporary.as_file_mut();
        for edit in patch.edits() {
            let tail = edit.range().end == self.written;
            if !tail && edit.range().end - edit.range().start != edit.bytes().len() as u64 {
                return Err(Error::new(
                    ErrorKind::SelfCheck,
                    format!("the patch for {} moves bytes", self.target.display()),
                ));
            }
            file.seek(SeekFrom::Start(edit.range().start))
                .and_then(|_| file.write_all(edit.bytes()))
                .map_err(|error| failed(&self.target, error))?;
        }
        file.set_len(patch.final_len()).map_err(|error| failed(&self.target, error))
    }

    /// Opens the bytes as they were written, to check them.
    pub(crate) fn reopen(&self) -> Result<impl Read + Seek + use<>, Error> {
        self.temporary.reopen().map_err(|error| Error::io("read back", &self.target, error))
    }

    /// Puts the file in its place: permissions, sync, rename, sync of the folder.
    pub(crate) fn commit(self) -> Result<(), Error> {
        let target = self.target;
        let failed = |error| Error::io("write", &target, error);
        let file = self.temporary.as_file();
        file.set_permissions(self.original.permissions()).map_err(failed)?;
        #[cfg(unix)]
        keep_owner(file, &self.original);
        file.sync_all().map_err(failed)?;
        self.temporary.persist(&target).map_err(|error| failed(error.error))?;
        #[cfg(unix)]
        if let Some(folder) = target.parent() {
            // The rename is durable once the folder is; a folder that cannot be opened is no reason to fail.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            if let Ok(folder) = File::open(folder) {
                let _ = folder.sync_all();
            }
        }
        Ok(())
    }
}

/// Gives the new file the owner of the old one, where we may; where not, it stays ours, as with any tool
/// that replaces files.
#[cfg(unix)]
fn keep_owner(file: &File, original: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let ours = file.metadata().ok();
    let same =
        ours.is_some_and(|ours| (ours.uid(), ours.gid()) == (original.uid(), original.gid()));
    if !same && fchown(file, Some(original.uid()), Some(original.gid())).is_ok() {
        // A change of owner clears set-user-id bits: put the permissions back.
        let _ = file.set_permissions(original.permissions());
    }
}
