//! kryoptic: a soft token in Rust over SQLite.

use std::env;
use std::fs;
use std::path::PathBuf;

use chancery_testkit::softhsm::SO_PIN;
use tempfile::TempDir;

use super::Setup;
use super::tool::succeed;

const TOKEN: &str = "table";
const PIN: &str = "12345678";

pub(crate) fn set_up() -> Setup {
    let built = env::var_os("CHANCERY_KRYOPTIC");
    let module =
        PathBuf::from(built.unwrap_or_else(|| panic!("run this by cargo xtask tokens --all")));
    let dir = TempDir::new().unwrap();
    let configuration = dir.path().join("kryoptic.toml");
    let database = dir.path().join("token.sql");
    let text =
        format!("[[slots]]\nslot = 1\ndbtype = \"sqlite\"\ndbargs = \"{}\"\n", database.display());
    fs::write(&configuration, text).unwrap();
    let environment = vec![("KRYOPTIC_CONF".into(), configuration.into())];
    let tool = |args: &[&str]| succeed(&module, &environment, args);
    tool(&["--init-token", "--slot", "1", "--label", TOKEN, "--so-pin", SO_PIN]);
    let login = ["--slot", "1", "--login", "--login-type", "so", "--so-pin", SO_PIN];
    tool(&[&login[..], &["--init-pin", "--new-pin", PIN]].concat());
    Setup { module, token: TOKEN, pin: PIN, environment, wrapper: Vec::new(), _keep: Box::new(dir) }
}
