//! crypt32 as it is called.

use core::ffi::c_void;
use core::{fmt, ptr};

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, GetLastError};
use windows_sys::Win32::Security::Cryptography as win;
use windows_sys::core::BOOL;

use crate::MAX_STORE_LEN;

/// Bits of `CERT_STORE_CERTIFICATE_CONTEXT_FLAG`: certificates alone.
const CERTIFICATES: u32 = 1 << 1;

/// The most certificates that are listed.
const MAX_CERTIFICATES: usize = 1 << 20;

/// A call and the code that `GetLastError` gave for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallError {
    pub(super) function: &'static str,
    pub(super) code: u32,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed with {:#010x}", self.function, self.code)
    }
}

impl core::error::Error for CallError {}

/// What a store is opened for.
#[derive(Clone, Copy)]
pub(super) enum Access {
    /// Reading a store that is there.
    Read,
    /// Changing it; it is made where it is not there.
    Change,
}

/// A store that is open.
pub(super) struct Handle(win::HCERTSTORE);

impl Handle {
    /// Opens a store by its name and the flags of its location.
    pub(super) fn open(name: &str, location: u32, access: Access) -> Result<Self, CallError> {
        let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
        let flags = location
            | win::CERT_STORE_ENUM_ARCHIVED_FLAG
            | match access {
                Access::Read => win::CERT_STORE_READONLY_FLAG | win::CERT_STORE_OPEN_EXISTING_FLAG,
                Access::Change => 0,
            };
        // SAFETY: this provider takes a name in UTF-16 that ends with NUL, which lives through the call.
        let handle = unsafe {
            win::CertOpenStore(win::CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, name.as_ptr().cast())
        };
        if handle.is_null() { Err(last_error("CertOpenStore")) } else { Ok(Self(handle)) }
    }

    /// Serializes every certificate with its properties.
    pub(super) fn elements(&self) -> Result<Vec<Vec<u8>>, CallError> {
        let mut elements = Vec::new();
        let mut left = MAX_STORE_LEN;
        let mut current = Context(ptr::null());
        for _ in 0..MAX_CERTIFICATES {
            // SAFETY: the store is open; the last context, if any, is ours and is freed by the call.
            let next = unsafe { win::CertEnumCertificatesInStore(self.0, current.into_raw()) };
            if next.is_null() {
                return Ok(elements);
            }
            current = Context(next);
            let element = current.serialize()?;
            left = left.checked_sub(element.len()).ok_or(TOO_MUCH)?;
            elements.push(element);
        }
        Err(TOO_MUCH)
    }

    /// Removes every copy of the certificate with this SHA-1.
    pub(super) fn delete(&self, sha1: &[u8; 20]) -> Result<(), CallError> {
        let mut hash = *sha1;
        let blob = win::CRYPT_INTEGER_BLOB { cbData: 20, pbData: hash.as_mut_ptr() };
        for _ in 0..MAX_CERTIFICATES {
            // SAFETY: the store is open, and the hash is as long as is said and lives through the call.
            let found = unsafe {
                win::CertFindCertificateInStore(
                    self.0,
                    win::X509_ASN_ENCODING,
                    0,
                    win::CERT_FIND_SHA1_HASH,
                    (&raw const blob).cast(),
                    ptr::null(),
                )
            };
            if found.is_null() {
                return Ok(());
            }
            // SAFETY: the context is ours, and the call frees it whatever it answers.
            let answer = unsafe { win::CertDeleteCertificateFromStore(found) };
            check("CertDeleteCertificateFromStore", answer)?;
        }
        Err(TOO_MUCH)
    }

