//! What the tools print, line by line: answers to stdout, remarks of ours to stderr.

use std::error::Error as _;
use std::io::{self, Write};

use chancery::key::KeyErrorKind;
use chancery::{Error, ErrorKind};

use crate::shown::{lines, one_line};
use crate::ui;

/// Writes lines to stdout.
pub(super) fn say(text: &str) {
    ui::print(&format!("{}\n", lines(text)));
}

/// Writes a prompt to stdout, without an end of line.
pub(super) fn prompt(text: &str) {
    ui::print(text);
}

/// Writes lines of the tool's own to stderr.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", lines(text));
}

/// Writes a remark that is ours and not the tool's.
pub(super) fn remark(text: &str) {
    complain(&format!("chancery: {}", one_line(text)));
}

/// Says what an error is and what caused it, beneath the tool's own words for it.
pub(super) fn explain(error: &Error) {
    remark(&one_line(&error.to_string()));
    explain_causes(error);
}

/// Says what caused an error, and what to do, beneath the error itself.
pub(super) fn explain_causes(error: &Error) {
    let mut source = error.source();
    while let Some(cause) = source {
        complain(&format!("  caused by: {}", one_line(&cause.to_string())));
        source = cause.source();
    }
    for candidate in error.candidates().iter().take(8) {
        complain(&format!("  one of them: {}", one_line(candidate)));
    }
    if error.kind() == ErrorKind::Key(KeyErrorKind::AuthRequired) {
        complain(
            "  hint: set n3fips_password to USER:PASSWORD (or HSM_PIN to a PIN) in the environment, or say in \
             chancery.toml where the PIN is",
        );
    }
}
