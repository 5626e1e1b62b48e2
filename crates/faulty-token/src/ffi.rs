//! The C interface on both sides: our functions, and the list of the real module's.
//!
//! One contract carries every safety argument here: callers give what PKCS#11 v2.40 asks of them, which they
//! would have to give the real module just as well. What is passed on is what was given, or a copy of it that
//! lives through the call.

mod forward;
mod module;
mod object;
mod session;
mod signing;
mod template;
mod token;

use std::ffi::CString;
use std::sync::{LazyLock, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use cryptoki_sys::{
    CK_FUNCTION_LIST, CK_RV, CK_VERSION, CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED,
    CKR_GENERAL_ERROR, CKR_OK,
};

use crate::equipment::{Equipment, Plan, complain};
use crate::record::Who;
use module::Real;

/// The real module, and what is to go wrong with it.
struct Front {
    real: Real,
    equipment: Equipment,
    /// What the real module gets as `pReserved`, where it wants something there.
    reserved: Option<CString>,
    /// Read through every call of the real module, and written while its sessions are closed under others: a device
    /// that is pulled out survives that, but SoftHSM frees sessions that calls are still in.
    calls: RwLock<()>,
}

static FRONT: LazyLock<Option<Front>> = LazyLock::new(|| match Front::from_environment() {
    Ok(front) => Some(front),
    Err(reason) => {
        complain(&reason);
        None
    }
});

impl Front {
    fn from_environment() -> Result<Self, String> {
        let named = |name: &str| std::env::var_os(name).ok_or_else(|| format!("{name} is not set"));
        let real = Real::load(named("CHANCERY_FAULTY_MODULE")?.as_ref())?;
        let script = named("CHANCERY_FAULTY_SCRIPT")?.into();
        let record = std::env::var_os("CHANCERY_FAULTY_RECORD").map(Into::into);
        let reserved = match std::env::var("CHANCERY_FAULTY_RESERVED") {
            Ok(text) => Some(CString::new(text).map_err(|error| error.to_string())?),
            Err(_) => None,
        };
        let equipment = Equipment::new(script, record);
        Ok(Self { real, equipment, reserved, calls: RwLock::default() })
    }
}

/// Makes a call of the real module; one that it leaves out is not supported.
macro_rules! real {
    ($front:expr, $name:ident($($argument:expr),* $(,)?)) => {
        match $front.real.functions().$name {
            // SAFETY: the arguments are the caller's own, or copies that live through the call, so they are
            // what the standard asks for of this function.
            Some(function) => unsafe { function($($argument),*) },
            None => $crate::ffi::CKR_FUNCTION_NOT_SUPPORTED,
        }
    };
}
use real;

/// Does one call by the script, and puts it on record.
fn call(name: &'static str, note: &str, work: impl FnOnce(&Front, &Plan) -> CK_RV) -> CK_RV {
    call_or(name, note, |_, _| (), work)
}

/// As [`call`]; `instead` happens to the real module where the script answers for it.
fn call_or(
    name: &'static str,
    note: &str,
    instead: impl FnOnce(&Front, CK_RV),
    work: impl FnOnce(&Front, &Plan) -> CK_RV,
) -> CK_RV {
    let arrived = Instant::now();
    let Some(front) = &*FRONT else { return CKR_GENERAL_ERROR };
    let plan = front.equipment.begin(name);
    // What the equipment itself takes is part of the delay, so that this is as long as the script says.
    thread::sleep(plan.delay.saturating_sub(arrived.elapsed()));
    if plan.hang {
        front.equipment.record.hang(name);
        loop {
            thread::park();
        }
    }
    if !plan.close.is_empty() {
        let _alone = front.calls.write().unwrap_or_else(PoisonError::into_inner);
        for slot in &plan.close {
            // The script wants the sessions gone; where they are gone already, that is as good.
            let _ = real!(front, C_CloseAllSessions(*slot));
        }
    }
    let _among_others = front.calls.read().unwrap_or_else(PoisonError::into_inner);
    let (rv, who) = match plan.answer {
        Some(rv) => {
            instead(front, rv);
            (rv, Who::Script)
        }
        None => (work(front, &plan), Who::Token),
    };
    front.equipment.record.answer(name, rv, who, note);
    rv
}

/// Gives the functions of this module (PKCS#11 v2.40 section 5.4), all of them ours.
///
/// Fails where the environment does not name a real module and a script.
///
/// # Safety
/// `list` is null, or a valid place for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    if list.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    if FRONT.is_none() {
        return CKR_GENERAL_ERROR;
    }
    // SAFETY: the caller gives a valid place. Nobody may write to the list they get.
    unsafe { list.write((&raw const FUNCTION_LIST).cast_mut()) };
    CKR_OK
}

