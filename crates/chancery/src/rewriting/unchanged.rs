//! Whether a file still is what was read.

use std::fs::Metadata;
use std::path::PathBuf;

use crate::{Error, ErrorKind};

/// Notices a file that another program writes to, or replaces, in the meantime: what was copied may be neither the old
/// file nor the new one.
#[derive(Debug)]
pub(crate) struct Unchanged {
    pub(super) path: PathBuf,
    pub(super) before: Metadata,
}

impl Unchanged {
    /// # Errors
    /// [`ErrorKind::Changed`]; [`ErrorKind::Io`] where it cannot be told.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let now = std::fs::metadata(&self.path)
            .map_err(|error| Error::io("read again", &self.path, error))?;
        self.check_is(&now)
    }

    /// Tells whether an open file is another, with the length and the time of this one.
    pub(super) fn is_copied(&self, now: &Metadata) -> bool {
        let like = |metadata: &Metadata| (metadata.len(), metadata.modified().ok());
        identity_of(&self.before) != identity_of(now) && like(&self.before) == like(now)
    }

    /// Checks that an open file is this one, and as it was.
    ///
    /// # Errors
    /// [`ErrorKind::Changed`].
    pub(crate) fn check_is(&self, now: &Metadata) -> Result<(), Error> {
        if identity_of(&self.before) == identity_of(now) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Changed,
            format!("{} was changed by another program meanwhile", self.path.display()),
        ))
    }
}

/// Returns how many names a file has, where the system tells.
pub(super) fn names_of(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        std::os::unix::fs::MetadataExt::nlink(metadata)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        1
    }
}

/// What changes when a file is written to or replaced.
fn identity_of(metadata: &Metadata) -> impl PartialEq + use<> {
    let times = (metadata.len(), metadata.modified().ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = (metadata.dev(), metadata.ino());
        (times, inode, metadata.ctime(), metadata.ctime_nsec())
    }
    #[cfg(not(unix))]
    times
}
