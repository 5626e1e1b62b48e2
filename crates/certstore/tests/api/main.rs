//! The public interface.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "everything here is part of a test, whose way to fail is a panic"
)]

mod binding;
mod files;
mod hostile;
mod property_inf;
mod registry;
mod round_trip;
mod stores;
mod support;
#[cfg(windows)]
mod windows;
