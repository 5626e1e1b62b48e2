//! `docs/settings.md` says what `chancery.toml` can say.

use std::fs;
use std::path::Path;

use chancery::{PinSetting, Settings};

use crate::support::chancery;

fn document() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md")).unwrap()
}

/// The settings in the first column of its table.
fn documented(document: &str) -> Vec<&str> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once('`').unwrap().0).collect()
}

#[test]
fn the_example_is_read_as_the_document_says_and_has_every_setting() {
    let document = document();
    let (_, rest) = document.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chancery.toml");
    fs::write(&path, example).unwrap();
    let settings = Settings::load(&path).unwrap();
    assert_eq!(settings.module.as_deref(), Some("/usr/lib/softhsm/libsofthsm2.so".as_ref()));
    assert_eq!(settings.store.as_deref(), Some("/var/lib/chancery/stores".as_ref()));
    assert_eq!(settings.ca.as_deref(), Some("/var/lib/chancery/ca".as_ref()));
    let servers = ["http://timestamp.example.com/rfc3161", "http://tsa.example.org"];
    assert_eq!(settings.timestamp, servers);
    assert_eq!(settings.pin, Some(PinSetting::File("/run/secrets/pin".into())));
    assert_eq!(settings.token_pins["build"], PinSetting::Environment("BUILD_PIN".into()));
    let provider = settings.provider("cavium key storage provider").unwrap();
    assert_eq!(provider.module, Path::new("/opt/cloudhsm/lib/libcloudhsm_pkcs11.so"));
    assert_eq!(provider.token.as_deref(), Some("hsm1"));
}

/// The error for an unknown setting lists those there are; the table has the same.
#[test]
fn the_table_has_the_settings_that_the_command_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chancery.toml");
    fs::write(&path, "timestmap = []\n").unwrap();
    let config = ["store", "list", "--config", path.to_str().unwrap()];
    let refused = chancery(config).ends_with(3);
    assert!(refused.stderr.contains("`timestmap` is no setting"), "{}", refused.stderr);
    let (_, known) = refused.stderr.split_once("there are ").unwrap();
    let known = known.lines().next().unwrap().replace(" and ", ", ");
    let known: Vec<_> = known.split(", ").map(str::trim).collect();
    assert_eq!(documented(&document()), known);
}

/// Every option and variable that the document names is one of the command's.
#[test]
fn the_options_it_names_are_there() {
    let document = document();
    let help = |args: &[&str]| chancery(args).ends_with(0).stdout;
    let help = help(&["sign", "--help"]) + &help(&["store", "list", "--help"]);
    let named = document.split('`').skip(1).step_by(2).flat_map(str::split_whitespace);
    let options: Vec<_> = named.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() >= 8, "{options:?}");
    for option in options {
        assert!(help.contains(option), "{option}");
    }
}
