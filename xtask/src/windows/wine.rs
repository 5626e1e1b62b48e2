//! A Windows to run programs in: wine, with a prefix of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result, command, root};

/// Neither .NET nor a browser nor menu entries: each would be offered for installation.
pub(super) const OVERRIDES: &str = "mscoree=;mshtml=;winemenubuilder.exe=";

/// A wine prefix: the drives and the registry of one Windows.
pub(crate) struct Prefix {
    folder: PathBuf,
}

impl Prefix {
    /// Makes the prefix, unless it is there.
    ///
    /// Wine 8 lacks `bcryptprimitives.dll`, from which Rust's standard library takes its random numbers: a few
    /// lines of C stand in for it.
    pub(crate) fn prepare(folder: &Path) -> Result<Self> {
        let prefix = Self { folder: folder.to_path_buf() };
        let library = folder.join("drive_c/windows/system32/bcryptprimitives.dll");
        if library.exists() {
            println!("{} is there", folder.display());
            return Ok(prefix);
        }
        println!("making {}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        shell::run(prefix.run("wineboot", &["--init"]))?;
        shell::run(prefix.run("wineserver", &["--wait"]))?;
        let mut compile = command(super::C_COMPILER, &["-O2", "-s", "-shared", "-o"]);
        compile.arg(&library).arg(root().join("xtask/windows/bcryptprimitives.c"));
        compile.arg("-ladvapi32");
        shell::run(compile)?;
        Ok(prefix)
    }

    /// Makes a command that runs in this prefix.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Command {
        let mut command = command(program, args);
        self.enter(&mut command);
        command
    }

    /// Lets what a command starts find this prefix.
    pub(crate) fn enter(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", &self.folder)
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", OVERRIDES)
            // Arguments that are not ASCII are lost in the C locale.
            .env("LC_ALL", "C.UTF-8")
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine")
            .env_remove("DISPLAY");
    }

    /// Ends the server of this prefix, and with it whatever still runs in it.
    fn end(&self) {
        // Where there is none, there is nothing to end.
        let _ = shell::capture(self.run("wineserver", &["--kill"]));
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        self.end();
    }
}
