//! The public interface, with openssl as the judge of what it prints.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "everything here is part of a test, whose way to fail is a panic"
)]

mod openssl;
mod searching;
mod thousand_keys;
