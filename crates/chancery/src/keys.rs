//! From addresses to keys, whatever backend holds them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_key::{
    DigestAlgorithm, KeyAlgorithm, KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery,
    KeyStore, KeyTemplate, Match, PinPurpose, PinRequest, PinSource, PublicKey, SignatureScheme,
    SigningKey,
};
use chancery_pkcs11::{TokenInfo, TokenStore, Uri};
use chancery_sigverify::Verified;
use chancery_softkey::{Pkcs12, SoftKey, SoftKeyDirectory};
use chancery_x509::{Certificate, Time};

use crate::pins::AddressPin;
use crate::{Error, ErrorKind, KeyAddress, Signer, windows_keys};

/// Opens, finds and makes keys, with one source of PINs and one choice of PKCS#11 module.
#[derive(Debug)]
pub struct Keyring {
    pub(crate) module: Option<PathBuf>,
    pub(crate) pins: Arc<dyn PinSource>,
    pub(crate) tokens: TokenOptions,
    /// Where the source gives one PIN whichever token asks: the labels of those that have their own in spite of it.
    shared_pin: Option<BTreeSet<String>>,
    /// Whether an address may say where the PIN is, and who is told of the file.
    pub(crate) pin_sources: Option<fn(&Path)>,
}

/// A key that was opened, and what is known of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct OpenedKey {
    /// The key.
    pub key: Box<dyn SigningKey>,
    /// Its whole address, to name it by.
    pub address: String,
    /// The certificates that are stored with it.
    pub certificates: Vec<Certificate>,
}

/// How tokens are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenOptions {
    /// How many sessions a token is used in at once; the token's own limit, and no more than eight, without it.
    pub sessions: Option<NonZeroUsize>,
    /// Whether the last try that a token's PIN has may be spent.
    pub allow_final_try: bool,
}

impl Keyring {
    /// Uses these PINs, and for tokens this module; without one, the module a URI names, or the one
    /// that is installed.
    #[must_use]
    pub fn new(module: Option<PathBuf>, pins: Arc<dyn PinSource>) -> Self {
        Self { module, pins, tokens: TokenOptions::default(), shared_pin: None, pin_sources: None }
    }

    /// Uses tokens in this way.
    #[must_use]
    pub const fn with_tokens(mut self, options: TokenOptions) -> Self {
        self.tokens = options;
        self
    }

    /// Says that the source of PINs does not look at which token asks, as a file does not, but for the tokens of
    /// these labels. No search then asks it for two tokens.
    #[must_use]
    pub fn with_shared_pin(mut self, but_for: BTreeSet<String>) -> Self {
        self.shared_pin = Some(but_for);
        self
    }

    /// Takes PINs from the files that addresses name as their `pin-source` (RFC 7512 section 2.4), before asking the
    /// source of this keyring. `tell` is told of each such file before it is read.
    #[must_use]
    pub const fn with_pin_sources(mut self, tell: fn(&Path)) -> Self {
        self.pin_sources = Some(tell);
        self
    }

    /// Returns the source of the PIN that an address names, where it does and that is wanted.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for what is no file.
    pub(crate) fn pin_source_of(&self, uri: &Uri) -> Result<Option<Arc<dyn PinSource>>, Error> {
        let (Some(text), Some(tell)) = (&uri.pin_source, self.pin_sources) else { return Ok(None) };
        let named = AddressPin::new(text)?;
        tell(named.path());
        Ok(Some(Arc::new(named)))
    }

