//! Where the PIN comes from: never from a file of ours, and from an argument only with a warning.

use std::sync::Arc;

use chancery::key::{KeyError, KeyErrorKind, Pin, PinRequest, PinSource};
use chancery::{HsmEnvironmentPin, Keyring};

use crate::pin::{terminal, warn_of_readers};
use crate::settings;
use crate::settings::current;

/// A PIN that this run was given, for every token that asks.
#[derive(Debug)]
pub(super) struct HeldPin(Pin);

impl HeldPin {
    /// Keeps a PIN until the run ends.
    pub(super) fn new(text: &str) -> Self {
        Self(Pin::new(text.as_bytes().to_vec()))
    }
}

impl PinSource for HeldPin {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        Ok(Pin::new(self.0.expose_secret().to_vec()).with_origin("the command line"))
    }
}

/// A password that is asked for on the terminal, behind the user it belongs to.
#[derive(Debug)]
pub(super) struct AskedPin {
    user: Option<String>,
    prompt: Arc<dyn PinSource>,
}

impl AskedPin {
    /// Asks for the password of a user; without one for the whole PIN.
    pub(super) fn new(user: Option<&str>) -> Self {
        Self { user: user.map(str::to_owned), prompt: terminal() }
    }
}

impl PinSource for AskedPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let asked = self.prompt.pin(request)?;
        let Some(user) = &self.user else { return Ok(asked) };
        let whole = [user.as_bytes(), b":", asked.expose_secret()].concat();
        Ok(Pin::new(whole).with_origin("the prompt"))
    }
}

/// Says that there is no PIN, in the words that people search for.
#[derive(Debug)]
struct NotSet;

impl PinSource for NotSet {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        #[cfg(feature = "keyring")]
        if let Ok(pin) = chancery::StoredPin::new("chancery", "n3fips_password").pin(request) {
            return Ok(pin);
        }
        let message = format!("n3fips_password is not set, and nothing else gives the {request}");
        Err(KeyError::new(KeyErrorKind::AuthRequired, message))
    }
}

/// Makes the keyring of a run: with the PIN it was given, else that of the settings, of the environment, or of the
/// system's credential store where that feature is in.
pub(super) fn keyring(held: Option<HeldPin>) -> Keyring {
    match held {
        Some(held) => keyring_with(Arc::new(held)),
        None => {
            let pins = settings::pins(Arc::new(HsmEnvironmentPin::or(Arc::new(NotSet))));
            keyring_with(pins).with_pin_sources(warn_of_readers)
        }
    }
}

/// Makes the keyring of a run that asks this source alone.
pub(super) fn keyring_with(pins: Arc<dyn PinSource>) -> Keyring {
    let module = std::env::var_os("PKCS11_MODULE").filter(|path| !path.is_empty());
    Keyring::new(module.map(Into::into).or_else(|| current().module.clone()), pins)
}
