//! Chancery beside its peers: the benchmark `peers` of the root package, with the command built for speed.

use crate::shell::{self, Result, cargo};
use crate::tools;

/// Runs the parts that were typed.
///
/// # Errors
/// Where a tool is missing, or one of the contestants fails.
pub(crate) fn run(parts: &[&str]) -> Result<()> {
    tools::ensure_peers()?;
    let mut bench =
        cargo(&["bench", "--quiet", "--package", "chancery-cli", "--bench", "peers", "--"]);
    bench.args(parts);
    shell::run(bench)
}
