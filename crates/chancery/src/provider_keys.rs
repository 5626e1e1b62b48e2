//! The keys of a key storage provider: those of the token that stands for it, by the names and numbers that tools for
//! Windows and for HSMs know keys by.

use chancery_certstore::KeyBinding;
use chancery_key::{
    DigestAlgorithm, KeyErrorKind, KeyInfo, KeyQuery, KeyTemplate, Match, SigningKey,
};
use chancery_pkcs11::{Module, TokenInfo, Uri};
use chancery_sigverify::digest;

use crate::key_finder::{PKCS11_PROVIDER, binding_to};
use crate::{Error, ErrorKind, KeyAddress, Keyring, Settings};

/// The token that stands for a provider.
#[derive(Debug)]
pub struct ProviderKeys {
    name: String,
    keyring: Keyring,
    place: Uri,
}

/// A key pair of a provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderKey {
    /// What its token says of it.
    pub info: KeyInfo,
    /// The name of its container: its label where no other key has it, else its PKCS#11 URI.
    pub container: String,
    /// The number of its public half.
    pub public_handle: u32,
    /// The number of its private half.
    pub private_handle: u32,
}

/// Which half of a key pair a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a pair has two halves")]
pub enum KeyHalf {
    /// The public one.
    Public,
    /// The private one.
    Private,
}

impl ProviderKeys {
    /// Takes the token that the settings have stand for a provider, upper and lower case of its name being one.
    /// `PKCS#11 Key Storage Provider` is the token there is.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where no token stands for it.
    pub fn of_provider(name: &str, settings: &Settings, keyring: &Keyring) -> Result<Self, Error> {
        if let Some(provider) = settings.provider(name) {
            let mut place = Uri::new();
            place.token.clone_from(&provider.token);
            let keyring = keyring.with_module(provider.module.clone());
            return Ok(Self { name: name.to_owned(), keyring, place });
        }
        if !name.eq_ignore_ascii_case(PKCS11_PROVIDER) {
            return Err(unavailable(format!(
                "no token stands for the provider `{name}`; write in chancery.toml which does:  \
                 [provider.\"{name}\"] module = \"PATH\""
            )));
        }
        let keyring = keyring.clone_with_same_module();
        Ok(Self { name: name.to_owned(), keyring, place: Uri::new() })
    }

    /// Takes the only provider that the settings name; the token there is where they name none.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where they name several.
    pub fn only(settings: &Settings, keyring: &Keyring) -> Result<Self, Error> {
        let mut names = settings.providers.keys();
        match (names.next(), names.next()) {
            (Some(name), None) => Self::of_provider(name, settings, keyring),
            (None, _) => Self::of_provider(PKCS11_PROVIDER, settings, keyring),
            (Some(_), Some(_)) => {
                let all: Vec<&str> = settings.providers.keys().map(String::as_str).collect();
                let message = format!("chancery.toml names several providers: {}", all.join(", "));
                Err(Error::new(ErrorKind::Usage, message))
            }
        }
    }

    /// Returns the provider's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what the token says of itself.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] where there is no such token.
    pub fn token(&self) -> Result<TokenInfo, Error> {
        Ok(self.keyring.token(&self.place)?.info().clone())
    }

    /// Returns the version of the token's PKCS#11 library, of which a client prints one.
    ///
    /// # Errors
    /// [`ErrorKind::Key`] where the library cannot be loaded.
    pub fn library_version(&self) -> Result<(u8, u8), Error> {
        let place = self.keyring.module_places().into_iter().next();
        let place = place.ok_or_else(|| unavailable("there is no PKCS#11 module".to_owned()))?;
        Ok(Module::load(place)?.info().version)
    }

    /// Logs in to the token.
    ///
    /// # Errors
    /// [`ErrorKind::Key`]: no PIN, or one that is refused.
    pub fn login(&self) -> Result<(), Error> {
        Ok(self.keyring.token(&self.place)?.login(self.keyring.pins())?)
    }

    /// Lists the keys that fit a query.
    ///
    /// # Errors
    /// [`ErrorKind::Key`].
    pub fn find(&self, query: &KeyQuery) -> Result<Vec<ProviderKey>, Error> {
        let place = KeyAddress::Pkcs11(Box::new(self.place.clone()));
        let all = self.keyring.find(&place, &KeyQuery::any())?;
        let fitting = all.iter().filter(|info| query.matches(info));
        Ok(fitting.map(|info| self.describe(info, &all)).collect())
    }

