//! Cryptographic service providers (`CryptoAPI`, advapi32).

use core::ptr;

use chancery_key::DigestAlgorithm;
use windows_sys::Win32::Security::Cryptography as win;

use super::text::{Wide, from_code_page, from_wide};
use super::{MAX_LIST_LEN, check, last_error, length, room, written};
use crate::{CngError, KeySpec};

/// Opens what does not exist yet, or no container at all: the flags of `CryptAcquireContextW`.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Use a container that is there.
    Use,
    /// Make a container.
    Create,
    /// Use the provider without a container.
    Ask,
}

/// A container of keys that is open, or a provider without one. Never opens a window.
pub(crate) struct Context(usize);

impl Context {
    /// Opens a container.
    pub(crate) fn open(
        provider: &str,
        kind: u32,
        container: &str,
        machine: bool,
    ) -> Result<Self, CngError> {
        Self::acquire(provider, kind, Some(container), machine, Purpose::Use)
    }

    /// Makes a container.
    pub(crate) fn create(
        provider: &str,
        kind: u32,
        container: &str,
        machine: bool,
    ) -> Result<Self, CngError> {
        Self::acquire(provider, kind, Some(container), machine, Purpose::Create)
    }

    /// Opens a provider without a container, to ask what it has.
    pub(crate) fn ask(provider: &str, kind: u32, machine: bool) -> Result<Self, CngError> {
        Self::acquire(provider, kind, None, machine, Purpose::Ask)
    }

    /// Removes a container and the keys in it.
    pub(crate) fn delete(
        provider: &str,
        kind: u32,
        container: &str,
        machine: bool,
    ) -> Result<(), CngError> {
        let (provider, container) = (Wide::new(provider), Wide::new(container));
        let flags = win::CRYPT_DELETEKEYSET | win::CRYPT_SILENT | scope(machine);
        let mut nothing = 0;
        // SAFETY: the strings end with NUL and live through the call, which with this flag writes no handle.
        let answer = unsafe {
            win::CryptAcquireContextW(
                &raw mut nothing,
                container.as_ptr(),
                provider.as_ptr(),
                kind,
                flags,
            )
        };
        check("CryptAcquireContextW", answer)
    }

    fn acquire(
        provider: &str,
        kind: u32,
        container: Option<&str>,
        machine: bool,
        purpose: Purpose,
    ) -> Result<Self, CngError> {
        let provider = Wide::new(provider);
        let container = container.map(Wide::new);
        let flags = win::CRYPT_SILENT
            | scope(machine)
            | match purpose {
                Purpose::Use => 0,
                Purpose::Create => win::CRYPT_NEWKEYSET,
                Purpose::Ask => win::CRYPT_VERIFYCONTEXT,
            };
        let mut handle = 0;
        // SAFETY: the strings end with NUL or are absent, and live through the call, as does the handle's place.
        let answer = unsafe {
            win::CryptAcquireContextW(
                &raw mut handle,
                container.as_ref().map_or(ptr::null(), Wide::as_ptr),
                provider.as_ptr(),
                kind,
                flags,
            )
        };
        check("CryptAcquireContextW", answer)?;
        Ok(Self(handle))
    }

    /// Takes over a handle that is this caller's to release.
    pub(super) const fn from_owned(handle: usize) -> Self {
        Self(handle)
    }

