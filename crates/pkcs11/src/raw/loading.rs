//! The way to a module's functions.

use core::ptr;
use std::path::Path;
use std::sync::Arc;

use chancery_key::{KeyError, KeyErrorKind};
use cryptoki_sys::{CK_FLAGS, CK_FUNCTION_LIST, CK_INTERFACE, CK_RV, CK_UTF8CHAR, CK_VERSION};

use super::check;
use crate::watchdog;

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;

type GetInterface = unsafe extern "C" fn(
    *mut CK_UTF8CHAR,
    *mut CK_VERSION,
    *mut *mut CK_INTERFACE,
    CK_FLAGS,
) -> CK_RV;

/// Asks a module for its list of functions, by the way of every version, or by that of version 3 where it has no
/// other.
pub(super) fn function_list(
    code: &libloading::Library,
    path: &Arc<Path>,
) -> Result<*mut CK_FUNCTION_LIST, KeyError> {
    let unavailable = |what: &str| {
        KeyError::new(KeyErrorKind::Unavailable, format!("`{}` {what}", path.display()))
    };
    // SAFETY: a symbol of this name has this signature (PKCS#11 v2.40 section 5.4).
    let missing = match unsafe { code.get::<GetFunctionList>(b"C_GetFunctionList\0") } {
        Ok(get_function_list) => {
            let mut list = ptr::null_mut();
            let _watched = watchdog::enter(path, "C_GetFunctionList");
            // SAFETY: `list` is a valid place for one pointer.
            let rv = unsafe { get_function_list(&raw mut list) };
            return check("C_GetFunctionList", rv)
                .map(|()| list)
                .map_err(|error| unavailable("does not give its functions").with_source(error));
        }
        Err(error) => error,
    };
    // SAFETY: a symbol of this name has this signature (PKCS#11 v3.0 section 5.4.6).
    let Ok(get_interface) = (unsafe { code.get::<GetInterface>(b"C_GetInterface\0") }) else {
        return Err(
            unavailable("is no PKCS#11 module: it has no C_GetFunctionList").with_source(missing)
        );
    };
    let mut interface = ptr::null_mut();
    let mut name = *b"PKCS 11\0";
    let _watched = watchdog::enter(path, "C_GetInterface");
    // SAFETY: the name ends with a NUL, no version means any, and `interface` is a valid place for one pointer.
    let rv = unsafe { get_interface(name.as_mut_ptr(), ptr::null_mut(), &raw mut interface, 0) };
    check("C_GetInterface", rv)
        .map_err(|error| unavailable("does not give its functions").with_source(error))?;
    if interface.is_null() {
        return Ok(ptr::null_mut());
    }
    // SAFETY: the module gave this as its interface, which stays valid while it is loaded.
    Ok(unsafe { interface.read_unaligned() }.pFunctionList.cast())
}
