//! This process's one connection to a token: its login and its sessions.

use core::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chancery_key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use cryptoki_sys::{
    CK_MECHANISM_TYPE, CK_SLOT_ID, CKF_LOGIN_REQUIRED, CKR_GENERAL_ERROR, CKR_PIN_EXPIRED,
    CKR_USER_NOT_LOGGED_IN, CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TYPE_INVALID,
};

use super::TokenInfo;
use super::pin_policy::PinPolicy;
use super::sessions::SessionPool;

use crate::module::token_facts;
use crate::raw::{Library, Session, TokenFacts, User};
use crate::retry::{self, Attempts, Remedy};
use crate::{ModuleInfo, Pkcs11Error};

/// How long a removed token is waited for when nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause between the first two looks for a removed token; each further one is twice as long.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);

/// The longest pause between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// What every [`Token`](crate::Token) of this process shares that means the same one.
pub(crate) struct Connection {
    library: Arc<Library>,
    label: String,
    serial: String,
    module_manufacturer: String,
    shared_file_store: bool,
    sessions: SessionPool,
    /// Held while logging in, so that a PIN is asked for once however many threads want it.
    login: Mutex<LoginState>,
    /// Whether the token ever refused a PIN from this process; then it gets no second one. Apart from the
    /// lock, which nobody may wait for who has a session on loan.
    refused: AtomicBool,
    /// Whether the token wants a login, as it said at the last one. Apart from the lock for the same reason.
    login_required: AtomicBool,
    signing_mechanisms: OnceLock<Vec<CK_MECHANISM_TYPE>>,
    /// Counts what ends the life of handles.
    epoch: AtomicU64,
}

struct LoginState {
    /// Whether there is nothing to be done any more before private objects can be used.
    ready: bool,
    /// What the token was given, for the day it forgets: nobody is asked twice in one process.
    credential: Option<Credential>,
    /// When the token was first seen to be gone, while it is.
    gone_since: Option<Instant>,
    patience: Duration,
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

    fn origin(&self) -> Option<&str> {
        match self {
            Self::Pin(pin) => pin.origin(),
            Self::Keypad => Some("its keypad"),
        }
    }
}

impl Connection {
    pub(crate) fn new(
        library: Arc<Library>,
        slot: CK_SLOT_ID,
        token: &TokenInfo,
        module: &ModuleInfo,
    ) -> Self {
        let sessions =
            SessionPool::new(Arc::clone(&library), slot, token.label.clone(), token.max_sessions);
        Self {
            library,
            label: token.label.clone(),
            serial: token.serial.clone(),
            module_manufacturer: module.manufacturer.clone(),
            shared_file_store: module.has_shared_file_store(),
            sessions,
            login: Mutex::new(LoginState {
                ready: false,
                credential: None,
                gone_since: None,
                patience: PATIENCE,
            }),
            refused: AtomicBool::new(false),
            login_required: AtomicBool::new(token.login_required),
            signing_mechanisms: OnceLock::new(),
            epoch: AtomicU64::new(0),
        }
    }

