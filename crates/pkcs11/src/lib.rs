#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod certificates;
mod error;
mod generate;
mod key;
mod life;
mod mechanism;
mod module;
#[expect(
    unsafe_code,
    reason = "modules are C libraries, and this is the one place that calls them"
)]
mod raw;
mod retry;
mod statistics;
mod store;
mod token;
mod uri;
mod watchdog;

pub use certificates::TokenCertificate;
pub use error::Pkcs11Error;
pub use key::Pkcs11Key;
pub use module::{MechanismInfo, Module, ModuleInfo};
pub use statistics::Statistics;
pub use store::{Rejection, SeenObject, TokenStore};
pub use token::{Token, TokenInfo};
pub use uri::{ObjectType, Uri, UriError, UriErrorKind};
pub use watchdog::{HungCall, watch_calls};
