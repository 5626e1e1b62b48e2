//! From a file to a report.

use std::fs::File;
use std::io;
use std::path::Path;

use chancery_authenticode::{Error, PeSubject, Report, Subject, Verifier, requested_measurement};
use chancery_pe::{SeekSource, Source};

/// Judges a PE executable as the command does, read piece by piece.
///
/// # Errors
/// Where the file cannot be opened; what the inner result says of one that is no executable.
pub fn judge_file(path: &Path, verifier: &Verifier) -> io::Result<Result<Report, Error>> {
    let source = SeekSource::new(File::open(path)?)?;
    Ok(PeSubject::parse(source).and_then(|subject| judge(subject, verifier)))
}

/// Judges a PE executable in memory.
///
/// # Errors
/// Where it is none.
pub fn judge_bytes(file: &[u8], verifier: &Verifier) -> Result<Report, Error> {
    judge(PeSubject::parse(file)?, verifier)
}

fn judge<S: Source>(mut subject: PeSubject<S>, verifier: &Verifier) -> Result<Report, Error> {
    let embedded = subject.embedded()?;
    let measurement = subject.measure(&requested_measurement(&embedded), &mut |_| Ok(()))?;
    Ok(verifier.verify(&embedded, &measurement))
}
