//! Verifying files.

use std::fs::File;
use std::path::Path;

use chancery_authenticode::{PeSubject, Report, Subject, Verifier, requested_measurement};
use chancery_pe::SeekSource;

use crate::batch::{Stage, Stages};
use crate::{Error, ErrorKind};

/// A report, and what the file is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedFile {
    /// The format's short name, as in `pe`.
    pub format: &'static str,
    /// What was found.
    pub report: Report,
}

/// Opens a file as a subject of the one format there is so far.
pub(crate) fn open_subject(path: &Path, what: &str) -> Result<PeSubject<SeekSource<File>>, Error> {
    let failed = |error| Error::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(Error::new(ErrorKind::Io, format!("{} is a folder", path.display())));
    }
    let source = SeekSource::new(file).map_err(failed)?;
    PeSubject::parse(source).map_err(|error| Error::of_subject(what, path, error))
}

/// Checks every signature of a file.
///
/// # Errors
/// [`ErrorKind::Io`] where the file cannot be read, [`ErrorKind::Malformed`] where it is no format we know. A
/// signature that does not hold is no error: it is in the report.
pub fn verify_file(path: &Path, verifier: &Verifier) -> Result<VerifiedFile, Error> {
    verify_file_in_stages(path, verifier, &Stages::alone())
}

/// Checks every signature of a file, as [`verify_file`] does, as one of many.
///
/// # Errors
/// As [`verify_file`].
pub fn verify_file_in_stages(
    path: &Path,
    verifier: &Verifier,
    stages: &Stages,
) -> Result<VerifiedFile, Error> {
    let _permit = stages.enter(Stage::Hashing);
    let mut subject = open_subject(path, "verify")?;
    let format = subject.format();
    verify_counting(&mut subject, verifier, stages)
        .map(|report| VerifiedFile { format, report })
        .map_err(|error| Error::of_subject("verify", path, error))
}

pub(crate) fn verify_subject(
    subject: &mut dyn Subject,
    verifier: &Verifier,
) -> Result<Report, chancery_authenticode::Error> {
    verify_counting(subject, verifier, &Stages::alone())
}

fn verify_counting(
    subject: &mut dyn Subject,
    verifier: &Verifier,
    stages: &Stages,
) -> Result<Report, chancery_authenticode::Error> {
    let embedded = subject.embedded()?;
    let measurement = subject.measure(&requested_measurement(&embedded), &mut |chunk| {
        stages.count(chunk.len());
        Ok(())
    })?;
    Ok(verifier.verify(&embedded, &measurement))
}
