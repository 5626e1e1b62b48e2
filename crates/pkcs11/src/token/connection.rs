//! This process's one connection to a token: its login and its sessions.

use core::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chancery_key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use cryptoki_sys::{
    CK_MECHANISM_TYPE, CK_SLOT_ID, CKF_LOGIN_REQUIRED, CKF_PROTECTED_AUTHENTICATION_PATH,
    CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_INITIALIZED, CKF_USER_PIN_LOCKED,
    CKR_USER_TYPE_INVALID,
};

use super::TokenInfo;
use super::sessions::SessionPool;
use crate::Pkcs11Error;
use crate::module::token_facts;
use crate::raw::{Library, Session, TokenFacts, User};

/// What every [`Token`](crate::Token) of this process shares that means the same one.
pub(crate) struct Connection {
    library: Arc<Library>,
    slot: CK_SLOT_ID,
    label: String,
    serial: String,
    sessions: SessionPool,
    /// Held while logging in, so that a PIN is asked for once however many threads want it.
    login: Mutex<LoginState>,
    /// Whether the token ever refused a PIN from this process; then it gets no second one. Apart from the
    /// lock, which nobody may wait for who has a session on loan.
    refused: AtomicBool,
    signing_mechanisms: OnceLock<Vec<CK_MECHANISM_TYPE>>,
}

#[derive(Default)]
struct LoginState {
    /// Whether there is nothing to be done any more before private objects can be used.
    ready: bool,
}

/// What is given to `C_Login`.
pub(crate) enum Credential {
    Pin(Pin),
    /// The person types on the device.
    Keypad,
}

impl Credential {
    fn secret(&self) -> Option<&[u8]> {
        match self {
            Self::Pin(pin) => Some(pin.expose_secret()),
            Self::Keypad => None,
        }
    }
}

impl Connection {
    pub(crate) fn new(library: Arc<Library>, slot: CK_SLOT_ID, token: &TokenInfo) -> Self {
        let sessions =
            SessionPool::new(Arc::clone(&library), slot, token.label.clone(), token.max_sessions);
        Self {
            library,
            slot,
            label: token.label.clone(),
            serial: token.serial.clone(),
            sessions,
            login: Mutex::default(),
            refused: AtomicBool::new(false),
            signing_mechanisms: OnceLock::new(),
        }
    }

    pub(crate) fn is_to(&self, token: &TokenInfo) -> bool {
        crate::raw::wide(self.slot) == token.slot_id
            && self.label == token.label
            && self.serial == token.serial
    }

    pub(crate) const fn sessions(&self) -> &SessionPool {
        &self.sessions
    }

    /// Lists the mechanisms that sign, asked for once.
    pub(crate) fn signing_mechanisms(&self) -> Result<&[CK_MECHANISM_TYPE], KeyError> {
        if let Some(known) = self.signing_mechanisms.get() {
            return Ok(known);
        }
        let mut listed = self
            .library
            .mechanisms(self.slot)
            .map_err(|error| error.at(format!("cannot list what token `{}` does", self.label)))?;
        listed.retain(|mechanism| {
            // A token that lists a mechanism and then tells nothing of it is believed on the list.
            crate::mechanism::is_candidate(*mechanism)
                && self
                    .library
                    .mechanism_info(self.slot, *mechanism)
                    .map_or(true, |info| info.signs)
        });
        Ok(self.signing_mechanisms.get_or_init(|| listed))
    }

