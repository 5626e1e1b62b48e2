//! Calls that do not come back.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use chancery_key::{KeyError, KeyErrorKind};

/// The longest pause between two looks at the running calls.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The shortest, which is also the shortest limit that means anything.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);

static WATCHING: AtomicBool = AtomicBool::new(false);
static NEXT: AtomicU64 = AtomicU64::new(0);
static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// A call of a module that has taken longer than it may.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HungCall {
    /// The module that was called.
    pub module: PathBuf,
    /// The function of the standard, as in `C_Sign`; `dlopen` while the module itself is loaded.
    pub function: &'static str,
    /// How long it has been running.
    pub elapsed: Duration,
    /// The thread that called, which tells what the call is for where several work at once.
    pub thread: ThreadId,
}

impl fmt::Display for HungCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { module, function, elapsed, .. } = self;
        write!(
            f,
            "{function} of PKCS#11 module `{}` has not come back for {} seconds",
            module.display(),
            elapsed.as_secs()
        )
    }
}

/// Watches every call of every module in this process from now on, and hands over the first that takes longer
/// than `limit`.
///
/// A call that hangs cannot be cancelled, and its thread is lost: all that `on_hang` can do is to report it and
/// to end the process. A call that waits for a person at the device's own keypad is not watched.
///
/// # Errors
/// [`KeyErrorKind::AlreadyExists`] where calls are watched already, [`KeyErrorKind::Io`] where the system gives no
/// thread to watch from.
pub fn watch_calls(
    limit: Duration,
    on_hang: impl FnOnce(&HungCall) + Send + 'static,
) -> Result<(), KeyError> {
    if WATCHING.swap(true, Ordering::Relaxed) {
        let message = "calls of PKCS#11 modules are watched already";
        return Err(KeyError::new(KeyErrorKind::AlreadyExists, message));
    }
    let watch = move || {
        let pause = limit.checked_div(8).unwrap_or(limit).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            thread::sleep(pause);
            if let Some(hung) = longest().filter(|call| call.elapsed > limit) {
                return on_hang(&hung);
            }
        }
    };
    let started = thread::Builder::new().name("pkcs11-watchdog".into()).spawn(watch);
    started.map(drop).map_err(|error| {
        WATCHING.store(false, Ordering::Relaxed);
        let message = "no thread to watch calls of PKCS#11 modules from";
        KeyError::new(KeyErrorKind::Io, message).with_source(error)
    })
}

struct Running {
    id: u64,
    module: Arc<Path>,
    function: &'static str,
    since: Instant,
    thread: ThreadId,
}

/// A call that is running, until dropped.
pub(crate) struct Watched(u64);

/// Notes that a call begins, where anybody watches.
pub(crate) fn enter(module: &Arc<Path>, function: &'static str) -> Option<Watched> {
    if !WATCHING.load(Ordering::Relaxed) {
        return None;
    }
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let module = Arc::clone(module);
    let thread = thread::current().id();
    running().push(Running { id, module, function, since: Instant::now(), thread });
    Some(Watched(id))
}

impl Drop for Watched {
    fn drop(&mut self) {
        running().retain(|call| call.id != self.0);
    }
}

fn longest() -> Option<HungCall> {
    let running = running();
    let call = running.iter().min_by_key(|call| call.since)?;
    Some(HungCall {
        module: call.module.to_path_buf(),
        function: call.function,
        elapsed: call.since.elapsed(),
        thread: call.thread,
    })
}

fn running() -> MutexGuard<'static, Vec<Running>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn the_call_that_hangs_is_named_and_those_that_return_are_not() {
        let module: Arc<Path> = Arc::from(Path::new("/lib/vendor.so"));
        assert!(enter(&module, "C_Login").is_none(), "nobody watches yet");
        let (report, reported) = mpsc::channel();
        watch_calls(Duration::from_millis(40), move |hung| report.send(hung.clone()).unwrap())
            .unwrap();
        let again = watch_calls(Duration::from_secs(1), |_| {}).unwrap_err();
        assert_eq!(again.kind(), KeyErrorKind::AlreadyExists);

        drop(enter(&module, "C_SignInit"));
        let hanging = enter(&module, "C_Sign");
        let hung = reported.recv().unwrap();
        drop(hanging);
        assert_eq!((hung.function, &*hung.module), ("C_Sign", &*module));
        assert_eq!(hung.thread, thread::current().id());
        assert!(hung.elapsed > Duration::from_millis(40));
        assert!(hung.to_string().contains("C_Sign of PKCS#11 module `/lib/vendor.so`"), "{hung}");
    }
}