    /// Lists the containers of the provider.
    pub(crate) fn containers(&self) -> Result<Vec<String>, CngError> {
        const CALL: &str = "CryptGetProvParam";
        let mut names = Vec::new();
        let mut longest = 0;
        // SAFETY: without a buffer, the length of the longest name goes into its place.
        let answer = unsafe {
            win::CryptGetProvParam(
                self.0,
                win::PP_ENUMCONTAINERS,
                ptr::null_mut(),
                &raw mut longest,
                win::CRYPT_FIRST,
            )
        };
        match check(CALL, answer) {
            Err(error) if error.code() == CngError::NO_MORE_ITEMS => return Ok(names),
            outcome => outcome?,
        }
        let mut flags = win::CRYPT_FIRST;
        for _ in 0..MAX_LIST_LEN {
            let mut name = room(CALL, longest)?;
            let mut len = longest;
            // SAFETY: the buffer is as long as is said, and lives through the call.
            let answer = unsafe {
                win::CryptGetProvParam(
                    self.0,
                    win::PP_ENUMCONTAINERS,
                    name.as_mut_ptr(),
                    &raw mut len,
                    flags,
                )
            };
            match check(CALL, answer) {
                Err(error) if error.code() == CngError::NO_MORE_ITEMS => return Ok(names),
                outcome => outcome?,
            }
            names.push(from_code_page(&name)?);
            flags = win::CRYPT_NEXT;
        }
        Err(CngError::new(CALL, CngError::UNEXPECTED))
    }

    /// Tells whether the provider has a hash function.
    pub(crate) fn hashes(&self, digest: DigestAlgorithm) -> bool {
        Hash::new(self, digest).is_ok()
    }

    /// Exports the public half of a key as a `PUBLICKEYBLOB`.
    pub(crate) fn public_key_blob(&self, spec: KeySpec) -> Result<Vec<u8>, CngError> {
        let mut handle = 0;
        // SAFETY: the handle's place lives through the call.
        let answer = unsafe { win::CryptGetUserKey(self.0, spec.number(), &raw mut handle) };
        check("CryptGetUserKey", answer)?;
        UserKey(handle).public_blob()
    }

    /// Makes an RSA key that cannot be exported.
    pub(crate) fn generate(&self, spec: KeySpec, bits: u16) -> Result<(), CngError> {
        let mut handle = 0;
        // The upper half of the flags is the length; without CRYPT_EXPORTABLE, the key stays inside.
        let flags = u32::from(bits) << 16;
        // SAFETY: the handle's place lives through the call.
        let answer = unsafe { win::CryptGenKey(self.0, spec.number(), flags, &raw mut handle) };
        check("CryptGenKey", answer)?;
        drop(UserKey(handle));
        Ok(())
    }

    /// Signs a message by PKCS#1 v1.5, hashed by the provider; the signature is big-endian, as in X.509.
    pub(crate) fn sign(
        &self,
        spec: KeySpec,
        digest: DigestAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, CngError> {
        let hash = Hash::new(self, digest)?;
        hash.feed(message)?;
        hash.sign(spec)
    }

    /// Signs a digest that somebody else computed, of the length that the function has.
    pub(crate) fn sign_digest(
        &self,
        spec: KeySpec,
        digest: DigestAlgorithm,
        value: &[u8],
    ) -> Result<Vec<u8>, CngError> {
        let hash = Hash::new(self, digest)?;
        hash.set(value)?;
        hash.sign(spec)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again.
        unsafe { win::CryptReleaseContext(self.0, 0) };
    }
}

/// A key of a container.
struct UserKey(usize);

impl UserKey {
    fn public_blob(&self) -> Result<Vec<u8>, CngError> {
        const CALL: &str = "CryptExportKey";
        let mut len = 0;
        // SAFETY: without a buffer, the length goes into its place.
        let answer = unsafe {
            win::CryptExportKey(self.0, 0, win::PUBLICKEYBLOB, 0, ptr::null_mut(), &raw mut len)
        };
        check(CALL, answer)?;
        let mut blob = room(CALL, len)?;
        // SAFETY: the buffer is as long as is said, and lives through the call.
        let answer = unsafe {
            win::CryptExportKey(self.0, 0, win::PUBLICKEYBLOB, 0, blob.as_mut_ptr(), &raw mut len)
        };
        check(CALL, answer)?;
        written(CALL, blob, len)
    }
}

impl Drop for UserKey {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again; the key stays in its container.
        unsafe { win::CryptDestroyKey(self.0) };
    }
}

/// A hash in a provider; it does not outlive the provider's handle.
struct Hash<'a> {
    handle: usize,
    _context: &'a Context,
}

