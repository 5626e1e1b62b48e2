//! The tokens there are, in one module or in all that are installed.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use chancery_key::{KeyError, KeyErrorKind, KeyInfo, KeyQuery, KeyStore, Match};
use chancery_pkcs11::{Module, Token, TokenInfo, TokenStore, Uri};

use crate::{Error, Keyring};

/// An initialised token, not logged in to.
#[derive(Clone, Debug)]
pub(crate) struct PresentToken {
    module: Arc<Module>,
    /// What it says of itself.
    pub(crate) info: TokenInfo,
}

impl Keyring {
    /// Returns the files of the modules in which tokens are looked for.
    pub(crate) fn module_places(&self) -> Vec<PathBuf> {
        self.module.as_ref().map_or_else(Module::known_places, |module| vec![module.clone()])
    }

    /// Lists the initialised tokens that a URI allows, of the module given or of all in the usual places. What a
    /// module that fails has to say stands in the list.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where there is no module at all.
    pub(crate) fn present_tokens(
        &self,
        uri: &Uri,
    ) -> Result<Vec<Result<PresentToken, Error>>, Error> {
        let places = self.module_places();
        if places.is_empty() {
            return Err(no_module());
        }
        let mut present = Vec::new();
        for place in places {
            match Module::load(&place).and_then(|module| Ok((module.tokens()?, module))) {
                Ok((tokens, module)) => present.extend(
                    tokens
                        .into_iter()
                        .filter(|token| token.initialized && module.fits(token, uri))
                        .map(|info| Ok(PresentToken { module: Arc::clone(&module), info })),
                ),
                Err(error) => present.push(Err(error.into())),
            }
        }
        Ok(present)
    }

    /// Opens a token of the list as a store of keys.
    pub(crate) fn store_of(&self, token: &PresentToken) -> Result<TokenStore, Error> {
        let opened = Token::open(&token.module, &token.info.uri())?;
        Ok(TokenStore::new(self.configured(opened), Arc::clone(&self.pins)))
    }

    /// Looks for keys in every token that a URI allows, of the module given or of all those installed.
    ///
    /// Each token that wants a login is given its PIN once, so a source should know one for each; see
    /// [`with_shared_pin`](Self::with_shared_pin) for one that does not.
    ///
    /// # Errors
    /// [`ErrorKind::Key`](crate::ErrorKind::Key) where there is no module at all, and where several tokens would be given
    /// one PIN. A token or module that fails does not hide the others.
    pub fn find_everywhere(
        &self,
        uri: &Uri,
        query: &KeyQuery,
    ) -> Result<Vec<Result<KeyInfo, Error>>, Error> {
        if let Some(pins) = self.pin_source_of(uri)? {
            // One file for whichever tokens there are.
            let mut other = self.clone_with_same_module().with_shared_pin(BTreeSet::new());
            (other.pins, other.pin_sources) = (pins, None);
            return other.find_everywhere(uri, query);
        }
        let present = self.present_tokens(uri)?;
        self.refuse_shared_pin(present.iter().flatten().map(|token| &token.info))?;
        let mut found = Vec::new();
        for token in present {
            match token.and_then(|token| Ok(self.store_of(&token)?.find(query)?)) {
                Ok(Match::None) => {}
                Ok(Match::One(info)) => found.push(Ok(info)),
                Ok(Match::Many(all)) => found.extend(all.into_iter().map(Ok)),
                Err(error) => found.push(Err(error)),
            }
        }
        Ok(found)
    }

    /// Selects the token of a URI: in the module given, in the one the URI names, or in whichever of those
    /// installed in the usual places has it.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where there is no module, [`KeyErrorKind::NotFound`] where none has such a
    /// token, [`KeyErrorKind::Ambiguous`] where several tokens fit.
    pub fn token(&self, uri: &Uri) -> Result<Token, Error> {
        let named = match &self.module {
            Some(path) => Some(Module::load(path)?),
            None => Module::for_uri(uri)?,
        };
        Ok(self.configured(match named {
            Some(module) => Token::open(&module, uri)?,
            None => search_modules(uri, Module::known_places())?,
        }))
    }

    fn configured(&self, mut token: Token) -> Token {
        if let Some(sessions) = self.tokens.sessions {
            token = token.with_max_sessions(sessions.get());
        }
        if self.tokens.allow_final_try { token.allow_final_try() } else { token }
    }

    pub(crate) fn token_store(&self, uri: &Uri) -> Result<TokenStore, Error> {
        let named = self.pin_source_of(uri)?;
        Ok(TokenStore::new(self.token(uri)?, named.unwrap_or_else(|| Arc::clone(&self.pins))))
    }
}

/// Looks for a token in every module, and insists on finding one.
fn search_modules(uri: &Uri, places: Vec<PathBuf>) -> Result<Token, Error> {
    let mut found = Vec::new();
    let mut last_error = None;
    for place in &places {
        match Module::load(place).and_then(|module| Token::open(&module, uri)) {
            Ok(token) => found.push((place, token)),
            Err(error) if error.kind() == KeyErrorKind::Ambiguous => return Err(error.into()),
            Err(error) => last_error = Some(error),
        }
    }
    match (found.pop(), last_error) {
        (Some((_, token)), _) if found.is_empty() => Ok(token),
        (Some(last), _) => {
            let candidates = found.iter().chain([&last]).map(|(place, token)| {
                let mut address = token.info().uri();
                address.module_path = Some(place.display().to_string());
                address.to_string()
            });
            let message = format!("tokens of several modules fit `{uri}`");
            let error = KeyError::new(KeyErrorKind::Ambiguous, message);
            Err(error.with_candidates(candidates.collect()).into())
        }
        // One module that fails says why; of several, that none has the token says more.
        (None, Some(error)) if places.len() == 1 => Err(error.into()),
        (None, Some(_)) => {
            let list: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            Err(KeyError::new(
                KeyErrorKind::NotFound,
                format!("no token fits `{uri}` in {}", list.join(", ")),
            )
            .into())
        }
        (None, None) => Err(no_module()),
    }
}

fn no_module() -> Error {
    let message = "no PKCS#11 module was given, and none is in the usual places";
    KeyError::new(KeyErrorKind::Unavailable, message).into()
}
