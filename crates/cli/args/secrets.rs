//! What a message about a wrong command line does not repeat.

use chancery::key::without_pin_value;
use clap::Error;
use clap::error::{ContextKind, ContextValue};

use crate::shown::one_line;

/// What stands for it.
const CUT: &str = "...";

/// Takes out of an error what may be a PIN: a terminal is looked at, and what builds print is kept. What is left is made
/// safe to show.
pub(crate) fn without_secrets(mut error: Error) -> Error {
    let text = |error: &Error, kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    let option = text(&error, ContextKind::InvalidArg);
    if let Some(option) = &option {
        let shown = one_line(&shown_option(option).unwrap_or_else(|| option.clone()));
        if shown != *option {
            error.insert(ContextKind::InvalidArg, ContextValue::String(shown));
            // The tip says how to give the same as a file's name.
            error.remove(ContextKind::Suggested);
        }
    }
    if let Some(command) = text(&error, ContextKind::InvalidSubcommand) {
        error.insert(ContextKind::InvalidSubcommand, ContextValue::String(one_line(&command)));
    }
    if let Some(value) = text(&error, ContextKind::InvalidValue) {
        let is_pin = option.is_some_and(|option| option.starts_with("--pin"));
        let shown = if is_pin { CUT.into() } else { without_pin_value(&value) };
        error.insert(ContextKind::InvalidValue, ContextValue::String(one_line(&shown)));
    }
    error
}

/// Cuts what is no option, and may be `--pin` with the PIN glued to it; `None` for what can be shown whole.
fn shown_option(option: &str) -> Option<String> {
    let rest = option.strip_prefix("--pin")?;
    let is_known = ["", "-fd", "-env", "-file", "-keyring"].iter().any(|known| {
        rest.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    (!is_known).then(|| format!("--pin{CUT}"))
}
