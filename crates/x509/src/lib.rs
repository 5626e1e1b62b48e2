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

mod algorithm;
pub mod asn1;
mod builder;
mod certificate;
mod error;
mod extensions;
mod identity;
mod name;
pub mod oid;
mod pem;
mod request;
mod request_policy;
mod time;

pub use algorithm::{
    algorithm_identifier, digest_from_algorithm, scheme_from_algorithm, signer_scheme,
};
pub use builder::{CertificateBuilder, Profile, SerialNumber, Validity};
pub use certificate::Certificate;
pub use error::Error;
pub use extensions::{CaConstraint, Extension, Extensions, KeyUsage};
pub use identity::{Identity, IdentityError};
pub use name::{Name, NameError};
pub use pem::{Document, read_certificates, read_documents, to_pem};
pub use request::{CertificationRequest, RequestBuilder};
pub use request_policy::{
    InfKey, KeyWish, Notice, NoticeKind, Place, PolicyError, PolicyErrorKind, RequestKind,
    RequestPolicy, Treatment, ValidityUnit, ValidityWish,
};
pub use time::Time;
