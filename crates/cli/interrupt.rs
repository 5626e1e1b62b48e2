//! What the user, or the system, says to a run: no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::exit::Exit;

/// Returns what is set once the user wants no more: by the first Ctrl-C, SIGTERM or SIGHUP. The second ends the process.
pub(crate) fn stop() -> Arc<AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    let stop = STOP.get_or_init(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&stop);
        on_signal(move || {
            if set.swap(true, Ordering::Relaxed) {
                end();
            }
        });
        stop
    });
    Arc::clone(stop)
}

#[expect(clippy::exit, reason = "asked for twice; files are replaced in one step")]
fn end() {
    std::process::exit(Exit::Interrupted.code().into());
}

/// Has every signal that asks for the end call this.
///
/// A signal that whoever started the process has it ignore stays ignored: what `nohup` started goes on when the terminal
/// is closed. Where no handler can be set, the signal ends the process, and each file is as it was or done.
#[cfg(unix)]
fn on_signal(mut act: impl FnMut() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    // A file that may not become longer is an error of the write, not the end of the run over all files.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
    let ignored = ignored();
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_in(ignored, *signal));
    if let Ok(mut signals) = Signals::new(heard) {
        std::thread::spawn(move || signals.forever().for_each(|_| act()));
    }
}

/// Has Ctrl-C, and the closing of the console, call this.
#[cfg(windows)]
fn on_signal(act: impl FnMut() + Send + 'static) {
    let _ = ctrlc::set_handler(act);
}

/// Reads which signals this process ignores, a bit each (proc(5), `SigIgn`); none where the system does not tell.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

/// Tells whether a signal, counted from one, is in a set.
#[cfg(unix)]
fn is_in(set: u64, signal: i32) -> bool {
    let bit = u32::try_from(signal - 1).ok().and_then(|shift| 1_u64.checked_shl(shift));
    bit.is_some_and(|bit| set & bit != 0)
}
