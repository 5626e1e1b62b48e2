//! From a certificate to its key: by what a store says about it, or among all there are.

use chancery_certstore::{Entry, KeyBinding};
use chancery_key::{
    KeyErrorKind, KeyInfo, KeyQuery, KeyStore, Match, PublicKey, SigningKey, without_pin_value,
};
use chancery_keymatch::find_in_stores;
use chancery_pkcs11::Uri;
use chancery_x509::Certificate;

use crate::tokens::PresentToken;
use crate::{Error, ErrorKind, KeyAddress, Keyring, Settings, proved, windows_keys};

/// The provider that bindings to keys in tokens name; their container is the key's PKCS#11 URI.
pub const PKCS11_PROVIDER: &str = "PKCS#11 Key Storage Provider";

/// The provider that bindings to key files name; their container is the key's `file:` address.
pub const FILE_PROVIDER: &str = "Chancery Key File Provider";

/// Finds the keys of certificates. A key is the right one by its public key alone; everything else narrows.
#[derive(Clone, Copy, Debug)]
pub struct KeyFinder<'a> {
    keyring: &'a Keyring,
    settings: &'a Settings,
}

/// A certificate's key, opened.
#[derive(Debug)]
#[non_exhaustive]
pub struct BoundKey {
    /// The key's address.
    pub address: String,
    /// The key. Its public key is the certificate's.
    pub key: Box<dyn SigningKey>,
}

impl<'a> KeyFinder<'a> {
    /// Opens keys with this keyring; the settings say which tokens stand for which providers.
    #[must_use]
    pub const fn new(keyring: &'a Keyring, settings: &'a Settings) -> Self {
        Self { keyring, settings }
    }

    /// Opens the key that a store says belongs to a certificate.
    ///
    /// # Errors
    /// [`ErrorKind::Key`]: [`KeyErrorKind::NotFound`] where nothing is said, or the token or the key is not there;
    /// [`KeyErrorKind::Unavailable`] for a provider that no token stands for; [`KeyErrorKind::Mismatch`] naming the key
    /// that is in its place; [`KeyErrorKind::Ambiguous`] with the candidates.
    pub fn bound_key(&self, entry: &Entry) -> Result<BoundKey, Error> {
        let name = entry.thumbprint();
        let certificate =
            entry.certificate().map_err(|error| Error::of_certificate("use it", error))?;
        let binding = binding_of(entry)?;
        self.key_by_binding(&binding, certificate)
            .map_err(|error| error.with_context(format!("certificate {name}, {binding}")))
    }

    /// Opens the key to which a binding leads, as [`bound_key`](Self::bound_key) does.
    ///
    /// # Errors
    /// As [`bound_key`](Self::bound_key).
    pub fn key_by_binding(
        &self,
        binding: &KeyBinding,
        certificate: &Certificate,
    ) -> Result<BoundKey, Error> {
        let (keyring, address) = self.place_of(binding)?;
        let keyring = keyring.as_ref().unwrap_or(self.keyring);
        let wanted = certificate.public_key();
        match &address {
            KeyAddress::File(_) | KeyAddress::Cng(_) => {
                let key = keyring.open(&address)?;
                check(&*key, wanted, &address.to_string(), certificate)?;
                Ok(BoundKey { address: address.to_string(), key })
            }
            KeyAddress::Pkcs11(uri) => {
                open(keyring, &on_token(keyring, uri, certificate)?, certificate)
            }
        }
    }

    /// Returns where a store says that the key of a certificate is. Nothing is opened.
    ///
    /// # Errors
    /// [`ErrorKind::Key`]: [`KeyErrorKind::NotFound`] where nothing is said; [`KeyErrorKind::Unavailable`] for a provider
    /// that no token stands for.
    pub fn bound_address(&self, entry: &Entry) -> Result<KeyAddress, Error> {
        self.place_of(&binding_of(entry)?).map(|(_, address)| address)
    }

    /// Finds the key of a certificate in a place, or where none is given on every token there is, and then among
    /// those that Windows keeps itself.
    ///
    /// A token is only logged in to where it is the only one, or where the settings have a PIN for it: the PIN of one
    /// is not tried on another.
    ///
    /// # Errors
    /// [`ErrorKind::Key`]: [`KeyErrorKind::NotFound`]; [`KeyErrorKind::Ambiguous`] with the candidates, keys or tokens.
    pub fn find(
        &self,
        certificate: &Certificate,
        place: Option<&KeyAddress>,
    ) -> Result<BoundKey, Error> {
        let query = KeyQuery::any().with_public_key(certificate.public_key().clone());
        let what = format!("the public key of `{}`", certificate.subject());
        let info = match place {
            Some(file @ KeyAddress::File(path)) if !path.is_dir() => {
                let key = self.keyring.open(file)?;
                check(&*key, certificate.public_key(), &file.to_string(), certificate)?;
                return Ok(BoundKey { address: file.to_string(), key });
            }
            Some(place) => Match::from(self.keyring.find(place, &query)?)
                .require_one(&format!("{what} at {place}"))?,
            None => self
                .on_all_tokens(&query, &what)
                .or_else(|error| in_windows(&query, &what, error))?,
        };
        open(self.keyring, &info, certificate)
    }

