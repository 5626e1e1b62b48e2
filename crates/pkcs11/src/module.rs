//! Modules: the shared libraries that speak PKCS#11.

mod places;

use core::fmt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use chancery_key::{KeyError, KeyErrorKind};
use cryptoki_sys::{
    CK_SLOT_ID, CKR_DEVICE_REMOVED, CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT,
    CKR_TOKEN_NOT_RECOGNIZED,
};

use crate::error::mechanism_name;
use crate::raw::{Library, MechanismCapability, TokenFacts, wide};
use crate::retry;
use crate::token::Connection;
use crate::{Pkcs11Error, Statistics, TokenInfo, Uri};

/// Who makes the one module whose file store shows too little while another process writes to it.
const SHARED_FILE_STORE: &str = "SoftHSM";

/// The modules this process has loaded, by canonical path. They are never unloaded.
static LOADED: Mutex<BTreeMap<PathBuf, Arc<Module>>> = Mutex::new(BTreeMap::new());

/// A PKCS#11 module, loaded and started once in this process.
///
/// It stays loaded, and its tokens stay logged in, until the process ends: `C_Finalize` would end them for
/// everybody who uses the module. In a fork of the process everything answers with an error that says so.
pub struct Module {
    library: Arc<Library>,
    path: PathBuf,
    info: ModuleInfo,
    /// Held while looking at slots, so that nobody looks while the module is restarted.
    looking: Mutex<()>,
    connections: Mutex<Vec<Arc<Connection>>>,
}

/// What a module says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModuleInfo {
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub description: String,
    /// Its own version, major and minor.
    pub version: (u8, u8),
}

/// A mechanism that a token lists, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MechanismInfo {
    /// The number (`CK_MECHANISM_TYPE`).
    pub value: u64,
    /// The standard's name, as in `CKM_RSA_PKCS`, where it is one we know.
    pub name: Option<&'static str>,
    /// Whether it signs (`CKF_SIGN`).
    pub signs: bool,
    /// Whether it makes key pairs (`CKF_GENERATE_KEY_PAIR`).
    pub generates_pairs: bool,
    /// Smallest and largest key, in the mechanism's own unit, mostly bits; `None` where it has none.
    pub key_sizes: Option<(u64, u64)>,
}

impl Module {
    /// Loads a module and starts it, or returns the one loaded from the same file before.
    ///
    /// Loading a module runs its code in this process.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where there is no such file, or it is no library, no PKCS#11
    /// module, or does not start.
    pub fn load(path: impl AsRef<Path>) -> Result<Arc<Self>, KeyError> {
        let given = path.as_ref();
        let path = given.canonicalize().map_err(|error| {
            KeyError::new(
                KeyErrorKind::Unavailable,
                format!("PKCS#11 module `{}` is not there", given.display()),
            )
            .with_source(error)
        })?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(&path) {
            module.library.ensure_own_process()?;
            return Ok(Arc::clone(module));
        }
        let module = Arc::new(Self::start(path.clone())?);
        loaded.insert(path, Arc::clone(&module));
        Ok(module)
    }

    fn start(path: PathBuf) -> Result<Self, KeyError> {
        let mut library = Library::load(&path)?;
        let failed = |error: Pkcs11Error| {
            let message = format!("PKCS#11 module `{}` does not start", path.display());
            KeyError::new(KeyErrorKind::Unavailable, message).with_source(error)
        };
        library.initialize().map_err(failed)?;
        let facts = library.info().map_err(failed)?;
        let info = ModuleInfo {
            manufacturer: facts.manufacturer,
            description: facts.description,
            version: facts.version,
        };
        Ok(Self {
            library: Arc::new(library),
            path,
            info,
            looking: Mutex::default(),
            connections: Mutex::default(),
        })
    }

    /// Returns the modules that this process has loaded.
    #[must_use]
    pub fn loaded() -> Vec<Arc<Self>> {
        LOADED.lock().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// Returns what the module was asked so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        Statistics { calls: self.library.calls(), retries: self.library.retries() }
    }

    /// Loads the module that a URI names by `module-path`, or by `module-name` among the
    /// [known places](Self::known_places); `None` where it names none.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`KeyErrorKind::Unavailable`] where no known place has a module of
    /// that name.
    pub fn for_uri(uri: &Uri) -> Result<Option<Arc<Self>>, KeyError> {
        if let Some(path) = &uri.module_path {
            return Self::load(path).map(Some);
        }
        let Some(name) = &uri.module_name else { return Ok(None) };
        match Self::known_places().into_iter().find(|path| places::is_named(path, name)) {
            Some(path) => Self::load(path).map(Some),
            None => Err(KeyError::new(
                KeyErrorKind::Unavailable,
                format!("no PKCS#11 module `{name}` in the usual places"),
            )),
        }
    }

    /// Lists the modules that are there at the paths their vendors usually install them to.
    #[must_use]
    pub fn known_places() -> Vec<PathBuf> {
        places::present()
    }

