//! When a PIN may be asked for.

use cryptoki_sys::{
    CKF_PROTECTED_AUTHENTICATION_PATH, CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY,
    CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_LOCKED,
};

/// What a token's flags allow to be done about its PIN.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PinPolicy {
    Ask(Option<&'static str>),
    Keypad,
    Refuse(&'static str),
}

impl PinPolicy {
    pub(super) const fn of(flags: cryptoki_sys::CK_FLAGS, allow_final_try: bool) -> Self {
        let final_try = flags & CKF_USER_PIN_FINAL_TRY != 0;
        if flags & CKF_USER_PIN_LOCKED != 0 {
            Self::Refuse("is locked: the token's security officer must unlock it")
        } else if flags & CKF_USER_PIN_INITIALIZED == 0 {
            Self::Refuse("has never been set: the token's security officer must set one")
        } else if final_try && !allow_final_try {
            Self::Refuse("has one try left, which is not spent")
        } else if flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0 {
            Self::Keypad
        } else if final_try {
            Self::Ask(Some("this is the last try: a wrong PIN locks the token"))
        } else if flags & CKF_USER_PIN_COUNT_LOW != 0 {
            Self::Ask(Some("a wrong PIN was given since the last login: few tries may be left"))
        } else {
            Self::Ask(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: cryptoki_sys::CK_FLAGS = CKF_USER_PIN_INITIALIZED;

    #[test]
    fn a_pin_is_asked_for_with_the_tokens_warnings() {
        assert_eq!(PinPolicy::of(SET, false), PinPolicy::Ask(None));
        let PinPolicy::Ask(Some(warning)) = PinPolicy::of(SET | CKF_USER_PIN_COUNT_LOW, false)
        else {
            panic!("a low count is no reason to refuse")
        };
        assert!(warning.contains("few tries"));
    }

    #[test]
    fn the_last_try_is_spent_only_when_allowed() {
        let flags = SET | CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY;
        assert!(matches!(PinPolicy::of(flags, false), PinPolicy::Refuse(_)));
        assert!(matches!(PinPolicy::of(flags, true), PinPolicy::Ask(Some(_))));
    }

    #[test]
    fn a_locked_or_unset_pin_is_never_tried() {
        for flags in [SET | CKF_USER_PIN_LOCKED, 0, CKF_PROTECTED_AUTHENTICATION_PATH] {
            assert!(matches!(PinPolicy::of(flags, true), PinPolicy::Refuse(_)), "{flags:#x}");
        }
    }

    #[test]
    fn a_keypad_is_never_given_a_typed_pin_nor_a_final_try() {
        let keypad = SET | CKF_PROTECTED_AUTHENTICATION_PATH;
        assert_eq!(PinPolicy::of(keypad, false), PinPolicy::Keypad);
        assert!(matches!(
            PinPolicy::of(keypad | CKF_USER_PIN_FINAL_TRY, false),
            PinPolicy::Refuse(_)
        ));
    }
}
