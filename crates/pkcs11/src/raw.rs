//! The calls of PKCS#11 v2.40 that this crate needs, as safe functions: all unsafe code is below here.
//!
//! The module's function list is loaded by us rather than through a wrapper, because the order of calls
//! matters: one `C_Sign` with a buffer of the right size, a context-specific login between `C_SignInit` and
//! `C_Sign`, and a slot list that ends at a count of zero.
//!
//! Two facts carry every safety argument. A [`Library`] stays mapped as long as anything made from it
//! exists, and it was told to lock for itself or is called by one thread at a time ([`Library::call`]).

mod attribute;
mod library;
mod loading;
mod mechanism;
mod session;

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_RV, CK_ULONG, CKR_OK};

use crate::Pkcs11Error;

pub(crate) use attribute::{Attribute, Attributes};
pub(crate) use library::{Library, MechanismCapability, SlotFacts, TokenFacts};
pub(crate) use mechanism::Mechanism;
pub(crate) use session::{Session, User};

/// An object within the sessions of this process; never written down.
pub(crate) type ObjectHandle = CK_OBJECT_HANDLE;

/// Widens a `CK_ULONG`, which has 32 bits on Windows.
#[allow(clippy::useless_conversion, reason = "CK_ULONG has 32 or 64 bits")]
pub(crate) fn wide(value: CK_ULONG) -> u64 {
    u64::from(value)
}

fn check(function: &'static str, rv: CK_RV) -> Result<(), Pkcs11Error> {
    if rv == CKR_OK { Ok(()) } else { Err(Pkcs11Error::new(function, rv)) }
}

/// The length of a buffer as the module is told. Where it does not fit, the module sees less than there is.
fn ulong(len: usize) -> CK_ULONG {
    CK_ULONG::try_from(len).unwrap_or(CK_ULONG::MAX)
}

/// A count the module claims, of which we believe no more than we gave room for.
fn claimed(count: CK_ULONG, room: usize) -> usize {
    usize::try_from(count).map_or(room, |count| count.min(room))
}

/// Looks up a function of the list; one left out counts as the stub the standard asks for.
macro_rules! entry {
    ($library:expr, $name:ident) => {{
        let function = $library.functions().$name;
        function.ok_or($crate::Pkcs11Error::new(
            stringify!($name),
            cryptoki_sys::CKR_FUNCTION_NOT_SUPPORTED,
        ))
    }};
}
use entry;
