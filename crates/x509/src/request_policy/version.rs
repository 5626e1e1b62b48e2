//! `[Version]`: that a file is for Windows.

use chancery_inf::Entry;

use super::draft::Draft;
use super::error::{Failure, Place};
use super::value::unknown;

/// The signatures of SetupAPI for files of every Windows; `$Windows 95$` files are of another time.
const SIGNATURES: [&str; 2] = ["$Windows NT$", "$Chicago$"];

pub(crate) fn signature(draft: &mut Draft, entry: &Entry, _: &Place) -> Result<(), Failure> {
    let value = entry.value();
    if !SIGNATURES.iter().any(|known| known.eq_ignore_ascii_case(value.trim())) {
        return Err(unknown(&value, "signature of an INF", SIGNATURES).into());
    }
    draft.has_version = true;
    Ok(())
}
