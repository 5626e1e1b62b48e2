//! Verifying files.

use std::fs::{File, Metadata};
use std::path::Path;

use chancery_authenticode::{PeSubject, Report, Subject, Verifier, requested_measurement};
use chancery_pe::{SeekSource, Source, SourceError};

use crate::Error;
use crate::batch::{Stage, Stages};
use crate::files::open_regular;
#[cfg(unix)]
use crate::writer::Copy;

/// A report, and what the file is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedFile {
    /// The format's short name, as in `pe`.
    pub format: &'static str,
    /// What was found.
    pub report: Report,
}

/// Where the bytes of a file are read.
#[derive(Debug)]
pub(crate) enum Input {
    /// In the file.
    File(SeekSource<File>),
    /// In a copy that is being made of it.
    #[cfg(unix)]
    Copy(Copy),
}

impl Input {
    /// Takes what follows the first `len` bytes of the file for not there.
    pub(crate) fn limited(self, len: u64) -> Self {
        match self {
            Self::File(file) => Self::File(file.limited(len)),
            #[cfg(unix)]
            Self::Copy(copy) => Self::Copy(copy),
        }
    }
}

impl Source for Input {
    fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.len(),
            #[cfg(unix)]
            Self::Copy(copy) => copy.len(),
        }
    }

    fn read_exact_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), SourceError> {
        match self {
            Self::File(file) => file.read_exact_at(offset, buf),
            #[cfg(unix)]
            Self::Copy(copy) => copy.read_exact_at(offset, buf),
        }
    }
}

/// Opens a file as a subject of the one format there is so far.
pub(crate) fn open_subject(path: &Path, what: &str) -> Result<PeSubject<Input>, Error> {
    open_subject_as(path, what, |_| Ok(())).map(|(subject, _)| subject)
}

/// Does the same once the file has been made `ready`, and tells what it was like then.
pub(crate) fn open_subject_as(
    path: &Path,
    what: &str,
    ready: impl FnOnce(&File) -> Result<(), Error>,
) -> Result<(PeSubject<Input>, Metadata), Error> {
    let failed = |error| Error::io("read", path, error);
    let file = open_regular(path)?;
    ready(&file)?;
    let metadata = file.metadata().map_err(failed)?;
    let source = SeekSource::new(file).map_err(failed)?;
    let subject = PeSubject::parse(Input::File(source));
    Ok((subject.map_err(|error| Error::of_subject(what, path, error))?, metadata))
}

/// Checks every signature of a file.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) where the file cannot be read,
/// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) where it is no format we know. A
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
