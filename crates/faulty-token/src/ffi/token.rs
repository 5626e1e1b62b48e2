//! The module, its slots, and what a token says of itself.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_BBOOL, CK_C_INITIALIZE_ARGS, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV, CK_SLOT_ID,
    CK_SLOT_INFO, CK_TOKEN_INFO, CK_TRUE, CK_ULONG, CKF_TOKEN_PRESENT, CKF_USER_PIN_COUNT_LOW,
    CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED, CKR_BUFFER_TOO_SMALL, CKR_MECHANISM_INVALID,
    CKR_OK,
};

use super::template::{count, slice_mut};
use super::{Front, call, real};
use crate::pin;

pub(super) unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    call("C_Initialize", "", |front, _| {
        let Some(reserved) = &front.reserved else {
            return real!(front, C_Initialize(arguments));
        };
        // SAFETY: the caller gives arguments of this type, or null.
        let given = unsafe { arguments.cast::<CK_C_INITIALIZE_ARGS>().as_ref() };
        let mut changed = given.copied().unwrap_or_default();
        changed.pReserved = reserved.as_ptr().cast_mut().cast();
        real!(front, C_Initialize((&raw mut changed).cast()))
    })
}

pub(super) unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    call("C_Finalize", "", |front, _| {
        let rv = real!(front, C_Finalize(reserved));
        if rv == CKR_OK {
            front.equipment.state().sessions.clear();
        }
        rv
    })
}

pub(super) unsafe extern "C" fn C_GetSlotList(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    number: *mut CK_ULONG,
) -> CK_RV {
    call("C_GetSlotList", "", |front, plan| {
        if plan.absent && present == CK_TRUE && !number.is_null() {
            // SAFETY: the caller gives a valid place for the number.
            unsafe { number.write(0) };
            return CKR_OK;
        }
        real!(front, C_GetSlotList(present, slots, number))
    })
}

pub(super) unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    call("C_GetSlotInfo", "", |front, plan| {
        let rv = real!(front, C_GetSlotInfo(slot, info));
        if rv == CKR_OK && plan.absent {
            // SAFETY: the real module has just written there.
            let info = unsafe { &mut *info };
            info.flags &= !CKF_TOKEN_PRESENT;
        }
        rv
    })
}

pub(super) unsafe extern "C" fn C_GetTokenInfo(
    slot: CK_SLOT_ID,
    info: *mut CK_TOKEN_INFO,
) -> CK_RV {
    call("C_GetTokenInfo", "", |front, _| {
        let rv = real!(front, C_GetTokenInfo(slot, info));
        if rv != CKR_OK {
            return rv;
        }
        // SAFETY: the real module has just written there.
        let info = unsafe { &mut *info };
        let state = front.equipment.state();
        if let Some(tries) = state.script.pin_tries {
            info.flags &= !(CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
            info.flags |= pin::flags(front.equipment.record.tries_left(tries), tries);
        }
        info.flags = (info.flags | state.script.set_flags) & !state.script.clear_flags;
        rv
    })
}

pub(super) unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    mechanisms: *mut CK_MECHANISM_TYPE,
    number: *mut CK_ULONG,
) -> CK_RV {
    call("C_GetMechanismList", "", |front, _| {
        if number.is_null() || front.equipment.state().script.without_mechanisms.is_empty() {
            return real!(front, C_GetMechanismList(slot, mechanisms, number));
        }
        let left = match mechanisms_left(front, slot) {
            Ok(left) => left,
            Err(rv) => return rv,
        };
        // SAFETY: the caller gives a valid place for the number.
        let room = unsafe { number.replace(count(&left)) };
        if mechanisms.is_null() {
            return CKR_OK;
        }
        // SAFETY: the caller has room for as many mechanisms as it says.
        let places = unsafe { slice_mut(mechanisms, room) };
        match places.get_mut(..left.len()) {
            Some(places) => {
                places.copy_from_slice(&left);
                CKR_OK
            }
            None => CKR_BUFFER_TOO_SMALL,
        }
    })
}

/// Lists what the script leaves of the real token's mechanisms.
fn mechanisms_left(front: &Front, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>, CK_RV> {
    let mut number = 0;
    let rv = real!(front, C_GetMechanismList(slot, std::ptr::null_mut(), &raw mut number));
    if rv != CKR_OK {
        return Err(rv);
    }
    let mut all = vec![0; usize::try_from(number).unwrap_or(0)];
    let rv = real!(front, C_GetMechanismList(slot, all.as_mut_ptr(), &raw mut number));
    if rv != CKR_OK {
        return Err(rv);
    }
    all.truncate(usize::try_from(number).unwrap_or(0));
    all.retain(|mechanism| !is_taken_away(front, *mechanism));
    Ok(all)
}

pub(super) fn is_taken_away(front: &Front, mechanism: CK_MECHANISM_TYPE) -> bool {
    front.equipment.state().script.without_mechanisms.contains(&mechanism)
}

pub(super) unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    call("C_GetMechanismInfo", "", |front, _| {
        if is_taken_away(front, mechanism) {
            return CKR_MECHANISM_INVALID;
        }
        real!(front, C_GetMechanismInfo(slot, mechanism, info))
    })
}
