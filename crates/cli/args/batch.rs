//! The arguments of commands over many files.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use chancery::batch::{FileList, StageLimits};
use clap::{Args, Subcommand};

use super::key::{Hex, thumbprint};

// Which files, and how many at once.
#[derive(Args, Debug)]
pub(crate) struct BatchOptions {
    /// Also the programs in folders, and in those below them
    #[arg(long, short, help_heading = "Many files")]
    pub(crate) recursive: bool,
    /// Hash this many files at once [default: one a processor]
    #[arg(long, value_name = "N", value_parser = count, help_heading = "Many files")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl BatchOptions {
    /// Lists the files that arguments name; where results go to a folder, so that they have room there.
    pub(crate) fn files(&self, arguments: &[PathBuf], results: Option<&Path>) -> FileList {
        let files = FileList::new(arguments.to_vec(), self.recursive);
        match results.filter(|results| results.is_dir()) {
            Some(folder) => files.with_results_in(folder),
            None => files,
        }
    }

    /// Says how many of the files that these arguments name may be in each stage.
    pub(crate) fn limits(
        &self,
        arguments: &[PathBuf],
        sessions: Option<NonZeroUsize>,
        timestamps: Option<NonZeroUsize>,
    ) -> StageLimits {
        let mut limits = match arguments {
            [file] if file.is_file() => StageLimits::one_file(),
            _ => StageLimits::default(),
        };
        if let Some(jobs) = self.jobs {
            limits.hashing = jobs;
        }
        if let Some(sessions) = sessions {
            limits.signing = sessions;
        }
        if let Some(timestamps) = timestamps {
            limits.stamping = timestamps;
        }
        limits
    }
}

/// The most threads, sessions or requests that may be asked for: more is a slip of the finger.
const MOST_AT_ONCE: usize = 1024;

/// Reads how much may go on at once.
pub(crate) fn count(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<NonZeroUsize>().ok().filter(|number| number.get() <= MOST_AT_ONCE);
    number.ok_or_else(|| format!("not a number from 1 to {MOST_AT_ONCE}"))
}

// How signed files are written, and what is written about them.
#[derive(Args, Debug)]
pub(crate) struct RecordOptions {
    /// Write into the file itself, without a copy; one that is killed is mended by the next run on the file
    #[arg(long, conflicts_with_all = ["out", "strip"])]
    pub(crate) append_in_place: bool,
    /// With --replace, leave files alone that the certificate with this thumbprint did not sign
    #[arg(long, value_name = "HASH", requires = "replace", value_parser = thumbprint)]
    pub(crate) signed_by: Option<Hex>,
    /// Note here what is done, and with the notes of a run that was killed go on where it was
    #[arg(long, value_name = "FILE", conflicts_with = "digest_file", help_heading = "Many files")]
    pub(crate) journal: Option<PathBuf>,
    /// Add every signature to this log, in which each line vouches for those before it
    #[arg(long, value_name = "FILE", help_heading = "Many files")]
    pub(crate) audit: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Audit {
    /// Tell whether a log of signatures is as it was written
    #[command(after_help = "Example:\n  chancery audit verify signatures.log")]
    Verify {
        /// The log
        file: PathBuf,
    },
}
