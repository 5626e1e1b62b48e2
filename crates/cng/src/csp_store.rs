//! The containers of a cryptographic service provider.

use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate,
    Match, SigningKey,
};

use crate::csp_key::read_public_key;
use crate::ffi::{self, Context};
use crate::{Address, CngError, CspKey, KeySpec};

/// An installed cryptographic service provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceProvider {
    /// The name, as in an address.
    pub name: String,
    /// The type, as in an address.
    pub kind: u32,
}

/// Lists the installed cryptographic service providers.
///
/// # Errors
/// [`KeyErrorKind::Device`] where Windows does not tell.
pub fn service_providers() -> Result<Vec<ServiceProvider>, KeyError> {
    let found = ffi::service_providers()
        .map_err(|error| error.at("cannot list the cryptographic service providers"))?;
    Ok(found.into_iter().map(|(name, kind)| ServiceProvider { name, kind }).collect())
}

/// All keys of one user, or of the computer, in one cryptographic service provider.
#[derive(Clone, Debug)]
pub struct CspStore {
    provider: String,
    kind: u32,
    machine: bool,
}

impl CspStore {
    /// Names the provider and its type.
    #[must_use]
    pub fn new(provider: impl Into<String>, kind: u32) -> Self {
        Self { provider: provider.into(), kind, machine: false }
    }

    /// Says whether the keys are the computer's and not the user's.
    #[must_use]
    pub fn with_machine(mut self, machine: bool) -> Self {
        self.machine = machine;
        self
    }

    /// Removes a container and every key in it.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where there is none of this name.
    pub fn delete(&self, container: &str) -> Result<(), KeyError> {
        Context::delete(&self.provider, self.kind, container, self.machine)
            .map_err(|error| error.at(format!("cannot remove the container `{container}`")))
    }

    fn address(&self, container: &str, spec: KeySpec) -> Address {
        Address::csp(&self.provider, self.kind, container, spec).with_machine(self.machine)
    }

    /// Describes the keys of a container: at most two.
    fn keys_of(&self, container: &str) -> Result<Vec<KeyInfo>, KeyError> {
        let opened = Context::open(&self.provider, self.kind, container, self.machine);
        let context =
            opened.map_err(|error| error.at(format!("cannot open the container `{container}`")))?;
        let mut found = Vec::new();
        for spec in KeySpec::ALL {
            let address = self.address(container, spec).to_string();
            match read_public_key(&context, spec, &address) {
                Ok(key) => {
                    let mut info = KeyInfo::new(address).with_public_key(key);
                    info.label = Some(container.into());
                    found.push(info);
                }
                Err(error) if error.kind() == KeyErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

impl KeyStore for CspStore {
    fn find(&self, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        let failed = |error: CngError| {
            error.at(format!("cannot list the containers of `{}`", self.provider))
        };
        let asked = Context::ask(&self.provider, self.kind, self.machine).map_err(failed)?;
        let mut found = Vec::new();
        for container in asked.containers().map_err(failed)? {
            // Opening a container may ask a card: only those that can fit.
            if query.label.as_ref().is_some_and(|label| *label != container) {
                continue;
            }
            found.extend(self.keys_of(&container)?.into_iter().filter(|key| query.matches(key)));
        }
        Ok(found.into())
    }

    fn open(&self, key: &KeyInfo) -> Result<Box<dyn SigningKey>, KeyError> {
        Ok(Box::new(CspKey::open(&super::open::parse(&key.address)?)?))
    }
}

impl KeyGenerator for CspStore {
    /// Makes an RSA key for signatures in a new container, named by the template's label.
    fn generate(&self, template: &KeyTemplate) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        let refused = |why: &str| {
            let message = format!("`{}` makes no {}: {why}", self.provider, template.algorithm);
            KeyError::new(KeyErrorKind::NotPermitted, message)
        };
        let KeyAlgorithm::Rsa { bits } = template.algorithm else {
            return Err(refused("service providers have RSA keys alone"));
        };
        let bits = u16::try_from(bits).map_err(|_| refused("it is too long"))?;
        let container =
            template.label.as_deref().ok_or_else(|| refused("the container needs a label"))?;
        let address = self.address(container, KeySpec::Signature);
        let failed = |error: CngError| error.at(format!("cannot make {address}"));
        let context =
            Context::create(&self.provider, self.kind, container, self.machine).map_err(failed)?;
        let made = context.generate(KeySpec::Signature, bits);
        drop(context);
        if let Err(error) = made {
            // An empty container in the way of the next try helps nobody; that it stays is no second error.
            let _ = self.delete(container);
            return Err(failed(error));
        }
        // Opened anew, so that what is given back is what will be found.
        let key = CspKey::open(&address)?;
        let mut info = KeyInfo::new(address.to_string()).with_public_key(key.public_key().clone());
        info.label = Some(container.into());
        info.never_extractable = Some(true);
        Ok((info, Box::new(key)))
    }
}
