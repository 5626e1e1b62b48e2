//! PINs as the scripted token has them: counted, composed of user and password, wanted again for a key.

use std::collections::BTreeMap;

use cryptoki_sys::{
    CK_FLAGS, CK_RV, CK_SESSION_HANDLE, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY,
    CKF_USER_PIN_LOCKED, CKR_OK, CKR_OPERATION_NOT_INITIALIZED, CKR_PIN_INCORRECT,
    CKR_USER_NOT_LOGGED_IN,
};

use crate::script::PinTries;

/// Returns what the real token gets of `user:password`; `None` where it is not of this form.
pub(crate) fn password(pin: &[u8]) -> Option<&[u8]> {
    let colon = pin.iter().position(|byte| *byte == b':')?;
    let (user, rest) = pin.split_at_checked(colon)?;
    rest.get(1..).filter(|password| !user.is_empty() && !password.is_empty())
}

/// Returns the flags that tell how many tries are left.
pub(crate) const fn flags(left: u64, tries: PinTries) -> CK_FLAGS {
    match left {
        0 => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED,
        1 => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY,
        left if left < tries.all => CKF_USER_PIN_COUNT_LOW,
        _ => 0,
    }
}

/// The signatures that have been started and want, or have got, their PIN.
#[derive(Debug, Default)]
pub(crate) struct EachTime {
    /// The PIN that the real token took from the user.
    pin: Option<Vec<u8>>,
    started: BTreeMap<CK_SESSION_HANDLE, bool>,
}

impl EachTime {
    pub(crate) fn remember(&mut self, pin: &[u8]) {
        self.pin = Some(pin.to_vec());
    }

    pub(crate) fn start(&mut self, session: CK_SESSION_HANDLE) {
        self.started.insert(session, false);
    }

    /// Answers a login for one operation.
    pub(crate) fn login(&mut self, session: CK_SESSION_HANDLE, pin: &[u8]) -> CK_RV {
        let Some(allowed) = self.started.get_mut(&session) else {
            return CKR_OPERATION_NOT_INITIALIZED;
        };
        if self.pin.as_deref() == Some(pin) {
            *allowed = true;
            CKR_OK
        } else {
            CKR_PIN_INCORRECT
        }
    }

    /// Tells what is the matter with signing now, and forgets about the operation unless that is nothing.
    pub(crate) fn refusal(&mut self, session: CK_SESSION_HANDLE) -> Option<CK_RV> {
        match self.started.get(&session) {
            Some(false) => {
                self.started.remove(&session);
                Some(CKR_USER_NOT_LOGGED_IN)
            }
            _ => None,
        }
    }

    pub(crate) fn finish(&mut self, session: CK_SESSION_HANDLE) {
        self.started.remove(&session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_follows_the_first_colon() {
        assert_eq!(password(b"signer:a:b"), Some(&b"a:b"[..]));
        for pin in [&b"1234"[..], b":1234", b"signer:", b""] {
            assert_eq!(password(pin), None);
        }
    }

    #[test]
    fn flags_tell_the_tries_left() {
        let tries = PinTries { all: 3, left: 3 };
        assert_eq!(flags(3, tries), 0);
        assert_eq!(flags(2, tries), CKF_USER_PIN_COUNT_LOW);
        assert_eq!(flags(1, tries), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
        assert_eq!(flags(0, tries), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    }

    #[test]
    fn a_pin_is_good_for_one_signature() {
        let mut each = EachTime::default();
        each.remember(b"4711");
        assert_eq!(each.login(1, b"4711"), CKR_OPERATION_NOT_INITIALIZED);
        each.start(1);
        assert_eq!(each.login(1, b"0000"), CKR_PIN_INCORRECT);
        assert_eq!(each.login(1, b"4711"), CKR_OK);
        assert_eq!(each.refusal(1), None);
        each.finish(1);
        each.start(1);
        assert_eq!(each.refusal(1), Some(CKR_USER_NOT_LOGGED_IN));
    }
}
