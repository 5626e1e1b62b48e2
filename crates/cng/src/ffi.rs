//! Windows as it is called: handles that free themselves, lengths and strings that fit.

mod certificate;
mod csp;
mod key_storage;
mod text;

pub(crate) use certificate::{Acquired, acquire};
pub(crate) use csp::{Context, service_providers};
pub(crate) use key_storage::{CngKey, Padding, Provider, storage_providers};

use windows_sys::Win32::Foundation::GetLastError;
use windows_sys::core::{BOOL, HRESULT};

use crate::CngError;

/// The most bytes a name, a blob or a signature may have; a length beyond it is a provider gone wrong.
const MAX_LEN: u32 = 1 << 16;

/// The most things listed; a provider that has more has no end.
const MAX_LIST_LEN: u32 = 1 << 16;

/// Asks why the last call failed.
fn last_error(function: &'static str) -> CngError {
    // SAFETY: reads a number of this thread.
    let code = unsafe { GetLastError() };
    CngError::new(function, code)
}

/// Reads the answer of a call that says more by `GetLastError`.
fn check(function: &'static str, answer: BOOL) -> Result<(), CngError> {
    if answer == 0 { Err(last_error(function)) } else { Ok(()) }
}

/// Reads a `SECURITY_STATUS`.
const fn check_status(function: &'static str, status: HRESULT) -> Result<(), CngError> {
    if status == 0 { Ok(()) } else { Err(CngError::new(function, status.cast_unsigned())) }
}

/// Turns the length of a slice into the 32 bits Windows has for it.
fn length(function: &'static str, bytes: &[u8]) -> Result<u32, CngError> {
    u32::try_from(bytes.len()).map_err(|_| CngError::new(function, CngError::UNEXPECTED))
}

/// Makes room for as many bytes as Windows asks for.
fn room(function: &'static str, len: u32) -> Result<Vec<u8>, CngError> {
    match usize::try_from(len) {
        Ok(size) if len <= MAX_LEN => Ok(vec![0; size]),
        _ => Err(CngError::new(function, CngError::UNEXPECTED)),
    }
}

/// Cuts a buffer to what was written into it.
fn written(function: &'static str, mut bytes: Vec<u8>, len: u32) -> Result<Vec<u8>, CngError> {
    match usize::try_from(len) {
        Ok(len) if len <= bytes.len() => {
            bytes.truncate(len);
            Ok(bytes)
        }
        _ => Err(CngError::new(function, CngError::UNEXPECTED)),
    }
}
