#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "a test that goes out of bounds fails, as it should"
    )
)]

mod cursor;
mod document;
mod encoding;
mod entry;
mod error;
mod field;
mod lookalike;
mod position;
mod read;
mod strings;
mod write;

pub use document::{Document, Section};
pub use encoding::{Encoding, decode};
pub use entry::{Entry, Piece};
pub use error::{Error, ErrorKind};
pub use position::Position;
pub use read::MAX_TEXT_LEN;
pub use strings::MAX_SUBSTITUTED_LEN;
pub use write::Unwritable;