/// Lists our functions, and with that the names a script may use.
macro_rules! function_list {
    ($($name:ident: $function:path,)+) => {
        static FUNCTION_LIST: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($name: Some($function),)+
        };

        /// The functions of PKCS#11 v2.40.
        pub(crate) const FUNCTIONS: &[&str] = &[$(stringify!($name)),+];
    };
}

function_list! {
    C_Initialize: token::C_Initialize,
    C_Finalize: token::C_Finalize,
    C_GetInfo: forward::C_GetInfo,
    C_GetFunctionList: C_GetFunctionList,
    C_GetSlotList: token::C_GetSlotList,
    C_GetSlotInfo: token::C_GetSlotInfo,
    C_GetTokenInfo: token::C_GetTokenInfo,
    C_GetMechanismList: token::C_GetMechanismList,
    C_GetMechanismInfo: token::C_GetMechanismInfo,
    C_InitToken: forward::C_InitToken,
    C_InitPIN: forward::C_InitPIN,
    C_SetPIN: forward::C_SetPIN,
    C_OpenSession: session::C_OpenSession,
    C_CloseSession: session::C_CloseSession,
    C_CloseAllSessions: session::C_CloseAllSessions,
    C_GetSessionInfo: forward::C_GetSessionInfo,
    C_GetOperationState: forward::C_GetOperationState,
    C_SetOperationState: forward::C_SetOperationState,
    C_Login: session::C_Login,
    C_Logout: forward::C_Logout,
    C_CreateObject: object::C_CreateObject,
    C_CopyObject: object::C_CopyObject,
    C_DestroyObject: forward::C_DestroyObject,
    C_GetObjectSize: forward::C_GetObjectSize,
    C_GetAttributeValue: object::C_GetAttributeValue,
    C_SetAttributeValue: object::C_SetAttributeValue,
    C_FindObjectsInit: object::C_FindObjectsInit,
    C_FindObjects: forward::C_FindObjects,
    C_FindObjectsFinal: forward::C_FindObjectsFinal,
    C_EncryptInit: forward::C_EncryptInit,
    C_Encrypt: forward::C_Encrypt,
    C_EncryptUpdate: forward::C_EncryptUpdate,
    C_EncryptFinal: forward::C_EncryptFinal,
    C_DecryptInit: forward::C_DecryptInit,
    C_Decrypt: forward::C_Decrypt,
    C_DecryptUpdate: forward::C_DecryptUpdate,
    C_DecryptFinal: forward::C_DecryptFinal,
    C_DigestInit: forward::C_DigestInit,
    C_Digest: forward::C_Digest,
    C_DigestUpdate: forward::C_DigestUpdate,
    C_DigestKey: forward::C_DigestKey,
    C_DigestFinal: forward::C_DigestFinal,
    C_SignInit: signing::C_SignInit,
    C_Sign: signing::C_Sign,
    C_SignUpdate: forward::C_SignUpdate,
    C_SignFinal: forward::C_SignFinal,
    C_SignRecoverInit: forward::C_SignRecoverInit,
    C_SignRecover: forward::C_SignRecover,
    C_VerifyInit: forward::C_VerifyInit,
    C_Verify: forward::C_Verify,
    C_VerifyUpdate: forward::C_VerifyUpdate,
    C_VerifyFinal: forward::C_VerifyFinal,
    C_VerifyRecoverInit: forward::C_VerifyRecoverInit,
    C_VerifyRecover: forward::C_VerifyRecover,
    C_DigestEncryptUpdate: forward::C_DigestEncryptUpdate,
    C_DecryptDigestUpdate: forward::C_DecryptDigestUpdate,
    C_SignEncryptUpdate: forward::C_SignEncryptUpdate,
    C_DecryptVerifyUpdate: forward::C_DecryptVerifyUpdate,
    C_GenerateKey: forward::C_GenerateKey,
    C_GenerateKeyPair: object::C_GenerateKeyPair,
    C_WrapKey: forward::C_WrapKey,
    C_UnwrapKey: forward::C_UnwrapKey,
    C_DeriveKey: forward::C_DeriveKey,
    C_SeedRandom: forward::C_SeedRandom,
    C_GenerateRandom: forward::C_GenerateRandom,
    C_GetFunctionStatus: forward::C_GetFunctionStatus,
    C_CancelFunction: forward::C_CancelFunction,
    C_WaitForSlotEvent: forward::C_WaitForSlotEvent,
}
