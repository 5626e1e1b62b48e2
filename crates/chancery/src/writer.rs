//! The one place that changes a user's file: whole, checked, or not at all.
//!
//! The new contents grow in a temporary file beside the target, which is synced and renamed over it at the end.
//! Killed at any moment before that, the target is as it was. Where no copy is wanted, the change is written into
//! the file itself, with a record beside it that takes back what was not finished.

mod in_place;
mod own_file;
mod undo;

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_pe::{BaseDigest, Patch};
use tempfile::NamedTempFile;

use self::in_place::InPlace;
pub(crate) use self::in_place::Preview;
use self::own_file::{COPY, folder_of};
pub(crate) use self::own_file::{is_ours, sync_folder};
pub(crate) use self::undo::mend;
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
struct Target {
    path: PathBuf,
}

impl Target {
    /// Resolves where the output goes: a symbolic link is followed, so that the file it names changes and
    /// the link stays.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a file with several hard links: replacing it would split them.
    fn resolve(path: &Path) -> Result<Self, Error> {
        let path = real_path(path)?;
        #[cfg(unix)]
        if let Ok(metadata) = std::fs::metadata(&path) {
            let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
            if metadata.is_file() && links > 1 {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!(
                        "{} has {links} hard links; replacing it would split them: sign it with \
                         --append-in-place",
                        path.display()
                    ),
                ));
            }
        }
        Ok(Self { path })
    }
}

/// Follows symbolic links; a file that is not there yet is where its name says.
fn real_path(path: &Path) -> Result<PathBuf, Error> {
    match path.canonicalize() {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(Error::io("write", path, error)),
    }
}

/// Takes back what a killed run began to do to a file in place; tells whether there was something.
///
/// # Errors
/// [`ErrorKind::Changed`] where somebody else changed the file since, or another run is at it now.
pub(crate) fn mend_file(path: &Path) -> Result<bool, Error> {
    mend(&real_path(path)?)
}

/// How the next version of a file comes about.
#[derive(Debug)]
pub(crate) enum Draft {
    /// As a copy that takes the file's place.
    Copy(Staged),
    /// In the file itself.
    InPlace(InPlace),
}

impl Draft {
    pub(crate) fn copy(path: &Path, original: Metadata) -> Result<Self, Error> {
        Ok(Self::Copy(Staged::new(Target::resolve(path)?, original)?))
    }

    pub(crate) fn in_place(path: &Path) -> Result<Self, Error> {
        InPlace::open(real_path(path)?).map(Self::InPlace)
    }

    /// Takes the next bytes of the original.
    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        match self {
            Self::Copy(staged) => staged.write(chunk),
            Self::InPlace(_) => Ok(()),
        }
    }

    /// Returns where the file will be.
    pub(crate) fn target(&self) -> &Path {
        match self {
            Self::Copy(staged) => &staged.target,
            Self::InPlace(in_place) => in_place.target(),
        }
    }

    /// Makes the patched file where nobody sees it yet, or shows what it would be, to be checked.
    pub(crate) fn preview<'a>(
        &mut self,
        patch: &'a Patch,
        base: &BaseDigest,
    ) -> Result<Drafted<'a>, Error> {
        match self {
            Self::Copy(staged) => {
                staged.apply(patch, base)?;
                staged.reopen().map(Drafted::Copy)
            }
            Self::InPlace(in_place) => in_place.preview(patch).map(Drafted::InPlace),
        }
    }

    /// Puts the file in its place. With `grouped`, the folder is synced by whoever made the group.
    pub(crate) fn commit(
        self,
        patch: &Patch,
        base: &BaseDigest,
        grouped: bool,
    ) -> Result<(), Error> {
        match self {
            Self::Copy(staged) => staged.commit(grouped),
            Self::InPlace(in_place) => in_place.write(patch, base, grouped),
        }
    }
}

/// The next version of a file, to be read.
#[derive(Debug)]
pub(crate) enum Drafted<'a> {
    Copy(File),
    InPlace(Preview<'a>),
}

impl Staged {
    /// Starts an empty file beside the target; `original` lends its permissions.
    fn new(target: Target, original: Metadata) -> Result<Self, Error> {
        let temporary = own_file::create(&target.path, COPY)?;
        Ok(Self { temporary, target: target.path, original, written: 0 })
    }

    /// Takes the next bytes of the original.
    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.temporary.as_file_mut().write_all(chunk)?;
        self.written = self.written.saturating_add(chunk.len() as u64);
        Ok(())
    }

    /// Turns the copy into the patched file, in place. `base` is the digest of the bytes that were written.
    fn apply(&mut self, patch: &Patch, base: &BaseDigest) -> Result<(), Error> {
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

    /// Returns the bytes as they were written, to check them.
    fn reopen(&self) -> Result<File, Error> {
        // A second handle of the same opening: Windows lets no other one past the lock.
        let file = self.temporary.as_file().try_clone();
        file.map_err(|error| Error::io("read back", &self.target, error))
    }

    /// Puts the file in its place: permissions, sync, rename, sync of the folder.
    fn commit(self, grouped: bool) -> Result<(), Error> {
        let target = self.target;
        let failed = |error| Error::io("write", &target, error);
        let file = self.temporary.as_file();
        file.set_permissions(self.original.permissions()).map_err(failed)?;
        #[cfg(unix)]
        keep_owner(file, &self.original);
        file.sync_all().map_err(failed)?;
        self.temporary.persist(&target).map_err(|error| failed(error.error))?;
        if !grouped {
            sync_folder(folder_of(&target));
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
