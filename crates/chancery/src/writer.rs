//! The one place that changes a user's file: whole, checked, or not at all.
//!
//! The new contents grow in a temporary file beside the target, which is synced and renamed over it at the end.
//! Killed at any moment before that, the target is as it was. Where no copy is wanted, the change is written into
//! the file itself, with a record beside it that takes back what was not finished.

#[cfg(unix)]
mod copier;
mod hold;
mod in_place;
mod left_over;
mod mounts;
mod own_file;
mod record;
mod undo;

use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_pe::{BaseDigest, Patch};
use tempfile::NamedTempFile;

#[cfg(unix)]
use self::copier::Copier;
#[cfg(unix)]
pub(crate) use self::copier::Copy;
pub(crate) use self::hold::{Held, hold_to_read, release};
use self::in_place::InPlace;
pub(crate) use self::in_place::Preview;
pub use self::left_over::{LeftOver, LeftOverFate, LeftOvers};
use self::own_file::folder_of;
pub(crate) use self::own_file::is_ours;
use self::undo::Mended;
use crate::files::check_replaceable;
use crate::rewriting::Unchanged;
use crate::{Error, ErrorKind};

/// A copy of a file on its way to become the next version of it.
#[derive(Debug)]
pub(crate) struct Staged {
    /// Ended before the file it writes into goes.
    #[cfg(unix)]
    copier: Option<Copier>,
    temporary: NamedTempFile,
    target: PathBuf,
    /// Lends its permissions.
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
    /// [`ErrorKind::Usage`] for a file with several hard links: replacing it would split them. [`ErrorKind::Io`] for a
    /// device or a pipe, in the place of which a file would stand.
    fn resolve(path: &Path) -> Result<Self, Error> {
        let path = real_path(path)?;
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            metadata => {
                let metadata = metadata.map_err(|error| Error::io("write", &path, error))?;
                check_replaceable(&path, &metadata)?;
                #[cfg(unix)]
                let links = std::os::unix::fs::MetadataExt::nlink(&metadata);
                #[cfg(unix)]
                if metadata.is_file() && links > 1 {
                    let text = format!(
                        "{} has {links} hard links; replacing it would split them",
                        path.display()
                    );
                    return Err(Error::new(ErrorKind::Usage, text));
                }
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

/// Takes back what a killed run began to do to a file in place; tells whether there was something. With `take_over`,
/// also what was begun where nobody can tell from here whether it goes on.
///
/// # Errors
/// [`ErrorKind::Changed`] where somebody else changed the file since, or another run is or may be at it now.
pub(crate) fn mend_file(
    path: &Path,
    take_over: bool,
    left_overs: &LeftOvers,
) -> Result<bool, Error> {
    let path = real_path(path)?;
    left_overs.visit_folder_of(&path);
    let mended = undo::mend(&path, take_over)?;
    Ok(tell(mended, path, left_overs))
}

/// Does the same where the run was given another name of the file, in the same folder, or the file was renamed since. For
/// a file that looks like one: all the records of its folder are read.
///
/// # Errors
/// As [`mend_file`].
pub(crate) fn mend_renamed_file(
    path: &Path,
    take_over: bool,
    left_overs: &LeftOvers,
) -> Result<bool, Error> {
    let path = real_path(path)?;
    let Some(record) = undo::find(&path, &left_overs.records_in(folder_of(&path))) else {
        return Ok(false);
    };
    let mended = undo::mend_by(&path, record, take_over)?;
    Ok(tell(mended, path, left_overs))
}

/// Tells what was found of a killed run, and returns whether there was something to take back.
fn tell(mended: Mended, path: PathBuf, left_overs: &LeftOvers) -> bool {
    match mended {
        Mended::Nothing => false,
        Mended::Cleared(record) => {
            left_overs.tell(record, LeftOverFate::Removed);
            false
        }
        Mended::TakenBack(record) => {
            left_overs.tell(record, LeftOverFate::TakenBack(path));
            true
        }
    }
}

/// Refuses a file that a killed run began to change in place, where it must not be mended now.
///
/// # Errors
/// [`ErrorKind::Changed`].
pub(crate) fn check_finished(path: &Path) -> Result<(), Error> {
    if !undo::is_there(&real_path(path)?) {
        return Ok(());
    }
    Err(unfinished(path))
}

/// Does the same where the run was given another name: see [`mend_renamed_file`].
///
/// # Errors
/// [`ErrorKind::Changed`].
pub(crate) fn check_renamed_finished(path: &Path, left_overs: &LeftOvers) -> Result<(), Error> {
    let real = real_path(path)?;
    match undo::find(&real, &left_overs.records_in(folder_of(&real))) {
        Some(_) => Err(unfinished(path)),
        None => Ok(()),
    }
}

fn unfinished(path: &Path) -> Error {
    let text = format!(
        "{} is being written in place by another run of chancery, or by one that was killed",
        path.display()
    );
    Error::new(ErrorKind::Changed, text)
}

/// How the next version of a file comes about.
#[derive(Debug)]
pub(crate) enum Draft {
    /// As a copy that takes the file's place.
    Copy(Box<Staged>),
    /// In the file itself.
    InPlace(InPlace),
}

impl Draft {
    pub(crate) fn copy(
        path: &Path,
        original: Metadata,
        left_overs: &LeftOvers,
    ) -> Result<Self, Error> {
        let target = Target::resolve(path)?;
        left_overs.visit_folder_of(&target.path);
        let (temporary, removed) = own_file::create_copy(&target.path)?;
        if let Some(path) = removed {
            left_overs.tell(path, LeftOverFate::Removed);
        }
        let staged = Staged {
            #[cfg(unix)]
            copier: None,
            temporary,
            target: target.path,
            original,
            written: 0,
        };
        Ok(Self::Copy(Box::new(staged)))
    }

    pub(crate) fn in_place(path: &Path) -> Result<Self, Error> {
        InPlace::open(real_path(path)?).map(Self::InPlace)
    }

    /// Returns the file that will be changed, to be read by its only opening from here on: who holds it otherwise keeps
    /// us off, and some servers let nobody read what another opening has locked.
    pub(crate) fn reader(&self) -> io::Result<Option<File>> {
        match self {
            Self::Copy(_) => Ok(None),
            Self::InPlace(in_place) => in_place.reader().map(Some),
        }
    }

    /// Looks at the file that will be changed, as it is open.
    pub(crate) fn metadata(&self) -> io::Result<Option<Metadata>> {
        match self {
            Self::Copy(_) => Ok(None),
            Self::InPlace(in_place) => in_place.metadata().map(Some),
        }
    }

    /// Holds the file that will be changed, where it still is what was read of it.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`].
    pub(crate) fn hold(&self, original: &Unchanged) -> Result<(), Error> {
        match self {
            Self::Copy(_) => Ok(()),
            Self::InPlace(in_place) => in_place.hold(original),
        }
    }

    /// Begins to copy the first `len` bytes of the original, and returns the copy to be read in its place; `None` where
    /// there is nothing to copy, or the caller has to [`write`](Self::write) it.
    #[cfg(unix)]
    pub(crate) fn start_copy(&mut self, original: File, len: u64) -> io::Result<Option<Copy>> {
        let Self::Copy(staged) = self else { return Ok(None) };
        let (copier, copy) = Copier::start(original, staged.temporary.as_file(), len)?;
        staged.copier = Some(copier);
        Ok(Some(copy))
    }

    /// Ends the copying that was begun.
    pub(crate) fn finish_copy(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        if let Self::Copy(staged) = self
            && let Some(copier) = staged.copier.take()
        {
            staged.written = copier.finish()?;
        }
        Ok(())
    }

    /// Takes the next bytes of the original, unless they are copied otherwise.
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

    /// Puts the file in its place, where the original is still what was read; who replaces it holds it until then. With
    /// `grouped`, the folder is synced by whoever made the group. Returns what the file is then, where that can be told.
    pub(crate) fn commit(
        self,
        patch: &Patch,
        base: &BaseDigest,
        grouped: bool,
        original: &Unchanged,
        held: Vec<Held>,
    ) -> Result<Option<Metadata>, Error> {
        match self {
            Self::Copy(staged) => staged.commit(grouped, original, held),
            Self::InPlace(in_place) => in_place.write(patch, base, grouped, original),
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
    /// Takes the next bytes of the original.
    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        #[cfg(unix)]
        if self.copier.is_some() {
            return Ok(());
        }
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
    fn commit(
        self,
        grouped: bool,
        original: &Unchanged,
        held: Vec<Held>,
    ) -> Result<Option<Metadata>, Error> {
        let target = self.target;
        let failed = |error| Error::io("write", &target, error);
        let file = self.temporary.as_file();
        keep_permissions(file, &self.original).map_err(failed)?;
        #[cfg(unix)]
        keep_owner(file, &self.original);
        file.sync_all().map_err(failed)?;
        if !own_file::has_name(file, self.temporary.path()).map_err(failed)? {
            let text = format!("the next version of {} was removed meanwhile", target.display());
            // What has its name now is another's, and would go with it.
            let _ = self.temporary.keep();
            return Err(Error::new(ErrorKind::Changed, text));
        }
        // As late as possible: what a program writes from here on that is none of ours is lost.
        original.check()?;
        let left = own_file::persist(self.temporary, &target, held).map_err(failed)?;
        if !grouped {
            sync_folder(folder_of(&target))?;
        }
        Ok(left)
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// [`ErrorKind::Io`], saying what it means.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    own_file::sync_folder(folder).map_err(|error| {
        let text = format!(
            "what was written into {} may not outlast a power cut: the folder cannot be synced",
            folder.display()
        );
        Error::new(ErrorKind::Io, text).with_source(error)
    })
}

/// Gives the new file the permissions of the old one. Where all files have the same, none can be set, and need not be.
fn keep_permissions(file: &File, original: &Metadata) -> io::Result<()> {
    let wanted = original.permissions();
    match file.set_permissions(wanted.clone()) {
        Err(_) if file.metadata().is_ok_and(|has| has.permissions() == wanted) => Ok(()),
        set => set,
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
