//! Strings as Windows has them.

use std::slice;

use windows_sys::Win32::Globalization::{CP_ACP, MultiByteToWideChar};

use super::last_error;
use crate::CngError;

/// The most characters a string may have before its NUL.
const MAX_CHARACTERS: usize = 4_096;

/// A string in UTF-16 that ends with NUL.
pub(super) struct Wide(Vec<u16>);

impl Wide {
    /// Encodes a text. What follows a NUL in it is not seen by Windows; addresses have none.
    pub(super) fn new(text: &str) -> Self {
        Self(text.encode_utf16().chain([0]).collect())
    }

    pub(super) fn as_ptr(&self) -> *const u16 {
        self.0.as_ptr()
    }
}

/// Copies a string in UTF-16 that ends with NUL; an absent one is empty.
///
/// # Safety
/// `text` is null or points to characters up to a NUL that stay as they are during the call.
pub(super) unsafe fn from_wide(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    let mut len = 0_usize;
    while len < MAX_CHARACTERS {
        // SAFETY: no character before this one was the NUL, so this one is still part of the string.
        let at = unsafe { text.add(len) };
        // SAFETY: as above, and the string is aligned as its type says.
        if unsafe { at.read() } == 0 {
            break;
        }
        len = len.saturating_add(1);
    }
    // SAFETY: so many characters were read just now.
    let characters = unsafe { slice::from_raw_parts(text, len) };
    String::from_utf16_lossy(characters)
}

/// Decodes a string in the code page of this system, up to its NUL.
pub(super) fn from_code_page(bytes: &[u8]) -> Result<String, CngError> {
    const CALL: &str = "MultiByteToWideChar";
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Ok(String::new());
    }
    let unexpected = || CngError::new(CALL, CngError::UNEXPECTED);
    let len = i32::try_from(text.len()).map_err(|_| unexpected())?;
    // No code page has characters of more than two units a byte.
    let mut wide = vec![0_u16; text.len().saturating_mul(2)];
    let size = i32::try_from(wide.len()).map_err(|_| unexpected())?;
    // SAFETY: both buffers are as long as is said, and live through the call.
    let written =
        unsafe { MultiByteToWideChar(CP_ACP, 0, text.as_ptr(), len, wide.as_mut_ptr(), size) };
    match usize::try_from(written) {
        Ok(0) | Err(_) => Err(last_error(CALL)),
        Ok(written) => Ok(String::from_utf16_lossy(wide.get(..written).ok_or_else(unexpected)?)),
    }
}