    fn on_all_tokens(&self, query: &KeyQuery, what: &str) -> Result<KeyInfo, Error> {
        let (tokens, mut failures): (Vec<_>, Vec<_>) =
            self.keyring.present_tokens(&Uri::new())?.into_iter().partition(Result::is_ok);
        let mut tokens: Vec<PresentToken> = tokens.into_iter().flatten().collect();
        if tokens.is_empty() {
            let nowhere =
                || key_error(KeyErrorKind::NotFound, "there is no token to look on".into());
            return Err(failures.pop().and_then(Result::err).unwrap_or_else(nowhere));
        }
        if tokens.len() > 1 {
            let all: Vec<String> =
                tokens.iter().map(|token| token.info.uri().to_string()).collect();
            tokens.retain(|token| self.settings.token_pins.contains_key(&token.info.label));
            if tokens.is_empty() {
                let message = format!(
                    "{} tokens may have {what}; the PIN of one is not tried on the others",
                    all.len()
                );
                return Err(key_error(KeyErrorKind::Ambiguous, message).with_candidates(all));
            }
        }
        self.keyring.refuse_shared_pin(tokens.iter().map(|token| &token.info))?;
        let mut stores: Vec<Box<dyn KeyStore>> = Vec::new();
        for token in &tokens {
            stores.push(Box::new(self.keyring.store_of(token)?));
        }
        let mut search = find_in_stores(&stores, query);
        // A token that does not answer may have the key as well, or be the one that has it.
        if let Some((_, error)) = search.failures.pop() {
            return Err(error.into());
        }
        let infos = match search.found {
            Match::None => Vec::new(),
            Match::One(found) => vec![found.info],
            Match::Many(all) => all.into_iter().map(|found| found.info).collect(),
        };
        Ok(Match::from(infos).require_one(what)?)
    }

    /// Says where a binding leads: an address, and a keyring for its module where that is another.
    fn place_of(&self, binding: &KeyBinding) -> Result<(Option<Keyring>, KeyAddress), Error> {
        let provider = binding.provider.as_deref().unwrap_or_default();
        let container = binding.container.as_deref().unwrap_or_default();
        if let Some(settings) = self.settings.provider(provider) {
            let mut uri = container.parse().unwrap_or_else(|_| {
                let mut uri = Uri::new();
                // A container's name is a label at most, which may tell keys apart.
                uri.object = Some(container.to_owned()).filter(|name| !name.is_empty());
                uri
            });
            if uri.token.is_none() {
                uri.token.clone_from(&settings.token);
            }
            let keyring = self.keyring.with_module(settings.module.clone());
            return Ok((Some(keyring), KeyAddress::Pkcs11(Box::new(uri))));
        }
        let ours =
            [PKCS11_PROVIDER, FILE_PROVIDER].iter().any(|own| own.eq_ignore_ascii_case(provider));
        if !ours {
            // Windows knows its providers; elsewhere a token has to stand for one.
            if let (true, Some(address)) = (cfg!(windows), windows_keys::bound_address(binding)) {
                return Ok((None, KeyAddress::Cng(Box::new(address))));
            }
            return Err(key_error(
                KeyErrorKind::Unavailable,
                format!(
                    "no token stands for the provider `{provider}`; write in chancery.toml which does:  \
                     [provider.\"{provider}\"] module = \"PATH\""
                ),
            ));
        }
        let address = container.parse().map_err(|error: crate::KeyAddressError| {
            let message = format!(
                "`{}`, to which the certificate is bound, is no address",
                without_pin_value(container)
            );
            key_error(KeyErrorKind::Malformed, message).with_source(error)
        })?;
        Ok((None, address))
    }
}

/// Looks where no token has the key, or none is there to have it: any other `error` stands, and so does this one where
/// Windows does not answer, as it does not to a user about the keys of the computer.
fn in_windows(query: &KeyQuery, what: &str, error: Error) -> Result<KeyInfo, Error> {
    let nowhere = [KeyErrorKind::NotFound, KeyErrorKind::Unavailable].map(ErrorKind::Key);
    if !nowhere.contains(&error.kind()) {
        return Err(error);
    }
    match windows_keys::find_in_software(query) {
        Ok(Match::None) | Err(_) => Err(error),
        Ok(found) => Ok(found.require_one(what)?),
    }
}

fn binding_of(entry: &Entry) -> Result<KeyBinding, Error> {
    let name = entry.thumbprint();
    let binding = entry.key_binding().map_err(|error| {
        Error::new(ErrorKind::Malformed, format!("certificate {name}")).with_source(error)
    })?;
    binding.ok_or_else(|| {
        key_error(KeyErrorKind::NotFound, format!("no key is bound to certificate {name}"))
    })
}

