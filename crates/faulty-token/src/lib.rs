#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]
#![expect(non_snake_case, reason = "the functions bear the names of the standard")]

mod equipment;
#[expect(
    unsafe_code,
    reason = "a PKCS#11 module is a C library in front of another, and this is where both are"
)]
mod ffi;
mod names;
mod pin;
mod record;
mod script;

pub use ffi::C_GetFunctionList;
pub use script::{Script, ScriptError};
