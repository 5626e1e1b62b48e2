//! Finding keys.

use core::fmt;

use crate::{KeyError, KeyErrorKind, PublicKey, SigningKey};

/// The three answers of a search. `Many` is an answer, never "take the first".
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are three answers, and callers handle each")]
pub enum Match<T> {
    /// Nothing fits.
    None,
    /// Exactly one fits.
    One(T),
    /// Several fit; the caller must narrow the search.
    Many(Vec<T>),
}

impl<T> Match<T> {
    /// Looks at the one answer there may be.
    #[must_use]
    pub fn one(self) -> Option<T> {
        match self {
            Self::One(found) => Some(found),
            Self::None | Self::Many(_) => None,
        }
    }
}

impl<T> From<Vec<T>> for Match<T> {
    fn from(mut found: Vec<T>) -> Self {
        match found.len() {
            0 => Self::None,
            1 => found.pop().map_or(Self::None, Self::One),
            _ => Self::Many(found),
        }
    }
}

impl Match<KeyInfo> {
    /// Insists on one key.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] for none, [`KeyErrorKind::Ambiguous`] with every candidate's address
    /// for several. `what` says what was looked for.
    pub fn require_one(self, what: &str) -> Result<KeyInfo, KeyError> {
        match self {
            Self::One(info) => Ok(info),
            Self::None => Err(KeyError::new(KeyErrorKind::NotFound, format!("no key with {what}"))),
            Self::Many(all) => Err(KeyError::new(
                KeyErrorKind::Ambiguous,
                format!("{} keys with {what}", all.len()),
            )
            .with_candidates(all.into_iter().map(|info| info.address).collect())),
        }
    }
}

/// What to look for; every part that is set must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyQuery {
    /// The public key, compared as numbers.
    pub public_key: Option<PublicKey>,
    /// The RSA modulus, big-endian without leading zeros.
    pub modulus: Option<Vec<u8>>,
    /// The label (`CKA_LABEL`).
    pub label: Option<String>,
    /// The identifier (`CKA_ID`).
    pub id: Option<Vec<u8>>,
}

impl KeyQuery {
    /// Matches every key.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches keys with this public key.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.public_key = Some(key);
        self
    }

    /// Matches RSA keys with this modulus, given big-endian; leading zeros do not count.
    #[must_use]
    pub fn with_modulus(mut self, modulus: &[u8]) -> Self {
        self.modulus = Some(crate::encoding::strip_leading_zeros(modulus).to_vec());
        self
    }

    /// Matches keys with this label.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Matches keys with this identifier.
    #[must_use]
    pub fn with_id(mut self, id: Vec<u8>) -> Self {
        self.id = Some(id);
        self
    }

    /// Tells whether a key with these properties is one the query asks for.
    #[must_use]
    pub fn matches(&self, info: &KeyInfo) -> bool {
        self.public_key.as_ref().is_none_or(|wanted| info.public_key.as_ref() == Some(wanted))
            && self.modulus.as_ref().is_none_or(|wanted| {
                info.public_key.as_ref().and_then(PublicKey::modulus) == Some(wanted.as_slice())
            })
            && self.label.as_ref().is_none_or(|wanted| info.label.as_ref() == Some(wanted))
            && self.id.as_ref().is_none_or(|wanted| info.id.as_ref() == Some(wanted))
    }
}

/// What a store knows of a private key without using it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The address that opens exactly this key again (`pkcs11:token=...;id=...`, `file:key.pem`).
    pub address: String,
    /// The public half, where the store can tell it without a secret.
    pub public_key: Option<PublicKey>,
    /// The label, where the store has labels.
    pub label: Option<String>,
    /// The identifier, where the store has them.
    pub id: Option<Vec<u8>>,
    /// Whether the store will sign with it.
    pub can_sign: bool,
    /// Whether the private half can never be read out; `None` where the store cannot say.
    pub never_extractable: Option<bool>,
    /// Whether it also decrypts or unwraps, which no signing key needs; `None` where the store cannot say.
    pub can_decrypt: Option<bool>,
}

impl KeyInfo {
    /// Starts a description from the address.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            public_key: None,
            label: None,
            id: None,
            can_sign: true,
            never_extractable: None,
            can_decrypt: None,
        }
    }

    /// Sets the public half.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.public_key = Some(key);
        self
    }
}

/// A place that holds keys.
pub trait KeyStore: fmt::Debug {
    /// Finds every key the query fits.
    ///
    /// # Errors
    /// What keeps the store from looking. Finding nothing is [`Match::None`], not an error.
    fn find(&self, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError>;

    /// Opens a key that [`find`](Self::find) described.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where it has gone since.
    fn open(&self, key: &KeyInfo) -> Result<Box<dyn SigningKey>, KeyError>;
}
