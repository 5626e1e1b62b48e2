//! The arguments of commands over many files.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use chancery::batch::{FileList, StageLimits};
use clap::{Args, Subcommand};

use super::key::{Hex, hex_bytes};

// Which files, and how many at once.
#[derive(Args, Debug)]
pub(crate) struct BatchOptions {
    /// Also the programs in folders, and in those below them
    #[arg(long, short, help_heading = "Many files")]
    pub(crate) recursive: bool,
    /// Hash this many files at once [default: one a processor]
    #[arg(long, value_name = "N", help_heading = "Many files")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

impl BatchOptions {
    /// Lists the files that arguments name.
    pub(crate) fn files(&self, arguments: &[PathBuf]) -> FileList {
        FileList::new(arguments.to_vec(), self.recursive)
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

// How signed files are written, and what is written about them.
#[derive(Args, Debug)]
pub(crate) struct RecordOptions {
    /// Write into the file itself, without a copy; one that is killed is mended by the next run on the file
    #[arg(long, conflicts_with_all = ["out", "strip"])]
    pub(crate) append_in_place: bool,
    /// With --replace, leave files alone that the certificate with this thumbprint did not sign
    #[arg(long, value_name = "HASH", requires = "replace", value_parser = hex_bytes)]
    pub(crate) signed_by: Option<Hex>,
    /// Note here what is done, and with the notes of a run that was killed go on where it was
    #[arg(long, value_name = "FILE", help_heading = "Many files")]
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
