//! Key storage providers (CNG, ncrypt).

use core::ffi::c_void;
use core::{ptr, slice};

use chancery_key::DigestAlgorithm;
use windows_sys::Win32::Security::Cryptography as win;
use windows_sys::core::PCWSTR;

use super::text::{Wide, from_wide};
use super::{MAX_LIST_LEN, check_status, length, room, written};
use crate::CngError;

/// How a digest becomes a signature.
#[derive(Clone, Copy)]
pub(crate) enum Padding {
    /// ECDSA has none.
    None,
    /// RSASSA-PKCS1-v1_5.
    Pkcs1(DigestAlgorithm),
    /// RSASSA-PSS with a salt as long as the digest.
    Pss(DigestAlgorithm),
}

/// A key storage provider that is open.
pub(crate) struct Provider(usize);

impl Provider {
    pub(crate) fn open(name: &str) -> Result<Self, CngError> {
        let name = Wide::new(name);
        let mut handle = 0;
        // SAFETY: the name ends with NUL and lives through the call, as does the handle's place.
        let status = unsafe { win::NCryptOpenStorageProvider(&raw mut handle, name.as_ptr(), 0) };
        check_status("NCryptOpenStorageProvider", status)?;
        Ok(Self(handle))
    }

    /// Opens a key; it never opens a window.
    pub(crate) fn open_key(&self, name: &str, machine: bool) -> Result<CngKey, CngError> {
        let name = Wide::new(name);
        let flags = win::NCRYPT_SILENT_FLAG | scope(machine);
        let mut handle = 0;
        // SAFETY: the name ends with NUL and lives through the call, as does the handle's place.
        let status =
            unsafe { win::NCryptOpenKey(self.0, &raw mut handle, name.as_ptr(), 0, flags) };
        check_status("NCryptOpenKey", status)?;
        Ok(CngKey(handle))
    }

    /// Starts a key, which [`CngKey::finalize`] finishes; without a name it is gone with its handle.
    pub(crate) fn create_key(
        &self,
        algorithm: &str,
        name: Option<&str>,
        machine: bool,
    ) -> Result<CngKey, CngError> {
        let algorithm = Wide::new(algorithm);
        let name = name.map(Wide::new);
        let mut handle = 0;
        // SAFETY: the strings end with NUL or are absent, and live through the call, as does the handle's place.
        let status = unsafe {
            win::NCryptCreatePersistedKey(
                self.0,
                &raw mut handle,
                algorithm.as_ptr(),
                name.as_ref().map_or(ptr::null(), Wide::as_ptr),
                0,
                scope(machine),
            )
        };
        check_status("NCryptCreatePersistedKey", status)?;
        Ok(CngKey(handle))
    }

    /// Lists the names of the keys.
    pub(crate) fn keys(&self, machine: bool) -> Result<Vec<String>, CngError> {
        const CALL: &str = "NCryptEnumKeys";
        let mut names = Vec::new();
        let mut state = State(ptr::null_mut());
        for _ in 0..MAX_LIST_LEN {
            let mut key: *mut win::NCryptKeyName = ptr::null_mut();
            let flags = win::NCRYPT_SILENT_FLAG | scope(machine);
            // SAFETY: both places live through the call; the state is null at first, and then what the last
            // call left.
            let status = unsafe {
                win::NCryptEnumKeys(self.0, ptr::null(), &raw mut key, &raw mut state.0, flags)
            };
            match check_status(CALL, status) {
                Err(error) if error.code() == CngError::NO_MORE_KEYS => return Ok(names),
                outcome => outcome?,
            }
            let key = Buffer(key);
            // SAFETY: a call that succeeds gives one structure, valid until it is freed.
            let Some(found) = (unsafe { key.0.as_ref() }) else {
                return Err(CngError::new(CALL, CngError::UNEXPECTED));
            };
            // SAFETY: the name is part of that allocation and ends with NUL.
            names.push(unsafe { from_wide(found.pszName) });
        }
        Err(CngError::new(CALL, CngError::UNEXPECTED))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again.
        unsafe { win::NCryptFreeObject(self.0) };
    }
}

/// A key of a key storage provider.
pub(crate) struct CngKey(usize);

impl CngKey {
    /// Takes over a handle that is this caller's to free.
    pub(super) const fn from_owned(handle: usize) -> Self {
        Self(handle)
    }

