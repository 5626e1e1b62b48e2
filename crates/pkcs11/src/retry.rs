//! What is tried again, how often, and after which pause. This is the only place that decides it.
//!
//! Only what may be repeated without harm comes here: looks at slots and objects, opening sessions, signatures.
//! Key pairs, new objects and deletions are tried once. So is everything about PINs, data and mechanisms: a second
//! answer would be the same, and a second PIN may lock the token.

use core::error::Error;
use std::thread;
use std::time::Duration;

use chancery_key::KeyError;
use cryptoki_sys::*;

use crate::Pkcs11Error;

/// How often lost sessions, logins and handles are replaced for one piece of work. More than once, since other
/// threads may run into the same loss while the first repairs it.
const RENEWALS: u32 = 3;

/// How often work is repeated that the device failed at.
const REPETITIONS: u32 = 4;

/// How often a token that was removed is waited for during one piece of work.
const RETURNS: u32 = 2;

/// The pause before the first repetition; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(15);

/// What helps against a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// A new session, logged in where the login was lost, and the handle looked up again.
    Renew,
    /// The same again, after a pause.
    Repeat(Duration),
    /// Waiting until the token is there again, and then all anew.
    Return,
}

/// The remedies tried for one piece of work.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    renewed: u32,
    repeated: u32,
    returned: u32,
}

impl Attempts {
    /// Chooses what to do about a failure; `None` where nothing helps, or everything was tried.
    pub(crate) fn after(&mut self, error: &Pkcs11Error) -> Option<Remedy> {
        match class(error)? {
            Class::Lost => spend(&mut self.renewed, RENEWALS).map(|_| Remedy::Renew),
            Class::Removed => spend(&mut self.returned, RETURNS).map(|_| Remedy::Return),
            Class::Failed => spend(&mut self.repeated, REPETITIONS)
                .map(|before| Remedy::Repeat(FIRST_PAUSE.saturating_mul(1 << before))),
        }
    }
}

/// Repeats a look that changes nothing and needs no session, telling `count` of every repetition.
pub(crate) fn patiently<T>(
    count: impl Fn(&'static str),
    mut look: impl FnMut() -> Result<T, Pkcs11Error>,
) -> Result<T, Pkcs11Error> {
    let mut attempts = Attempts::default();
    loop {
        match look() {
            Err(error) => match attempts.after(&error) {
                Some(Remedy::Repeat(pause)) => {
                    count(reason(&error));
                    thread::sleep(pause);
                }
                // Without a session there is nothing to renew, and a token not there is an answer.
                Some(Remedy::Renew | Remedy::Return) | None => return Err(error),
            },
            answer => return answer,
        }
    }
}

/// The pauses after which something is looked for again that should be there.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    (0..REPETITIONS).map(|before| FIRST_PAUSE.saturating_mul(1 << before))
}

/// The call an error came of, where it came of one.
pub(crate) fn call_of(error: &KeyError) -> Option<&Pkcs11Error> {
    error.source()?.downcast_ref()
}

/// What a retry is counted under.
pub(crate) fn reason(error: &Pkcs11Error) -> &'static str {
    error.name().unwrap_or("CKR_VENDOR_DEFINED")
}

/// Tells whether a handle may be no good any more after this failure.
pub(crate) fn loses_handles(error: &KeyError) -> bool {
    call_of(error)
        .and_then(class)
        .is_some_and(|class| matches!(class, Class::Lost | Class::Removed))
}

/// Tells whether there is a remedy for a failure, so that it is no answer.
pub(crate) fn is_curable(error: &Pkcs11Error) -> bool {
    class(error).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Session, login or handle.
    Lost,
    /// The token.
    Removed,
    /// This one call, for a reason that may pass.
    Failed,
}

fn class(error: &Pkcs11Error) -> Option<Class> {
    const LOST: [CK_RV; 8] = [
        CKR_SESSION_HANDLE_INVALID,
        CKR_SESSION_CLOSED,
        CKR_OBJECT_HANDLE_INVALID,
        CKR_KEY_HANDLE_INVALID,
        CKR_USER_NOT_LOGGED_IN,
        CKR_CRYPTOKI_NOT_INITIALIZED,
        // The state of the session is not what we think it is: another one will do.
        CKR_OPERATION_ACTIVE,
        CKR_OPERATION_NOT_INITIALIZED,
    ];
    const REMOVED: [CK_RV; 4] =
        [CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_SLOT_ID_INVALID];
    const FAILED: [CK_RV; 5] = [
        CKR_DEVICE_ERROR,
        CKR_DEVICE_MEMORY,
        CKR_HOST_MEMORY,
        CKR_FUNCTION_FAILED,
        CKR_GENERAL_ERROR,
    ];
    let is_one_of = |codes: &[CK_RV]| codes.iter().any(|rv| error.is(*rv));
    if is_one_of(&LOST) {
        Some(Class::Lost)
    } else if is_one_of(&REMOVED) {
        Some(Class::Removed)
    } else if is_one_of(&FAILED) && error.function() != "C_Login" {
        // A login that failed without a reason may have cost a try.
        Some(Class::Failed)
    } else {
        None
    }
}

