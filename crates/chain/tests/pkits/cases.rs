//! The tests of the document, section by section.

mod basic;
mod lists;
mod names;
mod policies;

use crate::case::Case;

/// Every case.
pub const ALL: &[&[Case]] = &[basic::CASES, policies::CASES, names::CASES, lists::CASES];