    /// Sets a property that is a number, before the key is finished.
    pub(crate) fn set_number(&self, property: PCWSTR, value: u32) -> Result<(), CngError> {
        let value = value.to_ne_bytes();
        // SAFETY: the name is a constant that ends with NUL, the value is four bytes and lives through the call.
        let status = unsafe { win::NCryptSetProperty(self.0, property, value.as_ptr(), 4, 0) };
        check_status("NCryptSetProperty", status)
    }

    /// Limits the key to signing inside its provider: no export, no decryption.
    pub(crate) fn allow_signing_alone(&self) -> Result<(), CngError> {
        self.set_number(win::NCRYPT_EXPORT_POLICY_PROPERTY, 0)?;
        self.set_number(win::NCRYPT_KEY_USAGE_PROPERTY, win::NCRYPT_ALLOW_SIGNING_FLAG)
    }

    /// Sets the length of the modulus in bits.
    pub(crate) fn set_length(&self, bits: u32) -> Result<(), CngError> {
        self.set_number(win::NCRYPT_LENGTH_PROPERTY, bits)
    }

    /// Finishes the key: from here on it is there, and signs.
    pub(crate) fn finalize(&self) -> Result<(), CngError> {
        // SAFETY: the handle is valid.
        let status = unsafe { win::NCryptFinalizeKey(self.0, win::NCRYPT_SILENT_FLAG) };
        check_status("NCryptFinalizeKey", status)
    }

    /// Removes the key from its provider.
    pub(crate) fn delete(self) -> Result<(), CngError> {
        // SAFETY: the handle is valid, and a call that succeeds frees it.
        let status = unsafe { win::NCryptDeleteKey(self.0, win::NCRYPT_SILENT_FLAG) };
        let outcome = check_status("NCryptDeleteKey", status);
        if outcome.is_ok() {
            core::mem::forget(self);
        }
        outcome
    }

    /// Reads the kind of key: `RSA`, `ECDSA`, `ECDH`.
    pub(crate) fn algorithm_group(&self) -> Result<String, CngError> {
        const CALL: &str = "NCryptGetProperty";
        let property = win::NCRYPT_ALGORITHM_GROUP_PROPERTY;
        let mut len = 0;
        // SAFETY: the name is a constant that ends with NUL; without a buffer, the length goes into its place.
        let status = unsafe {
            win::NCryptGetProperty(self.0, property, ptr::null_mut(), 0, &raw mut len, 0)
        };
        check_status(CALL, status)?;
        let mut bytes = room(CALL, len)?;
        // SAFETY: as above, and the buffer is as long as is said and lives through the call.
        let status = unsafe {
            win::NCryptGetProperty(self.0, property, bytes.as_mut_ptr(), len, &raw mut len, 0)
        };
        check_status(CALL, status)?;
        let bytes = written(CALL, bytes, len)?;
        let units: Vec<u16> =
            bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let text = units.split(|unit| *unit == 0).next().unwrap_or_default();
        Ok(String::from_utf16_lossy(text))
    }

    /// Exports the public half as an `RSAPUBLICBLOB` or an `ECCPUBLICBLOB`.
    pub(crate) fn public_blob(&self, is_rsa: bool) -> Result<Vec<u8>, CngError> {
        const CALL: &str = "NCryptExportKey";
        let form = if is_rsa { win::BCRYPT_RSAPUBLIC_BLOB } else { win::BCRYPT_ECCPUBLIC_BLOB };
        let mut len = 0;
        // SAFETY: the form is a constant that ends with NUL; without a buffer, the length goes into its place.
        let status = unsafe {
            win::NCryptExportKey(
                self.0,
                0,
                form,
                ptr::null(),
                ptr::null_mut(),
                0,
                &raw mut len,
                win::NCRYPT_SILENT_FLAG,
            )
        };
        check_status(CALL, status)?;
        let mut blob = room(CALL, len)?;
        // SAFETY: as above, and the buffer is as long as is said and lives through the call.
        let status = unsafe {
            win::NCryptExportKey(
                self.0,
                0,
                form,
                ptr::null(),
                blob.as_mut_ptr(),
                len,
                &raw mut len,
                win::NCRYPT_SILENT_FLAG,
            )
        };
        check_status(CALL, status)?;
        written(CALL, blob, len)
    }

