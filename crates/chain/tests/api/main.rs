//! The crate as its users see it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod code_signing;
mod differential;
mod hostile;
mod list_signers;
mod lists;
mod locations;
mod maker;
mod openssl;
mod paths;
mod revocation;
mod scenarios;