    /// Returns the canonical path it was loaded from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the module says of itself.
    #[must_use]
    pub const fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// Lists the tokens that are present, initialised or not, in the order of their slots.
    ///
    /// # Errors
    /// What keeps the module from telling. A token taken out meanwhile is left out.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>, KeyError> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.library.ensure_own_process()?;
        self.list_tokens()
    }

    fn list_tokens(&self) -> Result<Vec<TokenInfo>, KeyError> {
        let failed =
            |error: Pkcs11Error| error.at(format!("cannot list the tokens of {}", self.shown()));
        let slots = patiently(&self.library, || self.library.slots()).map_err(failed)?;
        let mut tokens = Vec::with_capacity(slots.len());
        for slot in slots {
            match self.token_in(slot) {
                Ok(token) => tokens.push(token),
                Err(error) if is_absence(&error) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(tokens)
    }

    /// Tells whether a URI's attributes of token, slot and library allow a token of this module.
    #[must_use]
    pub fn fits(&self, token: &TokenInfo, uri: &Uri) -> bool {
        token.is_selected_by(uri, &self.info)
    }

    /// Lists the tokens until one `fits`, where the module may have missed some: SoftHSM reads its store once when
    /// it is started, and leaves out tokens that another process is just writing to.
    pub(crate) fn tokens_until(
        &self,
        fits: impl Fn(&TokenInfo) -> bool,
    ) -> Result<Vec<TokenInfo>, KeyError> {
        let mut tokens = self.tokens()?;
        if self.info.has_shared_file_store() {
            let mut pauses = retry::pauses();
            while !tokens.iter().any(&fits)
                && let Some(pause) = pauses.next()
            {
                thread::sleep(pause);
                let Some(again) = self.tokens_after_restart()? else { break };
                tokens = again;
            }
        }
        Ok(tokens)
    }

    /// Restarts the module and lists its tokens; `None` where somebody uses one of them.
    fn tokens_after_restart(&self) -> Result<Option<Vec<TokenInfo>>, KeyError> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if !connections.is_empty() {
            return Ok(None);
        }
        self.library.count_retry("token-not-listed");
        self.library
            .restart()
            .map_err(|error| error.at(format!("{} does not start again", self.shown())))?;
        self.list_tokens().map(Some)
    }

    fn token_in(&self, slot: CK_SLOT_ID) -> Result<TokenInfo, Pkcs11Error> {
        let token = token_facts(&self.library, slot)?;
        Ok(TokenInfo::new(slot, token, self.library.slot_info(slot)?))
    }

    /// Lists what the token in a slot can do.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unavailable`] where there is no such slot or no token in it.
    pub fn mechanisms(&self, slot_id: u64) -> Result<Vec<MechanismInfo>, KeyError> {
        let failed = |error: Pkcs11Error| {
            error.at(format!("cannot list the mechanisms of slot {slot_id} of {}", self.shown()))
        };
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.library.ensure_own_process()?;
        let slot = CK_SLOT_ID::try_from(slot_id)
            .map_err(|_| failed(Pkcs11Error::new("C_GetMechanismList", CKR_SLOT_ID_INVALID)))?;
        let listed = self.library.mechanisms(slot).map_err(failed)?;
        let describe = |mechanism| {
            let value = wide(mechanism);
            // A module that lists a mechanism and then tells nothing of it is believed on the list.
            let capability = self.library.mechanism_info(slot, mechanism).ok();
            MechanismInfo::new(value, capability)
        };
        Ok(listed.into_iter().map(describe).collect())
    }

    /// Returns the one connection of this process to a token, with its sessions and its login.
    pub(crate) fn connection(&self, token: &TokenInfo, slot: CK_SLOT_ID) -> Arc<Connection> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = connections.iter().find(|connection| connection.is_to(token)) {
            return Arc::clone(connection);
        }
        let connection =
            Arc::new(Connection::new(Arc::clone(&self.library), slot, token, &self.info));
        connections.push(Arc::clone(&connection));
        connection
    }

    /// The module as messages name it.
    pub(crate) fn shown(&self) -> String {
        format!("PKCS#11 module `{}`", self.path.display())
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("path", &self.path)
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl ModuleInfo {
    /// Tells whether the module keeps tokens in files that other processes write to.
    pub(crate) fn has_shared_file_store(&self) -> bool {
        self.manufacturer == SHARED_FILE_STORE
    }
}

impl MechanismInfo {
    fn new(value: u64, capability: Option<MechanismCapability>) -> Self {
        Self {
            value,
            name: mechanism_name(value),
            signs: capability.is_some_and(|capability| capability.signs),
            generates_pairs: capability.is_some_and(|capability| capability.generates_pairs),
            key_sizes: capability
                .filter(|capability| capability.max_key_size != 0)
                .map(|capability| (capability.min_key_size, capability.max_key_size)),
        }
    }
}

/// Reads what a token says of itself now.
pub(crate) fn token_facts(library: &Library, slot: CK_SLOT_ID) -> Result<TokenFacts, Pkcs11Error> {
    patiently(library, || library.token_info(slot))
}

/// Repeats a look while the module fails without a reason, as SoftHSM does while another process writes to its store.
fn patiently<T>(
    library: &Library,
    look: impl FnMut() -> Result<T, Pkcs11Error>,
) -> Result<T, Pkcs11Error> {
    retry::patiently(|reason| library.count_retry(reason), look)
}

/// Tells whether a slot answered that its token has gone, or is nothing we could use.
fn is_absence(error: &Pkcs11Error) -> bool {
    [CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED, CKR_DEVICE_REMOVED, CKR_SLOT_ID_INVALID]
        .into_iter()
        .any(|rv| error.is(rv))
}
