//! Exit codes.

use std::process::ExitCode;

use chancery::ErrorKind;
use chancery::certstore::StoreErrorKind;
use chancery::key::KeyErrorKind;
use chancery::timestamp::StampErrorKind;

/// What the command's exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// Checked, and the answer is no.
    No = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// The input is not in its format.
    Malformed = 3,
    /// A PIN or passphrase is missing, refused or locked.
    Authentication = 4,
    /// A key or device is not there or does not do this.
    Unavailable = 5,
    /// Several keys fit.
    Ambiguous = 6,
    /// A timestamp server did not stamp.
    Timestamp = 7,
    /// Reading or writing failed.
    Io = 8,
    /// A call of a PKCS#11 module took longer than allowed.
    Hung = 9,
    /// A fault in Chancery.
    Bug = 70,
    /// Ctrl-C, or another signal to end, as a shell counts it.
    Interrupted = 130,
}

impl Exit {
    /// The graver of two: which one a run over many files ends with.
    #[must_use]
    pub(crate) fn graver(self, other: Self) -> Self {
        const ORDER: [Exit; 12] = [
            Exit::Bug,
            Exit::Hung,
            Exit::Interrupted,
            Exit::Authentication,
            Exit::Unavailable,
            Exit::Ambiguous,
            Exit::Timestamp,
            Exit::Io,
            Exit::Malformed,
            Exit::No,
            Exit::Usage,
            Exit::Done,
        ];
        ORDER.into_iter().find(|exit| *exit == self || *exit == other).unwrap_or(self)
    }
}

impl Exit {
    /// The number the process ends with.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Malformed => 3,
            Self::Authentication => 4,
            Self::Unavailable => 5,
            Self::Ambiguous => 6,
            Self::Timestamp => 7,
            Self::Io => 8,
            Self::Hung => 9,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::AlreadySigned
            | ErrorKind::SignerDoubtful
            | ErrorKind::SignerUnfit
            | ErrorKind::BrokenSignature
            | ErrorKind::ForeignSignature
            | ErrorKind::NoSuchSignature
            | ErrorKind::CertificateMismatch
            | ErrorKind::Refused => Self::No,
            ErrorKind::Usage | ErrorKind::Timestamp(StampErrorKind::Settings) => Self::Usage,
            ErrorKind::Timestamp(_) => Self::Timestamp,
            ErrorKind::Malformed | ErrorKind::TrailingData | ErrorKind::Unsupported => {
                Self::Malformed
            }
            ErrorKind::Io | ErrorKind::Changed => Self::Io,
            ErrorKind::Store(kind) => match kind {
                StoreErrorKind::NotFound => Self::No,
                StoreErrorKind::Ambiguous => Self::Ambiguous,
                StoreErrorKind::Malformed => Self::Malformed,
                StoreErrorKind::Usage => Self::Usage,
                _ => Self::Io,
            },
            ErrorKind::Key(kind) => match kind {
                KeyErrorKind::AuthRequired
                | KeyErrorKind::AuthRefused
                | KeyErrorKind::AuthLocked => Self::Authentication,
                KeyErrorKind::Ambiguous => Self::Ambiguous,
                KeyErrorKind::Malformed => Self::Malformed,
                KeyErrorKind::Mismatch => Self::No,
                KeyErrorKind::Io | KeyErrorKind::AlreadyExists => Self::Io,
                _ => Self::Unavailable,
            },
            _ => Self::Bug,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_the_gravest() {
        assert_eq!(Exit::Done.graver(Exit::No), Exit::No);
        assert_eq!(Exit::Malformed.graver(Exit::Io), Exit::Io);
        assert_eq!(Exit::Io.graver(Exit::Authentication), Exit::Authentication);
        assert_eq!(Exit::Bug.graver(Exit::Authentication), Exit::Bug);
    }
}
