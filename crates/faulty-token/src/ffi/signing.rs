//! Signatures: wanted with a PIN each, or damaged.

use cryptoki_sys::{
    CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
    CKR_BUFFER_TOO_SMALL, CKR_MECHANISM_INVALID, CKR_OK,
};

use super::template::{count, slice, slice_mut};
use super::token::is_taken_away;
use super::{Front, call, call_or, real};

/// Room for the longest signature, in bytes: RSA keys of 16384 bits make one of 2048.
const MAX_SIGNATURE_LEN: usize = 4_096;

pub(super) unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_SignInit", "", |front, _| {
        // SAFETY: the caller gives a mechanism, or null to cancel.
        let wanted = unsafe { mechanism.as_ref() };
        if wanted.is_some_and(|wanted| is_taken_away(front, wanted.mechanism)) {
            return CKR_MECHANISM_INVALID;
        }
        let rv = real!(front, C_SignInit(session, mechanism, key));
        let mut state = front.equipment.state();
        if rv == CKR_OK && state.script.always_authenticate {
            state.each_time.start(session);
        }
        rv
    })
}

pub(super) unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: *mut CK_ULONG,
) -> CK_RV {
    // SAFETY: the caller gives data of this length.
    let input = unsafe { slice(data.cast_const(), len) };
    let forfeit = |front: &Front, rv| {
        if rv != CKR_BUFFER_TOO_SMALL {
            end_operation(front, session, input);
        }
    };
    call_or("C_Sign", "", forfeit, |front, plan| {
        let refusal = front.equipment.state().each_time.refusal(session);
        if let Some(rv) = refusal {
            end_operation(front, session, input);
            return rv;
        }
        let rv = real!(front, C_Sign(session, data, len, signature, signature_len));
        let asked_for_length = (rv == CKR_OK && signature.is_null()) || rv == CKR_BUFFER_TOO_SMALL;
        if asked_for_length {
            return rv;
        }
        front.equipment.state().each_time.finish(session);
        if rv == CKR_OK {
            // SAFETY: the real module has just written there.
            let written = unsafe { &mut *signature_len };
            // SAFETY: it has written so many bytes.
            let bytes = unsafe { slice_mut(signature, *written) };
            if let Some(last) = bytes.last_mut().filter(|_| plan.corrupt) {
                *last ^= 1;
            }
            if plan.shorten {
                *written = written.saturating_sub(1);
            }
        }
        rv
    })
}

/// Ends a signature in the real token, since any answer but `CKR_BUFFER_TOO_SMALL` ends it (PKCS#11 v2.40
/// section 5.11): it is made and thrown away.
fn end_operation(front: &Front, session: CK_SESSION_HANDLE, input: &[u8]) {
    let mut input = input.to_vec();
    let mut made = [0; MAX_SIGNATURE_LEN];
    let mut made_len = count(&made);
    let _ = real!(
        front,
        C_Sign(session, input.as_mut_ptr(), count(&input), made.as_mut_ptr(), &raw mut made_len)
    );
}
