//! What a machine's user has decided once: `chancery.toml`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_key::{KeyError, Pin, PinPurpose, PinRequest, PinSource};
use toml::{Table, Value};

use crate::{EnvironmentPin, Error, ErrorKind, FilePin, read_small_file};

/// The name of the file in the folders where it is looked for.
const FILE_NAME: &str = "chancery.toml";

/// The variable that names the file.
const VARIABLE: &str = "CHANCERY_CONFIG";

/// What `chancery.toml` says. Paths in it are relative to the folder it is in.
///
/// ```toml
/// module = "/usr/lib/softhsm/libsofthsm2.so"
/// store = "/var/lib/chancery/stores"
/// ca = "/var/lib/chancery/ca"
/// timestamp = ["http://timestamp.example/rfc3161"]
/// pin = { file = "/run/secrets/pin" }
///
/// [token.build]
/// pin = { env = "BUILD_PIN" }
///
/// [provider."Cavium Key Storage Provider"]
/// module = "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so"
/// token = "hsm1"
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The PKCS#11 module for keys whose address names none.
    pub module: Option<PathBuf>,
    /// The folder of certificate stores.
    pub store: Option<PathBuf>,
    /// The folder of the certificate authority that requests go to.
    pub ca: Option<PathBuf>,
    /// Timestamp servers, in the order they are tried.
    pub timestamp: Vec<String>,
    /// Where PINs come from.
    pub pin: Option<PinSetting>,
    /// Where the PINs of single tokens come from, by label.
    pub token_pins: BTreeMap<String, PinSetting>,
    /// Which tokens stand for the providers that key bindings name.
    pub providers: BTreeMap<String, ProviderSettings>,
}

/// Where a PIN comes from. Never the PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinSetting {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

/// The token that stands for a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// Its PKCS#11 module.
    pub module: PathBuf,
    /// The label of its token, where the module has several.
    pub token: Option<String>,
}

impl Settings {
    /// Finds the file: the one given, that of `CHANCERY_CONFIG`, `chancery.toml` in the current folder, or
    /// `chancery/chancery.toml` in the user's folder for settings. `variable` reads the environment.
    #[must_use]
    pub fn locate(
        given: Option<&Path>,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Option<PathBuf> {
        if let Some(path) = given {
            return Some(path.to_owned());
        }
        let named =
            |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(path) = named(VARIABLE) {
            return Some(path);
        }
        let users = if cfg!(windows) {
            named("APPDATA")
        } else {
            named("XDG_CONFIG_HOME").or_else(|| named("HOME").map(|home| home.join(".config")))
        };
        let users = users.map(|folder| folder.join("chancery").join(FILE_NAME));
        [Some(PathBuf::from(FILE_NAME)), users].into_iter().flatten().find(|path| path.is_file())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] with what is wrong, and never with the value of a PIN.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = read_small_file(path)?;
        let text = String::from_utf8(bytes).map_err(|error| Error::malformed(path, error))?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, base).map_err(|what| {
            Error::new(ErrorKind::Malformed, format!("cannot use {}: {what}", path.display()))
        })
    }

    fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            // The parser would show the line, and a PIN may be in it.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            format!("line {line} is not TOML")
        })?;
        let mut settings = Self::default();
        for (key, value) in &table {
            match key.as_str() {
                "module" => settings.module = Some(base.join(text_of(key, value)?)),
                "store" => settings.store = Some(base.join(text_of(key, value)?)),
                "ca" => settings.ca = Some(base.join(text_of(key, value)?)),
                "timestamp" => {
                    let all = value.as_array().ok_or("`timestamp` is a list of URLs")?;
                    let read = |one| text_of(key, one).map(str::to_owned);
                    settings.timestamp = all.iter().map(read).collect::<Result<_, _>>()?;
                }
                "pin" => settings.pin = Some(pin(value, base)?),
                "token" => {
                    for (label, value) in table_of(key, value)? {
                        for (inner, value) in table_of(label, value)? {
                            match inner.as_str() {
                                "pin" => {
                                    settings.token_pins.insert(label.clone(), pin(value, base)?)
                                }
                                _ => return Err(unknown(&format!("token.{label}.{inner}"))),
                            };
                        }
                    }
                }
                "provider" => {
                    for (name, value) in table_of(key, value)? {
                        let provider = provider(name, table_of(name, value)?, base)?;
                        settings.providers.insert(name.clone(), provider);
                    }
                }
                _ => return Err(unknown(key)),
            }
        }
        Ok(settings)
    }

    /// Returns the settings of a provider, upper and lower case being one.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        let name = name.to_lowercase();
        self.providers.iter().find(|(known, _)| known.to_lowercase() == name).map(|(_, own)| own)
    }

    /// Returns a source of PINs that takes them from where the settings say, and from `otherwise` what they say nothing
    /// about.
    #[must_use]
    pub fn pins(&self, otherwise: Arc<dyn PinSource>) -> Arc<dyn PinSource> {
        if self.pin.is_none() && self.token_pins.is_empty() {
            return otherwise;
        }
        let tokens = self.token_pins.iter().map(|(label, pin)| (label.clone(), pin.source()));
        let all = self.pin.as_ref().map(PinSetting::source);
        Arc::new(SettingsPins { tokens: tokens.collect(), all, otherwise })
    }
}

impl PinSetting {
    fn source(&self) -> Arc<dyn PinSource> {
        match self {
            Self::File(path) => Arc::new(FilePin::new(path.clone())),
            Self::Environment(name) => Arc::new(EnvironmentPin::new(name.clone())),
        }
    }
}

