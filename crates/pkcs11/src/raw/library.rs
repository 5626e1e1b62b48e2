//! A loaded module: its function list, slots, tokens and mechanisms.

use core::fmt;
use core::ptr;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chancery_key::{KeyError, KeyErrorKind};
use cryptoki_sys::{
    CK_C_INITIALIZE_ARGS, CK_FUNCTION_LIST, CK_INFO, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV,
    CK_SLOT_ID, CK_SLOT_INFO, CK_TOKEN_INFO, CK_TRUE, CK_ULONG, CK_VERSION, CKF_GENERATE_KEY_PAIR,
    CKF_OS_LOCKING_OK, CKF_SIGN, CKR_BUFFER_TOO_SMALL, CKR_CANT_LOCK,
    CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_OK,
};

use super::loading::function_list;
use super::{check, claimed, entry, ulong, wide};
use crate::Pkcs11Error;
use crate::statistics::CallCounts;
use crate::watchdog::{self, Watched};

/// The most slots or mechanisms we list; a count beyond it is a module gone wrong.
const MAX_LIST_LEN: usize = 4_096;

/// How often a list may grow between asking for its length and asking for it.
const LIST_TRIES: usize = 3;

/// What `C_GetInfo` tells.
pub(crate) struct ModuleFacts {
    pub(crate) manufacturer: String,
    pub(crate) description: String,
    pub(crate) version: (u8, u8),
}

/// What `C_GetSlotInfo` tells.
pub(crate) struct SlotFacts {
    pub(crate) description: String,
    pub(crate) manufacturer: String,
}

/// What `C_GetTokenInfo` tells and we use. The clock is left out: modules write it in forms of their own.
pub(crate) struct TokenFacts {
    pub(crate) label: String,
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) serial: String,
    pub(crate) flags: CK_ULONG,
    pub(crate) max_sessions: CK_ULONG,
}

/// What `C_GetMechanismInfo` tells.
#[derive(Clone, Copy)]
pub(crate) struct MechanismCapability {
    pub(crate) min_key_size: u64,
    pub(crate) max_key_size: u64,
    pub(crate) signs: bool,
    pub(crate) generates_pairs: bool,
}

/// A module, mapped and initialised. Never finalised: the host may use it too, and so may other threads.
pub(crate) struct Library {
    functions: CK_FUNCTION_LIST,
    path: Arc<Path>,
    /// Taken around every call of a module that cannot lock for itself.
    serial: Option<Mutex<()>>,
    /// The process that started the module.
    process: u32,
    /// Whether it was this library that started it, and nobody before.
    started_here: bool,
    calls: CallCounts,
    retries: Mutex<BTreeMap<&'static str, u64>>,
    /// Keeps the code mapped that `functions` points into.
    _code: libloading::Library,
}

impl Library {
    /// Maps a module and reads its function list; [`initialize`](Self::initialize) comes next.
    pub(crate) fn load(path: &Path) -> Result<Self, KeyError> {
        let unavailable = |what: &str| {
            KeyError::new(KeyErrorKind::Unavailable, format!("`{}` {what}", path.display()))
        };
        let path: Arc<Path> = Arc::from(path);
        let watched = watchdog::enter(&path, "dlopen");
        // SAFETY: loading a module runs its initialisers; that the caller named it as a PKCS#11 module
        // is all there is to say for it.
        let code = unsafe { libloading::Library::new(&*path) }
            .map_err(|error| unavailable("cannot be loaded as a library").with_source(error))?;
        drop(watched);
        let list = function_list(&code, &path)?;
        if list.is_null() {
            return Err(unavailable("gives an empty list of functions"));
        }
        // SAFETY: the module gave this as its function list, which stays valid while it is loaded; every
        // version of the standard begins it with the version.
        let version: CK_VERSION = unsafe { list.cast::<CK_VERSION>().read_unaligned() };
        if !matches!(version.major, 2 | 3) {
            return Err(unavailable(&format!(
                "speaks PKCS#11 {}.{}, which is neither 2 nor 3",
                version.major, version.minor
            )));
        }
        // SAFETY: as above, and the list has had this layout since version 2.0.
        let functions = unsafe { list.read_unaligned() };
        Ok(Self {
            functions,
            path,
            serial: None,
            process: std::process::id(),
            started_here: false,
            calls: CallCounts::default(),
            retries: Mutex::default(),
            _code: code,
        })
    }

