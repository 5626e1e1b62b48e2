//! The files that the writer keeps beside a target while it works, locked while they are in use.
//!
//! The name follows from the target's, so that a run that was killed leaves nothing which the next run on the same
//! file does not find; the lock goes with the process, so that it tells a left-over from a run that goes on.

use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use chancery_key::DigestAlgorithm;
use chancery_sigverify::digest;
use fs4::{FileExt, TryLockError};
use tempfile::{Builder, NamedTempFile};

use super::hold::{Held, release};
use crate::{Error, ErrorKind};

const PREFIX: &str = ".chancery-";

/// The next version of a file.
pub(super) const COPY: &str = ".tmp";

/// What takes an unfinished change of a file back.
pub(super) const UNDO: &str = ".undo";

/// How often a file of ours is made again that another process took for a left-over.
const ATTEMPTS: u32 = 8;

/// How many hexadecimal digits stand for the name of a target.
const STEM_LEN: usize = 16;

/// How many stand for a machine since it started.
const MACHINE_LEN: usize = 8;

/// Tells whether a file is one of the writer's.
pub(crate) fn is_ours(name: &OsStr) -> bool {
    OwnName::read(name).is_some()
}

/// What the name of a file of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnName<'a> {
    /// Which target it is for.
    pub(super) stem: &'a str,
    /// Where it was made, in the name of a copy: two machines never use each other's.
    pub(super) machine: Option<&'a str>,
}

impl<'a> OwnName<'a> {
    pub(super) fn read(name: &'a OsStr) -> Option<Self> {
        let name = name.to_str()?.strip_prefix(PREFIX)?;
        let is_hex = |text: &str, len| {
            text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let read = match (name.strip_suffix(COPY), name.strip_suffix(UNDO)) {
            (Some(copy), _) => {
                let (stem, machine) = copy.split_once('-')?;
                Self { stem, machine: Some(machine).filter(|text| is_hex(text, MACHINE_LEN)) }
            }
            (None, Some(stem)) => Self { stem, machine: None },
            (None, None) => return None,
        };
        let is_whole = read.machine.is_some() || name.ends_with(UNDO);
        (is_hex(read.stem, STEM_LEN) && is_whole).then_some(read)
    }
}

/// Names this machine since it started: locks tell for certain which of its processes still run.
pub(super) fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    // Elsewhere than on Linux all are one, and locks are taken at their word.
    MACHINE.get_or_init(|| {
        hex_digits(
            &std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
            MACHINE_LEN,
        )
    })
}

/// Names a target.
pub(super) fn stem(target: &Path) -> String {
    hex_digits(target.file_name().unwrap_or_default().as_encoded_bytes(), STEM_LEN)
}

fn hex_digits(bytes: &[u8], len: usize) -> String {
    let hash = digest(DigestAlgorithm::Sha256, bytes);
    hash.iter().take(len / 2).map(|byte| format!("{byte:02x}")).collect()
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
    let stem = stem(target);
    let name = match kind {
        COPY => format!("{PREFIX}{stem}-{}{COPY}", machine()),
        _ => format!("{PREFIX}{stem}{kind}"),
    };
    folder_of(target).join(name)
}

/// Makes the copy of a target, locked. Returns with it the name of what a killed run left in its place, which is gone.
pub(super) fn create_copy(target: &Path) -> Result<(NamedTempFile, Option<PathBuf>), Error> {
    let path = path_of(target, COPY);
    let mut removed = None;
    for _ in 0..ATTEMPTS {
        match create(target, COPY) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io("create a file in", folder_of(target), error)),
            Ok(None) => continue,
            Ok(Some(made)) => return Ok((made, removed)),
        }
        let failed = |error| Error::io("open the left-over", &path, error);
        let Some(left_over) = LeftOver::open(path.clone()).map_err(failed)? else { continue };
        match left_over.lock {
            // The name says that it is of this machine since it started, which knows its own locks.
            Lock::Ours => {
                let failed = |error| Error::io("remove the left-over", &path, error);
                left_over.remove().map_err(failed)?;
                removed = Some(path.clone());
            }
            Lock::Taken => return Err(in_use(target)),
            Lock::Unknown => {
                let text = format!(
                    "{} may be of a run that goes on: its file system has no locks to tell; remove it if none does",
                    path.display()
                );
                return Err(Error::new(ErrorKind::Changed, text));
            }
        }
    }
    Err(in_use(target))
}

