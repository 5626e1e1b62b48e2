//! The program that asks crypt32 and wintrust.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::wine::Prefix;
use crate::shell::{self, Result, command, root};

/// `trust.exe`, compiled.
pub(crate) struct Trust<'a> {
    prefix: &'a Prefix,
    program: PathBuf,
}

impl<'a> Trust<'a> {
    /// Compiles it into a folder.
    pub(crate) fn compile(prefix: &'a Prefix, folder: &Path) -> Result<Self> {
        let program = folder.join("trust.exe");
        let mut compile = command(super::C_COMPILER, &["-municode", "-Wall", "-O2", "-o"]);
        compile.arg(&program).arg(root().join("xtask/windows/trust.c"));
        compile.args(["-lwintrust", "-lcrypt32"]);
        shell::run(compile)?;
        Ok(Self { prefix, program })
    }

    /// Makes a command that runs one of its tasks.
    pub(crate) fn run(&self, task: &str) -> Command {
        let mut run = self.prefix.run("wine", &[]);
        run.arg(&self.program).arg(task);
        run
    }

    /// Makes a command that runs it in the folder of a file: a path of this system is none of Windows.
    pub(crate) fn ask(&self, task: &str, file: &Path) -> Command {
        let mut run = self.run(task);
        if let (Some(folder), Some(name)) = (file.parent(), file.file_name()) {
            run.arg(name).current_dir(folder);
        }
        run
    }
}
