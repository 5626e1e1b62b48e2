//! Whether a request proves that its sender has the key.

use std::path::Path;

use chancery_sigverify::VerifyError;
use chancery_x509::{self as x509, CertificationRequest};

use crate::{Error, read_small_file};

/// What a request turned out to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum RequestCheck {
    /// It is in order, and signed with the key in it.
    Holds(Box<CertificationRequest>),
    /// It is in order, and its signature is not of the key in it.
    Broken(VerifyError),
}

/// Reads a request, PEM or DER, and verifies its signature (RFC 2986 section 4.2).
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io), and [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) for what is
/// no request.
pub fn check_request(path: &Path) -> Result<RequestCheck, Error> {
    match CertificationRequest::from_file_contents(&read_small_file(path)?) {
        Ok(request) => Ok(RequestCheck::Holds(Box::new(request))),
        Err(x509::Error::Signature(why)) => Ok(RequestCheck::Broken(why)),
        Err(error) => Err(Error::malformed(path, error)),
    }
}
