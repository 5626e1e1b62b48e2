//! Taking signatures out of files.

use std::path::{Path, PathBuf};

use chancery_authenticode::{RemovedChecksum, Report, SignatureSet};
use chancery_x509::Time;

use crate::batch::Stages;
use crate::rewriting::Rewriting;
use crate::{Error, ErrorKind};

/// What is taken out of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemovedPart {
    /// Every signature.
    #[default]
    All,
    /// One signature, counted as a report counts them; what is nested in it stays, in its place.
    Signature(usize),
    /// The unsigned attributes of every signature: timestamps, and whatever nobody signed. Nested signatures
    /// stay.
    UnsignedAttributes,
}

/// How signatures are taken out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoveOptions {
    /// What goes.
    pub part: RemovedPart,
    /// Where the file goes; in the place of the original where there is none.
    pub output: Option<PathBuf>,
    /// What becomes of the checksum where no signature is left.
    pub checksum: RemovedChecksum,
    /// Drop what follows the certificate table.
    pub strip: bool,
}

/// What became of a file.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removed {
    /// Where the file is.
    pub output: PathBuf,
    /// How many signatures it has now.
    pub left: usize,
}

/// Takes signatures out of a file, which changes in one step or not at all.
///
/// With the last signature goes the padding before it where that is provably the signer's
/// ([`Layout::signer_padding`](chancery_pe::Layout::signer_padding)), and the checksum is restored
/// ([`RemovedChecksum`]).
///
/// # Errors
/// [`ErrorKind::NoSuchSignature`] where there is none, or none of this index; [`ErrorKind::TrailingData`],
/// [`ErrorKind::Malformed`], [`ErrorKind::Changed`], [`ErrorKind::Io`].
pub fn remove_signatures(
    path: &Path,
    now: Time,
    options: &RemoveOptions,
) -> Result<Removed, Error> {
    remove_signatures_in_stages(path, now, options, &Stages::alone())
}

/// Takes signatures out of a file, as [`remove_signatures`] does, as one of many.
///
/// # Errors
/// As [`remove_signatures`].
pub fn remove_signatures_in_stages(
    path: &Path,
    now: Time,
    options: &RemoveOptions,
    stages: &Stages,
) -> Result<Removed, Error> {
    let (mut file, _) = Rewriting::open_mended(
        path,
        options.output.as_deref(),
        "unsign",
        options.strip,
        false,
        stages.left_overs(),
    )?;
    file.subject.set_removed_checksum(options.checksum);
    if !file.is_signed() {
        return Err(Error::new(
            ErrorKind::NoSuchSignature,
            format!("{} has no signature", path.display()),
        ));
    }
    let mut set = SignatureSet::default();
    match options.part {
        RemovedPart::All => {}
        part => {
            let changed = SignatureSet::read(&file.embedded).and_then(|read| {
                set = read;
                match part {
                    RemovedPart::Signature(index) => set.remove(index),
                    _ => set.remove_unsigned_attributes(),
                }
            });
            changed.map_err(|error| file.failed(error))?;
        }
    }
    let request = file.request_with_embedded(&chancery_authenticode::Request::default());
    let file = file.measure(&request, stages)?;
    let before = file.verify_embedded(now);
    let left = set.len();
    let placed = file.replace(&set.entries(), false, now, stages, |after| {
        after.signatures.len() == left && holding(after) >= holding(&before).min(left)
    })?;
    Ok(Removed { output: placed.output, left })
}

/// Counts what still speaks of the file: a signature that did not hold before need not afterwards.
fn holding(report: &Report) -> usize {
    report.signatures.iter().filter(|one| one.digest_matches && one.signature_valid).count()
}