    /// Starts the module; one that the host process has started already is as good.
    pub(crate) fn initialize(&mut self) -> Result<(), Pkcs11Error> {
        let mut rv = self.start(true)?;
        if rv == CKR_CANT_LOCK {
            self.serial = Some(Mutex::new(()));
            rv = self.start(false)?;
        }
        self.started_here = rv == CKR_OK;
        settled(rv)
    }

    /// Starts the module again, after somebody else in this process has finalised it.
    pub(crate) fn initialize_again(&self) -> Result<(), Pkcs11Error> {
        settled(self.start(self.serial.is_none())?)
    }

    /// Finalises the module and starts it again, so that it looks for its tokens afresh.
    ///
    /// For a caller who knows that nobody has anything open; nothing happens where somebody else had started the
    /// module before us.
    pub(crate) fn restart(&self) -> Result<(), Pkcs11Error> {
        if !self.started_here {
            return Ok(());
        }
        let finalize = entry!(self, C_Finalize)?;
        let call = self.call("C_Finalize");
        // SAFETY: the one argument is reserved and null.
        check("C_Finalize", unsafe { finalize(ptr::null_mut()) })?;
        drop(call);
        self.initialize_again()
    }

    fn start(&self, locks: bool) -> Result<CK_RV, Pkcs11Error> {
        let initialize = entry!(self, C_Initialize)?;
        let mut arguments = CK_C_INITIALIZE_ARGS {
            CreateMutex: None,
            DestroyMutex: None,
            LockMutex: None,
            UnlockMutex: None,
            flags: CKF_OS_LOCKING_OK,
            pReserved: ptr::null_mut(),
        };
        // No arguments means one thread at a time, which `call` sees to.
        let given = if locks { (&raw mut arguments).cast() } else { ptr::null_mut() };
        let _call = self.call("C_Initialize");
        // SAFETY: the arguments are none, or those of PKCS#11 v2.40 section 5.4 for locking with the system's
        // own means, and live through the call.
        Ok(unsafe { initialize(given) })
    }

    /// Refuses to go on in a process that was forked from the one which started the module: what becomes of
    /// sessions there is undefined (PKCS#11 v2.40 usage guide section 2.6), and some modules then break the
    /// parent's.
    pub(crate) fn ensure_own_process(&self) -> Result<(), KeyError> {
        let here = std::process::id();
        if here == self.process {
            return Ok(());
        }
        Err(KeyError::new(
            KeyErrorKind::Unavailable,
            format!(
                "PKCS#11 module `{}` was started by process {} and this is its fork {here}: \
                 fork first and load modules then",
                self.path.display(),
                self.process
            ),
        ))
    }

    /// Notes that a call begins, waiting for this thread's turn where the module needs that.
    pub(super) fn call(&self, function: &'static str) -> Call<'_> {
        let mut call = self.unwatched_call(function);
        call._watched = watchdog::enter(&self.path, function);
        call
    }

    /// As [`call`](Self::call), for one that may take as long as it likes.
    pub(super) fn unwatched_call(&self, function: &'static str) -> Call<'_> {
        let turn =
            self.serial.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.calls.count(function);
        Call { _watched: None, _turn: turn }
    }

    /// Returns how often each function was called.
    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.all()
    }

    /// Notes that something was tried again, and why.
    pub(crate) fn count_retry(&self, reason: &'static str) {
        let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
        let count = retries.entry(reason).or_default();
        *count = count.saturating_add(1);
    }

    /// Returns how often something was tried again, by reason.
    pub(crate) fn retries(&self) -> BTreeMap<&'static str, u64> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) const fn functions(&self) -> &CK_FUNCTION_LIST {
        &self.functions
    }

    pub(crate) fn info(&self) -> Result<ModuleFacts, Pkcs11Error> {
        let get_info = entry!(self, C_GetInfo)?;
        let mut info = CK_INFO::default();
        let _call = self.call("C_GetInfo");
        // SAFETY: `info` is a valid place for the answer.
        check("C_GetInfo", unsafe { get_info(&raw mut info) })?;
        let version = info.libraryVersion;
        Ok(ModuleFacts {
            manufacturer: trimmed(&info.manufacturerID),
            description: trimmed(&info.libraryDescription),
            version: (version.major, version.minor),
        })
    }

