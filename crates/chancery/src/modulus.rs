//! A modulus in a file.

use std::path::Path;

use chancery_keymatch::Modulus;

use crate::{Error, read_small_file};

/// Reads the modulus of an RSA key from a text file, in any of the forms that [`Modulus::from_file_contents`] takes.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io), and [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where the file
/// has something else in it.
pub fn read_modulus(path: &Path) -> Result<Modulus, Error> {
    Modulus::from_file_contents(&read_small_file(path)?)
        .map_err(|error| Error::malformed(path, error))
}
