//! The real module.

use core::ptr;
use std::path::Path;

use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV, CKR_OK};

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;

/// A module that stays mapped as long as its functions can be called.
pub(super) struct Real {
    functions: CK_FUNCTION_LIST,
    _code: libloading::Library,
}

impl Real {
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        let failed = |reason: &dyn core::fmt::Display| format!("{}: {reason}", path.display());
        // SAFETY: loading a module runs its initialisers; whoever set the environment vouches for it.
        let code = unsafe { libloading::Library::new(path) }.map_err(|error| failed(&error))?;
        // SAFETY: a symbol of this name has this signature (PKCS#11 v2.40 section 5.4).
        let symbol = unsafe { code.get::<GetFunctionList>(b"C_GetFunctionList\0") };
        let get_function_list: GetFunctionList = *symbol.map_err(|error| failed(&error))?;
        let mut list = ptr::null_mut();
        // SAFETY: `list` is a valid place for one pointer.
        let rv = unsafe { get_function_list(&raw mut list) };
        if rv != CKR_OK || list.is_null() {
            return Err(failed(&format_args!("C_GetFunctionList: {rv:#x}")));
        }
        // SAFETY: the module gave this as its function list, of the one layout there is up to v2.40.
        let functions = unsafe { list.read_unaligned() };
        Ok(Self { functions, _code: code })
    }

    pub(super) const fn functions(&self) -> &CK_FUNCTION_LIST {
        &self.functions
    }
}
