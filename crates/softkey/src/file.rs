//! Key files: read within bounds, written once and for the owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use chancery_key::{KeyError, KeyErrorKind};
use zeroize::Zeroizing;

/// The longest key file that is read, in bytes. A key with its certificates has some thousands.
pub const MAX_KEY_FILE_LEN: u64 = 1024 * 1024;

/// Reads a file whose contents may be secret.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let cannot = |error: io::Error| {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => KeyErrorKind::NotFound,
            _ => KeyErrorKind::Io,
        };
        KeyError::new(kind, format!("cannot read {}", path.display())).with_source(error)
    };
    let file = File::open(path).map_err(cannot)?;
    // With the length known, the vector does not grow and leaves no copies behind.
    let len = file.metadata().map_err(cannot)?.len().min(MAX_KEY_FILE_LEN);
    let capacity = usize::try_from(len).unwrap_or(0).saturating_add(64);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(MAX_KEY_FILE_LEN.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len <= MAX_KEY_FILE_LEN) {
        Ok(bytes)
    } else {
        Err(KeyError::new(
            KeyErrorKind::Malformed,
            format!("{} is longer than the {MAX_KEY_FILE_LEN} bytes of a key file", path.display()),
        ))
    }
}

/// Writes a new file that on Unix only its owner may read.
pub(crate) fn create_private(path: &Path, contents: &[u8]) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    create(&mut options, path, contents)
}

/// Writes a new file for everybody.
pub(crate) fn create_public(path: &Path, contents: &[u8]) -> Result<(), KeyError> {
    create(&mut OpenOptions::new(), path, contents)
}

/// Removes what was just written, as far as that goes.
pub(crate) fn discard(path: &Path) {
    // There is already an error to report, and it is the more telling one.
    drop(std::fs::remove_file(path));
}

fn create(options: &mut OpenOptions, path: &Path, contents: &[u8]) -> Result<(), KeyError> {
    let cannot = |error: io::Error| {
        KeyError::new(KeyErrorKind::Io, format!("cannot write {}", path.display()))
            .with_source(error)
    };
    // `create_new` follows no symbolic link and loses no race: one of two writers fails.
    let mut file =
        options.write(true).create_new(true).open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => already_exists(path),
            _ => cannot(error),
        })?;
    file.write_all(contents).and_then(|()| file.sync_all()).map_err(|error| {
        discard(path);
        cannot(error)
    })
}

/// Something is where a file should be created.
pub(crate) fn already_exists(path: &Path) -> KeyError {
    KeyError::new(KeyErrorKind::AlreadyExists, format!("{} is already there", path.display()))
}
