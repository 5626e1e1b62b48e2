//! Commands that prepare a token.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs `pkcs11-tool` to its good end.
pub(super) fn succeed(module: &Path, environment: &[(OsString, OsString)], args: &[&str]) {
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(module).args(args);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    run(command);
}

/// Runs a command to its good end.
pub(super) fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

/// Finds the first of these files that is here.
pub(super) fn installed(places: &[&str], package: &str) -> std::path::PathBuf {
    let found = places.iter().find(|place| Path::new(place).exists());
    found.map_or_else(|| panic!("apt-get install {package}"), Into::into)
}
