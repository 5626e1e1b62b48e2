//! Keys in Windows: opened there, and elsewhere said to be somewhere else.

use chancery_certstore::{KeyBinding, provider_flag};
use chancery_cng::{Address, KeySpec, Service};

#[cfg(windows)]
pub(crate) use chancery_cng::{find, find_in_software, generate, open, open_digest_signer};

#[cfg(not(windows))]
pub(crate) use elsewhere::{find, find_in_software, generate, open, open_digest_signer};

/// Returns the address of the key that a binding names by provider and container, as Windows does.
pub(crate) fn bound_address(binding: &KeyBinding) -> Option<Address> {
    let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
    let (provider, container) = (named(&binding.provider)?, named(&binding.container)?);
    let KeyBinding { provider_type, flags, key_spec, .. } = *binding;
    Some(Address::from_provider_info(provider, container, provider_type, flags, key_spec))
}

/// Makes the binding to a key as Windows has it; `None` for an address without a container.
pub(crate) fn binding_to(address: &Address) -> Option<KeyBinding> {
    let mut binding = KeyBinding::new(address.container.as_ref()?, &address.provider);
    if let Service::Csp { kind, spec } = address.service {
        (binding.provider_type, binding.key_spec) = (kind, KeySpec::number(spec));
    }
    if address.machine {
        binding.flags = provider_flag::MACHINE_KEYSET;
    }
    Some(binding)
}

#[cfg(not(windows))]
mod elsewhere {
    use chancery_cng::Address;
    use chancery_key::hazmat::DigestSigner;
    use chancery_key::{KeyError, KeyErrorKind, KeyInfo, KeyQuery, KeyTemplate, Match, SigningKey};

    pub(crate) fn open(address: &Address) -> Result<Box<dyn SigningKey>, KeyError> {
        Err(refuse(address))
    }

    pub(crate) fn open_digest_signer(address: &Address) -> Result<Box<dyn DigestSigner>, KeyError> {
        Err(refuse(address))
    }

    pub(crate) fn find(address: &Address, _: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        Err(refuse(address))
    }

    /// Elsewhere Windows has no keys.
    #[expect(clippy::unnecessary_wraps, reason = "it is the same function on Windows")]
    pub(crate) fn find_in_software(_: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        Ok(Match::None)
    }

    pub(crate) fn generate(
        address: &Address,
        _: KeyTemplate,
    ) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        Err(refuse(address))
    }

    fn refuse(address: &Address) -> KeyError {
        let message = format!("`{address}` is a key in Windows, and this is another system");
        KeyError::new(KeyErrorKind::Unavailable, message)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_key_in_windows_is_unavailable_elsewhere() {
            let address: Address = "cng:container=release".parse().unwrap();
            let outcomes = [
                open(&address).map(drop),
                open_digest_signer(&address).map(drop),
                find(&address, &KeyQuery::any()).map(drop),
            ];
            for outcome in outcomes {
                let error = outcome.unwrap_err();
                assert_eq!(error.kind(), KeyErrorKind::Unavailable);
                assert!(error.to_string().contains("another system"), "{error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_and_an_address_say_the_same() {
        for text in [
            "cng:provider=P;container=release",
            "cng:provider=P;container=release;type=24;spec=exchange",
            "cng:provider=P;container=release;type=1;spec=signature;scope=machine",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(bound_address(&binding_to(&address).unwrap()), Some(address), "{text}");
        }
    }

    #[test]
    fn what_names_no_key_is_no_binding_and_no_address() {
        assert_eq!(binding_to(&"cng:provider=P".parse().unwrap()), None);
        assert_eq!(bound_address(&KeyBinding::new("", "P")), None);
        assert_eq!(bound_address(&KeyBinding::new("release", "")), None);
    }
}
