//! Fixtures, conformance suite and oracles for the tests of this workspace.
//!
//! Not published, and never a normal dependency of a crate that is. It stops the test it serves by a
//! panic that says what was wrong, and prints what it skipped.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    reason = "everything here is part of a test, whose way to fail is a panic"
)]

pub mod articles;
pub mod broken_keys;
pub mod calm;
pub mod conformance;
pub mod corpus;
pub mod faulty;
pub mod http_server;
pub mod openssl;
pub mod openssl_tsa;
pub mod oracles;
pub mod pe_maker;
pub mod pkilint;
pub mod softhsm;
pub mod tamper;
pub mod workspace;