    /// Adds a certificate with its properties, in serialized form.
    pub(super) fn add(&self, element: &[u8]) -> Result<(), CallError> {
        let len = u32::try_from(element.len()).map_err(|_| TOO_MUCH)?;
        // SAFETY: the store is open, the element is as long as is said and lives through the call, and what is
        // not asked for is null.
        let answer = unsafe {
            win::CertAddSerializedElementToStore(
                self.0,
                element.as_ptr(),
                len,
                win::CERT_STORE_ADD_NEW,
                0,
                CERTIFICATES,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check("CertAddSerializedElementToStore", answer)
    }

    /// Writes what was changed to where the store is kept.
    pub(super) fn commit(&self) -> Result<(), CallError> {
        // SAFETY: the store is open, and this control takes no parameter.
        let answer =
            unsafe { win::CertControlStore(self.0, 0, win::CERT_STORE_CTRL_COMMIT, ptr::null()) };
        check("CertControlStore", answer)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again.
        unsafe { win::CertCloseStore(self.0, 0) };
    }
}

/// The most stores of a location that are listed, and the longest name of one, in UTF-16 units.
const MAX_STORES: usize = 1 << 12;
const MAX_STORE_NAME_LEN: usize = 1 << 8;

/// Lists the names of the stores of a location.
pub(super) fn store_names(location: u32) -> Result<Vec<String>, CallError> {
    let mut names: Vec<String> = Vec::new();
    let argument = (&raw mut names).cast::<c_void>();
    // SAFETY: the function has the type that is asked for, and gets the list, which lives through the call and is
    // used by nobody else meanwhile.
    let answer =
        unsafe { win::CertEnumSystemStore(location, ptr::null(), argument, Some(take_name)) };
    match check("CertEnumSystemStore", answer) {
        // A user whose stores nobody has touched has not even the place where they are kept.
        Err(error) if error.code == ERROR_FILE_NOT_FOUND => Ok(names),
        outcome => outcome.map(|()| names),
    }
}

/// Takes one name into the list behind `list`; ends the listing at the limit.
unsafe extern "system" fn take_name(
    name: *const c_void,
    flags: u32,
    _: *const win::CERT_SYSTEM_STORE_INFO,
    _: *const c_void,
    list: *mut c_void,
) -> BOOL {
    // SAFETY: the list that `store_names` gave along, which nobody else uses during its call.
    let Some(names) = (unsafe { list.cast::<Vec<String>>().as_mut() }) else { return 0 };
    // With this flag the name is behind another pointer, of a store in another registry.
    let is_relocated = flags & win::CERT_SYSTEM_STORE_RELOCATE_FLAG != 0;
    if name.is_null() || is_relocated || names.len() >= MAX_STORES {
        return 0;
    }
    let name = name.cast::<u16>();
    let mut units = Vec::new();
    for at in 0..MAX_STORE_NAME_LEN {
        // SAFETY: no unit before this one was the NUL that ends the name.
        let place = unsafe { name.add(at) };
        // SAFETY: as above; the name ends with NUL, and Windows aligns it.
        match unsafe { place.read() } {
            0 => break,
            unit => units.push(unit),
        }
    }
    names.push(String::from_utf16_lossy(&units));
    1
}

/// A certificate of a store, or none.
struct Context(*const win::CERT_CONTEXT);

impl Context {
    /// Leaves freeing it to whoever gets the pointer.
    const fn into_raw(self) -> *const win::CERT_CONTEXT {
        let raw = self.0;
        core::mem::forget(self);
        raw
    }

    fn serialize(&self) -> Result<Vec<u8>, CallError> {
        const CALL: &str = "CertSerializeCertificateStoreElement";
        let mut len = 0;
        // SAFETY: the context is valid; without a buffer, the length goes into its place.
        let answer = unsafe {
            win::CertSerializeCertificateStoreElement(self.0, 0, ptr::null_mut(), &raw mut len)
        };
        check(CALL, answer)?;
        let size = usize::try_from(len).ok().filter(|size| *size <= MAX_STORE_LEN);
        let mut bytes = vec![0; size.ok_or(TOO_MUCH)?];
        // SAFETY: as above, and the buffer is as long as is said and lives through the call.
        let answer = unsafe {
            win::CertSerializeCertificateStoreElement(self.0, 0, bytes.as_mut_ptr(), &raw mut len)
        };
        check(CALL, answer)?;
        bytes.truncate(usize::try_from(len).unwrap_or_default());
        Ok(bytes)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: this is our reference, and it is not used again.
            unsafe { win::CertFreeCertificateContext(self.0) };
        }
    }
}

/// More than is read: `ERROR_FILE_TOO_LARGE`.
const TOO_MUCH: CallError = CallError { function: "reading the store", code: 0xdf };

fn last_error(function: &'static str) -> CallError {
    // SAFETY: reads a number of this thread.
    let code = unsafe { GetLastError() };
    CallError { function, code }
}

fn check(function: &'static str, answer: BOOL) -> Result<(), CallError> {
    if answer == 0 { Err(last_error(function)) } else { Ok(()) }
}
