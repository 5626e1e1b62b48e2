//! Tokens: what holds the keys, and what wants the PIN.

mod connection;
mod info;
mod pin_policy;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use chancery_key::{KeyError, KeyErrorKind, PinSource};
use cryptoki_sys::{CK_MECHANISM_TYPE, CK_SLOT_ID};

use crate::raw::Session;
use crate::retry::Attempts;
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
        let fits =
            |token: &TokenInfo| token.initialized && token.is_selected_by(uri, module.info());
        let mut present = module.tokens_until(fits)?;
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
                // Each goes on to name what the URI names in the token.
                let narrowed = |token: &TokenInfo| Uri {
                    object: uri.object.clone(),
                    id: uri.id.clone(),
                    object_type: uri.object_type,
                    pin_source: uri.pin_source.clone(),
                    module_name: uri.module_name.clone(),
                    module_path: uri.module_path.clone(),
                    ..token.uri()
                };
                let candidates =
                    others.iter().chain([&last]).map(|token| narrowed(token).to_string()).collect();
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
        let mut attempts = Attempts::default();
        while let Err(error) = self.login_once(pins) {
            self.connection.remedy(&mut attempts, error)?;
        }
        Ok(())
    }

    /// Logs in without trying anything again, for work that does so as a whole.
    fn login_once(&self, pins: &dyn PinSource) -> Result<(), KeyError> {
        self.connection.login(pins, self.allow_final_try)
    }

    /// Sets how long a token is waited for that was removed in the middle of work; without this, thirty seconds.
    /// It is counted from its first absence, for everything in this process that uses the token.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        self.connection.set_patience(patience);
        self
    }

    /// Does a piece of work in a session, logged in; again where [`retry`](crate::retry) has a remedy.
    pub(crate) fn run<T>(
        &self,
        pins: &dyn PinSource,
        mut work: impl FnMut(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let mut attempts = Attempts::default();
        loop {
            let done =
                self.login_once(pins).and_then(|()| self.connection.sessions().with(&mut work));
            let Err(error) = done else { return done };
            self.connection.remedy(&mut attempts, error)?;
        }
    }

    /// Does a piece of work on what everybody may see, in a session as it is; again where there is a remedy.
    pub(crate) fn run_without_login<T>(
        &self,
        mut work: impl FnMut(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let mut attempts = Attempts::default();
        loop {
            let done = self.connection.sessions().with(&mut work);
            let Err(error) = done else { return done };
            self.connection.remedy(&mut attempts, error)?;
        }
    }

    /// Does a piece of work once in a session that may write, logged in. Only getting there is tried again.
    pub(crate) fn write<T>(
        &self,
        pins: &dyn PinSource,
        work: impl FnOnce(&mut Session) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let mut attempts = Attempts::default();
        loop {
            let opened = self.login_once(pins).and_then(|()| {
                let mut session = self.connection.sessions().open_read_write()?;
                // The pool's sessions tell whether the login still holds; this one has to be asked.
                self.ensure_login(&mut session)?;
                Ok(session)
            });
            match opened {
                Ok(mut session) => return work(&mut session),
                Err(error) => self.connection.remedy(&mut attempts, error)?,
            }
        }
    }

    /// Makes sure that a session is logged in, where the token wants that.
    ///
    /// # Errors
    /// As of a call that finds out; [`retry`](crate::retry) has a remedy.
    pub(crate) fn ensure_login(&self, session: &mut Session) -> Result<(), KeyError> {
        self.connection.ensure_login(session)
    }

    /// Tells which login handles belong to: they are good while this does not change.
    pub(crate) fn epoch(&self) -> u64 {
        self.connection.epoch()
    }

    /// Tells whether keys may be there that the token does not show just now.
    pub(crate) fn may_hide_keys(&self) -> bool {
        self.connection.has_shared_file_store()
    }

    /// Notes that something was tried again, and why.
    pub(crate) fn count_retry(&self, reason: &'static str) {
        self.connection.count_retry(reason);
    }

    /// Returns who makes the module, for what only one of them does.
    pub(crate) fn module_manufacturer(&self) -> &str {
        self.connection.module_manufacturer()
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

    /// As after [`lose_sessions`](Self::lose_sessions), when other threads have met every session that is dead.
    pub(crate) fn drop_sessions(&self) {
        self.connection.sessions().clear();
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
