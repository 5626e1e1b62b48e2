//! The keys of a key storage provider.

use chancery_key::{
    KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match,
    SigningKey,
};

use crate::ffi::{self, Provider};
use crate::key_storage_key::{generate, read_public_key};
use crate::{Address, CngError, KeyStorageKey};

/// Lists the names of the installed key storage providers.
///
/// # Errors
/// [`KeyErrorKind::Device`] where Windows does not tell.
pub fn key_storage_providers() -> Result<Vec<String>, KeyError> {
    ffi::storage_providers().map_err(|error| error.at("cannot list the key storage providers"))
}

/// All keys of one user, or of the computer, in one key storage provider.
#[derive(Clone, Debug)]
pub struct KeyStorage {
    provider: String,
    machine: bool,
}

impl KeyStorage {
    /// Names the provider, as [`SOFTWARE_PROVIDER`](crate::SOFTWARE_PROVIDER).
    #[must_use]
    pub fn new(provider: impl Into<String>) -> Self {
        Self { provider: provider.into(), machine: false }
    }

    /// Says whether the keys are the computer's and not the user's.
    #[must_use]
    pub fn with_machine(mut self, machine: bool) -> Self {
        self.machine = machine;
        self
    }

    /// Removes a key.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where there is none of this name.
    pub fn delete(&self, name: &str) -> Result<(), KeyError> {
        Provider::open(&self.provider)
            .and_then(|provider| provider.open_key(name, self.machine)?.delete())
            .map_err(|error| error.at(format!("cannot remove {}", self.address(name))))
    }

    fn address(&self, name: &str) -> Address {
        Address::key_storage(&self.provider, name).with_machine(self.machine)
    }

    fn info(&self, name: &str) -> KeyInfo {
        let mut info = KeyInfo::new(self.address(name).to_string());
        info.label = Some(name.into());
        info
    }
}

impl KeyStore for KeyStorage {
    fn find(&self, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        let failed =
            |error: CngError| error.at(format!("cannot list the keys of `{}`", self.provider));
        let provider = Provider::open(&self.provider).map_err(failed)?;
        let mut found = Vec::new();
        for name in provider.keys(self.machine).map_err(failed)? {
            if query.label.as_ref().is_some_and(|label| *label != name) {
                continue;
            }
            let mut info = self.info(&name);
            let key = provider
                .open_key(&name, self.machine)
                .map_err(|error| error.at(format!("cannot open {}", info.address)))?;
            match read_public_key(&key, &info.address) {
                Ok(public_key) => info.public_key = Some(public_key),
                // A key of another type, which fits no query for a public key and may be asked for by name.
                Err(error) if error.kind() == KeyErrorKind::Malformed => info.can_sign = false,
                Err(error) => return Err(error),
            }
            if query.matches(&info) {
                found.push(info);
            }
        }
        Ok(found.into())
    }

    fn open(&self, key: &KeyInfo) -> Result<Box<dyn SigningKey>, KeyError> {
        Ok(Box::new(KeyStorageKey::open(&super::open::parse(&key.address)?)?))
    }
}

impl KeyGenerator for KeyStorage {
    /// Makes a key named by the template's label, for signatures alone and never to be exported.
    fn generate(&self, template: &KeyTemplate) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        let Some(name) = template.label.as_deref() else {
            let message = format!("a key in `{}` needs a label", self.provider);
            return Err(KeyError::new(KeyErrorKind::NotPermitted, message));
        };
        let mut info = self.info(name);
        let provider = Provider::open(&self.provider)
            .map_err(|error| error.at(format!("cannot make {}", info.address)))?;
        let key = generate(&provider, template.algorithm, Some(name), self.machine)?;
        let key = KeyStorageKey::new(info.address.clone(), key)?;
        info.public_key = Some(key.public_key().clone());
        info.never_extractable = Some(true);
        Ok((info, Box::new(key)))
    }
}
