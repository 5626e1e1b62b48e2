//! Tokens: what holds the keys, and what wants the PIN.

mod connection;
mod info;
mod sessions;

use std::sync::Arc;

use chancery_key::{KeyError, KeyErrorKind, PinSource};
use cryptoki_sys::{CK_MECHANISM_TYPE, CK_SLOT_ID};

use crate::error::is_stale;
use crate::raw::Session;
use crate::{Module, Uri};

pub(crate) use connection::{Connection, Credential};
pub use info::TokenInfo;

/// A token of a module, selected and ready to log in to.
///
/// Everything in this process that opens the same token shares its one login and its sessions.
#[derive(Clone, Debug)]
pub struct Token {
    connection: Arc<Connection>,
    info: TokenInfo,
    address: Uri,
    allow_final_try: bool,
}

impl Token {
    /// Selects the one initialised token that a URI's attributes of token, slot and library allow.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`], naming the tokens there are; [`KeyErrorKind::Ambiguous`] with the
    /// address of each where several fit.
    pub fn open(module: &Module, uri: &Uri) -> Result<Self, KeyError> {
        let mut present = module.tokens()?;
        present.retain(|token| token.initialized);
        let mut fitting: Vec<_> = present
            .iter()
            .filter(|token| token.is_selected_by(uri, module.info()))
            .cloned()
            .collect();
        let info = match (fitting.pop(), fitting.as_slice()) {
            (Some(only), []) => only,
            (None, _) => return Err(not_found(module, uri, &present)),
            (Some(last), others) => {
                let candidates =
                    others.iter().chain([&last]).map(|token| token.uri().to_string()).collect();
                let message = format!("several tokens fit `{}`", token_part(uri));
                return Err(
                    KeyError::new(KeyErrorKind::Ambiguous, message).with_candidates(candidates)
                );
            }
        };
        let gone = || not_found(module, uri, &present);
        let slot = CK_SLOT_ID::try_from(info.slot_id).map_err(|_| gone())?;
        let namesakes = present.iter().filter(|token| token.label == info.label).count();
        // The label alone is what people know a token by; the serial number only where that is not enough.
        let address = if namesakes > 1 || info.label.is_empty() {
            info.uri()
        } else {
            Uri::new().with_token(&info.label)
        };
        let connection = module.connection(&info, slot);
        Ok(Self { connection, info, address, allow_final_try: false })
    }

    /// Lets this token's last try be spent on the PIN it is given next.
    #[must_use]
    pub const fn allow_final_try(mut self) -> Self {
        self.allow_final_try = true;
        self
    }

    /// Sets how many sessions everything in this process that uses the token may have open for work;
    /// without this, eight, or fewer where the token says so. At least one.
    #[must_use]
    pub fn with_max_sessions(self, limit: usize) -> Self {
        self.connection.sessions().set_limit(limit);
        self
    }

    /// Returns what the token said of itself when it was opened.
    #[must_use]
    pub const fn info(&self) -> &TokenInfo {
        &self.info
    }

    /// Returns the shortest address that selects this token among those present.
    #[must_use]
    pub const fn address(&self) -> &Uri {
        &self.address
    }

    /// Logs the user in, once per process: nothing is asked where no login is needed or it has been done.
    ///
    /// A token with a keypad of its own is not given a PIN; the person types there.
    ///
    /// # Errors
    /// [`KeyErrorKind::AuthRequired`] where the source has no PIN. [`KeyErrorKind::AuthRefused`] where the
    /// token refuses it, and ever after in this process without asking or trying again.
    /// [`KeyErrorKind::AuthLocked`], before anything is asked, where the PIN is locked, was never
    /// set, or has one try left and [`allow_final_try`](Self::allow_final_try) was not called.
    pub fn login(&self, pins: &dyn PinSource) -> Result<(), KeyError> {
        self.connection.login(pins, self.allow_final_try)
    }

    /// Does a piece of work in a session, logged in; once more where session, login or handle was lost.
    pub(crate) fn run<T>(
        &self,
        pins: &dyn PinSource,
        mut work: impl FnMut(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        self.login(pins)?;
        match self.connection.sessions().with(&mut work) {
            Err(error) if is_stale(&error) => {
                self.connection.recover();
                self.login(pins)?;
                self.connection.sessions().with(work)
            }
            done => done,
        }
    }

    /// Opens a session that may write, logged in.
    pub(crate) fn open_read_write(&self, pins: &dyn PinSource) -> Result<Session, KeyError> {
        self.login(pins)?;
        self.connection.sessions().open_read_write()
    }

    pub(crate) fn signing_mechanisms(&self) -> Result<&[CK_MECHANISM_TYPE], KeyError> {
        self.connection.signing_mechanisms()
    }

    pub(crate) fn credential_for_key(
        &self,
        key: &str,
        pins: &dyn PinSource,
    ) -> Result<Credential, KeyError> {
        self.connection.credential_for_key(key, pins, self.allow_final_try)
    }

    pub(crate) fn login_for_key(
        &self,
        session: &mut Session,
        credential: &Credential,
    ) -> Result<(), KeyError> {
        self.connection.login_for_key(session, credential)
    }
}

#[cfg(test)]
impl Token {
    /// Ends every session and the login, as a device does that is reset.
    pub(crate) fn lose_sessions(&self) {
        self.connection.lose_sessions();
    }
}

fn not_found(module: &Module, uri: &Uri, present: &[TokenInfo]) -> KeyError {
    let labels: Vec<_> = present.iter().map(|token| format!("`{}`", token.label)).collect();
    let there = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
    KeyError::new(
        KeyErrorKind::NotFound,
        format!("no token fits `{}` in {}: there is {there}", token_part(uri), module.shown()),
    )
}

/// The part of a URI that selects a token.
fn token_part(uri: &Uri) -> Uri {
    Uri {
        object: None,
        id: None,
        object_type: None,
        pin_source: None,
        module_name: None,
        module_path: None,
        ..uri.clone()
    }
}
