//! Timestamping signatures that are there already.

use std::path::{Path, PathBuf};

use chancery_authenticode::{Report, Request, SignatureSet};
use chancery_timestamp::{GenTime, Stamp, TimestampKind, Timestamper};
use chancery_x509::{Certificate, Time};

use crate::batch::{Stage, Stages};
use crate::journal::Look;
use crate::rewriting::{Placed, Rewriting};
use crate::signing::holds;
use crate::{Error, ErrorKind};

/// How signatures are stamped as they are made.
#[derive(Clone, Copy, Debug)]
pub struct Stamping<'a> {
    timestamper: &'a dyn Timestamper,
    required: bool,
}

impl<'a> Stamping<'a> {
    /// Asks this timestamper. Where it fails, the file is signed without a timestamp, and a warning says so.
    #[must_use]
    pub const fn new(timestamper: &'a dyn Timestamper) -> Self {
        Self { timestamper, required: false }
    }

    /// Writes nothing where there is no timestamp.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn timestamper(&self) -> &'a dyn Timestamper {
        self.timestamper
    }

    pub(crate) const fn is_required(&self) -> bool {
        self.required
    }

    /// Stamps one signature of a set; says what went wrong where that does not matter.
    pub(crate) fn stamp(
        &self,
        path: &Path,
        set: &mut SignatureSet,
        index: usize,
        stages: &Stages,
    ) -> Result<Option<String>, Error> {
        let failed = |error| Error::of_subject("timestamp", path, error);
        let value = set.signature_value(index).map_err(failed)?;
        let stamped = {
            let _permit = stages.enter(Stage::Stamping);
            self.stamp_value(path, &value)?
        };
        match stamped {
            Ok(stamp) => set.stamp(index, &stamp).map(|()| None).map_err(failed),
            Err(why) => Ok(Some(why)),
        }
    }

    /// Stamps a signature value; says what went wrong where that does not matter.
    pub(crate) fn stamp_value(
        &self,
        path: &Path,
        value: &[u8],
    ) -> Result<Result<Stamp, String>, Error> {
        match self.timestamper.stamp(value) {
            Ok(stamp) => Ok(Ok(stamp)),
            Err(error) if !self.required => Ok(Err(error.to_string())),
            Err(error) => {
                let kind = ErrorKind::Timestamp(error.kind());
                let text = format!("cannot timestamp {}", path.display());
                Err(Error::new(kind, text).with_source(error))
            }
        }
    }
}

/// A timestamp that was put on a signature, as the file has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewTimestamp {
    /// Of which signature, counted as a report counts them.
    pub signature: usize,
    /// Which kind it is.
    pub kind: TimestampKind,
    /// When it says it was made.
    pub time: GenTime,
    /// The certificate of who made it.
    pub authority: Certificate,
}

impl NewTimestamp {
    /// Takes from a report what it says of the timestamps of one signature.
    pub(crate) fn of(report: &Report, signature: usize) -> Vec<Self> {
        let stamps = report.signatures.get(signature).map_or(&[][..], |one| &one.timestamps);
        let stamps = stamps.iter().filter_map(|stamp| {
            let (kind, time, authority) = (stamp.kind, stamp.time?, stamp.signer.clone()?);
            Some(Self { signature, kind, time, authority })
        });
        stamps.collect()
    }
}

/// A file of which a signature was stamped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimestampedFile {
    /// Where the file is.
    pub output: PathBuf,
    /// The timestamps the signature has now.
    pub timestamps: Vec<NewTimestamp>,
    /// How it was left.
    pub(crate) look: Option<Look>,
}

/// How a signature that is there already is stamped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StampFileOptions {
    /// Which signature, counted as a report counts them.
    pub index: usize,
    /// Where the file goes; in the place of the original where there is none.
    pub output: Option<PathBuf>,
    /// Drop what follows the certificate table.
    pub strip: bool,
}

/// Stamps one signature of a file, in the place of timestamps it has. The file changes in one step or not at all.
///
/// # Errors
/// [`ErrorKind::NoSuchSignature`]; [`ErrorKind::BrokenSignature`] where the signature does not hold: a timestamp
/// would say that it was there and nothing else; [`ErrorKind::Timestamp`]; [`ErrorKind::Malformed`],
/// [`ErrorKind::Changed`], [`ErrorKind::Io`].
pub fn timestamp_file(
    path: &Path,
    timestamper: &dyn Timestamper,
    now: Time,
    options: &StampFileOptions,
) -> Result<TimestampedFile, Error> {
    timestamp_file_in_stages(path, timestamper, now, options, &Stages::alone())
}

/// Stamps one signature of a file, as [`timestamp_file`] does, as one of many.
///
/// # Errors
/// As [`timestamp_file`].
pub fn timestamp_file_in_stages(
    path: &Path,
    timestamper: &dyn Timestamper,
    now: Time,
    options: &StampFileOptions,
    stages: &Stages,
) -> Result<TimestampedFile, Error> {
    let (file, _) = Rewriting::open_mended(
        path,
        options.output.as_deref(),
        "timestamp",
        options.strip,
        false,
        stages.left_overs(),
    )?;
    stamp_signature(file, options.index, timestamper, now, stages)
}

/// Stamps one signature of a file that is open.
pub(crate) fn stamp_signature(
    file: Rewriting,
    index: usize,
    timestamper: &dyn Timestamper,
    now: Time,
    stages: &Stages,
) -> Result<TimestampedFile, Error> {
    let path = file.path().to_owned();
    let path = path.as_path();
    let mut set = SignatureSet::read(&file.embedded).map_err(|error| file.failed(error))?;
    if index >= set.len() {
        let count = set.len();
        let file = path.display();
        let text = match count {
            0 => format!("{file} has no signature"),
            _ => format!("{file} has no signature {index}: it has {count}, counted from 0"),
        };
        return Err(Error::new(ErrorKind::NoSuchSignature, text));
    }
    let request = file.request_with_embedded(&Request::default());
    let file = file.measure(&request, stages)?;
    let before = file.verify_embedded(now);
    // A timestamp that does not hold is about to go, and is no reason to keep it.
    let sound =
        |one: &chancery_authenticode::SignatureReport| one.digest_matches && one.signature_valid;
    if !before.signatures.get(index).is_some_and(sound) {
        return Err(Error::new(
            ErrorKind::BrokenSignature,
            format!("signature {index} of {} does not hold", path.display()),
        ));
    }
    Stamping::new(timestamper).required().stamp(path, &mut set, index, stages)?;
    let mut timestamps = Vec::new();
    let Placed { output, look } = file.replace(&set.entries(), false, now, stages, |after| {
        timestamps = NewTimestamp::of(after, index);
        after.signatures.len() == before.signatures.len()
            && after
                .signatures
                .get(index)
                .is_some_and(|one| holds(one) && !one.timestamps.is_empty())
    })?;
    Ok(TimestampedFile { output, timestamps, look })
}
