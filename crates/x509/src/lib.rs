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
mod alternative_name;
pub mod asn1;
mod builder;
mod certificate;
mod crl;
mod error;
mod extensions;
mod identity;
mod issuance;
mod kind;
mod name;
pub mod oid;
mod pem;
mod profile;
mod request;
mod request_policy;
mod revocation_reason;
mod serial_number;
mod time;
mod validity;

pub use algorithm::{
    SignatureAlgorithm, algorithm_identifier, digest_from_algorithm, scheme_from_algorithm,
    signer_scheme,
};
pub use alternative_name::{AlternativeName, Location};
pub use builder::CertificateBuilder;
pub use certificate::Certificate;
pub use crl::{CrlBuilder, RevokedCertificate, SignedCrl};
pub use error::Error;
pub use extensions::{CaConstraint, Extension, Extensions, KeyUsage};
pub use identity::{Identity, IdentityError};
pub use issuance::{IssuanceFinding, IssuancePolicy};
pub use name::{Name, NameError, OpenSslForm, OpenSslName, WindowsForm, WindowsName};
pub use pem::{Document, read_certificates, read_documents, to_pem};
pub use profile::Profile;
pub use request::{CertificationRequest, RequestAttribute, RequestBuilder, UnverifiedRequest};
pub use request_policy::{
    InfKey, KeyWish, Notice, NoticeKind, Place, PolicyError, PolicyErrorKind, RequestKind,
    RequestPolicy, Treatment, ValidityUnit, ValidityWish,
};
pub use revocation_reason::RevocationReason;
pub use serial_number::{SerialNumber, SerialNumberError};
pub use time::Time;
pub use validity::Validity;
