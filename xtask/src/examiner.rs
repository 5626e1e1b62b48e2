//! The examinations of the verifier: chancery-examiner, built for speed.

use std::path::Path;

use crate::oracles::Oracles;
use crate::shell::{self, Result, cargo};
use crate::tools::{self, Tool};

/// What counts instructions and allocations.
const COUNTER: [Tool; 1] = [Tool { package: "valgrind", probe: &["valgrind", "--version"] }];

/// Counts what hostile files cost.
///
/// # Errors
/// Where the counter is missing, or something grows faster than the file.
pub(crate) fn growth() -> Result<()> {
    tools::ensure_each(&COUNTER)?;
    run(&["growth"])
}

/// Runs one of its tasks on what was typed, after installing the tools it compares with.
///
/// # Errors
/// Where a tool is missing, or the examination finds what it should not.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let oracles = Oracles::prepare()?;
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let mut examiner =
        cargo(&["run", "--quiet", "--release", "--package", "chancery-examiner", "--"]);
    examiner.envs(oracles.environment());
    // Commands run in the root, whatever the folder this was typed in.
    examiner.args(args.iter().map(|arg| match Path::new(arg).exists() {
        true => here.join(arg).into_os_string(),
        false => arg.into(),
    }));
    shell::run(examiner)
}
