//! Every kind of file by every kind of key, hash and signature, judged by verifiers we did not write.
//!
//! A selection in which every two values meet is an ordinary test; `cargo xtask matrix` runs every combination.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "everything here is part of a test, whose way to fail is a panic"
)]

mod axes;
mod examination;
mod pairs;
mod rules;
mod scene;
mod tally;

use axes::Cell;

#[test]
fn every_two_values_are_accepted_and_refused_after_one_flipped_byte() {
    examination::hold(&pairs::pairwise());
}

#[test]
#[ignore = "takes minutes: cargo xtask matrix"]
fn every_combination_is_accepted_and_refused_after_one_flipped_byte() {
    examination::hold(&Cell::all());
}