    /// Finds the key that a number stands for, and which half of it.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`]; [`KeyErrorKind::Ambiguous`] where two keys have the number.
    pub fn by_handle(&self, handle: u32) -> Result<(ProviderKey, KeyHalf), Error> {
        let half = if handle & 1 == 0 { KeyHalf::Public } else { KeyHalf::Private };
        let mut found = self.find(&KeyQuery::any())?;
        found.retain(|key| key.public_handle == handle || key.private_handle == handle);
        match Match::from(found) {
            Match::One(key) => Ok((key, half)),
            Match::None => {
                Err(key_error(KeyErrorKind::NotFound, format!("no key has the handle {handle}")))
            }
            Match::Many(all) => {
                let all = all.into_iter().map(|key| key.info.address).collect();
                let message = format!("several keys have the handle {handle}");
                Err(key_error(KeyErrorKind::Ambiguous, message).with_candidates(all))
            }
        }
    }

    /// Makes a key pair in a container of this name.
    ///
    /// # Errors
    /// [`KeyErrorKind::AlreadyExists`] where there is one; others of [`Keyring::generate`].
    pub fn generate(
        &self,
        container: &str,
        template: KeyTemplate,
    ) -> Result<(ProviderKey, Box<dyn SigningKey>), Error> {
        let address = self.address_of(container);
        let (info, key) = self.keyring.generate(&address, template)?;
        Ok((self.describe(&info, std::slice::from_ref(&info)), key))
    }

    /// Opens the key of a pair.
    ///
    /// # Errors
    /// [`ErrorKind::Key`].
    pub fn open(&self, key: &ProviderKey) -> Result<Box<dyn SigningKey>, Error> {
        let address = key.info.address.parse::<KeyAddress>().map_err(|error| {
            key_error(KeyErrorKind::Malformed, key.info.address.clone()).with_source(error)
        })?;
        self.keyring.open(&address)
    }

    /// Returns the address of a container, which need not be there yet.
    #[must_use]
    pub fn address_of(&self, container: &str) -> KeyAddress {
        let mut uri = container.parse().unwrap_or_else(|_| Uri::new().with_object(container));
        if uri.token.is_none() {
            uri.token.clone_from(&self.place.token);
        }
        KeyAddress::Pkcs11(Box::new(uri))
    }

    /// Returns the keyring that has the token's module.
    #[must_use]
    pub const fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Makes the binding of a certificate to a container.
    #[must_use]
    pub fn binding(&self, container: &str, of_machine: bool) -> KeyBinding {
        binding_to(container, Some(&self.name), of_machine)
    }

    fn describe(&self, info: &KeyInfo, all: &[KeyInfo]) -> ProviderKey {
        let same = all.iter().filter(|other| other.label == info.label).count();
        let label = info.label.clone().filter(|label| !label.is_empty() && same == 1);
        let of_provider = !self.name.eq_ignore_ascii_case(PKCS11_PROVIDER);
        let container = label.filter(|_| of_provider).unwrap_or_else(|| info.address.clone());
        let (public_handle, private_handle) = handles(info);
        ProviderKey { info: info.clone(), container, public_handle, private_handle }
    }
}

/// Numbers for the halves of a key: from its public key and identifier alone, so that they are the same on every machine
/// and in every run without being kept anywhere. The private half is odd.
fn handles(info: &KeyInfo) -> (u32, u32) {
    let mut text = Vec::new();
    match &info.public_key {
        Some(key) => text.extend_from_slice(key.spki_der()),
        None => text.extend_from_slice(info.label.as_deref().unwrap_or_default().as_bytes()),
    }
    text.extend_from_slice(info.id.as_deref().unwrap_or_default());
    let hash = digest(DigestAlgorithm::Sha256, &text);
    let number = hash.iter().take(4).fold(0_u32, |all, byte| (all << 8) | u32::from(*byte));
    // Clear of the sign bit, which some scripts cannot read, and of zero.
    let public = ((number >> 1) & !1).max(2);
    (public, public | 1)
}

fn unavailable(message: String) -> Error {
    key_error(KeyErrorKind::Unavailable, message)
}

fn key_error(kind: KeyErrorKind, message: String) -> Error {
    Error::new(ErrorKind::Key(kind), message)
}
