//! The digest of a file, as a signature would carry it.

use std::path::Path;

use chancery_authenticode::{Measurement, Request, Subject};
use chancery_key::DigestAlgorithm;

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
