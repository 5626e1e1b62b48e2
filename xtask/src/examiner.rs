//! The examinations of the verifier: chancery-examiner, built for speed.

use std::path::Path;

use crate::oracles::Oracles;
use crate::shell::{self, Result, cargo};

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