/// Finds a certificate's key on a token by its public key. Label and identifier choose between several keys that have it,
/// and say what else is in its place.
fn on_token(keyring: &Keyring, uri: &Uri, certificate: &Certificate) -> Result<KeyInfo, Error> {
    let mut token = uri.clone();
    (token.object, token.id) = (None, None);
    let place = KeyAddress::Pkcs11(Box::new(token));
    let query = KeyQuery::any().with_public_key(certificate.public_key().clone());
    let found = keyring.find(&place, &query)?;
    if found.len() > 1 {
        let named: Vec<KeyInfo> = found
            .iter()
            .filter(|info| uri.object.is_none() || info.label == uri.object)
            .filter(|info| uri.id.is_none() || info.id == uri.id)
            .cloned()
            .collect();
        let chosen = if named.len() == 1 { named } else { found };
        return Ok(Match::from(chosen).require_one("the certificate's public key")?);
    }
    if let Some(only) = found.into_iter().next() {
        return Ok(only);
    }
    if uri.object.is_some() || uri.id.is_some() {
        let narrowed = KeyAddress::Pkcs11(Box::new(uri.clone()));
        if let Some(other) = keyring.find(&narrowed, &KeyQuery::any())?.first() {
            return Err(mismatch(&other.address, other.public_key.as_ref(), certificate));
        }
    }
    Err(key_error(
        KeyErrorKind::NotFound,
        format!("the key of `{}` is gone from {place}", certificate.subject()),
    ))
}

/// Opens a key, and insists on its being the certificate's.
fn open(keyring: &Keyring, info: &KeyInfo, certificate: &Certificate) -> Result<BoundKey, Error> {
    let address: KeyAddress = info.address.parse().map_err(|error: crate::KeyAddressError| {
        key_error(KeyErrorKind::Malformed, format!("`{}` is no address", info.address))
            .with_source(error)
    })?;
    let key = keyring.open(&address)?;
    check(&*key, certificate.public_key(), &info.address, certificate)?;
    Ok(BoundKey { address: info.address.clone(), key })
}

fn check(
    key: &dyn SigningKey,
    wanted: &PublicKey,
    address: &str,
    certificate: &Certificate,
) -> Result<(), Error> {
    if key.public_key() == wanted {
        return Ok(());
    }
    Err(mismatch(address, Some(key.public_key()), certificate))
}

fn mismatch(address: &str, found: Option<&PublicKey>, certificate: &Certificate) -> Error {
    let wanted = certificate.public_key();
    let both_rsa = wanted.modulus().is_some() && found.is_some_and(|key| key.modulus().is_some());
    let what = if both_rsa { "modulus" } else { "public key" };
    let kind = found.map_or("a key of unknown type".into(), |key| key.algorithm().to_string());
    key_error(
        KeyErrorKind::Mismatch,
        format!(
            "the key at {address} ({kind}) has another {what} than the certificate `{}` ({}); \
             nothing was signed with it",
            certificate.subject(),
            wanted.algorithm()
        ),
    )
}

fn key_error(kind: KeyErrorKind, message: String) -> Error {
    Error::new(ErrorKind::Key(kind), message)
}

/// Makes the binding to a key for a store: to the provider given, or to that of its kind of address. A key in Windows is
/// bound by its own provider and container, as Windows looks for it.
#[must_use]
pub(crate) fn binding_to(address: &str, provider: Option<&str>, of_machine: bool) -> KeyBinding {
    if provider.is_none()
        && let Ok(KeyAddress::Cng(address)) = address.parse()
        && let Some(binding) = windows_keys::binding_to(&address)
    {
        return binding;
    }
    let own = if address.starts_with("file:") { FILE_PROVIDER } else { PKCS11_PROVIDER };
    let mut binding = KeyBinding::new(address, provider.unwrap_or(own));
    if of_machine {
        binding.flags = chancery_certstore::provider_flag::MACHINE_KEYSET;
    }
    binding
}

impl BoundKey {
    /// Takes a key that was opened at an address.
    #[must_use]
    pub fn new(address: impl Into<String>, key: Box<dyn SigningKey>) -> Self {
        Self { address: address.into(), key }
    }

    /// Proves by a signature over random bytes that the key signs and is the one of the certificate.
    ///
    /// # Errors
    /// [`ErrorKind::Key`].
    pub fn prove(&self) -> Result<(), Error> {
        proved(&*self.key, &self.address).map(drop)
    }
}

impl KeyFinder<'_> {
    /// Asks a key's place whether the private half can never be read out; `None` where it does not say.
    #[must_use]
    pub fn never_leaves(&self, key: &BoundKey) -> Option<bool> {
        let address: KeyAddress = key.address.parse().ok()?;
        let query = KeyQuery::any().with_public_key(key.key.public_key().clone());
        let modules = self.settings.providers.values().map(|provider| provider.module.clone());
        let others = modules.map(|module| self.keyring.with_module(module));
        let found = self.keyring.find(&address, &query).ok().filter(|found| !found.is_empty());
        let mut rest = others.filter_map(|keyring| keyring.find(&address, &query).ok());
        let found = found.or_else(|| rest.find(|found| !found.is_empty()))?;
        found.first()?.never_extractable
    }
}
