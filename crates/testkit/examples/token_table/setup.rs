//! Modules with an empty token each.

mod kryoptic;
mod nss;
mod opencryptoki;
mod p11_kit;
mod server;
mod softhsm;
mod tool;
mod tpm2;

use std::any::Any;
use std::ffi::OsString;
use std::path::PathBuf;

/// A module that is ready, as long as this lives.
pub(crate) struct Setup {
    pub(crate) module: PathBuf,
    pub(crate) token: &'static str,
    pub(crate) pin: &'static str,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// A command that runs another in the surroundings the module needs; empty where it needs none.
    pub(crate) wrapper: Vec<OsString>,
    /// Directories and servers, gone when dropped.
    pub(crate) _keep: Box<dyn Any>,
}

/// A heading and how to set up what is under it.
pub(crate) type Column = (&'static str, fn() -> Setup);

const SOFTHSM: Column = ("SoftHSM2", softhsm::set_up);
const REMOTE: Column = ("p11-kit remote", p11_kit::set_up);

/// The modules that are quick to set up.
pub(crate) fn few() -> Vec<Column> {
    vec![SOFTHSM, REMOTE]
}

/// Every module there is a set-up for.
pub(crate) fn all() -> Vec<Column> {
    vec![
        SOFTHSM,
        ("kryoptic", kryoptic::set_up),
        ("opencryptoki", opencryptoki::set_up),
        ("NSS softokn", nss::set_up),
        ("tpm2-pkcs11", tpm2::set_up),
        REMOTE,
    ]
}
