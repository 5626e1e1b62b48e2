//! What came of a row.

use std::error::Error as _;
use std::fmt;

use chancery_key::{KeyError, KeyErrorKind};
use chancery_pkcs11::Pkcs11Error;

/// A cell of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// The module does not do it, and says so with this code or by not listing the mechanism.
    Refused(String),
    /// It went another way than it should: for instance, a signature that does not verify.
    Wrong(String),
}

impl Outcome {
    pub(crate) fn to_line(&self, row: &str) -> String {
        match self {
            Self::Passed => format!("{row}\tpassed\t"),
            Self::Refused(why) => format!("{row}\trefused\t{why}"),
            Self::Wrong(why) => format!("{row}\twrong\t{why}"),
        }
    }

    /// Reads what [`to_line`](Self::to_line) wrote; other lines are the module's own talk.
    pub(crate) fn from_line(line: &str) -> Option<(String, Self)> {
        let mut parts = line.splitn(3, '\t');
        let (row, kind, why) = (parts.next()?, parts.next()?, parts.next()?.to_owned());
        let outcome = match kind {
            "passed" => Self::Passed,
            "refused" => Self::Refused(why),
            "wrong" => Self::Wrong(why),
            _ => return None,
        };
        Some((row.to_owned(), outcome))
    }
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Self {
        let on_one_line = |text: String| text.replace(['\n', '\t'], " ");
        match result {
            Ok(()) => Self::Passed,
            Err(Failure::Refused(why)) => Self::Refused(on_one_line(why)),
            Err(Failure::Wrong(why)) => Self::Wrong(on_one_line(why)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Refused(why) => f.write_str(why),
            Self::Wrong(_) => f.write_str("WRONG"),
        }
    }
}

/// Why a row did not pass.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    Refused(String),
    Wrong(String),
}

impl Failure {
    /// A return code is the module's own refusal, and so is a mechanism it does not list.
    pub(crate) fn of(error: &KeyError) -> Self {
        let code = error.source().and_then(|source| source.downcast_ref::<Pkcs11Error>());
        match (code, error.kind()) {
            (Some(code), _) => {
                let name = code.name().map_or_else(|| format!("{:#x}", code.rv()), str::to_owned);
                Self::Refused(format!("{} {name}", code.function()))
            }
            (None, KeyErrorKind::UnsupportedScheme) => Self::Refused("no such mechanism".into()),
            (None, _) => Self::Wrong(error.to_string()),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::of(&error)
    }
}
