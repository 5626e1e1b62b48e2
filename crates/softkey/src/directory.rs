//! A directory of key files as a key store.

use core::fmt;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_key::{
    KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match,
    PinPurpose, PinRequest, PinSource, PublicKey, SigningKey,
};
use sha1::{Digest, Sha1};

use crate::container::Container;
use crate::{SoftKey, file, pem};

/// What key files are called, in any case.
const EXTENSIONS: [&str; 4] = ["pem", "key", "der", "p8"];

/// What stands before the path in the address of a key.
const ADDRESS_PREFIX: &str = "file:";

/// The key files in one directory: `*.pem`, `*.key`, `*.der` and `*.p8`, not looking into
/// directories below.
///
/// A key's label is its file name without the extension, its address `file:` and the path. An
/// encrypted file does not tell its public key; `NAME.pub` beside it (`PUBLIC KEY` in PEM), which
/// [`generate`](KeyGenerator::generate) writes, tells it. Opening a key compares the two. Files that
/// hold no private key are passed over, and so are those whose path is not Unicode, since they have
/// no address.
pub struct SoftKeyDirectory {
    path: PathBuf,
    pins: Arc<dyn PinSource>,
}

impl SoftKeyDirectory {
    /// Makes a store of a directory; `pins` is asked for the passphrases of encrypted keys. Nothing
    /// is read yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, pins: Arc<dyn PinSource>) -> Self {
        Self { path: path.into(), pins }
    }

    /// Lists the files that might be keys, in the order of their names.
    fn candidates(&self) -> Result<Vec<PathBuf>, KeyError> {
        let cannot = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => KeyErrorKind::NotFound,
                _ => KeyErrorKind::Io,
            };
            KeyError::new(kind, format!("cannot list {}", self.path.display())).with_source(error)
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            // Opening a pipe would wait for somebody to write into it.
            if has_key_extension(&path) && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

impl KeyStore for SoftKeyDirectory {
    /// A file with a private key that cannot be read or used (another size, another form, no
    /// permission) is found with [`can_sign`](KeyInfo::can_sign) unset; opening it says why.
    fn find(&self, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        let found: Vec<KeyInfo> = self
            .candidates()?
            .iter()
            .filter_map(|path| describe(path))
            .filter(|info| query.matches(info))
            .collect();
        Ok(found.into())
    }

    fn open(&self, key: &KeyInfo) -> Result<Box<dyn SigningKey>, KeyError> {
        let path = key.address.strip_prefix(ADDRESS_PREFIX).ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::Malformed,
                format!("`{}` is no address of a key file", key.address),
            )
        })?;
        let opened = SoftKey::open_file(Path::new(path), &*self.pins)?;
        if key.public_key.as_ref().is_some_and(|told| told != opened.public_key()) {
            return Err(KeyError::new(
                KeyErrorKind::Mismatch,
                format!("the key in {path} is not the one its public half was told to be"),
            ));
        }
        Ok(Box::new(opened))
    }
}

impl KeyGenerator for SoftKeyDirectory {
    /// Writes `LABEL.pem`, encrypted with a passphrase asked for first, and `LABEL.pub`. Without
    /// a label the name is the key's identifier in hexadecimal.
    ///
    /// Besides what the trait names: [`KeyErrorKind::NotPermitted`] for a label that is no file name
    /// and for an identifier, which a key file has no place for.
    fn generate(&self, template: &KeyTemplate) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        if template.id.is_some() {
            return Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                "a key file holds no identifier but the one made of its public key",
            ));
        }
        // Whatever can fail does so before somebody types a passphrase and waits for the primes.
        let labelled = template.label.as_deref().map(|label| self.free_paths(label)).transpose()?;
        let asked = labelled.as_ref().map_or(&self.path, |(private, _)| private);
        let purpose = PinPurpose::ProtectFile { file: asked.display().to_string() };
        let passphrase = self.pins.pin(&PinRequest::new(purpose))?;
        let key = SoftKey::generate(template.algorithm)?;
        let (private, public) = match labelled {
            Some(paths) => paths,
            None => self.free_paths(&hex(&identifier(key.public_key())))?,
        };
        key.create_file(&private, &passphrase)?;
        pem::write("PUBLIC KEY", key.public_key().spki_der())
            .and_then(|text| file::create_public(&public, text.as_bytes()))
            .inspect_err(|_| file::discard(&private))?;
        let info = info(&private, Some(key.public_key().clone())).ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::Malformed,
                format!("{} is no path an address can hold", private.display()),
            )
        })?;
        Ok((info, Box::new(key)))
    }
}

impl SoftKeyDirectory {
    /// Returns the paths for both halves of a new key, with nothing there.
    fn free_paths(&self, label: &str) -> Result<(PathBuf, PathBuf), KeyError> {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
        if label.is_empty() || label.starts_with(['.', ' ']) || !label.chars().all(allowed) {
            return Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("`{}` is no name for a key file", label.escape_debug()),
            ));
        }
        let paths =
            (self.path.join(format!("{label}.pem")), self.path.join(format!("{label}.pub")));
        for path in [&paths.0, &paths.1] {
            if path.symlink_metadata().is_ok() {
                return Err(file::already_exists(path));
            }
        }
        Ok(paths)
    }
}

impl fmt::Debug for SoftKeyDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftKeyDirectory({})", self.path.display())
    }
}

fn has_key_extension(path: &Path) -> bool {
    path.extension()
        .and_then(OsStr::to_str)
        .is_some_and(|found| EXTENSIONS.iter().any(|known| found.eq_ignore_ascii_case(known)))
}

/// Describes the key in a file without a passphrase; `None` where the file holds none.
fn describe(path: &Path) -> Option<KeyInfo> {
    let bytes = match file::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == KeyErrorKind::Io => return unusable(path),
        // Gone since the directory was listed, or too long for a key.
        Err(_) => return None,
    };
    let container = match Container::find(&bytes) {
        Ok(container) => container?,
        Err(_) => return unusable(path),
    };
    if container.is_encrypted() {
        return info(path, public_key_beside(path));
    }
    match container.open_plain().and_then(|key| key.public_key()) {
        Ok(public_key) => info(path, Some(public_key)),
        Err(_) => unusable(path),
    }
}

fn unusable(path: &Path) -> Option<KeyInfo> {
    let mut info = info(path, None)?;
    info.can_sign = false;
    Some(info)
}

fn info(path: &Path, public_key: Option<PublicKey>) -> Option<KeyInfo> {
    let mut info = KeyInfo::new(format!("{ADDRESS_PREFIX}{}", path.to_str()?));
    info.label = path.file_stem().and_then(OsStr::to_str).map(str::to_owned);
    info.id = public_key.as_ref().map(identifier);
    info.public_key = public_key;
    info.never_extractable = Some(false);
    Some(info)
}

/// Reads the public half from the file of the same name, if it is there and fit to be read.
fn public_key_beside(path: &Path) -> Option<PublicKey> {
    let path = path.with_extension("pub");
    if !path.is_file() {
        return None;
    }
    let (label, der) = pem_rfc7468::decode_vec(&file::read(&path).ok()?)
        .ok()
        .map(|(label, der)| (label.to_owned(), der))?;
    if label == "PUBLIC KEY" { PublicKey::from_spki_der(&der).ok() } else { None }
}

/// RFC 5280 section 4.2.1.2 (1): the SHA-1 of the public key's BIT STRING.
fn identifier(key: &PublicKey) -> Vec<u8> {
    Sha1::digest(key.subject_public_key()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
