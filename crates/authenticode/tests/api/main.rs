//! The crate as its users see it, on made and on real files.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod attributes;
mod corpus;
mod digest_file;
mod microsoft;
mod nesting;
mod patches;
mod signing;
mod support;
mod timestamps;
mod trust;
mod verifying;
