//! A key among all the keys of several stores.

use chancery_key::{KeyError, KeyInfo, KeyQuery, KeyStore, Match, PublicKey, SigningKey};

use crate::Modulus;

/// By what a key is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// Its whole public key, of any type.
    PublicKey(PublicKey),
    /// Its modulus alone; the exponent may be any.
    Modulus(Modulus),
}

impl Wanted {
    /// Returns the question to a store.
    #[must_use]
    pub fn query(&self) -> KeyQuery {
        match self {
            Self::PublicKey(key) => KeyQuery::any().with_public_key(key.clone()),
            Self::Modulus(modulus) => KeyQuery::any().with_modulus(modulus.as_bytes()),
        }
    }

    /// Tells whether a public key is the one, compared as numbers.
    #[must_use]
    pub fn fits(&self, key: &PublicKey) -> bool {
        match self {
            Self::PublicKey(wanted) => wanted == key,
            Self::Modulus(modulus) => key.modulus() == Some(modulus.as_bytes()),
        }
    }
}

/// A key that was found, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundKey {
    /// Which of the stores has it: its place in the list that was searched.
    pub store: usize,
    /// The key.
    pub info: KeyInfo,
}

impl FoundKey {
    /// Opens it in the store that has it.
    ///
    /// # Errors
    /// Those of [`KeyStore::open`].
    pub fn open(&self, stores: &[Box<dyn KeyStore>]) -> Result<Box<dyn SigningKey>, KeyError> {
        match stores.get(self.store) {
            Some(store) => store.open(&self.info),
            None => Err(KeyError::new(
                chancery_key::KeyErrorKind::NotFound,
                format!("{} was found in a store that is not in the list", self.info.address),
            )),
        }
    }
}

/// What a search over several stores gave.
#[derive(Debug)]
#[non_exhaustive]
pub struct Search {
    /// The keys that fit, over all stores that answered.
    pub found: Match<FoundKey>,
    /// The stores that did not, by their place in the list. While there are any, `One` may be one of many, and
    /// `None` says little.
    pub failures: Vec<(usize, KeyError)>,
}

/// Looks for a key in every store. One that fails does not hide what the others have.
#[must_use]
pub fn find_in_stores(stores: &[Box<dyn KeyStore>], query: &KeyQuery) -> Search {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for (store, place) in stores.iter().enumerate() {
        let keys = match place.find(query) {
            Ok(Match::None) => continue,
            Ok(Match::One(info)) => vec![info],
            Ok(Match::Many(all)) => all,
            Err(error) => {
                failures.push((store, error));
                continue;
            }
        };
        found.extend(keys.into_iter().map(|info| FoundKey { store, info }));
    }
    Search { found: found.into(), failures }
}
