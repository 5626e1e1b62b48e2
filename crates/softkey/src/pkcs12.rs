//! PKCS#12 files (RFC 7292): a key with its certificates under one password.

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use chancery_key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use p12_keystore::error::Error as ArchiveError;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, Pkcs12Archive, PrivateKeyChain};

use crate::encryption::with_origin;
use crate::private_key::PrivateKey;
use crate::{SoftKey, file};

mod cost;

pub use cost::{MAX_PKCS12_ITERATIONS, MAX_PKCS12_TOTAL_ITERATIONS};

/// Iterations of PBKDF2 and of the MAC's key derivation in the files we write.
const WRITTEN_ITERATIONS: u32 = 100_000;

/// The one private key of a PKCS#12 file, and the certificates that are in it.
///
/// Files under PBES2 (PBKDF2, AES), triple DES and RC2 with 40 bits are read, if a MAC with the password
/// protects them.
pub struct Pkcs12 {
    key: SoftKey,
    certificates: Vec<Vec<u8>>,
}

impl Pkcs12 {
    /// Tells whether bytes begin as a PKCS#12 file does.
    #[must_use]
    pub fn is_in(bytes: &[u8]) -> bool {
        cost::is_pfx(bytes)
    }

    /// Reads the DER of a `PFX`. `name` is what errors and the request for the password call it, normally
    /// its file. `pins` is asked once.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] for what is no such file, has no private key or several, is not protected
    /// by a MAC with the password, or asks for more iterations than [`MAX_PKCS12_ITERATIONS`];
    /// [`KeyErrorKind::AuthRefused`] for a wrong password; whatever `pins` says.
    pub fn from_der(der: &[u8], pins: &dyn PinSource, name: &str) -> Result<Self, KeyError> {
        Self::read(der, pins, name).map_err(|error| {
            KeyError::new(error.kind(), format!("cannot open the key in {name}")).with_source(error)
        })
    }

    /// Reads a file of at most [`MAX_KEY_FILE_LEN`](crate::MAX_KEY_FILE_LEN) bytes.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`], [`KeyErrorKind::Io`]; otherwise as [`from_der`](Self::from_der).
    pub fn open_file(path: &Path, pins: &dyn PinSource) -> Result<Self, KeyError> {
        Self::from_der(&file::read(path)?, pins, &path.display().to_string())
    }

    /// Returns the key.
    #[must_use]
    pub const fn key(&self) -> &SoftKey {
        &self.key
    }

    /// Returns the DER of every certificate, in the order of the file; whose they are is for the caller to
    /// find out.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// Gives up key and certificates.
    #[must_use]
    pub fn into_parts(self) -> (SoftKey, Vec<Vec<u8>>) {
        (self.key, self.certificates)
    }

    fn read(der: &[u8], pins: &dyn PinSource, name: &str) -> Result<Self, KeyError> {
        cost::check(der)?;
        let purpose = PinPurpose::OpenFile { file: name.to_owned() };
        let password = pins.pin(&PinRequest::new(purpose))?;
        let archive =
            decode(der, text(&password)?).map_err(|error| with_origin(error, &password))?;
        let mut keys = archive.keys.iter();
        let key = match (keys.next(), keys.next()) {
            (Some(key), None) => PrivateKey::from_pkcs8_der(key.key.as_der())?,
            (None, _) => return Err(malformed("there is no private key in it")),
            _ => return Err(malformed("more than one private key in one file")),
        };
        let certificates = archive.certs.iter().map(|bag| bag.cert.as_der().to_vec()).collect();
        Ok(Self { key: SoftKey::new(key)?, certificates })
    }
}

impl fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pkcs12({:?}, {} certificates)", self.key, self.certificates.len())
    }
}

impl SoftKey {
    /// Writes a PKCS#12 file of this key and these certificates (DER): its own first, then its issuers'.
    /// PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC, a MAC of HMAC-SHA256, which OpenSSL since 1.1 and
    /// Windows since 10 read.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] where something among the certificates is none, or the password is not
    /// UTF-8.
    pub fn to_pkcs12(
        &self,
        certificates: &[&[u8]],
        name: &str,
        password: &Pin,
    ) -> Result<Vec<u8>, KeyError> {
        let cannot = |error: ArchiveError| {
            KeyError::new(KeyErrorKind::Malformed, "cannot make a PKCS#12 file").with_source(error)
        };
        let der = self.private_key().to_pkcs8_der()?;
        let key = p12_keystore::PrivateKey::from_der(der.as_bytes()).map_err(cannot)?;
        let chain: Vec<Certificate> = certificates
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<_, _>>()
            .map_err(cannot)?;
        // Readers go by it to find the key's certificate; its value means nothing.
        let local_key_id = &b"\x01\x00\x00\x00"[..];
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new(local_key_id, key, chain);
        store.add_entry(name, KeyStoreEntry::PrivateKeyChain(chain));
        store
            .writer(text(password)?)
            .encryption_iterations(WRITTEN_ITERATIONS)
            .mac_iterations(WRITTEN_ITERATIONS)
            .write()
            .map_err(cannot)
    }
}

/// Decrypts and takes the file apart.
fn decode(der: &[u8], password: &str) -> Result<Pkcs12Archive, KeyError> {
    // What is encrypted cannot be checked beforehand, and the reader below us panics on some parameters of
    // key derivations; whoever knows the password can write such a file.
    let decoded = catch_unwind(AssertUnwindSafe(|| Pkcs12Archive::from_pkcs12(der, password)));
    match decoded {
        Ok(Ok(archive)) => Ok(archive),
        Ok(Err(ArchiveError::MacError(_))) => Err(KeyError::new(
            KeyErrorKind::AuthRefused,
            "the password does not open the PKCS#12 file",
        )),
        Ok(Err(error)) => Err(malformed("not a PKCS#12 file we read").with_source(error)),
        Err(_) => Err(malformed("a PKCS#12 file with parameters that make no sense")),
    }
}

/// PKCS#12 derives its keys from the characters of a password, not from its bytes (RFC 7292 appendix B.1).
fn text(password: &Pin) -> Result<&str, KeyError> {
    core::str::from_utf8(password.expose_secret())
        .map_err(|error| malformed("the password is not UTF-8").with_source(error))
}

fn malformed(message: impl Into<String>) -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, message)
}
