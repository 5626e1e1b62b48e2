//! From a certificate in a system store to its key (crypt32).

use core::ptr;

use windows_sys::Win32::Security::Cryptography as win;

use super::csp::Context;
use super::key_storage::CngKey;
use super::text::Wide;
use super::{check, last_error, length};
use crate::{CngError, KeySpec};

/// The key a certificate names.
pub(crate) enum Acquired {
    /// A key of a service provider.
    Csp(Context, KeySpec),
    /// A key of a key storage provider.
    Cng(CngKey),
}

/// Looks a certificate up in the system store `My`, and opens the key that its properties name; a key with
/// another public half is refused. `None` where the store does not have the certificate.
pub(crate) fn acquire(der: &[u8], machine: bool) -> Result<Option<Acquired>, CngError> {
    let store = Store::open_my(machine)?;
    store.find(der)?.map(|certificate| certificate.acquire_key()).transpose()
}

/// A certificate store that is open.
struct Store(win::HCERTSTORE);

impl Store {
    fn open_my(machine: bool) -> Result<Self, CngError> {
        let name = Wide::new("My");
        let location = if machine {
            win::CERT_SYSTEM_STORE_LOCAL_MACHINE
        } else {
            win::CERT_SYSTEM_STORE_CURRENT_USER
        };
        let flags = location | win::CERT_STORE_READONLY_FLAG;
        // SAFETY: the provider is one that takes a name in UTF-16 that ends with NUL, which lives through the call.
        let handle = unsafe {
            win::CertOpenStore(win::CERT_STORE_PROV_SYSTEM_W, 0, 0, flags, name.as_ptr().cast())
        };
        if handle.is_null() { Err(last_error("CertOpenStore")) } else { Ok(Self(handle)) }
    }

    /// Finds a certificate by all of its bytes.
    fn find(&self, der: &[u8]) -> Result<Option<Certificate>, CngError> {
        const CALL: &str = "CertCreateCertificateContext";
        let len = length(CALL, der)?;
        // SAFETY: the bytes are as long as is said and are copied.
        let wanted =
            unsafe { win::CertCreateCertificateContext(win::X509_ASN_ENCODING, der.as_ptr(), len) };
        if wanted.is_null() {
            return Err(last_error(CALL));
        }
        let wanted = Certificate(wanted);
        // SAFETY: store and certificate are valid; the search starts anew.
        let found = unsafe {
            win::CertFindCertificateInStore(
                self.0,
                win::X509_ASN_ENCODING,
                0,
                win::CERT_FIND_EXISTING,
                wanted.0.cast(),
                ptr::null(),
            )
        };
        Ok((!found.is_null()).then_some(Certificate(found)))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: the handle is ours and is not used again; certificates keep what they need of it.
        unsafe { win::CertCloseStore(self.0, 0) };
    }
}

/// A certificate with its properties.
struct Certificate(*const win::CERT_CONTEXT);

impl Certificate {
    fn acquire_key(&self) -> Result<Acquired, CngError> {
        const CALL: &str = "CryptAcquireCertificatePrivateKey";
        let flags = win::CRYPT_ACQUIRE_ALLOW_NCRYPT_KEY_FLAG
            | win::CRYPT_ACQUIRE_COMPARE_KEY_FLAG
            | win::CRYPT_ACQUIRE_SILENT_FLAG;
        let (mut handle, mut spec, mut is_ours) = (0, 0, 0);
        // SAFETY: the certificate is valid, and the three places live through the call.
        let answer = unsafe {
            win::CryptAcquireCertificatePrivateKey(
                self.0,
                flags,
                ptr::null(),
                &raw mut handle,
                &raw mut spec,
                &raw mut is_ours,
            )
        };
        check(CALL, answer)?;
        // A handle that the certificate keeps would be gone with it: we asked for none such.
        if is_ours == 0 {
            return Err(CngError::new(CALL, CngError::UNEXPECTED));
        }
        if spec == win::CERT_NCRYPT_KEY_SPEC {
            return Ok(Acquired::Cng(CngKey::from_owned(handle)));
        }
        let context = Context::from_owned(handle);
        match KeySpec::from_number(spec) {
            Some(spec) => Ok(Acquired::Csp(context, spec)),
            None => Err(CngError::new(CALL, CngError::UNEXPECTED)),
        }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        // SAFETY: this is our reference, and it is not used again.
        unsafe { win::CertFreeCertificateContext(self.0) };
    }
}
