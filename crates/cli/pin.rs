//! Which source of PINs the options name.

#[cfg(unix)]
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(unix)]
use std::sync::{Mutex, PoisonError};

use chancery::key::{KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource};
use chancery::{EnvironmentPin, FilePin, HsmEnvironmentPin};
use clap::Args;

use crate::shown::one_line;
#[cfg(unix)]
use crate::shown::shown;
#[cfg(unix)]
use crate::ui;

// Where the PIN or passphrase comes from; without any of these the variables of HSM clients, then a prompt on the
// terminal.
#[derive(Args, Debug)]
#[group(multiple = false)]
pub(crate) struct PinOptions {
    /// Read the PIN or passphrase from this file (its first line)
    #[arg(long, value_name = "FILE", help_heading = "Key options")]
    pin_file: Option<PathBuf>,
    /// Read the PIN or passphrase from this file descriptor
    #[arg(long, value_name = "N", help_heading = "Key options")]
    pin_fd: Option<u32>,
    /// Take the PIN or passphrase from this environment variable [default for
    /// tokens: HSM_PIN, CLOUDHSM_PIN or n3fips_password, where one is set]
    #[arg(long, value_name = "NAME", help_heading = "Key options")]
    pin_env: Option<String>,
    /// Take the PIN from the system's credential store: service `chancery`, this
    /// account
    #[cfg(feature = "keyring")]
    #[arg(long, value_name = "ACCOUNT", help_heading = "Key options")]
    pin_keyring: Option<String>,
}

impl PinOptions {
    /// Tells whether any of them is there.
    pub(crate) const fn is_given(&self) -> bool {
        #[cfg(feature = "keyring")]
        if self.pin_keyring.is_some() {
            return true;
        }
        self.pin_file.is_some() || self.pin_fd.is_some() || self.pin_env.is_some()
    }

    /// Makes the source; `may_prompt` allows asking on the terminal.
    pub(crate) fn source(&self, may_prompt: bool) -> Arc<dyn PinSource> {
        #[cfg(feature = "keyring")]
        if let Some(account) = &self.pin_keyring {
            return Arc::new(chancery::StoredPin::new("chancery", account));
        }
        if let Some(path) = &self.pin_file {
            warn_of_readers(path);
            Arc::new(FilePin::new(path.clone()))
        } else if let Some(fd) = self.pin_fd {
            Arc::new(FilePin::new(format!("/dev/fd/{fd}").into()))
        } else if let Some(name) = &self.pin_env {
            Arc::new(EnvironmentPin::new(name.clone()))
        } else {
            Arc::new(HsmEnvironmentPin::or(Arc::new(Prompt { allowed: may_prompt })))
        }
    }
}

/// Warns, once a run, of a file of a PIN that others than its owner may read.
#[cfg(unix)]
pub(crate) fn warn_of_readers(file: &Path) {
    use std::os::unix::fs::MetadataExt;
    static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let is_open = |metadata: std::fs::Metadata| metadata.is_file() && metadata.mode() & 0o077 != 0;
    if std::fs::metadata(file).is_ok_and(is_open)
        && TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned())
    {
        let file = shown(file);
        ui::warn(&format!(
            "the PIN in {file} may be read by others than its owner:  chmod 600 {file}"
        ));
    }
}

/// Says nothing where permissions are no bits.
#[cfg(not(unix))]
pub(crate) const fn warn_of_readers(_: &Path) {}

/// Returns the source that asks on the terminal.
pub(crate) fn terminal() -> Arc<dyn PinSource> {
    Arc::new(Prompt { allowed: true })
}

/// Says why a prompt has no answer.
fn unanswered(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "none was typed",
        _ => "there is no terminal to ask on",
    }
}

/// Asks on the terminal, not on stdin, so that pipes still work.
#[derive(Debug)]
struct Prompt {
    allowed: bool,
}

impl PinSource for Prompt {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let required =
            |why: &str| KeyError::new(KeyErrorKind::AuthRequired, format!("no {request}: {why}"));
        if !self.allowed {
            return Err(required("nobody is asked here"));
        }
        let ask = |text: String| {
            rpassword::prompt_password(text)
                .map_err(|error| required(unanswered(&error)).with_source(error))
        };
        // The label in it is the token's, and the name that of a file.
        let asked = one_line(&request.to_string());
        let warning = request.warning.as_ref().map(|text| format!("{}\n", one_line(text)));
        let warning = warning.unwrap_or_default();
        let pin = Pin::new(ask(format!("{warning}{asked}: "))?.into_bytes());
        if matches!(request.purpose, PinPurpose::ProtectFile { .. }) {
            let again = Pin::new(ask(format!("{asked}, again: "))?.into_bytes());
            if pin.expose_secret() != again.expose_secret() {
                return Err(required("the two differ"));
            }
        }
        Ok(pin.with_origin("the prompt"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn the_end_of_input_is_no_missing_terminal() {
        assert_eq!(unanswered(&Error::from(ErrorKind::UnexpectedEof)), "none was typed");
        assert!(unanswered(&Error::from(ErrorKind::NotFound)).contains("no terminal"));
    }
}