    /// Logs the user in where that is needed and has not been done.
    pub(crate) fn login(
        &self,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<(), KeyError> {
        let mut state = self.login_state();
        if state.ready {
            return Ok(());
        }
        let facts = self.facts()?;
        if facts.flags & CKF_LOGIN_REQUIRED != 0 {
            self.login_with(&facts, pins, allow_final_try)?;
        }
        self.sessions.keep_anchor();
        state.ready = true;
        Ok(())
    }

    fn login_with(
        &self,
        facts: &TokenFacts,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<(), KeyError> {
        // Somebody else in this process may have logged in; then there is nothing to ask.
        let already = self.sessions.with(|session| {
            session.user_is_logged_in().map_err(|error| {
                error.at(format!("token `{}` does not tell who is logged in", self.label))
            })
        })?;
        if already {
            return Ok(());
        }
        let purpose = PinPurpose::TokenUser { token: self.label.clone() };
        let credential = self.credential(facts, purpose, pins, allow_final_try)?;
        let given = self.sessions.with(|session| {
            session
                .login(User::Normal, credential.secret())
                .map_err(|error| self.login_error(error))
        });
        self.remember_refusal(&given);
        given
    }

    /// Finds out after a lost session or handle what is left, and forgets what is not.
    pub(crate) fn recover(&self) {
        let mut state = self.login_state();
        match self.sessions.anchor_is_logged_in() {
            Some(logged_in) => state.ready = logged_in,
            None => {
                self.sessions.clear();
                state.ready = false;
            }
        }
    }

    /// Obtains the PIN for one use of a key that wants it every time.
    pub(crate) fn credential_for_key(
        &self,
        key: &str,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<Credential, KeyError> {
        // One question at a time.
        let _state = self.login_state();
        let facts = self.facts()?;
        let purpose = PinPurpose::KeyUse { token: self.label.clone(), key: key.to_owned() };
        self.credential(&facts, purpose, pins, allow_final_try)
    }

    /// Logs in once more for the operation just started in a session (`CKU_CONTEXT_SPECIFIC`).
    pub(crate) fn login_for_key(
        &self,
        session: &mut Session,
        credential: &Credential,
    ) -> Result<(), KeyError> {
        let given = match session.login(User::Context, credential.secret()) {
            // Tokens that store CKA_ALWAYS_AUTHENTICATE and do not know this login do not enforce it:
            // C_Sign has the last word.
            Err(error) if error.is(CKR_USER_TYPE_INVALID) => Ok(()),
            given => given.map_err(|error| self.login_error(error)),
        };
        self.remember_refusal(&given);
        given
    }

    /// Obtains a PIN, unless giving one could do harm or is not how this token is logged in to.
    fn credential(
        &self,
        facts: &TokenFacts,
        purpose: PinPurpose,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<Credential, KeyError> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(KeyError::new(
                KeyErrorKind::AuthRefused,
                format!(
                    "token `{}` refused a PIN from this process and is not given another",
                    self.label
                ),
            ));
        }
        match PinPolicy::of(facts.flags, allow_final_try) {
            PinPolicy::Refuse(why) => Err(KeyError::new(
                KeyErrorKind::AuthLocked,
                format!("the PIN of token `{}` {why}", self.label),
            )),
            PinPolicy::Keypad => Ok(Credential::Keypad),
            PinPolicy::Ask(warning) => {
                let request = PinRequest::new(purpose);
                let request = match warning {
                    Some(warning) => request.with_warning(warning),
                    None => request,
                };
                let pin = pins.pin(&request)?;
                // Tokens count an empty PIN as a wrong one.
                if pin.expose_secret().is_empty() {
                    return Err(KeyError::new(
                        KeyErrorKind::AuthRequired,
                        format!("the PIN given for token `{}` is empty", self.label),
                    ));
                }
                Ok(Credential::Pin(pin))
            }
        }
    }

    /// Reads the token's flags as they are now, and makes sure that it is still the same token.
    fn facts(&self) -> Result<TokenFacts, KeyError> {
        let facts = token_facts(&self.library, self.slot)
            .map_err(|error| error.at(format!("token `{}` does not answer", self.label)))?;
        if facts.label == self.label && facts.serial == self.serial {
            return Ok(facts);
        }
        Err(KeyError::new(
            KeyErrorKind::Unavailable,
            format!("token `{}` has been replaced by `{}`", self.label, facts.label),
        ))
    }

    fn login_error(&self, error: Pkcs11Error) -> KeyError {
        let what = match error.kind() {
            KeyErrorKind::AuthRefused => "refuses the PIN",
            KeyErrorKind::AuthLocked => "does not take its PIN any more",
            KeyErrorKind::AuthRequired => "was given no PIN",
            _ => "cannot log in",
        };
        error.at(format!("token `{}` {what}", self.label))
    }

    fn remember_refusal(&self, given: &Result<(), KeyError>) {
        if given.as_ref().is_err_and(|error| error.kind() == KeyErrorKind::AuthRefused) {
            self.refused.store(true, Ordering::Relaxed);
        }
    }

    fn login_state(&self) -> MutexGuard<'_, LoginState> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Connection {
    pub(crate) fn lose_sessions(&self) {
        self.library.close_all_sessions(self.slot);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("slot", &self.slot)
            .field("label", &self.label)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}

/// What a token's flags allow to be done about its PIN.
#[derive(Debug, PartialEq, Eq)]
enum PinPolicy {
    Ask(Option<&'static str>),
    Keypad,
    Refuse(&'static str),
}

impl PinPolicy {
    const fn of(flags: cryptoki_sys::CK_FLAGS, allow_final_try: bool) -> Self {
        let final_try = flags & CKF_USER_PIN_FINAL_TRY != 0;
        if flags & CKF_USER_PIN_LOCKED != 0 {
            Self::Refuse("is locked")
        } else if flags & CKF_USER_PIN_INITIALIZED == 0 {
            Self::Refuse("has never been set")
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
