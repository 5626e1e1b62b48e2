//! Opening keys by address, whatever kind of provider has them.

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match,
    SigningKey,
};

use crate::{Address, CspKey, CspStore, KeyStorage, KeyStorageKey, SOFTWARE_PROVIDER, Service};

/// Opens the key at an address.
///
/// # Errors
/// As [`CspKey::open`] and [`KeyStorageKey::open`].
pub fn open(address: &Address) -> Result<Box<dyn SigningKey>, KeyError> {
    Ok(match address.service {
        Service::KeyStorage => Box::new(KeyStorageKey::open(address)?),
        Service::Csp { .. } => Box::new(CspKey::open(address)?),
    })
}

/// Opens the key at an address for signing bare digests, which is for offline formats alone: see
/// [`hazmat`](chancery_key::hazmat).
///
/// # Errors
/// As [`open`].
pub fn open_digest_signer(address: &Address) -> Result<Box<dyn DigestSigner>, KeyError> {
    Ok(match address.service {
        Service::KeyStorage => Box::new(KeyStorageKey::open(address)?),
        Service::Csp { .. } => Box::new(CspKey::open(address)?),
    })
}

/// Finds keys in the provider of an address; its container, where it names one, narrows the search.
///
/// # Errors
/// What keeps the provider from being searched.
pub fn find(address: &Address, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
    let mut query = query.clone();
    query.label = query.label.or_else(|| address.container.clone());
    match address.service {
        Service::KeyStorage => storage(address).find(&query),
        Service::Csp { kind, .. } => services(address, kind).find(&query),
    }
}

/// Finds keys among those that the user and the computer keep in Microsoft's software providers.
///
/// The key storage provider also shows the keys of the service providers, and those show one another's: the first of
/// them that has such keys answers. No other provider is asked, because one may want a card.
///
/// # Errors
/// Where none has such keys and one cannot be searched: what keeps it from that.
pub fn find_in_software(query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
    let mut failure = None;
    for machine in [false, true] {
        let stores: [Box<dyn KeyStore>; 2] = [
            Box::new(KeyStorage::new(SOFTWARE_PROVIDER).with_machine(machine)),
            Box::new(CspStore::new(SERVICE_PROVIDER, SERVICE_PROVIDER_TYPE).with_machine(machine)),
        ];
        for store in &stores {
            match store.find(query) {
                Ok(Match::None) => {}
                Ok(found) => return Ok(found),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
    }
    failure.map_or(Ok(Match::None), Err)
}

/// The service provider for RSA that every Windows has had since XP, and its type, `PROV_RSA_AES`.
const SERVICE_PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";
const SERVICE_PROVIDER_TYPE: u32 = 24;

/// Makes a key at an address, named by its container.
///
/// # Errors
/// As [`KeyStorage`] and [`CspStore`] do; [`KeyErrorKind::Malformed`] for an address without a container.
pub fn generate(
    address: &Address,
    template: KeyTemplate,
) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
    let template = template.with_label(container(address)?);
    match address.service {
        Service::KeyStorage => storage(address).generate(&template),
        Service::Csp { kind, .. } => services(address, kind).generate(&template),
    }
}

fn storage(address: &Address) -> KeyStorage {
    KeyStorage::new(&address.provider).with_machine(address.machine)
}

fn services(address: &Address, kind: u32) -> CspStore {
    CspStore::new(&address.provider, kind).with_machine(address.machine)
}

/// Insists that an address names one key.
pub(crate) fn container(address: &Address) -> Result<&str, KeyError> {
    address.container.as_deref().ok_or_else(|| {
        KeyError::new(KeyErrorKind::Malformed, format!("`{address}` names no `container=`"))
    })
}

/// Reads the address that a store gave for a key.
pub(crate) fn parse(address: &str) -> Result<Address, KeyError> {
    address.parse().map_err(|error| {
        let message = format!("`{address}` is no address of a key in Windows");
        KeyError::new(KeyErrorKind::Malformed, message).with_source(error)
    })
}
