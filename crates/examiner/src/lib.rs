#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "everything here examines: its way to fail is a panic, its answers are tables"
)]

pub mod checks_table;
pub mod corpus;
pub mod evidence;
pub mod explanations;
pub mod forge;
pub mod growth;
mod judging;
pub mod memory;
pub mod mutations;
pub mod opinion;
pub mod pitfalls;
pub mod tools;
pub mod wine;

pub use judging::{judge_bytes, judge_file};