    /// Lists the slots that have a token in them.
    pub(crate) fn slots(&self) -> Result<Vec<CK_SLOT_ID>, Pkcs11Error> {
        let get_slot_list = entry!(self, C_GetSlotList)?;
        list(|slots, count| {
            let _call = self.call("C_GetSlotList");
            // SAFETY: `slots` is null or has room for `count` identifiers.
            check("C_GetSlotList", unsafe { get_slot_list(CK_TRUE, slots, count) })
        })
    }

    pub(crate) fn slot_info(&self, slot: CK_SLOT_ID) -> Result<SlotFacts, Pkcs11Error> {
        let get_slot_info = entry!(self, C_GetSlotInfo)?;
        let mut info = CK_SLOT_INFO::default();
        let _call = self.call("C_GetSlotInfo");
        // SAFETY: `info` is a valid place for the answer.
        check("C_GetSlotInfo", unsafe { get_slot_info(slot, &raw mut info) })?;
        Ok(SlotFacts {
            description: trimmed(&info.slotDescription),
            manufacturer: trimmed(&info.manufacturerID),
        })
    }

    pub(crate) fn token_info(&self, slot: CK_SLOT_ID) -> Result<TokenFacts, Pkcs11Error> {
        let get_token_info = entry!(self, C_GetTokenInfo)?;
        let mut info = CK_TOKEN_INFO::default();
        let _call = self.call("C_GetTokenInfo");
        // SAFETY: `info` is a valid place for the answer.
        check("C_GetTokenInfo", unsafe { get_token_info(slot, &raw mut info) })?;
        Ok(TokenFacts {
            label: trimmed(&info.label),
            manufacturer: trimmed(&info.manufacturerID),
            model: trimmed(&info.model),
            serial: trimmed(&info.serialNumber),
            flags: info.flags,
            max_sessions: info.ulMaxSessionCount,
        })
    }

    pub(crate) fn mechanisms(
        &self,
        slot: CK_SLOT_ID,
    ) -> Result<Vec<CK_MECHANISM_TYPE>, Pkcs11Error> {
        let get_mechanism_list = entry!(self, C_GetMechanismList)?;
        list(|mechanisms, count| {
            let _call = self.call("C_GetMechanismList");
            // SAFETY: `mechanisms` is null or has room for `count` numbers.
            check("C_GetMechanismList", unsafe { get_mechanism_list(slot, mechanisms, count) })
        })
    }

    pub(crate) fn mechanism_info(
        &self,
        slot: CK_SLOT_ID,
        mechanism: CK_MECHANISM_TYPE,
    ) -> Result<MechanismCapability, Pkcs11Error> {
        let get_mechanism_info = entry!(self, C_GetMechanismInfo)?;
        let mut info = CK_MECHANISM_INFO::default();
        let _call = self.call("C_GetMechanismInfo");
        // SAFETY: `info` is a valid place for the answer.
        check("C_GetMechanismInfo", unsafe { get_mechanism_info(slot, mechanism, &raw mut info) })?;
        Ok(MechanismCapability {
            min_key_size: wide(info.ulMinKeySize),
            max_key_size: wide(info.ulMaxKeySize),
            signs: info.flags & CKF_SIGN != 0,
            generates_pairs: info.flags & CKF_GENERATE_KEY_PAIR != 0,
        })
    }
}

/// A call that is running, until dropped.
pub(super) struct Call<'a> {
    _watched: Option<Watched>,
    _turn: Option<MutexGuard<'a, ()>>,
}

#[cfg(test)]
impl Library {
    /// Closes every session of this process with a token behind the back of their owners, as a device does
    /// that is reset.
    pub(crate) fn close_all_sessions(&self, slot: CK_SLOT_ID) {
        let close = entry!(self, C_CloseAllSessions).unwrap();
        // SAFETY: sessions closed here are refused by the module when used, not undefined.
        check("C_CloseAllSessions", unsafe { close(slot) }).unwrap();
    }
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library").field("serial", &self.serial.is_some()).finish_non_exhaustive()
    }
}

fn settled(rv: CK_RV) -> Result<(), Pkcs11Error> {
    match rv {
        CKR_CRYPTOKI_ALREADY_INITIALIZED => Ok(()),
        rv => check("C_Initialize", rv),
    }
}