impl<'a> Hash<'a> {
    fn new(context: &'a Context, digest: DigestAlgorithm) -> Result<Self, CngError> {
        let algorithm = match digest {
            DigestAlgorithm::Sha1 => win::CALG_SHA1,
            DigestAlgorithm::Sha256 => win::CALG_SHA_256,
            DigestAlgorithm::Sha384 => win::CALG_SHA_384,
            DigestAlgorithm::Sha512 => win::CALG_SHA_512,
        };
        let mut handle = 0;
        // SAFETY: the provider's handle is valid, and the hash's place lives through the call.
        let answer = unsafe { win::CryptCreateHash(context.0, algorithm, 0, 0, &raw mut handle) };
        check("CryptCreateHash", answer)?;
        Ok(Self { handle, _context: context })
    }

    fn feed(&self, message: &[u8]) -> Result<(), CngError> {
        const CALL: &str = "CryptHashData";
        let len = length(CALL, message)?;
        // SAFETY: the message is as long as is said, and lives through the call.
        check(CALL, unsafe { win::CryptHashData(self.handle, message.as_ptr(), len, 0) })
    }

    fn set(&self, value: &[u8]) -> Result<(), CngError> {
        // SAFETY: the value has the length of the hash function, which the caller sees to, and lives through
        // the call.
        let answer =
            unsafe { win::CryptSetHashParam(self.handle, win::HP_HASHVAL, value.as_ptr(), 0) };
        check("CryptSetHashParam", answer)
    }

    fn sign(&self, spec: KeySpec) -> Result<Vec<u8>, CngError> {
        const CALL: &str = "CryptSignHashW";
        let spec = spec.number();
        let mut len = 0;
        // SAFETY: without a buffer, the length goes into its place.
        let answer = unsafe {
            win::CryptSignHashW(self.handle, spec, ptr::null(), 0, ptr::null_mut(), &raw mut len)
        };
        check(CALL, answer)?;
        let mut signature = room(CALL, len)?;
        // SAFETY: the buffer is as long as is said, and lives through the call.
        let answer = unsafe {
            win::CryptSignHashW(
                self.handle,
                spec,
                ptr::null(),
                0,
                signature.as_mut_ptr(),
                &raw mut len,
            )
        };
        check(CALL, answer)?;
        let mut signature = written(CALL, signature, len)?;
        signature.reverse();
        Ok(signature)
    }
}

impl Drop for Hash<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again.
        unsafe { win::CryptDestroyHash(self.handle) };
    }
}

/// Lists the installed providers, with their types.
pub(crate) fn service_providers() -> Result<Vec<(String, u32)>, CngError> {
    const CALL: &str = "CryptEnumProvidersW";
    let mut found = Vec::new();
    for index in 0..MAX_LIST_LEN {
        let (mut kind, mut len) = (0, 0);
        // SAFETY: without a buffer, the length in bytes goes into its place.
        let answer = unsafe {
            win::CryptEnumProvidersW(
                index,
                ptr::null(),
                0,
                &raw mut kind,
                ptr::null_mut(),
                &raw mut len,
            )
        };
        if answer == 0 {
            let error = last_error(CALL);
            return if error.code() == CngError::NO_MORE_ITEMS { Ok(found) } else { Err(error) };
        }
        let units = room(CALL, len)?.len().div_ceil(2);
        // One more, so that there is a NUL whatever is written.
        let mut name = vec![0_u16; units.saturating_add(1)];
        // SAFETY: the buffer has at least as many bytes as is said, and lives through the call.
        let answer = unsafe {
            win::CryptEnumProvidersW(
                index,
                ptr::null(),
                0,
                &raw mut kind,
                name.as_mut_ptr(),
                &raw mut len,
            )
        };
        check(CALL, answer)?;
        // SAFETY: the buffer ends with a NUL that was not written over.
        found.push((unsafe { from_wide(name.as_ptr()) }, kind));
    }
    Err(CngError::new(CALL, CngError::UNEXPECTED))
}

const fn scope(machine: bool) -> u32 {
    if machine { win::CRYPT_MACHINE_KEYSET } else { 0 }
}