fn unknown(key: &str) -> String {
    format!(
        "`{key}` is no setting; there are module, store, ca, timestamp, pin, token.LABEL.pin, \
         provider.NAME.module and provider.NAME.token"
    )
}

fn text_of<'a>(key: &str, value: &'a Value) -> Result<&'a str, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| format!("`{key}` is a text in quotes"))
}

fn table_of<'a>(key: &str, value: &'a Value) -> Result<&'a Table, String> {
    value.as_table().ok_or_else(|| format!("`{key}` is a table"))
}

/// Reads where a PIN comes from. What is there instead is not repeated: it may be one.
fn pin(value: &Value, base: &Path) -> Result<PinSetting, String> {
    let wrong = || {
        "a PIN is never in the settings; write where it is, as pin = { file = \"PATH\" } or pin = { env = \"NAME\" }".to_owned()
    };
    let table = value.as_table().filter(|table| table.len() == 1).ok_or_else(wrong)?;
    let one = |key| table.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (one("file"), one("env")) {
        (Some(path), _) => Ok(PinSetting::File(base.join(path))),
        (_, Some(name)) => Ok(PinSetting::Environment(name.to_owned())),
        _ => Err(wrong()),
    }
}

fn provider(name: &str, table: &Table, base: &Path) -> Result<ProviderSettings, String> {
    let (mut module, mut token) = (None, None);
    for (key, value) in table {
        match key.as_str() {
            "module" => module = Some(base.join(text_of(key, value)?)),
            "token" => token = Some(text_of(key, value)?.to_owned()),
            _ => return Err(unknown(&format!("provider.{name}.{key}"))),
        }
    }
    let module = module.ok_or_else(|| format!("provider `{name}` has no module"))?;
    Ok(ProviderSettings { module, token })
}

/// PINs by token, then for all, then from elsewhere.
#[derive(Debug)]
struct SettingsPins {
    tokens: BTreeMap<String, Arc<dyn PinSource>>,
    all: Option<Arc<dyn PinSource>>,
    otherwise: Arc<dyn PinSource>,
}

impl PinSource for SettingsPins {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        let label = match &request.purpose {
            PinPurpose::TokenUser { token } | PinPurpose::KeyUse { token, .. } => Some(token),
            _ => None,
        };
        let own = label.and_then(|label| self.tokens.get(label));
        let Some(named) = own.or(self.all.as_ref()) else { return self.otherwise.pin(request) };
        let pin = named.pin(request)?;
        let origin = pin.origin().map(|origin| format!("{origin}, which the settings name"));
        Ok(match origin {
            Some(origin) => pin.with_origin(origin),
            None => pin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("/etc/chancery"))
    }

    #[test]
    fn every_setting_is_read() {
        let settings = parse(
            "module = 'a.so'\nstore = '/stores'\ntimestamp = ['http://a', 'http://b']\n\
             pin = { file = 'pin' }\n[token.build.pin]\nenv = 'BUILD_PIN'\n\
             [provider.\"Cavium Key Storage Provider\"]\nmodule = '/opt/c.so'\ntoken = 'hsm1'\n",
        )
        .unwrap();
        assert_eq!(settings.module, Some("/etc/chancery/a.so".into()));
        assert_eq!(settings.store, Some("/stores".into()));
        assert_eq!(settings.timestamp, ["http://a", "http://b"]);
        assert_eq!(settings.pin, Some(PinSetting::File("/etc/chancery/pin".into())));
        assert_eq!(settings.token_pins["build"], PinSetting::Environment("BUILD_PIN".into()));
        let provider = settings.provider("cavium key storage provider").unwrap();
        assert_eq!(
            (provider.module.as_path(), provider.token.as_deref()),
            (Path::new("/opt/c.so"), Some("hsm1"))
        );
        assert_eq!(settings.provider("other"), None);
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn a_pin_is_refused_and_not_repeated() {
        for text in [
            "pin = '987123'",
            "pin = 987123",
            "pin = { value = '987123' }",
            "pin = { file = 987123 }",
            "pin = { file = 'a', env = '987123' }",
            "token.a.pin = '987123'",
            "pin = '987123",
            "a = 1\npin = 987123 x",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("987123"), "{error}");
            assert!(error.contains("never in the settings") || error.contains("line"), "{error}");
        }
    }

    #[test]
    fn what_is_no_setting_is_named() {
        for (text, named) in [
            ("modul = 'a'", "`modul`"),
            ("module = 1", "`module`"),
            ("timestamp = 'a'", "`timestamp`"),
            ("[provider.P]\ntoken = 'a'", "`P` has no module"),
            ("[provider.P]\nmodule = 'a'\npin = '1'", "provider.P.pin"),
            ("[token.T]\nserial = '1'", "token.T.serial"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
    }

    #[test]
    fn the_file_is_looked_for_where_users_expect_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("chancery");
        std::fs::create_dir(&own).unwrap();
        let name = if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" };
        let users = |key: &str| (key == name).then(|| folder.path().as_os_str().to_owned());
        assert_eq!(Settings::locate(None, &users), None);
        std::fs::write(own.join("chancery.toml"), "").unwrap();
        assert_eq!(Settings::locate(None, &users), Some(own.join("chancery.toml")));
        let named = |key: &str| (key == "CHANCERY_CONFIG").then(|| "named.toml".into());
        assert_eq!(Settings::locate(None, &named), Some("named.toml".into()));
        assert_eq!(Settings::locate(Some(Path::new("g")), &named), Some("g".into()));
    }
}
