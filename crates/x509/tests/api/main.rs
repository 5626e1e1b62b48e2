//! The crate as its users see it.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod algorithms;
mod forge;
mod identity;
mod issuance;
mod issuing;
mod names;
mod openssl;
mod reading;
mod requests;
mod revoking;
mod support;