/// Takes one of `most`; returns how many were taken before.
fn spend(spent: &mut u32, most: u32) -> Option<u32> {
    let before = *spent;
    (before < most).then(|| {
        *spent += 1;
        before
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remedies(function: &'static str, rv: CK_RV) -> Vec<Remedy> {
        let mut attempts = Attempts::default();
        let error = Pkcs11Error::new(function, rv);
        core::iter::from_fn(|| attempts.after(&error)).collect()
    }

    #[test]
    fn what_is_lost_is_renewed_at_once_and_not_for_ever() {
        for rv in [CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_KEY_HANDLE_INVALID] {
            assert_eq!(remedies("C_Sign", rv), [Remedy::Renew; 3], "{rv:#x}");
        }
    }

    #[test]
    fn a_device_that_fails_is_asked_again_after_growing_pauses() {
        for rv in [CKR_DEVICE_ERROR, CKR_HOST_MEMORY, CKR_GENERAL_ERROR] {
            let pauses = [15, 30, 60, 120].map(Duration::from_millis).map(Remedy::Repeat);
            assert_eq!(remedies("C_Sign", rv), pauses, "{rv:#x}");
        }
    }

    #[test]
    fn a_token_that_is_removed_is_waited_for() {
        assert_eq!(remedies("C_Sign", CKR_DEVICE_REMOVED), [Remedy::Return; 2]);
        assert_eq!(remedies("C_OpenSession", CKR_TOKEN_NOT_PRESENT), [Remedy::Return; 2]);
    }

    #[test]
    fn nothing_about_pins_data_and_mechanisms_is_tried_again() {
        for rv in [
            CKR_PIN_INCORRECT,
            CKR_PIN_INVALID,
            CKR_PIN_LEN_RANGE,
            CKR_PIN_EXPIRED,
            CKR_PIN_LOCKED,
            CKR_USER_PIN_NOT_INITIALIZED,
            CKR_DATA_INVALID,
            CKR_DATA_LEN_RANGE,
            CKR_ARGUMENTS_BAD,
            CKR_MECHANISM_INVALID,
            CKR_MECHANISM_PARAM_INVALID,
            CKR_KEY_FUNCTION_NOT_PERMITTED,
            CKR_KEY_TYPE_INCONSISTENT,
            CKR_SESSION_COUNT,
            CKR_VENDOR_DEFINED + 1,
        ] {
            assert_eq!(remedies("C_Sign", rv), [], "{rv:#x}");
        }
        for rv in [CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED] {
            assert_eq!(remedies("C_Login", rv), [], "{rv:#x}");
        }
    }

    #[test]
    fn a_look_is_repeated_where_it_fails_without_a_reason_alone() {
        let failing = |rv, times: u32| {
            let (counted, mut looks) = (core::cell::Cell::new(0), 0);
            let answer = patiently(
                |_| counted.set(counted.get() + 1),
                || {
                    looks += 1;
                    if looks > times { Ok(()) } else { Err(Pkcs11Error::new("C_GetTokenInfo", rv)) }
                },
            );
            (answer.is_ok(), looks, counted.get())
        };
        assert_eq!(failing(CKR_GENERAL_ERROR, 2), (true, 3, 2));
        assert_eq!(failing(CKR_GENERAL_ERROR, 99), (false, REPETITIONS + 1, REPETITIONS));
        assert_eq!(failing(CKR_TOKEN_NOT_PRESENT, 1), (false, 1, 0));
    }

    #[test]
    fn handles_die_with_sessions_and_tokens_only() {
        let at = |rv| Pkcs11Error::new("C_Sign", rv).at("a key");
        assert!(loses_handles(&at(CKR_OBJECT_HANDLE_INVALID)));
        assert!(loses_handles(&at(CKR_DEVICE_REMOVED)));
        assert!(!loses_handles(&at(CKR_DEVICE_ERROR)));
        assert!(!loses_handles(&KeyError::new(chancery_key::KeyErrorKind::Device, "no source")));
    }
}
