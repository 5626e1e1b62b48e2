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

mod anchors;
mod certificate_policies;
mod crl;
mod crl_problem;
mod effort;
mod finding;
mod general_name;
mod locations;
mod name_constraints;
mod normal_name;
mod oid;
mod outcome;
mod path;
mod policy;
mod policy_graph;
mod pool;
mod revocation;
mod search;
mod usage;
mod validation;

pub use anchors::TrustAnchors;
pub use chancery_x509::RevocationReason;
pub use crl::{Crl, RevokedEntry};
pub use crl_problem::CrlProblem;
pub use effort::{MAX_PATHS, MAX_SIGNATURE_CHECKS};
pub use finding::{Finding, Reason};
pub use locations::{crl_locations, issuer_locations};
pub use outcome::{Outcome, Revocation, Status};
pub use policy::{Distrust, Policy, Purpose, RevocationMode};
pub use search::MAX_PATH_LEN;
pub use validation::validate;
