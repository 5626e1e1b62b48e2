//! The verifier put to the test.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod checks;
mod mutations;
mod pitfalls;
