//! Everything that is printed goes through here: results to stdout, the rest to stderr.

use std::error::Error as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chancery::{Error, ErrorKind};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::exit::Exit;
use crate::hints;
use crate::json;
use crate::shown::{lines, one_line, shown};

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, errors among them.
    Json,
}

/// The two streams, and how to use them.
#[derive(Debug)]
pub(crate) struct Ui {
    format: Format,
    quiet: bool,
}

impl Ui {
    /// Writes in a format; `quiet` leaves out what says that all is well.
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        IS_JSON.store(format == Format::Json, Ordering::Relaxed);
        Self { format, quiet }
    }

    /// Tells whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes one result as JSON, or as text where `text` gives some.
    pub(crate) fn result(&mut self, object: &impl Serialize, text: impl FnOnce() -> String) {
        match self.format {
            Format::Json => {
                if let Ok(line) = serde_json::to_string(object) {
                    print_line(&line);
                }
            }
            Format::Text => print_line(&lines(&text())),
        }
    }

    /// Writes one result that says that all is well: left out where the user wants quiet.
    pub(crate) fn success(&mut self, object: &impl Serialize, text: impl FnOnce() -> String) {
        if !self.quiet || self.is_json() {
            self.result(object, text);
        }
    }

    /// Writes a warning for a person.
    pub(crate) fn warn(&mut self, text: &str) {
        warn(text);
    }

    /// Writes something worth knowing beside the result.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.is_json() && !self.quiet {
            let _ = writeln!(io::stderr(), "{}", one_line(text));
        }
    }

    /// Writes an error: what happened, what caused it, what to type next.
    pub(crate) fn error(&mut self, error: &Error, file: Option<&Path>) -> Exit {
        let exit = Exit::from(error.kind());
        if self.is_json() {
            let hints = hints::for_error(error, file);
            self.result(&json::Failure::new(error, file, hints), String::new);
            return exit;
        }
        let mut text = format!("error: {}\n", one_line(&error.to_string()));
        // One line of many says which file it is about.
        if let Some(file) = file.filter(|file| !hints::is_about(error, &file.display().to_string()))
        {
            text = format!("error: {}: {}\n", shown(file), one_line(&error.to_string()));
        }
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!("  caused by: {}\n", one_line(&cause.to_string())));
            source = cause.source();
        }
        for hint in hints::for_error(error, file) {
            text.push_str(&format!("  hint: {}\n", one_line(&hint)));
        }
        let _ = io::stderr().write_all(text.as_bytes());
        exit
    }

    /// Writes an error that is none of the library's.
    pub(crate) fn failure(&mut self, failure: &json::Failure) {
        if self.is_json() {
            return self.result(failure, String::new);
        }
        let mut text = format!("error: {}\n", failure.message());
        for hint in &failure.hints {
            text.push_str(&format!("  hint: {hint}\n"));
        }
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Ends the command: with its own exit code, unless what it had to say was not written.
    pub(crate) fn close(&mut self, exit: Exit) -> Exit {
        let unsaid = UNSAID.lock().unwrap_or_else(PoisonError::into_inner).take();
        match unsaid {
            Some(error) => {
                let message = "cannot write to stdout: what was to be said is not all there";
                let error = Error::new(ErrorKind::Io, message).with_source(error);
                exit.graver(self.error(&error, None))
            }
            None => exit,
        }
    }

    /// Shows how far work over files is, on a terminal, once it takes longer than an eye blinks.
    pub(crate) fn progress(&self, files: usize, doing: &'static str) -> Progress {
        let visible = !self.quiet && !self.is_json() && io::stderr().is_terminal();
        let bar = if visible {
            let target = ProgressDrawTarget::stderr_with_hz(20);
            // How many there will be, nobody knows who lists them as they are needed.
            let files = u64::try_from(files).ok().filter(|files| *files > 0);
            let bar = ProgressBar::with_draw_target(files, target);
            let template = match files {
                Some(_) => "{spinner} {pos}/{len} {prefix} {wide_msg}",
                None => "{spinner} {pos} {prefix} {wide_msg}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(doing);
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        } else {
            ProgressBar::hidden()
        };
        Progress(bar)
    }
}

/// A line that shows how far work is, and is gone when the work is done.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Names the file worked on now.
    pub(crate) fn file(&self, path: &Path) {
        self.0.set_message(shown(path));
    }

    /// Says what is going on.
    pub(crate) fn say(&self, text: &str) {
        self.0.set_message(one_line(text));
    }

    /// Counts a file as done, and prints with the line out of the way.
    pub(crate) fn done<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.inc(1);
        self.suspend(print)
    }

    /// Prints with the line out of the way.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Whether results are JSON, for who has no [`Ui`].
static IS_JSON: AtomicBool = AtomicBool::new(false);

/// Writes a warning for a person.
pub(crate) fn warn(text: &str) {
    if !IS_JSON.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr(), "warning: {}", one_line(text));
    }
}

/// Why an answer did not reach stdout.
static UNSAID: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes to stdout. A reader that has gone (`chancery ... | head`) is no error; a disk that is full is one, which
/// [`Ui::close`] tells.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = printed
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        UNSAID.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Writes a line to stdout.
fn print_line(line: &str) {
    print(&format!("{line}\n"));
}
