//! The sessions of a token: shared, bounded, opened when needed.

use core::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use chancery_key::KeyError;
use cryptoki_sys::{
    CK_SLOT_ID, CKR_FUNCTION_FAILED, CKR_SESSION_COUNT, CKR_SESSION_READ_WRITE_SO_EXISTS,
};

use crate::Pkcs11Error;
use crate::raw::{Library, Session};

/// How many sessions a token gets when nobody says otherwise.
const DEFAULT_LIMIT: usize = 8;

/// A bounded pool. Sessions are lent to one piece of work each, and kept only when it succeeded: an error
/// may leave an operation active or mean that the session is dead.
pub(crate) struct SessionPool {
    library: Arc<Library>,
    label: String,
    state: Mutex<State>,
    returned: Condvar,
    /// Whether the token refuses read-only sessions.
    read_write: AtomicBool,
}

struct State {
    /// Where the token is now; one that was removed may come back in another slot.
    slot: CK_SLOT_ID,
    idle: Vec<Session>,
    lent: usize,
    limit: usize,
    /// Kept open and idle, since the login lapses with the last session (PKCS#11 v2.40 section 5.6).
    anchor: Option<Session>,
}

impl SessionPool {
    pub(crate) fn new(
        library: Arc<Library>,
        slot: CK_SLOT_ID,
        label: String,
        max_sessions: Option<u64>,
    ) -> Self {
        // One of the token's sessions is the anchor.
        let allowed = max_sessions
            .and_then(|max| usize::try_from(max).ok())
            .map_or(DEFAULT_LIMIT, |max| max.saturating_sub(1).clamp(1, DEFAULT_LIMIT));
        let state = State { slot, idle: Vec::new(), lent: 0, limit: allowed, anchor: None };
        Self {
            library,
            label,
            state: Mutex::new(state),
            returned: Condvar::new(),
            read_write: AtomicBool::new(false),
        }
    }

    /// Returns the slot in which sessions are opened.
    pub(crate) fn slot(&self) -> CK_SLOT_ID {
        self.state().slot
    }

    /// Opens sessions in this slot from now on.
    pub(crate) fn move_to(&self, slot: CK_SLOT_ID) {
        self.state().slot = slot;
    }

    /// Sets how many sessions there may be, besides the anchor.
    pub(crate) fn set_limit(&self, limit: usize) {
        self.state().limit = limit.max(1);
        self.returned.notify_all();
    }

    /// Does a piece of work in a session of its own, waiting for one where all are lent out.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        self.library.ensure_own_process()?;
        let mut session = self
            .take()
            .map_err(|error| error.at(format!("no session with token `{}`", self.label)))?;
        // Counts the session as returned even where the work panics.
        let mut loan = Loan { pool: self, returned: None };
        let done = work(&mut session);
        if done.is_ok() {
            loan.returned = Some(session);
        } else {
            drop(session);
        }
        done
    }

    /// Opens a read-write session outside the pool, closed when dropped.
    pub(crate) fn open_read_write(&self) -> Result<Session, KeyError> {
        self.library.ensure_own_process()?;
        Session::open(&self.library, self.slot(), true)
            .map_err(|error| error.at(format!("no read-write session with token `{}`", self.label)))
    }

    /// Keeps a session open from now on. Where the token allows no further one, the pool's own have to do.
    pub(crate) fn keep_anchor(&self) {
        let missing = self.state().anchor.is_none();
        if missing && let Ok(session) = self.open() {
            self.state().anchor = Some(session);
        }
    }

    /// Asks the anchor whether the user is logged in; `None` where there is none, or it is dead.
    pub(crate) fn anchor_is_logged_in(&self) -> Option<bool> {
        self.state().anchor.as_mut()?.user_is_logged_in().ok()
    }

    /// Closes every session that is not lent out.
    pub(crate) fn clear(&self) {
        let (idle, anchor) = {
            let mut state = self.state();
            (core::mem::take(&mut state.idle), state.anchor.take())
        };
        drop(idle);
        drop(anchor);
    }

    fn take(&self) -> Result<Session, Pkcs11Error> {
        let mut state = self.state();
        loop {
            if state.lent < state.limit {
                state.lent += 1;
                if let Some(session) = state.idle.pop() {
                    return Ok(session);
                }
                drop(state);
                let opened = self.open();
                if opened.is_ok() {
                    return opened;
                }
                state = self.state();
                state.lent -= 1;
                match opened {
                    Err(error) if error.is(CKR_SESSION_COUNT) => {
                        if let Some(anchor) = state.anchor.take() {
                            state.lent += 1;
                            return Ok(anchor);
                        }
                        if state.lent == 0 && state.idle.is_empty() {
                            return Err(error);
                        }
                        // The token has no more for us: from here on those we have are shared.
                        state.limit = state.lent.max(1);
                        continue;
                    }
                    opened => {
                        self.returned.notify_one();
                        return opened;
                    }
                }
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open(&self) -> Result<Session, Pkcs11Error> {
        let read_write = self.read_write.load(Ordering::Relaxed);
        let slot = self.slot();
        match Session::open(&self.library, slot, read_write) {
            // AWS CloudHSM has no read-only sessions and says so with CKR_FUNCTION_FAILED.
            Err(error)
                if !read_write
                    && (error.is(CKR_FUNCTION_FAILED)
                        || error.is(CKR_SESSION_READ_WRITE_SO_EXISTS)) =>
            {
                let session = Session::open(&self.library, slot, true)?;
                self.read_write.store(true, Ordering::Relaxed);
                Ok(session)
            }
            opened => opened,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("SessionPool")
            .field("idle", &state.idle.len())
            .field("lent", &state.lent)
            .field("limit", &state.limit)
            .finish_non_exhaustive()
    }
}

/// A session that is out, and what comes back of it.
struct Loan<'a> {
    pool: &'a SessionPool,
    returned: Option<Session>,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.lent -= 1;
        state.idle.extend(self.returned.take());
        drop(state);
        self.pool.returned.notify_one();
    }
}