    pub(crate) fn is_to(&self, token: &TokenInfo) -> bool {
        crate::raw::wide(self.sessions.slot()) == token.slot_id
            && self.label == token.label
            && self.serial == token.serial
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(crate) fn module_manufacturer(&self) -> &str {
        &self.module_manufacturer
    }

    pub(crate) const fn has_shared_file_store(&self) -> bool {
        self.shared_file_store
    }

    pub(crate) fn count_retry(&self, reason: &'static str) {
        self.library.count_retry(reason);
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        self.login_state().patience = patience;
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
            .mechanisms(self.sessions.slot())
            .map_err(|error| error.at(format!("cannot list what token `{}` does", self.label)))?;
        listed.retain(|mechanism| {
            // A token that lists a mechanism and then tells nothing of it is believed on the list.
            crate::mechanism::is_candidate(*mechanism)
                && self
                    .library
                    .mechanism_info(self.sessions.slot(), *mechanism)
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
        self.library.ensure_own_process()?;
        let facts = self.facts().or_else(|error| {
            // Another token in the slot, where it may be this one in the middle of a change.
            match self.shared_file_store && retry::call_of(&error).is_none() {
                true => {
                    self.count_retry("token-replaced");
                    self.facts_read_afresh(&mut retry::pauses())
                }
                false => Err(error),
            }
        })?;
        let required = facts.flags & CKF_LOGIN_REQUIRED != 0;
        self.login_required.store(required, Ordering::Relaxed);
        if required {
            self.login_with(&mut state, facts, pins, allow_final_try)?;
        }
        self.sessions.keep_anchor();
        self.epoch.fetch_add(1, Ordering::Release);
        state.ready = true;
        Ok(())
    }

    fn login_with(
        &self,
        state: &mut LoginState,
        mut facts: TokenFacts,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<(), KeyError> {
        // Somebody else in this process may have logged in; then there is nothing to ask.
        let already = self.sessions.with(|session| self.user_is_logged_in(session))?;
        if already {
            return Ok(());
        }
        let mut pauses = retry::pauses();
        loop {
            // Also with a PIN that the token took before: its tries may have been spent since.
            self.check_tries(facts.flags, allow_final_try)?;
            let credential = match state.credential.take() {
                Some(known) => known,
                None => {
                    let purpose = PinPurpose::TokenUser { token: self.label.clone() };
                    self.credential(&facts, purpose, pins, allow_final_try)?
                }
            };
            let given = self.sessions.with(|session| {
                session
                    .login(User::Normal, credential.secret())
                    .map_err(|error| self.login_error(error, &credential))
            });
            self.remember_refusal(&given);
            match given {
                Ok(()) => {
                    state.credential = Some(credential);
                    return Ok(());
                }
                Err(error) => {
                    // A login that failed for another reason than the PIN keeps it for the next.
                    if error.kind() != KeyErrorKind::AuthRefused {
                        state.credential = Some(credential);
                    }
                    // SoftHSM answers these before it looks at the PIN, while another process writes to the store.
                    let disturbed = retry::call_of(&error).copied().filter(|call| {
                        self.shared_file_store
                            && (call.is(CKR_GENERAL_ERROR) || call.is(CKR_USER_PIN_NOT_INITIALIZED))
                    });
                    let (Some(call), Some(pause)) = (disturbed, pauses.next()) else {
                        return Err(error);
                    };
                    self.count_retry(retry::reason(&call));
                    thread::sleep(pause);
                    facts = if call.is(CKR_USER_PIN_NOT_INITIALIZED) {
                        self.facts_read_afresh(&mut pauses)?
                    } else {
                        self.facts()?
                    };
                }
            }
        }
    }

    /// Reads the token's flags after the module has read the token again, which may be in the middle of a change too.
    fn facts_read_afresh(
        &self,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<TokenFacts, KeyError> {
        loop {
            self.start_module_again();
            let facts = self.facts();
            let Some(pause) = pauses.next().filter(|_| facts.is_err()) else { return facts };
            thread::sleep(pause);
        }
    }

    /// Has the module read its tokens afresh, where nobody else in this process has anything open in it: SoftHSM
    /// keeps what it read of a token while another process was writing it.
    fn start_module_again(&self) {
        /// The module's own, this connection's, and that of its sessions.
        const NOBODY_ELSE: usize = 3;
        self.sessions.clear();
        if Arc::strong_count(&self.library) > NOBODY_ELSE {
            return;
        }
        // Where that fails, the next call says why.
        let _ = self.library.restart();
        if let Some(slot) = self.find_slot() {
            self.sessions.move_to(slot);
        }
    }

    /// Makes sure that a session is logged in, where the token wants that.
    pub(crate) fn ensure_login(&self, session: &mut Session) -> Result<(), KeyError> {
        if !self.login_required.load(Ordering::Relaxed) || self.user_is_logged_in(session)? {
            return Ok(());
        }
        let lost = Pkcs11Error::new("C_GetSessionInfo", CKR_USER_NOT_LOGGED_IN);
        Err(lost.at(format!("the login of token `{}` was lost", self.label)))
    }

    fn user_is_logged_in(&self, session: &mut Session) -> Result<bool, KeyError> {
        session.user_is_logged_in().map_err(|error| {
            error.at(format!("token `{}` does not tell who is logged in", self.label))
        })
    }

    /// Does what helps against a failure, so that the work can be tried again.
    ///
    /// # Errors
    /// The failure itself where nothing helps, or the token does not come back.
    pub(crate) fn remedy(&self, attempts: &mut Attempts, error: KeyError) -> Result<(), KeyError> {
        let Some((call, remedy)) =
            retry::call_of(&error).and_then(|call| Some((*call, attempts.after(call)?)))
        else {
            return Err(error);
        };
        let helped = match remedy {
            Remedy::Repeat(pause) => {
                thread::sleep(pause);
                true
            }
            Remedy::Renew => {
                self.renew();
                true
            }
            Remedy::Return => self.wait_for_return(),
        };
        if !helped {
            return Err(error);
        }
        self.count_retry(retry::reason(&call));
        Ok(())
    }

    /// Finds out after a lost session or handle what is left, and forgets what is not.
    fn renew(&self) {
        let mut state = self.login_state();
        match self.sessions.anchor_is_logged_in() {
            Some(logged_in) => {
                state.ready = logged_in || !self.login_required.load(Ordering::Relaxed);
            }
            None => self.forget_sessions(&mut state),
        }
        // Also where somebody else in this process has finalised the module.
        if !state.ready && self.library.info().is_err() {
            // Where that fails, the next call says why.
            let _ = self.library.initialize_again();
        }
    }

    /// Waits until the token is in a slot again; `false` where it does not come back in time.
    ///
    /// The login is held meanwhile, so that other threads wait here instead of each looking.
    fn wait_for_return(&self) -> bool {
        let mut state = self.login_state();
        if self.sessions.anchor_is_logged_in() == Some(true) {
            // Another thread has been here, and this one comes with an old session.
            return true;
        }
        self.forget_sessions(&mut state);
        let since = *state.gone_since.get_or_insert_with(Instant::now);
        let mut pause = SHORTEST_LOOK;
        loop {
            if let Some(slot) = self.find_slot() {
                self.sessions.move_to(slot);
                state.gone_since = None;
                return true;
            }
            if since.elapsed() >= state.patience {
                return false;
            }
            thread::sleep(pause);
            pause = pause.saturating_mul(2).min(LONGEST_LOOK);
        }
    }

    /// Looks for the token by what it is, not by where it was.
    fn find_slot(&self) -> Option<CK_SLOT_ID> {
        let is_ours = |facts: &TokenFacts| facts.label == self.label && facts.serial == self.serial;
        let slots = self.library.slots().ok()?;
        slots
            .into_iter()
            .find(|slot| token_facts(&self.library, *slot).is_ok_and(|facts| is_ours(&facts)))
    }

    fn forget_sessions(&self, state: &mut LoginState) {
        self.sessions.clear();
        self.epoch.fetch_add(1, Ordering::Release);
        state.ready = false;
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
            given => given.map_err(|error| self.login_error(error, credential)),
        };
        self.remember_refusal(&given);
        given
    }

    /// Refuses to give a PIN where that could do harm.
    fn check_tries(
        &self,
        flags: cryptoki_sys::CK_FLAGS,
        allow_final_try: bool,
    ) -> Result<(), KeyError> {
        if self.refused.load(Ordering::Relaxed) {
            return Err(KeyError::new(
                KeyErrorKind::AuthRefused,
                format!(
                    "token `{}` refused a PIN from this process and is not given another",
                    self.label
                ),
            ));
        }
        match PinPolicy::of(flags, allow_final_try) {
            PinPolicy::Refuse(why) => Err(KeyError::new(
                KeyErrorKind::AuthLocked,
                format!("the PIN of token `{}` {why}", self.label),
            )),
            PinPolicy::Keypad | PinPolicy::Ask(_) => Ok(()),
        }
    }

    /// Obtains a PIN, unless giving one could do harm or is not how this token is logged in to.
    fn credential(
        &self,
        facts: &TokenFacts,
        purpose: PinPurpose,
        pins: &dyn PinSource,
        allow_final_try: bool,
    ) -> Result<Credential, KeyError> {
        self.check_tries(facts.flags, allow_final_try)?;
        let warning = match PinPolicy::of(facts.flags, allow_final_try) {
            PinPolicy::Ask(warning) => warning,
            PinPolicy::Keypad | PinPolicy::Refuse(_) => return Ok(Credential::Keypad),
        };
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
        if pin.has_control_characters() {
            let origin = pin.origin().map(|origin| format!(" from {origin}")).unwrap_or_default();
            let label = &self.label;
            let text = format!(
                "the PIN{origin} has control characters, and token `{label}` was not given it"
            );
            return Err(KeyError::new(KeyErrorKind::AuthRequired, text));
        }
        Ok(Credential::Pin(pin))
    }

    /// Reads the token's flags as they are now, and makes sure that it is still the same token.
    fn facts(&self) -> Result<TokenFacts, KeyError> {
        let facts = token_facts(&self.library, self.sessions.slot())
            .map_err(|error| error.at(format!("token `{}` does not answer", self.label)))?;
        if facts.label == self.label && facts.serial == self.serial {
            return Ok(facts);
        }
        Err(KeyError::new(
            KeyErrorKind::Unavailable,
            format!("token `{}` has been replaced by `{}`", self.label, facts.label),
        ))
    }

    fn login_error(&self, error: Pkcs11Error, given: &Credential) -> KeyError {
        let what = match error.kind() {
            KeyErrorKind::AuthRefused => {
                let origin = given.origin().map(|origin| format!(" from {origin}"));
                let origin = origin.unwrap_or_default();
                return error.at(format!("token `{}` refuses the PIN{origin}", self.label));
            }
            KeyErrorKind::AuthLocked if error.is(CKR_PIN_EXPIRED) => {
                "wants a new PIN: this one has expired"
            }
            KeyErrorKind::AuthLocked if error.is(CKR_USER_PIN_NOT_INITIALIZED) => {
                "has no PIN yet: its security officer must set one"
            }
            KeyErrorKind::AuthLocked => {
                "is locked after too many wrong PINs: its security officer must unlock it"
            }
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
        self.library.close_all_sessions(self.sessions.slot());
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("slot", &self.sessions.slot())
            .field("label", &self.label)
            .field("sessions", &self.sessions)
            .finish_non_exhaustive()
    }
}