/// Makes the record of a target, locked. One that is there is of another run.
pub(super) fn create_record(target: &Path) -> Result<NamedTempFile, Error> {
    for _ in 0..ATTEMPTS {
        match create(target, UNDO) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(in_use(target));
            }
            Err(error) => return Err(Error::io("create a file in", folder_of(target), error)),
            Ok(None) => {}
            Ok(Some(made)) => return Ok(made),
        }
    }
    Err(in_use(target))
}

/// Makes a file of ours; `None` where another process took it for a left-over before it was locked.
fn create(target: &Path, kind: &str) -> io::Result<Option<NamedTempFile>> {
    let path = path_of(target, kind);
    let name = path.file_name().unwrap_or_default();
    let made = Builder::new().prefix(name).rand_bytes(0).tempfile_in(folder_of(target))?;
    // Where there are no locks nobody else takes it for a left-over either.
    if try_lock(made.as_file()) != Lock::Taken && has_name(made.as_file(), &path)? {
        return Ok(Some(made));
    }
    // Its name may be another's by now.
    let _ = made.keep();
    Ok(None)
}

/// What became of an attempt to lock a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// Nobody had it, and now we do.
    Ours,
    /// Another process, or another thread of this one, has it.
    Taken,
    /// The file system did not say.
    Unknown,
}

/// Locks a file that is this process's alone.
pub(super) fn try_lock(file: &File) -> Lock {
    attempt(|| FileExt::try_lock(file))
}

/// Locks a file that nobody may have alone meanwhile.
#[cfg(unix)]
pub(super) fn try_lock_shared(file: &File) -> Lock {
    attempt(|| FileExt::try_lock_shared(file))
}

fn attempt(mut lock: impl FnMut() -> Result<(), TryLockError>) -> Lock {
    for _ in 0..ATTEMPTS {
        match lock() {
            Ok(()) => return Lock::Ours,
            Err(TryLockError::WouldBlock) => return Lock::Taken,
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(_)) => return Lock::Unknown,
        }
    }
    Lock::Unknown
}

/// A file of ours that was there already.
#[derive(Debug)]
pub(super) struct LeftOver {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) lock: Lock,
}

impl LeftOver {
    /// Opens and locks it; `None` where there is nothing.
    pub(super) fn open(path: PathBuf) -> io::Result<Option<Self>> {
        match std::fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(there) if !there.is_file() => {
                // Something else has our name: whoever made it has to take it away.
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            there => there?,
        };
        let file = match File::options().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let lock = try_lock(&file);
        // Its name may have gone, or become another's, before it was locked.
        let named = has_name(&file, &path)?;
        Ok(named.then_some(Self { path, file, lock }))
    }

    pub(super) fn remove(self) -> io::Result<()> {
        remove_by_name(&self.path)
    }
}

/// Tells whether a file of ours is by somebody whose word is taken for what is done to a target: ourselves, the
/// administrator, or who may write to the target anyway; and by nobody else since.
pub(super) fn is_trusted(file: &File, folder: &Path, target: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        const OTHERS_MAY_WRITE: u32 = 0o022;
        let (made, target) = (file.metadata()?, target.metadata()?);
        // What a file of ours looks like here: servers give us other names, and on some file systems all files have one
        // owner and one mode.
        let ours = Builder::new().tempfile_in(folder)?.as_file().metadata()?;
        let is_like_ours = made.uid() == ours.uid() && made.permissions() == ours.permissions();
        let is_by_one_of_us = [ours.uid(), target.uid(), 0].contains(&made.uid());
        Ok(is_like_ours || is_by_one_of_us && made.permissions().mode() & OTHERS_MAY_WRITE == 0)
    }
    // Windows says it by access control lists, which nobody reads here.
    #[cfg(not(unix))]
    {
        let _ = (file, folder, target);
        Ok(true)
    }
}

