//! What a module answers when it does not answer `CKR_OK`.

mod names;

use core::error::Error;
use core::fmt;

use chancery_key::{KeyError, KeyErrorKind};
use cryptoki_sys::*;

use crate::raw::wide;

/// A call to a module and the return code it gave: the [`source`](Error::source) of this crate's
/// [`KeyError`]s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pkcs11Error {
    function: &'static str,
    rv: CK_RV,
}

impl Pkcs11Error {
    pub(crate) const fn new(function: &'static str, rv: CK_RV) -> Self {
        Self { function, rv }
    }

    /// Returns the function of the standard that was called, as in `C_Login`.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// Returns the return code (`CK_RV`, PKCS#11 v2.40 section 5.1).
    #[must_use]
    pub fn rv(&self) -> u64 {
        wide(self.rv)
    }

    /// Returns the standard's name of the code, as in `CKR_PIN_INCORRECT`, where it has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        names::return_code(self.rv())
    }

    pub(crate) const fn is(&self, rv: CK_RV) -> bool {
        self.rv == rv
    }

    /// Says what it happened to; what the caller can do follows from the code.
    pub(crate) fn at(self, message: impl Into<String>) -> KeyError {
        KeyError::new(self.kind(), message).with_source(self)
    }

    /// Tells what the caller can do next.
    pub(crate) const fn kind(&self) -> KeyErrorKind {
        match self.rv {
            CKR_PIN_INCORRECT | CKR_PIN_INVALID | CKR_PIN_LEN_RANGE => KeyErrorKind::AuthRefused,
            CKR_PIN_LOCKED | CKR_PIN_EXPIRED | CKR_USER_PIN_NOT_INITIALIZED => {
                KeyErrorKind::AuthLocked
            }
            // A cancelled keypad entry is a PIN not given, not a PIN refused.
            CKR_USER_NOT_LOGGED_IN | CKR_FUNCTION_CANCELED | CKR_CANCEL => {
                KeyErrorKind::AuthRequired
            }
            CKR_MECHANISM_INVALID
            | CKR_MECHANISM_PARAM_INVALID
            | CKR_KEY_SIZE_RANGE
            | CKR_KEY_TYPE_INCONSISTENT
            | CKR_CURVE_NOT_SUPPORTED
            | CKR_DOMAIN_PARAMS_INVALID => KeyErrorKind::UnsupportedScheme,
            CKR_KEY_FUNCTION_NOT_PERMITTED
            | CKR_ACTION_PROHIBITED
            | CKR_ATTRIBUTE_READ_ONLY
            | CKR_FUNCTION_REJECTED
            | CKR_SESSION_READ_ONLY
            | CKR_TOKEN_WRITE_PROTECTED
            | CKR_USER_ANOTHER_ALREADY_LOGGED_IN
            | CKR_USER_TOO_MANY_TYPES => KeyErrorKind::NotPermitted,
            CKR_TOKEN_NOT_PRESENT
            | CKR_TOKEN_NOT_RECOGNIZED
            | CKR_TOKEN_NOT_INITIALIZED
            | CKR_DEVICE_REMOVED
            | CKR_SLOT_ID_INVALID
            | CKR_CRYPTOKI_NOT_INITIALIZED
            | CKR_LIBRARY_LOAD_FAILED
            | CKR_CANT_LOCK
            | CKR_SESSION_COUNT => KeyErrorKind::Unavailable,
            _ => KeyErrorKind::Device,
        }
    }
}

impl fmt::Display for Pkcs11Error {
    /// Writes call, name and number: `C_Login: CKR_PIN_INCORRECT (0xa0)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.name() {
            Some(name) => name,
            None if self.rv >= CKR_VENDOR_DEFINED => "the vendor's own code",
            None => "unknown code",
        };
        write!(f, "{}: {name} ({:#x})", self.function, self.rv)
    }
}

impl Error for Pkcs11Error {}

/// Names a mechanism as the standard does, as in `CKM_RSA_PKCS`, where it is one this crate knows.
pub(crate) fn mechanism_name(mechanism: u64) -> Option<&'static str> {
    names::mechanism(mechanism)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_with_its_call_name_and_number() {
        let error = Pkcs11Error::new("C_Login", CKR_PIN_INCORRECT);
        assert_eq!(error.to_string(), "C_Login: CKR_PIN_INCORRECT (0xa0)");
        let error = Pkcs11Error::new("C_Sign", CKR_VENDOR_DEFINED + 7);
        assert_eq!(error.to_string(), "C_Sign: the vendor's own code (0x80000007)");
        let error = Pkcs11Error::new("C_Sign", 0x4);
        assert_eq!(error.to_string(), "C_Sign: unknown code (0x4)");
    }

    #[test]
    fn codes_say_what_the_caller_can_do() {
        for (rv, kind) in [
            (CKR_PIN_INCORRECT, KeyErrorKind::AuthRefused),
            (CKR_PIN_LOCKED, KeyErrorKind::AuthLocked),
            (CKR_USER_NOT_LOGGED_IN, KeyErrorKind::AuthRequired),
            (CKR_TOKEN_NOT_PRESENT, KeyErrorKind::Unavailable),
            (CKR_KEY_FUNCTION_NOT_PERMITTED, KeyErrorKind::NotPermitted),
            (CKR_MECHANISM_INVALID, KeyErrorKind::UnsupportedScheme),
            (CKR_DEVICE_ERROR, KeyErrorKind::Device),
            (CKR_VENDOR_DEFINED + 1, KeyErrorKind::Device),
        ] {
            assert_eq!(Pkcs11Error::new("C_Sign", rv).at("").kind(), kind, "{rv:#x}");
        }
    }
}