    /// Refuses to log in to tokens of which several would be given the same PIN.
    ///
    /// # Errors
    /// [`KeyErrorKind::Ambiguous`] with their addresses.
    pub(crate) fn refuse_shared_pin<'a>(
        &self,
        tokens: impl IntoIterator<Item = &'a TokenInfo>,
    ) -> Result<(), Error> {
        let Some(but_for) = &self.shared_pin else { return Ok(()) };
        let asking: Vec<String> = tokens
            .into_iter()
            .filter(|token| token.initialized && token.login_required)
            .filter(|token| !but_for.contains(&token.label))
            .map(|token| token.uri().to_string())
            .collect();
        if asking.len() < 2 {
            return Ok(());
        }
        let message = format!(
            "the PIN given is one for {} tokens, and is not tried on any of them: choose one, or write in \
             chancery.toml where the PIN of each is:  [token.LABEL] pin = {{ file = \"PATH\" }}",
            asking.len()
        );
        Err(KeyError::new(KeyErrorKind::Ambiguous, message).with_candidates(asking).into())
    }

    /// Returns the same with another PKCS#11 module.
    #[must_use]
    pub fn with_module(&self, module: PathBuf) -> Self {
        Self { module: Some(module), ..self.clone_with_same_module() }
    }

    /// Returns another keyring for the same module and PINs.
    pub(crate) fn clone_with_same_module(&self) -> Self {
        let (module, shared_pin) = (self.module.clone(), self.shared_pin.clone());
        let (pins, tokens, pin_sources) = (Arc::clone(&self.pins), self.tokens, self.pin_sources);
        Self { module, pins, tokens, shared_pin, pin_sources }
    }

    /// Returns the source of PINs.
    #[must_use]
    pub fn pins(&self) -> &Arc<dyn PinSource> {
        &self.pins
    }

    /// Opens the key at an address.
    ///
    /// Its signatures come as the backend makes them: an [`Identity`](chancery_x509::Identity) or
    /// [`Verified`] around it checks each one.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] with what keeps the key from being used.
    pub fn open(&self, address: &KeyAddress) -> Result<Box<dyn SigningKey>, Error> {
        Ok(match address {
            KeyAddress::File(path) => Box::new(SoftKey::open_file(path, &self.pins)?),
            KeyAddress::Pkcs11(uri) => Box::new(self.token_store(uri)?.open_key(uri)?),
            KeyAddress::Cng(address) => windows_keys::open(address)?,
        })
    }

    /// Opens the key at an address with the certificates that are stored with it: those of a PKCS#12 file;
    /// elsewhere there are none.
    ///
    /// It comes with its whole address, which of a token's key names the token.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Malformed`] for a certificate that cannot be read.
    pub fn open_with_certificates(&self, address: &KeyAddress) -> Result<OpenedKey, Error> {
        let (key, certificates): (Box<dyn SigningKey>, _) = match address {
            KeyAddress::File(path) => {
                let (key, certificates) = self.open_file(path)?;
                (Box::new(key), certificates)
            }
            KeyAddress::Pkcs11(uri) => {
                let key = self.token_store(uri)?.open_key(uri)?;
                let address = key.uri().to_string();
                return Ok(OpenedKey { key: Box::new(key), address, certificates: Vec::new() });
            }
            KeyAddress::Cng(_) => (self.open(address)?, Vec::new()),
        };
        Ok(OpenedKey { key, address: address.to_string(), certificates })
    }

    /// Opens a software key, which can be written elsewhere, and the certificates in its file.
    ///
    /// # Errors
    /// As [`open_with_certificates`](Self::open_with_certificates); [`KeyErrorKind::NotPermitted`] for a key
    /// that stays where it is.
    pub fn open_software(
        &self,
        address: &KeyAddress,
    ) -> Result<(SoftKey, Vec<Certificate>), Error> {
        match address {
            KeyAddress::File(path) => self.open_file(path),
            _ => Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("{address} is no key file: a key on a token stays there"),
            )
            .into()),
        }
    }

    fn open_file(&self, path: &Path) -> Result<(SoftKey, Vec<Certificate>), Error> {
        if !Pkcs12::is_in(&read_beginning(path)?) {
            return Ok((SoftKey::open_file(path, &self.pins)?, Vec::new()));
        }
        let (key, certificates) = Pkcs12::open_file(path, &self.pins)?.into_parts();
        let certificates = certificates
            .iter()
            .map(|der| Certificate::from_der(der))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::malformed(path, error))?;
        Ok((key, certificates))
    }

    /// Opens the key at an address for signing bare digests, which is for offline formats alone: see
    /// [`hazmat`](chancery_key::hazmat).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_digest_signer(
        &self,
        address: &KeyAddress,
    ) -> Result<Box<dyn chancery_key::hazmat::DigestSigner>, Error> {
        Ok(match address {
            KeyAddress::File(path) => Box::new(SoftKey::open_file(path, &self.pins)?),
            KeyAddress::Pkcs11(uri) => Box::new(self.token_store(uri)?.open_key(uri)?),
            KeyAddress::Cng(address) => windows_keys::open_digest_signer(address)?,
        })
    }

    /// Finds keys in the place an address names: a folder of key files, a token, or a provider in
    /// Windows.
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
            KeyAddress::Cng(address) => windows_keys::find(address, query)?,
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
            KeyAddress::Cng(address) => Ok(windows_keys::generate(address, template)?),
        }
    }

    /// Gives a token's key another label or identifier, with its public half and certificates.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] as [`TokenStore::rename_key`]; [`ErrorKind::Usage`] for a key file.
    pub fn rename(
        &self,
        address: &KeyAddress,
        label: Option<&str>,
        id: Option<&[u8]>,
    ) -> Result<KeyInfo, Error> {
        let uri = token_address(address, "rename it as the file it is")?;
        Ok(self.token_store(uri)?.rename_key(uri, label, id)?)
    }

    /// Deletes a token's key for good, and returns what it was.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] as [`TokenStore::delete_key`]; [`ErrorKind::Usage`] for a key file.
    pub fn delete(&self, address: &KeyAddress) -> Result<KeyInfo, Error> {
        let uri = token_address(address, "delete it as the file it is")?;
        Ok(self.token_store(uri)?.delete_key(uri)?)
    }

    /// Returns the token of an address as a store of keys and certificates.
    ///
    /// # Errors
    /// As [`token`](Self::token); [`ErrorKind::Usage`] for a key file.
    pub fn store(&self, address: &KeyAddress) -> Result<TokenStore, Error> {
        self.token_store(token_address(address, "it is no token")?)
    }

    /// Picks the certificate that a token keeps for one of its keys, and all others it keeps, for the chain.
    ///
    /// Where it keeps several for the key, it is the one that is valid at this time.
    ///
    /// # Errors
    /// [`ErrorKind::CertificateMismatch`] where there is none, [`ErrorKind::Key`] with
    /// [`KeyErrorKind::Ambiguous`] where several are valid.
    pub fn identity_certificates(
        &self,
        address: &KeyAddress,
        key: &PublicKey,
        now: Time,
    ) -> Result<(Certificate, Vec<Certificate>), Error> {
        let store = self.store(address)?;
        let label = &store.token().info().label;
        let readable = store.certificates(&Uri::new())?.into_iter();
        let mut others: Vec<_> =
            readable.filter_map(|found| Certificate::from_der(&found.der).ok()).collect();
        let mut own: Vec<_> = others.extract_if(.., |other| other.public_key() == key).collect();
        own.sort_by(|one, other| one.as_der().cmp(other.as_der()));
        own.dedup();
        if own.len() > 1 {
            own.retain(|certificate| certificate.is_valid_at(now));
        }
        match (own.pop(), own.is_empty()) {
            (Some(only), true) => Ok((only, others)),
            (None, _) => Err(Error::new(
                ErrorKind::CertificateMismatch,
                format!("token `{label}` keeps no certificate for the key that is valid"),
            )),
            (Some(last), false) => {
                let list: Vec<_> = own.iter().chain([&last]).map(describe).collect();
                Err(Error::new(
                    ErrorKind::Key(KeyErrorKind::Ambiguous),
                    format!(
                        "token `{label}` keeps several certificates for the key: {}",
                        list.join(", ")
                    ),
                ))
            }
        }
    }

    /// Returns who would most likely sign with a token's key, by the certificates it shows without a login: the one
    /// with the label and identifier of the address that is valid. Only the key itself can prove it.
    ///
    /// # Errors
    /// As [`identity_certificates`](Self::identity_certificates), but for those of a login.
    pub fn likely_signer(&self, address: &KeyAddress, now: Time) -> Result<Signer, Error> {
        let uri = token_address(address, "name its certificate with --cert FILE")?;
        let store = self.token_store(uri)?;
        let label = &store.token().info().label;
        let shown = |uri: &Uri| -> Result<Vec<Certificate>, Error> {
            let found = store.public_certificates(uri)?.into_iter();
            Ok(found.filter_map(|one| Certificate::from_der(&one.der).ok()).collect())
        };
        let mut of_key = Uri::new();
        (of_key.object, of_key.id) = (uri.object.clone(), uri.id.clone());
        let mut own = shown(&of_key)?;
        own.retain(|certificate| certificate.is_valid_at(now));
        own.sort_by(|one, other| one.as_der().cmp(other.as_der()));
        own.dedup();
        match own.as_slice() {
            [only] => Ok(Signer::new(only.clone(), &shown(&Uri::new())?)),
            [] => Err(Error::new(
                ErrorKind::CertificateMismatch,
                format!("token `{label}` shows no valid certificate with the label of `{uri}`"),
            )),
            all => Err(Error::new(
                ErrorKind::Key(KeyErrorKind::Ambiguous),
                format!(
                    "token `{label}` shows several certificates with the label of `{uri}`, which only a login \
                     tells apart: {}",
                    all.iter().map(describe).collect::<Vec<_>>().join(", ")
                ),
            )),
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
}

fn token_address<'a>(address: &'a KeyAddress, instead: &str) -> Result<&'a Uri, Error> {
    match address {
        KeyAddress::Pkcs11(uri) => Ok(uri),
        KeyAddress::File(_) | KeyAddress::Cng(_) => Err(Error::new(
            ErrorKind::Usage,
            format!("{address} is no address of a token: {instead}"),
        )),
    }
}

