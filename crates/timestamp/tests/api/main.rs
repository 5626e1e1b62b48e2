//! The crate as its users see it, on made and on real timestamps.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod acceptance;
mod authority;
mod client;
mod corpus;
mod forge;
mod legacy;
mod requests;
mod server;
mod tokens;