pub(super) fn in_use(target: &Path) -> Error {
    let text = format!("{} is being changed by another run of chancery", target.display());
    Error::new(ErrorKind::Changed, text)
}

/// Tells whether this is still the name of an open file.
pub(super) fn has_name(file: &File, path: &Path) -> io::Result<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let number = |metadata: Metadata| (metadata.dev(), metadata.ino());
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            named => Ok(number(named?) == number(file.metadata()?)),
        }
    }
    // An open file keeps its name there.
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        Ok(true)
    }
}

/// Does something again that a signal interrupted.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut done = call();
    for _ in 1..ATTEMPTS {
        match done {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => done = call(),
            done => return done,
        }
    }
    done
}

/// Renames a file of ours over its target, which is `held` open until that is done. Returns what it is then.
pub(super) fn persist(
    temporary: NamedTempFile,
    target: &Path,
    held: Vec<Held>,
) -> io::Result<Option<Metadata>> {
    let mut temporary = Some(temporary);
    let mut rename = || match temporary.take().map(|file| file.persist(target)) {
        Some(Err(failed)) => {
            temporary = Some(failed.file);
            Err(failed.error)
        }
        Some(Ok(file)) => {
            let left = file.metadata().ok();
            release(&file);
            Ok(left)
        }
        None => Ok(None),
    };
    match uninterrupted(&mut rename) {
        // Some servers let nobody replace a file that is open.
        Err(error)
            if !held.is_empty()
                && matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy
                ) =>
        {
            drop(held);
            uninterrupted(rename)
        }
        renamed => renamed,
    }
}

/// Removes a file of ours.
pub(super) fn remove(record: NamedTempFile) -> io::Result<()> {
    // Not by being dropped, which would try a second time, when another run may have the name.
    let (file, path) = record.keep()?;
    let removed = remove_by_name(&path);
    drop(file);
    removed
}

fn remove_by_name(path: &Path) -> io::Result<()> {
    match uninterrupted(|| std::fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes renames, new names and removed names in a folder durable, where the file system offers that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        // A folder that one may write to and not read cannot be opened for it.
        let opened = match File::open(folder) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
            opened => opened?,
        };
        match opened.sync_all() {
            Err(error) if is_not_offered(&error) => Ok(()),
            synced => synced,
        }
    }
    // Windows has no such call.
    #[cfg(not(unix))]
    {
        let _ = folder;
        Ok(())
    }
}

#[cfg(unix)]
fn is_not_offered(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_writer_makes_are_its_own() {
        let target = Path::new("folder/a.exe");
        for kind in [COPY, UNDO] {
            let path = path_of(target, kind);
            let name = OwnName::read(path.file_name().unwrap()).unwrap();
            assert_eq!(name.stem, stem(target));
            assert_eq!(name.machine, (kind == COPY).then(machine));
        }
        for name in [
            ".chancery-abc123.tmp",
            ".chancery-0123456789abcdef.tmp",
            ".chancery-0123456789abcdef-0123456.tmp",
            ".chancery-0123456789abcdef-01234567.undo",
            ".chancery-0123456789ABCDEF-01234567.tmp",
            ".chancery-0123456789abcdef-01234567.tmp.exe",
            "chancery-0123456789abcdef.undo",
            ".chancery-.undo",
        ] {
            assert_eq!(OwnName::read(OsStr::new(name)), None, "{name}");
        }
    }
}
