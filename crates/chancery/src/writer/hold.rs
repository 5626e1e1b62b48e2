//! What keeps runs off each other's files: a hold on the file itself, by whichever of its names it was given.

use std::fs::File;
use std::io;
use std::ops::{Deref, DerefMut};
use std::path::Path;

#[cfg(unix)]
use super::own_file::{self, Lock};
use crate::Error;

/// Holds a file that is read to become its next version: no run writes into it meanwhile. Several may read it, each
/// with another place for what becomes of it.
///
/// On Windows whoever writes in place lets nobody else write, and a lock would keep others from reading.
///
/// # Errors
/// [`ErrorKind::Changed`](crate::ErrorKind::Changed) where a run writes into it.
pub(crate) fn hold_to_read(file: &File, path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if own_file::try_lock_shared(file) == Lock::Taken {
        return Err(own_file::in_use(path));
    }
    let _ = (file, path);
    Ok(())
}

/// A file that is held until this is dropped. That it is closed then would not be enough: a process that another thread
/// is about to start has it, too, until it runs its program.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Held {
    pub(crate) const fn new(file: File) -> Self {
        Self(file)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        release(&self.0);
    }
}

impl Deref for Held {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut File {
        &mut self.0
    }
}

/// Ends what [`hold_to_read`] and [`hold_to_write`] began, whoever else has the file open by this opening.
pub(crate) fn release(file: &File) {
    #[cfg(unix)]
    let _ = fs4::FileExt::unlock(file);
    #[cfg(not(unix))]
    let _ = file;
}

/// Opens a file to write into it, once it is [held](hold_to_write); `None` where another run holds it.
pub(super) fn open_to_write(target: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    options.read(true).write(true);
    #[cfg(windows)]
    {
        const FILE_SHARE_READ: u32 = 1;
        const ERROR_SHARING_VIOLATION: i32 = 32;
        std::os::windows::fs::OpenOptionsExt::share_mode(&mut options, FILE_SHARE_READ);
        match options.open(target) {
            Err(error) if error.raw_os_error() == Some(ERROR_SHARING_VIOLATION) => Ok(None),
            opened => opened.map(Some),
        }
    }
    #[cfg(not(windows))]
    {
        options.open(target).map(Some)
    }
}

/// Holds a file that was opened to write into it: no other run reads, writes or replaces it until it is closed; `false`
/// where one does. Where the file system has no locks, nobody is kept off.
pub(super) fn hold_to_write(file: &File) -> bool {
    #[cfg(unix)]
    return own_file::try_lock(file) != Lock::Taken;
    // There the opening is the hold.
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_has_of_our_opening_holds_nothing_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        std::fs::write(&path, "MZ").unwrap();
        let open = || open_to_write(&path).unwrap().unwrap();
        let held = Held::new(open());
        assert!(hold_to_write(&held));
        // As a process has it that was forked and has not yet run its program.
        let inherited = held.try_clone().unwrap();
        assert!(!hold_to_write(&open()));
        drop(held);
        assert!(hold_to_write(&open()));
        drop(inherited);

        // What took the file's place was locked as well, as the copy that it was.
        let (copy, _) = own_file::create_copy(&path).unwrap();
        let inherited = copy.as_file().try_clone().unwrap();
        own_file::persist(copy, &path, Vec::new()).unwrap();
        assert!(hold_to_write(&open()));
        drop(inherited);
    }

    #[test]
    fn a_file_is_held_under_all_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("a.exe"), folder.path().join("b.exe"));
        std::fs::write(&one, "MZ").unwrap();
        std::fs::hard_link(&one, &other).unwrap();
        let reads = File::open(&one).unwrap();
        hold_to_read(&reads, &one).unwrap();
        hold_to_read(&File::open(&other).unwrap(), &other).unwrap();
        let open = |path: &Path| open_to_write(path).unwrap().unwrap();
        let writes = open(&other);
        assert!(!hold_to_write(&writes), "somebody reads it");
        drop(reads);
        assert!(hold_to_write(&writes));
        assert!(!hold_to_write(&open(&one)));
        let reads = File::open(&one).unwrap();
        let refused = hold_to_read(&reads, &one).unwrap_err();
        assert!(refused.to_string().contains("changed by another run"), "{refused}");
        drop(writes);
        hold_to_read(&reads, &one).unwrap();
        // Another file is another matter.
        let third = folder.path().join("c.exe");
        std::fs::copy(&one, &third).unwrap();
        assert!(hold_to_write(&open(&third)));
    }
}
