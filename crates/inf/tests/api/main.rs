//! The crate as its users see it.

#![allow(clippy::unwrap_used, reason = "the parts of a test fail as the test does")]

mod errors;
mod hostile;
mod reading;
mod writing;
