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

mod amend;
mod attribute;
mod bag;
mod builder;
mod bundle;
mod cmc;
mod content_info;
mod error;
mod ess;
pub mod oid;
mod signed_data;
mod signer;

pub use amend::{add_unsigned_value, replace_signature, retain_unsigned, set_unsigned_values};
pub use attribute::{Attribute, Attributes, NewAttribute};
pub use bag::add_certificates;
pub use builder::SignedDataBuilder;
pub use bundle::certificate_bundle;
pub use cmc::{pki_data, requests_in_pki_data};
pub use content_info::{bare_signed_data, wrap_signed_data};
pub use error::Error;
pub use ess::{CertificateBinding, certificate_binding, signing_certificate_v2};
pub use signed_data::{Certificates, SignedData};
pub use signer::{SignerCheck, SignerIdentifier, SignerInfo};
