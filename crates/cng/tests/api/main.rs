//! The crate as its users see it, on a Windows.
#![cfg(windows)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod csp;
mod key_storage;
