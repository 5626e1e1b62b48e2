//! From addresses to keys, whatever backend holds them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_key::{
    KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match,
    PinPurpose, PinRequest, PinSource, SignatureScheme, SigningKey,
};
use chancery_pkcs11::{Module, Token, TokenStore, Uri};
use chancery_sigverify::Verified;
use chancery_softkey::{SoftKey, SoftKeyDirectory};

use crate::{Error, ErrorKind, KeyAddress};

/// Opens, finds and makes keys, with one source of PINs and one choice of PKCS#11 module.
#[derive(Debug)]
pub struct Keyring {
    module: Option<PathBuf>,
    pins: Arc<dyn PinSource>,
}

impl Keyring {
    /// Uses these PINs, and for tokens this module; without one, the module a URI names, or the one
    /// that is installed.
    #[must_use]
    pub fn new(module: Option<PathBuf>, pins: Arc<dyn PinSource>) -> Self {
        Self { module, pins }
    }

    /// Returns the source of PINs.
    #[must_use]
    pub fn pins(&self) -> &Arc<dyn PinSource> {
        &self.pins
    }

    /// Opens the key at an address. Its signatures are verified before they are handed out.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] with what keeps the key from being used.
    pub fn open(&self, address: &KeyAddress) -> Result<Verified<Box<dyn SigningKey>>, Error> {
        let key: Box<dyn SigningKey> = match address {
            KeyAddress::File(path) => Box::new(SoftKey::open_file(path, &self.pins)?),
            KeyAddress::Pkcs11(uri) => Box::new(self.token_store(uri)?.open_key(uri)?),
        };
        Ok(Verified::new(key))
    }

    /// Finds keys in the place an address names: a folder of key files, or a token.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] with what keeps the place from being searched.
    pub fn find(&self, place: &KeyAddress, query: &KeyQuery) -> Result<Vec<KeyInfo>, Error> {
        let found = match place {
            KeyAddress::File(path) => {
                SoftKeyDirectory::new(path, Arc::clone(&self.pins)).find(query)?
            }
            KeyAddress::Pkcs11(uri) => {
                let mut query = query.clone();
                query.label = query.label.or_else(|| uri.object.clone());
                query.id = query.id.or_else(|| uri.id.clone());
                self.token_store(uri)?.find(&query)?
            }
        };
        Ok(match found {
            Match::None => Vec::new(),
            Match::One(info) => vec![info],
            Match::Many(all) => all,
        })
    }

    /// Makes a key pair at an address that has none yet: a new encrypted file, or a token object with the
    /// label or identifier of the URI.
    ///
    /// # Errors
    /// [`ErrorKind::Key`]; with [`KeyErrorKind::AlreadyExists`] where there is one.
    pub fn generate(
        &self,
        address: &KeyAddress,
        mut template: KeyTemplate,
    ) -> Result<(KeyInfo, Box<dyn SigningKey>), Error> {
        match address {
            KeyAddress::File(path) => Ok(self.generate_file(path, &template)?),
            KeyAddress::Pkcs11(uri) => {
                template.label = template.label.or_else(|| uri.object.clone());
                template.id = template.id.or_else(|| uri.id.clone());
                Ok(self.token_store(uri)?.generate(&template)?)
            }
        }
    }

    fn generate_file(
        &self,
        path: &Path,
        template: &KeyTemplate,
    ) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        if path.exists() {
            let message = format!("{} is there already", path.display());
            return Err(KeyError::new(KeyErrorKind::AlreadyExists, message));
        }
        // The store also leaves the public half beside an encrypted file, so that it is found by it.
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(stem), Some("pem")) = (stem, path.extension().and_then(|ext| ext.to_str())) {
            let folder = match path.parent() {
                Some(folder) if !folder.as_os_str().is_empty() => folder,
                _ => Path::new("."),
            };
            let store = SoftKeyDirectory::new(folder, Arc::clone(&self.pins));
            return store.generate(&KeyTemplate::new(template.algorithm).with_label(stem));
        }
        let file = path.display().to_string();
        let passphrase = self.pins.pin(&PinRequest::new(PinPurpose::ProtectFile { file }))?;
        let key = SoftKey::generate(template.algorithm)?;
        key.create_file(path, &passphrase)?;
        let info = KeyInfo::new(KeyAddress::File(path.into()).to_string())
            .with_public_key(key.public_key().clone());
        Ok((info, Box::new(key)))
    }

    /// Loads the PKCS#11 module for a URI: the one given, the one the URI names, or the only one there is.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] for none, [`KeyErrorKind::Ambiguous`] for several.
    pub fn module(&self, uri: &Uri) -> Result<Arc<Module>, Error> {
        if let Some(path) = &self.module {
            return Ok(Module::load(path)?);
        }
        if let Some(module) = Module::for_uri(uri)? {
            return Ok(module);
        }
        match Module::known_places().as_slice() {
            [] => Err(Error::new(
                ErrorKind::Key(KeyErrorKind::Unavailable),
                "no PKCS#11 module given, and none in the usual places",
            )),
            [only] => Ok(Module::load(only)?),
            several => {
                let list: Vec<_> =
                    several.iter().map(|path| format!("`{}`", path.display())).collect();
                Err(Error::new(
                    ErrorKind::Key(KeyErrorKind::Ambiguous),
                    format!("several PKCS#11 modules are installed: {}", list.join(", ")),
                ))
            }
        }
    }

    fn token_store(&self, uri: &Uri) -> Result<TokenStore, Error> {
        let token = Token::open(&*self.module(uri)?, uri)?;
        Ok(TokenStore::new(token, Arc::clone(&self.pins)))
    }
}

/// Proves that a key signs and that its public key is the one it shows, by one signature over random bytes.
///
/// # Errors
/// [`ErrorKind::Key`] where it does not sign, or signs wrongly.
pub fn proved(key: &dyn SigningKey) -> Result<SignatureScheme, Error> {
    let scheme = key
        .schemes()
        .iter()
        .copied()
        .find(|scheme| {
            let algorithm = key.public_key().algorithm();
            Some(*scheme)
                == SignatureScheme::conventional(
                    algorithm,
                    SignatureScheme::conventional_digest(algorithm),
                )
        })
        .or_else(|| key.schemes().first().copied())
        .ok_or_else(|| {
            KeyError::new(KeyErrorKind::UnsupportedScheme, "the key signs in no way we know")
        })?;
    let mut message = [0; 32];
    getrandom::fill(&mut message).map_err(|error| {
        Error::new(ErrorKind::Io, "the system has no random numbers").with_source(error)
    })?;
    Verified::new(key).sign(scheme, &message)?;
    Ok(scheme)
}
