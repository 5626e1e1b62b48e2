#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests break signatures on purpose, at places they know to be there"
    )
)]

#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#[cfg(test)]
mod agreement;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod by_ring;
mod ecdsa_signature;
mod ed25519_signature;
mod error;
mod hasher;
pub mod hazmat;
mod known;
mod rsa_signature;
mod verified;
mod verify;

pub use error::{KeyDefect, VerifyError};
pub use hasher::{Hasher, digest};
pub use verified::Verified;
pub use verify::{verify, verify_digest};
