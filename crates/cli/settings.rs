//! The settings of this run, read once before anything else.

use std::path::Path;
#[cfg(not(windows))]
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

#[cfg(not(windows))]
use chancery::ErrorKind;
use chancery::certstore::SystemStore;
use chancery::key::PinSource;
use chancery::{Error, PinSetting, Settings, Stores};

use crate::pin::warn_of_readers;
use crate::shown::one_line;

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Reads the file that the user names, or one of those that are looked for.
pub(crate) fn load(given: Option<&Path>) -> Result<(), Error> {
    if let Some(path) = Settings::locate(given, &|name| std::env::var_os(name)) {
        let _ = SETTINGS.set(Settings::load(&path)?);
    }
    Ok(())
}

/// Returns what was read; nothing where there is no file.
pub(crate) fn current() -> &'static Settings {
    SETTINGS.get_or_init(Settings::default)
}

/// Returns a source of PINs that takes them from where the settings say, before it asks `otherwise`.
pub(crate) fn pins(otherwise: Arc<dyn PinSource>) -> Arc<dyn PinSource> {
    let settings = current();
    for pin in settings.pin.iter().chain(settings.token_pins.values()) {
        if let PinSetting::File(file) = pin {
            warn_of_readers(file);
        }
    }
    settings.pins(otherwise)
}

/// Opens the certificate stores: in the folder given, that of the settings, or the user's own; on Windows, its own.
pub(crate) fn stores(given: Option<&Path>) -> Result<Stores, Error> {
    let chosen = given.map(Path::to_owned).or_else(|| current().store.clone());
    chosen.map_or_else(users_stores, |folder| Ok(Stores::new(folder)))
}

#[cfg(windows)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there may be no place for them")]
fn users_stores() -> Result<Stores, Error> {
    Ok(Stores::of_windows())
}

#[cfg(not(windows))]
fn users_stores() -> Result<Stores, Error> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let own = named("XDG_DATA_HOME").map(PathBuf::from);
    let data = own.or_else(|| named("HOME").map(|home| PathBuf::from(home).join(".local/share")));
    let data = data.ok_or_else(|| {
        let message = "no folder for certificate stores: name one with --store-folder";
        Error::new(ErrorKind::Usage, message)
    })?;
    Ok(Stores::new(data.join("chancery").join("stores")))
}

/// Reads the name of a store given as an argument.
pub(crate) fn store_name(text: &str) -> Result<SystemStore, String> {
    text.parse()
        .map_err(|error: chancery::certstore::SystemStoreError| one_line(&error.to_string()))
}
