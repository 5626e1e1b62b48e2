//! Templates and lists as slices.

use core::slice;

use cryptoki_sys::{CK_ATTRIBUTE, CK_RV, CK_ULONG};

use crate::script::Script;

/// Borrows what a pointer and a count describe; nothing for a null pointer.
///
/// # Safety
/// `first` is null, or there are `count` values there, which nobody else changes while this is borrowed.
pub(super) unsafe fn slice<'a, T>(first: *const T, count: CK_ULONG) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: the caller says that there are so many values.
        Ok(count) if !first.is_null() => unsafe { slice::from_raw_parts(first, count) },
        _ => &[],
    }
}

/// Borrows it to write; nothing for a null pointer.
///
/// # Safety
/// As [`slice`], and nobody else reads it either.
pub(super) unsafe fn slice_mut<'a, T>(first: *mut T, count: CK_ULONG) -> &'a mut [T] {
    match usize::try_from(count) {
        // SAFETY: the caller says that there are so many values.
        Ok(count) if !first.is_null() => unsafe { slice::from_raw_parts_mut(first, count) },
        _ => &mut [],
    }
}

/// The length of a slice as the standard counts.
pub(super) fn count<T>(slice: &[T]) -> CK_ULONG {
    CK_ULONG::try_from(slice.len()).unwrap_or(CK_ULONG::MAX)
}

/// Returns the code for the first attribute that the script refuses.
pub(super) fn refusal(script: &Script, template: &[CK_ATTRIBUTE]) -> Option<CK_RV> {
    template.iter().find_map(|attribute| {
        script.refused.iter().find(|(kind, _)| *kind == attribute.type_).map(|(_, rv)| *rv)
    })
}
