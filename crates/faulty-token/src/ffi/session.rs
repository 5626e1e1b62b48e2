//! Sessions and logins: how many there may be, which are refused, and what the PIN is.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_FLAGS, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID, CK_ULONG, CK_USER_TYPE, CK_UTF8CHAR,
    CKF_RW_SESSION, CKR_OK, CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_SESSION_COUNT,
    CKU_CONTEXT_SPECIFIC, CKU_SO,
};

use super::template::{count, slice};
use super::{Front, call, real};
use crate::{pin, record};

pub(super) unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: *mut c_void,
    notify: CK_NOTIFY,
    handle: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    call("C_OpenSession", "", |front, _| {
        // Held through the call, so that two threads do not both get the last session.
        let mut state = front.equipment.state();
        if let Some(rv) = state.script.read_write_only.filter(|_| flags & CKF_RW_SESSION == 0) {
            return rv;
        }
        if state.script.sessions.is_some_and(|limit| state.sessions.len() >= limit) {
            return CKR_SESSION_COUNT;
        }
        let rv = real!(front, C_OpenSession(slot, flags, application, notify, handle));
        if rv == CKR_OK {
            // SAFETY: the real module has just written there.
            state.sessions.insert(unsafe { *handle }, slot);
        }
        rv
    })
}

pub(super) unsafe extern "C" fn C_CloseSession(handle: CK_SESSION_HANDLE) -> CK_RV {
    call("C_CloseSession", "", |front, _| {
        let mut state = front.equipment.state();
        state.sessions.remove(&handle);
        state.each_time.finish(handle);
        real!(front, C_CloseSession(handle))
    })
}

pub(super) unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    call("C_CloseAllSessions", "", |front, _| {
        front.equipment.state().sessions.retain(|_, of| *of != slot);
        real!(front, C_CloseAllSessions(slot))
    })
}

pub(super) unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    text: *mut CK_UTF8CHAR,
    len: CK_ULONG,
) -> CK_RV {
    call("C_Login", record::user(user), |front, _| {
        if user == CKU_SO || text.is_null() {
            return real!(front, C_Login(session, user, text, len));
        }
        // SAFETY: the caller gives a PIN of this length.
        let given = unsafe { slice(text.cast_const(), len) };
        log_in(front, session, user, given)
    })
}

/// Logs in a user whose PIN is what the script makes of it.
fn log_in(front: &Front, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, given: &[u8]) -> CK_RV {
    let mut state = front.equipment.state();
    let tries = state.script.pin_tries;
    if tries.is_some_and(|tries| front.equipment.record.tries_left(tries) == 0) {
        return CKR_PIN_LOCKED;
    }
    let mut pin = given.to_vec();
    if state.script.user_password_pin {
        let Some(password) = pin::password(given) else { return CKR_PIN_INCORRECT };
        pin = password.to_vec();
    }
    if user == CKU_CONTEXT_SPECIFIC && state.script.always_authenticate {
        return state.each_time.login(session, &pin);
    }
    let rv = real!(front, C_Login(session, user, pin.as_mut_ptr(), count(&pin)));
    if rv == CKR_OK {
        state.each_time.remember(&pin);
    }
    rv
}
