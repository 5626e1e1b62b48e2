//! What Windows answers when it does not do what it was asked for.

use core::error::Error;
use core::fmt;

use chancery_key::{KeyError, KeyErrorKind};

/// A call and the code it failed with: the [`source`](Error::source) of this crate's [`KeyError`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CngError {
    function: &'static str,
    code: u32,
}

/// The codes that say something, by their names in `winerror.h`.
const NAMES: [(u32, &str); 26] = [
    (0x0000_0002, "ERROR_FILE_NOT_FOUND"),
    (0x0000_0005, "ERROR_ACCESS_DENIED"),
    (0x0000_00ea, "ERROR_MORE_DATA"),
    (0x0000_0103, "ERROR_NO_MORE_ITEMS"),
    (0x8009_0001, "NTE_BAD_UID"),
    (0x8009_0003, "NTE_BAD_KEY"),
    (0x8009_0008, "NTE_BAD_ALGID"),
    (0x8009_000b, "NTE_BAD_KEY_STATE"),
    (0x8009_000d, "NTE_NO_KEY"),
    (0x8009_000f, "NTE_EXISTS"),
    (0x8009_0010, "NTE_PERM"),
    (0x8009_0011, "NTE_NOT_FOUND"),
    (0x8009_0014, "NTE_BAD_PROV_TYPE"),
    (0x8009_0015, "NTE_BAD_PUBLIC_KEY"),
    (0x8009_0016, "NTE_BAD_KEYSET"),
    (0x8009_0017, "NTE_PROV_TYPE_NOT_DEF"),
    (0x8009_0019, "NTE_KEYSET_NOT_DEF"),
    (0x8009_001d, "NTE_PROVIDER_DLL_FAIL"),
    (0x8009_0022, "NTE_SILENT_CONTEXT"),
    (0x8009_0027, "NTE_INVALID_PARAMETER"),
    (0x8009_0029, "NTE_NOT_SUPPORTED"),
    (0x8009_002a, "NTE_NO_MORE_ITEMS"),
    (0x8009_0030, "NTE_DEVICE_NOT_READY"),
    (0x8009_200b, "CRYPT_E_NO_KEY_PROPERTY"),
    (0x8010_006b, "SCARD_W_WRONG_CHV"),
    (0x8010_006c, "SCARD_W_CHV_BLOCKED"),
];

#[cfg_attr(not(windows), allow(dead_code, reason = "only Windows is called, and only there"))]
impl CngError {
    /// There are no more things to list (`ERROR_NO_MORE_ITEMS`).
    pub(crate) const NO_MORE_ITEMS: u32 = 0x103;
    /// There are no more keys to list (`NTE_NO_MORE_ITEMS`).
    pub(crate) const NO_MORE_KEYS: u32 = 0x8009_002a;
    /// The container has no key of this kind (`NTE_NO_KEY`).
    pub(crate) const NO_KEY: u32 = 0x8009_000d;
    /// What came back is not what the documentation says comes back (`NTE_FAIL`).
    pub(crate) const UNEXPECTED: u32 = 0x8009_0020;

    pub(crate) const fn new(function: &'static str, code: u32) -> Self {
        Self { function, code }
    }

    /// Says what it happened to; what the caller can do follows from the code.
    pub(crate) fn at(self, message: impl Into<String>) -> KeyError {
        KeyError::new(self.kind(), message).with_source(self)
    }

    /// Tells what the caller can do next.
    const fn kind(self) -> KeyErrorKind {
        match self.code {
            // NTE_SILENT_CONTEXT: it would have opened a window.
            0x8009_0022 => KeyErrorKind::AuthRequired,
            0x8010_006b => KeyErrorKind::AuthRefused,
            0x8010_006c => KeyErrorKind::AuthLocked,
            2 | Self::NO_KEY | 0x8009_0011 | 0x8009_0016 | 0x8009_200b => KeyErrorKind::NotFound,
            0x8009_000f => KeyErrorKind::AlreadyExists,
            5 | 0x8009_000b | 0x8009_0010 => KeyErrorKind::NotPermitted,
            0x8009_0008 | 0x8009_0029 => KeyErrorKind::UnsupportedScheme,
            0x8009_0015 => KeyErrorKind::Mismatch,
            0x8009_0014 | 0x8009_0017 | 0x8009_0019 | 0x8009_001d | 0x8009_0030 => {
                KeyErrorKind::Unavailable
            }
            _ => KeyErrorKind::Device,
        }
    }
}

impl CngError {
    /// Returns the function that was called, as in `NCryptOpenKey`.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// Returns the code: a `SECURITY_STATUS`, or what `GetLastError` said.
    #[must_use]
    pub const fn code(&self) -> u32 {
        self.code
    }

    /// Returns the code's name in `winerror.h`, as in `NTE_BAD_KEYSET`, where it is one we know.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        NAMES.into_iter().find(|(code, _)| *code == self.code).map(|(_, name)| name)
    }
}

impl fmt::Display for CngError {
    /// Writes call, name and number: `NCryptOpenKey: NTE_BAD_KEYSET (0x80090016)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().unwrap_or("unknown code");
        write!(f, "{}: {name} ({:#010x})", self.function, self.code)
    }
}

impl Error for CngError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_with_its_call_name_and_number() {
        let error = CngError::new("NCryptOpenKey", 0x8009_0016);
        assert_eq!(error.to_string(), "NCryptOpenKey: NTE_BAD_KEYSET (0x80090016)");
        let error = CngError::new("CryptSignHashW", 0x57);
        assert_eq!(error.to_string(), "CryptSignHashW: unknown code (0x00000057)");
    }

    #[test]
    fn codes_say_what_the_caller_can_do() {
        for (code, kind) in [
            (0x8009_0016, KeyErrorKind::NotFound),
            (0x8009_000f, KeyErrorKind::AlreadyExists),
            (0x8009_0022, KeyErrorKind::AuthRequired),
            (0x8009_0010, KeyErrorKind::NotPermitted),
            (0x8009_0008, KeyErrorKind::UnsupportedScheme),
            (0x8009_0019, KeyErrorKind::Unavailable),
            (0x8010_006c, KeyErrorKind::AuthLocked),
            (0x57, KeyErrorKind::Device),
        ] {
            assert_eq!(CngError::new("CryptSignHashW", code).at("").kind(), kind, "{code:#x}");
        }
    }
}
