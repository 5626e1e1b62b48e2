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

mod accept;
mod error;
mod gen_time;
#[cfg(feature = "http")]
pub mod http;
mod imprint;
mod legacy;
pub mod oid;
mod reason;
mod report;
mod request;
mod response;
mod stamp;
mod token;
#[cfg(feature = "tsa")]
pub mod tsa;
mod tst_info;
mod verifier;

pub use accept::{Refusal, accept_legacy_response, accept_response};
pub use error::Error;
pub use gen_time::GenTime;
pub use imprint::MessageImprint;
pub use legacy::{LegacyRequest, LegacyResponse};
pub use reason::Reason;
pub use report::{TimestampKind, TimestampReport};
pub use request::{Nonce, TimeStampRequest};
pub use response::{Failure, Status, TimeStampResponse};
pub use stamp::{Stamp, StampError, StampErrorKind, Timestamper};
pub use token::Token;
pub use tst_info::{Accuracy, TstInfo};
pub use verifier::TimestampVerifier;
