//! The end of a run in which a call of a vendor's module does not come back.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use chancery::Error;
use chancery::pkcs11::{HungCall, watch_calls};

use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Format;

/// How long the process is given to end in order. A module that hangs may hold what its own end waits for.
const GRACE: Duration = Duration::from_secs(2);

/// Which thread works on which file.
static WORKING_ON: Mutex<Vec<(ThreadId, PathBuf)>> = Mutex::new(Vec::new());

/// The note that a thread works on a file, until dropped.
#[must_use]
pub(crate) struct Working(ThreadId);

/// Notes which file this thread works on, for the report.
pub(crate) fn working_on(file: &Path) -> Working {
    let thread = thread::current().id();
    let mut all = notes();
    all.retain(|(of, _)| *of != thread);
    all.push((thread, file.to_owned()));
    Working(thread)
}

impl Drop for Working {
    fn drop(&mut self) {
        notes().retain(|(of, _)| *of != self.0);
    }
}

fn notes() -> MutexGuard<'static, Vec<(ThreadId, PathBuf)>> {
    WORKING_ON.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process when a call takes longer than `limit` from now on.
pub(crate) fn start(limit: Duration, format: Format) -> Result<(), Error> {
    Ok(watch_calls(limit, move |hung| {
        let all = notes().clone();
        let file = all.into_iter().find(|(thread, _)| *thread == hung.thread).map(|(_, file)| file);
        report(hung, file.as_deref(), format);
        thread::spawn(end);
        thread::sleep(GRACE);
        std::process::abort();
    })?)
}

fn report(hung: &HungCall, file: Option<&Path>, format: Format) {
    match format {
        Format::Json => {
            let object = serde_json::json!({
                "schema": 1, "type": "error", "kind": "hung",
                "file": file.map(json::shown), "call": hung.function,
                "module": json::shown(&hung.module), "message": hung.to_string(),
            });
            let mut out = io::stdout().lock();
            let _ = writeln!(out, "{object}");
            let _ = out.flush();
        }
        Format::Text => {
            let file = file.map(|file| format!("{}: ", shown(file))).unwrap_or_default();
            let text = format!(
                "error: {file}{hung}\n  hint: allow more with --token-timeout SECONDS, or see whether the device \
                 answers:  chancery token list\n  hint: a `.chancery-*.tmp` beside the file it should become is of this run; the next \
                 one removes it\n"
            );
            let _ = io::stderr().write_all(text.as_bytes());
        }
    }
}

/// Files are replaced in one step, so that ending here leaves each as it was or signed.
#[expect(clippy::exit, reason = "the thread that hangs can be ended in no other way")]
fn end() {
    std::process::exit(Exit::Hung.code().into());
}
