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

mod check;
mod digest_file;
mod error;
pub mod oid;
mod pe_subject;
mod prepared;
mod report;
mod sign;
mod signature_checks;
mod signature_set;
pub mod spc;
mod subject;
mod timestamps;
mod verify;

pub use chancery_chain::{Crl, TrustAnchors};
pub use chancery_cms::NewAttribute;
pub use chancery_pe::{Edit, Patch, RemovedChecksum};
pub use chancery_timestamp::{TimestampKind, TimestampReport, TimestampVerifier};
pub use check::{Check, Require, Scope, VerificationPolicy};
pub use digest_file::DigestFile;
pub use error::Error;
pub use pe_subject::PeSubject;
pub use prepared::PreparedSignature;
pub use report::{
    ChainStatus, NamedDigests, PageHashStatus, Reason, Report, Severity, SignatureReport,
    UnknownAttribute, Verdict,
};
pub use sign::{SignOptions, Statement, nest, nested_count, sign};
pub use signature_set::SignatureSet;
pub use subject::{Embedded, Measurement, Request, Signature, Subject};
pub use verify::{MAX_SIGNATURES, Verifier, requested_measurement};