    /// Signs a digest.
    pub(crate) fn sign(&self, padding: Padding, digest: &[u8]) -> Result<Vec<u8>, CngError> {
        match padding {
            Padding::None => self.sign_padded(ptr::null(), digest, 0),
            Padding::Pkcs1(algorithm) => {
                let info = win::BCRYPT_PKCS1_PADDING_INFO { pszAlgId: name(algorithm) };
                let info = (&raw const info).cast::<c_void>();
                self.sign_padded(info, digest, win::NCRYPT_PAD_PKCS1_FLAG)
            }
            Padding::Pss(algorithm) => {
                let info = win::BCRYPT_PSS_PADDING_INFO {
                    pszAlgId: name(algorithm),
                    cbSalt: length("NCryptSignHash", digest)?,
                };
                let info = (&raw const info).cast::<c_void>();
                self.sign_padded(info, digest, win::NCRYPT_PAD_PSS_FLAG)
            }
        }
    }

    /// Signs with padding information that fits the flag and lives through the call.
    fn sign_padded(
        &self,
        info: *const c_void,
        digest: &[u8],
        padding_flag: u32,
    ) -> Result<Vec<u8>, CngError> {
        const CALL: &str = "NCryptSignHash";
        let digest_len = length(CALL, digest)?;
        let flags = padding_flag | win::NCRYPT_SILENT_FLAG;
        let mut len = 0;
        // SAFETY: the information is of the flag's type, and without a buffer, the length goes into its place.
        let status = unsafe {
            win::NCryptSignHash(
                self.0,
                info,
                digest.as_ptr(),
                digest_len,
                ptr::null_mut(),
                0,
                &raw mut len,
                flags,
            )
        };
        check_status(CALL, status)?;
        let mut signature = room(CALL, len)?;
        // SAFETY: as above, and the buffer is as long as is said and lives through the call.
        let status = unsafe {
            win::NCryptSignHash(
                self.0,
                info,
                digest.as_ptr(),
                digest_len,
                signature.as_mut_ptr(),
                len,
                &raw mut len,
                flags,
            )
        };
        check_status(CALL, status)?;
        written(CALL, signature, len)
    }
}

impl Drop for CngKey {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again; the key stays in its provider.
        unsafe { win::NCryptFreeObject(self.0) };
    }
}

/// The state of an enumeration.
struct State(*mut c_void);

impl Drop for State {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: ncrypt allocated it, and nothing uses it again.
            unsafe { win::NCryptFreeBuffer(self.0) };
        }
    }
}

/// Something that ncrypt allocated.
struct Buffer<T>(*mut T);

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: ncrypt allocated it, and nothing uses it again.
            unsafe { win::NCryptFreeBuffer(self.0.cast()) };
        }
    }
}

/// Lists the names of the installed providers.
pub(crate) fn storage_providers() -> Result<Vec<String>, CngError> {
    const CALL: &str = "NCryptEnumStorageProviders";
    let mut count = 0;
    let mut list: *mut win::NCryptProviderName = ptr::null_mut();
    // SAFETY: both places live through the call.
    let status = unsafe { win::NCryptEnumStorageProviders(&raw mut count, &raw mut list, 0) };
    check_status(CALL, status)?;
    let list = Buffer(list);
    if list.0.is_null() || count == 0 {
        return Ok(Vec::new());
    }
    let unexpected = || CngError::new(CALL, CngError::UNEXPECTED);
    let count = usize::try_from(count.min(MAX_LIST_LEN)).map_err(|_| unexpected())?;
    // SAFETY: a call that succeeds gives as many structures, valid until the list is freed.
    let providers = unsafe { slice::from_raw_parts(list.0, count) };
    // SAFETY: each name is part of that allocation and ends with NUL.
    Ok(providers.iter().map(|provider| unsafe { from_wide(provider.pszName) }).collect())
}

const fn name(digest: DigestAlgorithm) -> PCWSTR {
    match digest {
        DigestAlgorithm::Sha1 => win::BCRYPT_SHA1_ALGORITHM,
        DigestAlgorithm::Sha256 => win::BCRYPT_SHA256_ALGORITHM,
        DigestAlgorithm::Sha384 => win::BCRYPT_SHA384_ALGORITHM,
        DigestAlgorithm::Sha512 => win::BCRYPT_SHA512_ALGORITHM,
    }
}

const fn scope(machine: bool) -> u32 {
    if machine { win::NCRYPT_MACHINE_KEY_FLAG } else { 0 }
}
