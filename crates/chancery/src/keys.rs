//! From addresses to keys, whatever backend holds them.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_key::{
    DigestAlgorithm, KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore,
    KeyTemplate, Match, PinPurpose, PinRequest, PinSource, PublicKey, SignatureScheme, SigningKey,
};
use chancery_pkcs11::{Module, Token, TokenInfo, TokenStore, Uri};
use chancery_sigverify::Verified;
use chancery_softkey::{Pkcs12, SoftKey, SoftKeyDirectory};
use chancery_x509::{Certificate, Time};

use crate::{Error, ErrorKind, KeyAddress, windows_keys};

/// Opens, finds and makes keys, with one source of PINs and one choice of PKCS#11 module.
#[derive(Debug)]
pub struct Keyring {
    module: Option<PathBuf>,
    pins: Arc<dyn PinSource>,
    tokens: TokenOptions,
    /// Where the source gives one PIN whichever token asks: the labels of those that have their own in spite of it.
    shared_pin: Option<BTreeSet<String>>,
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
        Self { module, pins, tokens: TokenOptions::default(), shared_pin: None }
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
        let shared_pin = self.shared_pin.clone();
        Self { module: Some(module), pins: Arc::clone(&self.pins), tokens: self.tokens, shared_pin }
    }

    /// Returns another keyring for the same module and PINs.
    pub(crate) fn clone_with_same_module(&self) -> Self {
        let shared_pin = self.shared_pin.clone();
        Self {
            module: self.module.clone(),
            pins: Arc::clone(&self.pins),
            tokens: self.tokens,
            shared_pin,
        }
    }

    /// Returns the files of the modules in which tokens are looked for.
    pub(crate) fn module_places(&self) -> Vec<PathBuf> {
        self.module.as_ref().map_or_else(Module::known_places, |module| vec![module.clone()])
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
    /// # Errors
    /// As [`open`](Self::open), and [`ErrorKind::Malformed`] for a certificate that cannot be read.
    pub fn open_with_certificates(
        &self,
        address: &KeyAddress,
    ) -> Result<(Box<dyn SigningKey>, Vec<Certificate>), Error> {
        let KeyAddress::File(path) = address else { return Ok((self.open(address)?, Vec::new())) };
        let (key, certificates) = self.open_file(path)?;
        Ok((Box::new(key), certificates))
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

    /// Looks for keys in every token that a URI allows, of the module given or of all those installed.
    ///
    /// Each token that wants a login is given its PIN once, so a source should know one for each; see
    /// [`with_shared_pin`](Self::with_shared_pin) for one that does not.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] where there is no module at all, and where several tokens would be given one PIN. A token or module that fails does not hide the others.
    pub fn find_everywhere(
        &self,
        uri: &Uri,
        query: &KeyQuery,
    ) -> Result<Vec<Result<KeyInfo, Error>>, Error> {
        let places = match &self.module {
            Some(path) => vec![path.clone()],
            None => Module::known_places(),
        };
        if places.is_empty() {
            return Err(no_module());
        }
        let (mut found, mut fitting) = (Vec::new(), Vec::new());
        for place in places {
            match Module::load(&place).and_then(|module| Ok((module.tokens()?, module))) {
                Ok((mut tokens, module)) => {
                    tokens.retain(|token| token.initialized && module.fits(token, uri));
                    fitting.push((tokens, module));
                }
                Err(error) => found.push(Err(error.into())),
            }
        }
        self.refuse_shared_pin(fitting.iter().flat_map(|(tokens, _)| tokens))?;
        for (tokens, module) in fitting {
            for token in tokens {
                let keys = Token::open(&module, &token.uri()).and_then(|token| {
                    TokenStore::new(self.configured(token), Arc::clone(&self.pins)).find(query)
                });
                match keys {
                    Ok(Match::None) => {}
                    Ok(Match::One(info)) => found.push(Ok(info)),
                    Ok(Match::Many(all)) => found.extend(all.into_iter().map(Ok)),
                    Err(error) => found.push(Err(error.into())),
                }
            }
        }
        Ok(found)
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

    /// Selects the token of a URI: in the module given, in the one the URI names, or in whichever of those
    /// installed in the usual places has it.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where there is no module, [`KeyErrorKind::NotFound`] where none has such a
    /// token, [`KeyErrorKind::Ambiguous`] where several tokens fit.
    pub fn token(&self, uri: &Uri) -> Result<Token, Error> {
        let named = match &self.module {
            Some(path) => Some(Module::load(path)?),
            None => Module::for_uri(uri)?,
        };
        Ok(self.configured(match named {
            Some(module) => Token::open(&module, uri)?,
            None => search_modules(uri, Module::known_places())?,
        }))
    }

    fn configured(&self, mut token: Token) -> Token {
        if let Some(sessions) = self.tokens.sessions {
            token = token.with_max_sessions(sessions.get());
        }
        if self.tokens.allow_final_try { token.allow_final_try() } else { token }
    }

    pub(crate) fn token_store(&self, uri: &Uri) -> Result<TokenStore, Error> {
        Ok(TokenStore::new(self.token(uri)?, Arc::clone(&self.pins)))
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

/// Looks for a token in every module, and insists on finding one.
fn search_modules(uri: &Uri, places: Vec<PathBuf>) -> Result<Token, Error> {
    let mut found = Vec::new();
    let mut last_error = None;
    for place in &places {
        match Module::load(place).and_then(|module| Token::open(&module, uri)) {
            Ok(token) => found.push((place, token)),
            Err(error) if error.kind() == KeyErrorKind::Ambiguous => return Err(error.into()),
            Err(error) => last_error = Some(error),
        }
    }
    match (found.pop(), last_error) {
        (Some((_, token)), _) if found.is_empty() => Ok(token),
        (Some(last), _) => {
            let candidates = found.iter().chain([&last]).map(|(place, token)| {
                let mut address = token.info().uri();
                address.module_path = Some(place.display().to_string());
                address.to_string()
            });
            let message = format!("tokens of several modules fit `{uri}`");
            let error = KeyError::new(KeyErrorKind::Ambiguous, message);
            Err(error.with_candidates(candidates.collect()).into())
        }
        // One module that fails says why; of several, that none has the token says more.
        (None, Some(error)) if places.len() == 1 => Err(error.into()),
        (None, Some(_)) => {
            let list: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            Err(KeyError::new(
                KeyErrorKind::NotFound,
                format!("no token fits `{uri}` in {}", list.join(", ")),
            )
            .into())
        }
        (None, None) => Err(no_module()),
    }
}

fn no_module() -> Error {
    let message = "no PKCS#11 module was given, and none is in the usual places";
    KeyError::new(KeyErrorKind::Unavailable, message).into()
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
    let algorithm = key.public_key().algorithm();
    SignatureScheme::conventional(algorithm, digest).ok_or_else(|| {
        Error::new(
            ErrorKind::Key(KeyErrorKind::UnsupportedScheme),
            format!("nothing signs code with a key of {algorithm}"),
        )
    })
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
