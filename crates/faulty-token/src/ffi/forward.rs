//! Functions that are forwarded as they are, unless a fault says otherwise.

use std::ffi::c_void;

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_FLAGS, CK_INFO, CK_MECHANISM, CK_OBJECT_HANDLE as Object, CK_RV,
    CK_SESSION_HANDLE as Session, CK_SESSION_INFO, CK_SLOT_ID, CK_ULONG as Count, CK_UTF8CHAR,
};

use super::{call, real};

type Bytes = *mut CK_BYTE;
type Text = *mut CK_UTF8CHAR;
type Len = *mut Count;
type Mechanism = *mut CK_MECHANISM;
type Template = *mut CK_ATTRIBUTE;
type Objects = *mut Object;

/// Defines functions of these arguments, in the standard's order.
macro_rules! forwarded {
    ($($name:ident($($argument:ident: $kind:ty),*);)+) => {$(
        pub(super) unsafe extern "C" fn $name($($argument: $kind),*) -> CK_RV {
            call(stringify!($name), "", |front, _| real!(front, $name($($argument),*)))
        }
    )+};
}

forwarded! {
    C_GetInfo(a: *mut CK_INFO);
    C_InitToken(a: CK_SLOT_ID, b: Text, c: Count, d: Text);
    C_InitPIN(a: Session, b: Text, c: Count);
    C_SetPIN(a: Session, b: Text, c: Count, d: Text, e: Count);
    C_GetSessionInfo(a: Session, b: *mut CK_SESSION_INFO);
    C_GetOperationState(a: Session, b: Bytes, c: Len);
    C_SetOperationState(a: Session, b: Bytes, c: Count, d: Object, e: Object);
    C_Logout(a: Session);
    C_DestroyObject(a: Session, b: Object);
    C_GetObjectSize(a: Session, b: Object, c: Len);
    C_FindObjects(a: Session, b: Objects, c: Count, d: Len);
    C_FindObjectsFinal(a: Session);
    C_EncryptInit(a: Session, b: Mechanism, c: Object);
    C_Encrypt(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_EncryptUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_EncryptFinal(a: Session, b: Bytes, c: Len);
    C_DecryptInit(a: Session, b: Mechanism, c: Object);
    C_Decrypt(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DecryptUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DecryptFinal(a: Session, b: Bytes, c: Len);
    C_DigestInit(a: Session, b: Mechanism);
    C_Digest(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DigestUpdate(a: Session, b: Bytes, c: Count);
    C_DigestKey(a: Session, b: Object);
    C_DigestFinal(a: Session, b: Bytes, c: Len);
    C_SignUpdate(a: Session, b: Bytes, c: Count);
    C_SignFinal(a: Session, b: Bytes, c: Len);
    C_SignRecoverInit(a: Session, b: Mechanism, c: Object);
    C_SignRecover(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_VerifyInit(a: Session, b: Mechanism, c: Object);
    C_Verify(a: Session, b: Bytes, c: Count, d: Bytes, e: Count);
    C_VerifyUpdate(a: Session, b: Bytes, c: Count);
    C_VerifyFinal(a: Session, b: Bytes, c: Count);
    C_VerifyRecoverInit(a: Session, b: Mechanism, c: Object);
    C_VerifyRecover(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DigestEncryptUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DecryptDigestUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_SignEncryptUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_DecryptVerifyUpdate(a: Session, b: Bytes, c: Count, d: Bytes, e: Len);
    C_GenerateKey(a: Session, b: Mechanism, c: Template, d: Count, e: Objects);
    C_WrapKey(a: Session, b: Mechanism, c: Object, d: Object, e: Bytes, f: Len);
    C_UnwrapKey(a: Session, b: Mechanism, c: Object, d: Bytes, e: Count, f: Template, g: Count, h: Objects);
    C_DeriveKey(a: Session, b: Mechanism, c: Object, d: Template, e: Count, f: Objects);
    C_SeedRandom(a: Session, b: Bytes, c: Count);
    C_GenerateRandom(a: Session, b: Bytes, c: Count);
    C_GetFunctionStatus(a: Session);
    C_CancelFunction(a: Session);
    C_WaitForSlotEvent(a: CK_FLAGS, b: *mut CK_SLOT_ID, c: *mut c_void);
}
