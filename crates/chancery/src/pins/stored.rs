//! PINs that the operating system keeps: Windows Credential Manager, the macOS keychain, the Linux kernel's keyring.

use chancery_key::{KeyError, Pin, PinRequest, PinSource};
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};

use super::required;

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain as system;
#[cfg(target_os = "linux")]
use linux_keyutils_keyring_store as system;
#[cfg(windows)]
use windows_native_keyring_store as system;

/// A PIN in the operating system's credential store, under a service and an account.
#[derive(Clone, Debug)]
pub struct StoredPin {
    service: String,
    account: String,
}

impl StoredPin {
    /// Names the credential.
    #[must_use]
    pub fn new(service: impl Into<String>, account: impl Into<String>) -> Self {
        Self { service: service.into(), account: account.into() }
    }

    fn entry(&self) -> Result<Entry, Error> {
        system::Store::new()?.build(&self.service, &self.account, None)
    }
}

impl PinSource for StoredPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        match self.entry().and_then(|entry| entry.get_secret()) {
            Ok(secret) => {
                let account = &self.account;
                Ok(Pin::from_line(secret)
                    .with_origin(format!("the credential store, account {account}")))
            }
            Err(error) => {
                let Self { service, account } = self;
                let why =
                    format!("the credential store has none for `{service}`, account `{account}`");
                Err(required(request, why).with_source(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use chancery_key::{KeyErrorKind, PinPurpose};

    use super::*;

    fn ask(stored: &StoredPin) -> Result<Pin, KeyError> {
        stored.pin(&PinRequest::new(PinPurpose::TokenUser { token: "build".into() }))
    }

    #[test]
    fn a_credential_that_is_not_there_is_named_with_the_systems_reason() {
        let error = ask(&StoredPin::new("chancery-test", "nobody")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
        assert!(error.to_string().contains("account `nobody`"), "{error}");
        assert!(error.source().is_some());
    }

    #[test]
    fn a_stored_pin_is_given_where_the_system_lets_one_be_stored() {
        let stored = StoredPin::new("chancery-test", format!("process {}", std::process::id()));
        let entry = stored.entry().unwrap();
        match entry.set_secret(b"4711") {
            Ok(()) => {
                let pin = ask(&stored);
                entry.delete_credential().unwrap();
                assert_eq!(pin.unwrap().expose_secret(), b"4711");
            }
            // Containers often have no keyring of their own; then there is no PIN either.
            Err(Error::NoStorageAccess(_)) => {
                assert_eq!(ask(&stored).unwrap_err().kind(), KeyErrorKind::AuthRequired);
            }
            Err(error) => panic!("{error}"),
        }
    }
}
