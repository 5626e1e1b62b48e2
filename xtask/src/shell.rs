//! Running commands in the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, in one sentence for a person.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Returns cargo's target directory: `CARGO_TARGET_DIR`, else `target` in the [`root`].
pub(crate) fn target_dir() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Makes a command that runs in the root, without input.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// Makes a command of the cargo that runs this task.
pub(crate) fn cargo(args: &[&str]) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args)
}

/// Runs a command to its good end, showing what it says.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let status =
        command.status().map_err(|error| format!("cannot run {}: {error}", line(&command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", line(&command))) }
}

/// Runs a command to its good end and returns what it wrote to standard output.
pub(crate) fn capture(mut command: Command) -> Result<String> {
    let output =
        command.output().map_err(|error| format!("cannot run {}: {error}", line(&command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} ended with {}: {}", line(&command), output.status, said.trim()))
    }
}

/// As [`capture`], with what it says beside that shown while it runs.
pub(crate) fn capture_shown(mut command: Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", line(&command)))?;
    let written = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(written);
    }
    // What came out says what went wrong.
    Err(format!("{written}\n{} ended with {}", line(&command), output.status))
}

/// Tells whether a command is there and ends well, whatever it says.
pub(crate) fn succeeds(command: Command) -> bool {
    capture(command).is_ok()
}

/// Writes a command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
