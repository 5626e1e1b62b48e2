//! Objects: attributes that are not there, or cannot be set.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_FALSE, CK_MECHANISM, CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CK_RV,
    CK_SESSION_HANDLE, CK_TRUE, CK_ULONG, CK_UNAVAILABLE_INFORMATION, CKA_CLASS,
    CKO_VENDOR_DEFINED, CKR_ATTRIBUTE_TYPE_INVALID, CKR_MECHANISM_INVALID, CKR_OK,
};

use super::template::{count, refusal, slice, slice_mut};
use super::token::is_taken_away;
use super::{Front, call, real};

/// A class that no object has, as the template of a search that finds nothing.
const NO_CLASS: CK_OBJECT_CLASS = CKO_VENDOR_DEFINED | 0xfa17;

/// Tells which of these attributes the script refuses, and with what.
///
/// # Safety
/// `first` is null or begins `number` attributes.
unsafe fn refused(front: &Front, first: *const CK_ATTRIBUTE, number: CK_ULONG) -> Option<CK_RV> {
    // SAFETY: as the caller says.
    let template = unsafe { slice(first, number) };
    refusal(&front.equipment.state().script, template)
}

pub(super) unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CreateObject", "", |front, _| {
        // SAFETY: the caller gives a template of this length.
        let refused = unsafe { refused(front, template, number) };
        refused.unwrap_or_else(|| real!(front, C_CreateObject(session, template, number, object)))
    })
}

pub(super) unsafe extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CopyObject", "", |front, _| {
        // SAFETY: the caller gives a template of this length.
        let refused = unsafe { refused(front, template, number) };
        let forward = || real!(front, C_CopyObject(session, object, template, number, copy));
        refused.unwrap_or_else(forward)
    })
}

pub(super) unsafe extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
) -> CK_RV {
    call("C_SetAttributeValue", "", |front, _| {
        // SAFETY: the caller gives a template of this length.
        let refused = unsafe { refused(front, template, number) };
        let forward = || real!(front, C_SetAttributeValue(session, object, template, number));
        refused.unwrap_or_else(forward)
    })
}

pub(super) unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    publics: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    privates: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_GenerateKeyPair", "", |front, _| {
        // SAFETY: the caller gives a mechanism, or null.
        let wanted = unsafe { mechanism.as_ref() };
        if wanted.is_some_and(|wanted| is_taken_away(front, wanted.mechanism)) {
            return CKR_MECHANISM_INVALID;
        }
        // SAFETY: the caller gives a template of this length.
        let of_public = unsafe { refused(front, public, publics) };
        // SAFETY: the caller gives a template of this length.
        let of_private = unsafe { refused(front, private, privates) };
        of_public.or(of_private).unwrap_or_else(|| {
            real!(
                front,
                C_GenerateKeyPair(
                    session,
                    mechanism,
                    public,
                    publics,
                    private,
                    privates,
                    public_key,
                    private_key
                )
            )
        })
    })
}

pub(super) unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
) -> CK_RV {
    call("C_FindObjectsInit", "", |front, _| {
        // SAFETY: the caller gives a template of this length.
        let wanted = unsafe { slice(template.cast_const(), number) };
        let hides = {
            let state = front.equipment.state();
            wanted.iter().any(|attribute| state.script.hidden.contains(&{ attribute.type_ }))
        };
        if !hides {
            return real!(front, C_FindObjectsInit(session, template, number));
        }
        // What an object does not have, no search finds it by.
        let mut class = NO_CLASS;
        let mut nothing = CK_ATTRIBUTE {
            type_: CKA_CLASS,
            pValue: (&raw mut class).cast(),
            ulValueLen: CK_ULONG::try_from(size_of_val(&class)).unwrap_or_default(),
        };
        real!(front, C_FindObjectsInit(session, &raw mut nothing, 1))
    })
}

pub(super) unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    number: CK_ULONG,
) -> CK_RV {
    call("C_GetAttributeValue", "", |front, _| {
        // SAFETY: the caller gives a template of this length.
        let wanted = unsafe { slice_mut(template, number) };
        let (hidden, answered) = {
            let state = front.equipment.state();
            (state.script.hidden.clone(), state.script.answered.clone())
        };
        let is_hidden = |attribute: &CK_ATTRIBUTE| hidden.contains(&{ attribute.type_ });
        let mut shown: Vec<_> =
            wanted.iter().filter(|attribute| !is_hidden(attribute)).copied().collect();
        let rv =
            real!(front, C_GetAttributeValue(session, object, shown.as_mut_ptr(), count(&shown)));
        let mut told = shown.into_iter();
        let mut missing = false;
        for attribute in wanted {
            if is_hidden(attribute) {
                attribute.ulValueLen = CK_UNAVAILABLE_INFORMATION;
                missing = true;
            } else if let Some(told) = told.next() {
                attribute.ulValueLen = told.ulValueLen;
                let scripted = answered.iter().find(|(about, _)| *about == { told.type_ });
                if let Some((_, answer)) = scripted.filter(|_| told.ulValueLen == 1) {
                    // SAFETY: the value has its one byte there, or the pointer is null.
                    let value = unsafe { slice_mut(told.pValue.cast::<u8>(), 1) };
                    value.fill(if *answer { CK_TRUE } else { CK_FALSE });
                }
            }
        }
        if missing && rv == CKR_OK { CKR_ATTRIBUTE_TYPE_INVALID } else { rv }
    })
}
