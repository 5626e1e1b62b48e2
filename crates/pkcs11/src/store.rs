//! A token as a store of keys.

mod certificate;
mod edwards;
mod object;
mod proof;
mod public;
mod report;
mod search;

use std::sync::Arc;
use std::thread;

use chancery_key::{
    KeyError, KeyErrorKind, KeyInfo, KeyQuery, KeyStore, Match, PinSource, SigningKey,
};
use cryptoki_sys::{CKA_CLASS, CKO_PRIVATE_KEY};

use crate::raw::{Attribute, Session};
use crate::{ObjectType, Pkcs11Error, Pkcs11Key, Token, Uri, retry};

pub(crate) use certificate::Fields as CertificateFields;
pub(crate) use edwards::ed25519_parameters;
pub(crate) use object::KeyObject;
pub(crate) use public::{ec_parameters, public_object};
pub use report::{Rejection, SeenObject};

/// The private keys of a token, found by address, label, identifier, modulus or public key.
///
/// Objects are looked up afresh for everything that is opened; handles are never kept beyond it. A key's
/// address names it within the token; that it is the right one, its public key decides.
#[derive(Clone, Debug)]
pub struct TokenStore {
    token: Token,
    pins: Arc<dyn PinSource>,
}

impl TokenStore {
    /// Takes a token, and where its PIN is to be had when it first wants one.
    #[must_use]
    pub fn new(token: Token, pins: impl PinSource + 'static) -> Self {
        Self { token, pins: Arc::new(pins) }
    }

    /// Returns the token.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Opens the one private key that a URI's attributes of object allow.
    ///
    /// Its attributes of token, slot and library are those of [`Token::open`].
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`]; [`KeyErrorKind::Ambiguous`] with the address of each where several
    /// fit; [`KeyErrorKind::NotPermitted`] where the key is not for signing (`CKA_SIGN`);
    /// [`KeyErrorKind::Malformed`] for a URI of something else than a private key, and for a key whose
    /// public half the token does not tell.
    pub fn open_key(&self, uri: &Uri) -> Result<Pkcs11Key, KeyError> {
        self.open_matching(uri, &KeyQuery::any())
    }

    pub(crate) fn pins(&self) -> &Arc<dyn PinSource> {
        &self.pins
    }

    /// Runs work in a session of the token, logged in.
    pub(crate) fn run<T>(
        &self,
        work: impl FnMut(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        self.token.run(&*self.pins, work)
    }

    /// The address of an object of this token.
    pub(crate) fn address_of(&self, object: &KeyObject) -> Uri {
        object.address(self.token.address())
    }

    pub(crate) fn search_in(
        &self,
        session: &mut Session,
        query: &KeyQuery,
    ) -> Result<Vec<KeyObject>, KeyError> {
        let found =
            search::private_keys(session, query).map_err(|error| self.search_error(error))?;
        if found.is_empty() {
            // A token shows no private key to somebody whose login it has just lost, which is no answer.
            self.token.ensure_login(session)?;
        }
        Ok(found)
    }

    fn open_matching(&self, uri: &Uri, query: &KeyQuery) -> Result<Pkcs11Key, KeyError> {
        // Known before the search: a login lost during it makes the handles found worthless.
        self.token.login(&*self.pins)?;
        let epoch = self.token.epoch();
        Pkcs11Key::new(self.clone(), self.find_matching(uri, query)?, epoch)
    }

    /// Finds the one private key at an address.
    pub(crate) fn find_one(&self, uri: &Uri) -> Result<KeyObject, KeyError> {
        self.find_matching(uri, &KeyQuery::any())
    }

    fn find_matching(&self, uri: &Uri, query: &KeyQuery) -> Result<KeyObject, KeyError> {
        if !matches!(uri.object_type, None | Some(ObjectType::Private)) {
            return Err(KeyError::new(
                KeyErrorKind::Malformed,
                format!("`{uri}` is not the address of a private key"),
            ));
        }
        let mut narrowed = query.clone();
        narrowed.label.clone_from(&uri.object);
        narrowed.id.clone_from(&uri.id);
        let mut found = self.search(&narrowed)?;
        match (found.pop(), found.as_slice()) {
            (Some(only), []) => Ok(only),
            (last, others) => {
                let infos: Vec<_> = others.iter().chain(&last).map(|key| self.info(key)).collect();
                // None or several: both are errors, with one wording for all stores.
                let error = Match::from(infos).require_one(&format!("address `{uri}`"));
                Err(error.err().unwrap_or_else(|| {
                    KeyError::new(KeyErrorKind::NotFound, format!("no key with address `{uri}`"))
                }))
            }
        }
    }

    fn search(&self, query: &KeyQuery) -> Result<Vec<KeyObject>, KeyError> {
        let mut found = self.run(|session| self.search_in(session, query))?;
        if self.token.may_hide_keys() {
            // An empty token is common, and each look keeps its owner waiting.
            let mut pauses = retry::pauses().take(2);
            while found.is_empty()
                && self.run(|session| self.shows_no_keys(session))?
                && let Some(pause) = pauses.next()
            {
                self.token.count_retry("no-private-keys");
                thread::sleep(pause);
                found = self.run(|session| self.search_in(session, query))?;
            }
        }
        Ok(found)
    }

    fn shows_no_keys(&self, session: &mut Session) -> Result<bool, KeyError> {
        session
            .find(&[Attribute::number(CKA_CLASS, CKO_PRIVATE_KEY)])
            .map(|keys| keys.is_empty())
            .map_err(|error| self.search_error(error))
    }

    fn search_error(&self, error: Pkcs11Error) -> KeyError {
        error.at(format!("cannot look for keys in token `{}`", self.token.info().label))
    }

    pub(crate) fn info(&self, object: &KeyObject) -> KeyInfo {
        object.info(self.token.address())
    }
}

impl KeyStore for TokenStore {
    fn find(&self, query: &KeyQuery) -> Result<Match<KeyInfo>, KeyError> {
        let found = self.search(query)?;
        Ok(found.iter().map(|object| self.info(object)).collect::<Vec<_>>().into())
    }

    fn open(&self, key: &KeyInfo) -> Result<Box<dyn SigningKey>, KeyError> {
        let uri: Uri = key.address.parse().map_err(|error: crate::UriError| {
            let message = format!("`{}` is no address of a token's key", key.address);
            KeyError::new(KeyErrorKind::Malformed, message).with_source(error)
        })?;
        let mut query = KeyQuery::any();
        query.public_key.clone_from(&key.public_key);
        Ok(Box::new(self.open_matching(&uri, &query)?))
    }
}