/// Asks for a length and then for as many numbers; again where the list grew in between. A length of zero is
/// an answer: a second call with no room would be told `CKR_BUFFER_TOO_SMALL` for ever.
fn list(
    mut ask: impl FnMut(*mut CK_ULONG, *mut CK_ULONG) -> Result<(), Pkcs11Error>,
) -> Result<Vec<CK_ULONG>, Pkcs11Error> {
    for _ in 1..LIST_TRIES {
        match list_once(&mut ask) {
            Err(error) if error.is(CKR_BUFFER_TOO_SMALL) => {}
            answer => return answer,
        }
    }
    list_once(&mut ask)
}

fn list_once(
    ask: &mut impl FnMut(*mut CK_ULONG, *mut CK_ULONG) -> Result<(), Pkcs11Error>,
) -> Result<Vec<CK_ULONG>, Pkcs11Error> {
    let mut count = 0;
    ask(ptr::null_mut(), &raw mut count)?;
    let room = claimed(count, MAX_LIST_LEN);
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut numbers = vec![0; room];
    count = ulong(room);
    ask(numbers.as_mut_ptr(), &raw mut count)?;
    numbers.truncate(claimed(count, room));
    Ok(numbers)
}

/// Reads a blank-padded string; some modules pad with NUL.
fn trimmed(padded: &[u8]) -> String {
    String::from_utf8_lossy(padded).trim_end_matches([' ', '\0']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_goes_and_inner_and_leading_blanks_stay() {
        for (padded, plain) in [
            (&b"build           "[..], "build"),
            (b" my token  ", " my token"),
            (b"nul\0\0\0", "nul"),
            (b"        ", ""),
            (b"caf\xe9  ", "caf\u{fffd}"),
        ] {
            assert_eq!(trimmed(padded), plain);
        }
    }

    /// A module that claims `claims[n]` in its n-th answer, and counts how often it was asked.
    fn ask_for(claims: &[(CK_ULONG, bool)]) -> (Result<Vec<CK_ULONG>, Pkcs11Error>, usize) {
        let mut asked = 0;
        let answer = list(|_, count| {
            let (claim, fits) = claims[asked.min(claims.len() - 1)];
            asked += 1;
            // SAFETY: `list` gives a valid place for the count.
            unsafe { count.write(claim) };
            if fits { Ok(()) } else { Err(Pkcs11Error::new("C_GetSlotList", CKR_BUFFER_TOO_SMALL)) }
        });
        (answer, asked)
    }

    #[test]
    fn a_count_of_zero_is_not_asked_twice() {
        let (answer, asked) = ask_for(&[(0, true), (0, false)]);
        assert_eq!(answer.unwrap(), Vec::<CK_ULONG>::new());
        assert_eq!(asked, 1);
    }

    #[test]
    fn a_list_that_never_fits_is_given_up() {
        let (answer, asked) =
            ask_for(&[(1, true), (2, false), (2, true), (3, false), (3, true), (4, false)]);
        assert!(answer.unwrap_err().is(CKR_BUFFER_TOO_SMALL));
        assert_eq!(asked, 2 * LIST_TRIES);
    }

    #[test]
    fn no_more_is_read_than_there_was_room_for() {
        let (answer, _) = ask_for(&[(2, true), (CK_ULONG::MAX, true)]);
        assert_eq!(answer.unwrap().len(), 2);
        let (answer, _) = ask_for(&[(CK_ULONG::MAX, true), (1, true)]);
        assert_eq!(answer.unwrap().len(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_fork_is_told_that_the_module_is_its_parents() {
        use std::os::unix::process::CommandExt;

        chancery_testkit::softhsm::isolated(|hsm| {
            let mut library = Library::load(hsm.module()).unwrap();
            library.initialize().unwrap();
            library.ensure_own_process().unwrap();
            let library = Arc::new(library);
            let seen_by_fork = |library: Arc<Library>| {
                let mut command = std::process::Command::new("true");
                let refuse = move || match library.ensure_own_process() {
                    Ok(()) => Ok(()),
                    Err(_) => Err(std::io::Error::from_raw_os_error(77)),
                };
                // SAFETY: the closure allocates a message between fork and exec, which the C library's
                // allocator allows, and touches nothing else.
                unsafe { command.pre_exec(refuse) };
                command.status().map_err(|error| error.raw_os_error())
            };
            assert_eq!(seen_by_fork(library), Err(Some(77)));
        });
    }
}
