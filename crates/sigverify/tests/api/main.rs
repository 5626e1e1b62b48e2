//! The crate as its users see it, over signatures that OpenSSL made (`tests/data`).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod ecdsa;
mod ed25519;
mod forgeries;
mod hostile;
mod pss;
mod support;
mod vectors;
mod verified;
