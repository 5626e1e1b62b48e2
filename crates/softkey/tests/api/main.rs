//! The crate as its users see it.

#![expect(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod conformance;
mod deterministic;
mod directory;
mod encryption;
mod file;
mod openssl;
mod pkcs12;
mod reading;
mod support;
