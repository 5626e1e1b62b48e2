//! The digest of a file, as a signature would carry it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use chancery_authenticode::{Measurement, Request, Subject};
use chancery_key::DigestAlgorithm;
use chancery_sigverify::Hasher;

use crate::Error;
use crate::verifying::open_subject;

/// Computes the Authenticode digests of a file in one pass.
///
/// # Errors
/// [`crate::ErrorKind::Io`] or [`crate::ErrorKind::Malformed`].
pub fn digest_file(path: &Path, algorithms: &[DigestAlgorithm]) -> Result<Measurement, Error> {
    let mut subject = open_subject(path, "digest")?;
    subject
        .measure(&Request::digests(algorithms.iter().copied()), &mut |_| Ok(()))
        .map_err(|error| Error::of_subject("digest", path, error))
}

/// How much of a file is read at once, in bytes.
const BUFFER: usize = 64 * 1024;

/// Computes the hash of all the bytes of a file, which for a program is not what a signature carries.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub fn hash_file(path: &Path, algorithm: DigestAlgorithm) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}
