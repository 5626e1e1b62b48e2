//! What killed runs left.

use std::path::Path;

use chancery::batch::LeftOverFate;
use serde::Serialize;

use super::{FileName, shown};

/// A file that a killed run left.
#[derive(Debug, Serialize)]
pub(crate) struct LeftOver {
    schema: u32,
    r#type: &'static str,
    #[serde(flatten)]
    file: FileName,
    /// `removed`, `taken-back`, or why it is still there.
    fate: &'static str,
    /// The file it was about, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

impl LeftOver {
    pub(crate) fn new(left_over: &chancery::batch::LeftOver) -> Self {
        let named = |path: &Path| Some(shown(path));
        let (fate, target) = match &left_over.fate {
            LeftOverFate::Removed => ("removed", None),
            LeftOverFate::TakenBack(target) => ("taken-back", named(target)),
            LeftOverFate::Unfinished(target) => ("unfinished", named(target)),
            LeftOverFate::Orphaned => ("orphaned", None),
            LeftOverFate::OtherMachine => ("other-machine", None),
            LeftOverFate::NoLocks => ("no-locks", None),
            _ => ("stuck", None),
        };
        Self { schema: 1, r#type: "left-over", file: FileName::new(&left_over.path), fate, target }
    }
}