fn describe(certificate: &Certificate) -> String {
    let serial: String = certificate.serial().iter().map(|octet| format!("{octet:02x}")).collect();
    format!("`{}` with serial number {serial}", certificate.subject())
}

/// Reads as much of a file as tells what it is; nothing where there is none.
fn read_beginning(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(16).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes),
        // Opening the key says it better.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(bytes),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// Chooses the scheme that formats use with a key where nobody chose a hash.
pub(crate) fn conventional_scheme(key: &dyn SigningKey) -> Result<SignatureScheme, Error> {
    scheme_with(key, SignatureScheme::conventional_digest(key.public_key().algorithm()))
}

/// Chooses the scheme that formats use with a key and a hash.
pub(crate) fn scheme_with(
    key: &dyn SigningKey,
    digest: DigestAlgorithm,
) -> Result<SignatureScheme, Error> {
    scheme_for(key.public_key().algorithm(), digest)
}

/// Chooses the scheme that formats use with keys of a type and a hash.
///
/// # Errors
/// [`ErrorKind::Key`] where there is none, which says whether another hash would do.
pub fn scheme_for(key: KeyAlgorithm, digest: DigestAlgorithm) -> Result<SignatureScheme, Error> {
    SignatureScheme::conventional(key, digest).ok_or_else(|| {
        let fitting = SignatureScheme::conventional_digest(key);
        let message = match SignatureScheme::conventional(key, fitting) {
            Some(_) => format!("a key of {key} signs with {fitting} alone, not with {digest}"),
            None => format!("nothing here signs with a key of {key}"),
        };
        Error::new(ErrorKind::Key(KeyErrorKind::UnsupportedScheme), message)
    })
}

/// Proves that a key signs and that its public key is the one it shows, by one signature over random bytes.
/// `name` is what errors call it: its address.
///
/// # Errors
/// [`ErrorKind::Key`] where it does not sign, or signs wrongly.
pub fn proved(key: &dyn SigningKey, name: &str) -> Result<SignatureScheme, Error> {
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
            let algorithm = key.public_key().algorithm();
            KeyError::new(
                KeyErrorKind::UnsupportedScheme,
                format!("a key of {algorithm} that signs in no way we know"),
            )
        })?;
    let mut message = [0; 32];
    getrandom::fill(&mut message).map_err(|error| {
        Error::new(ErrorKind::Io, "the system has no random numbers").with_source(error)
    })?;
    Verified::new(key).with_name(name).sign(scheme, &message)?;
    Ok(scheme)
}
