//! Chancery beside its peers: the benchmark `peers` of the root package, with the command built for speed.

use crate::shell::{self, Result, cargo};
use crate::tools;

/// Has the command built with the feature `aws-lc-rs`.
const AWS_LC: &str = "--aws-lc";

/// Runs the parts that were typed.
///
/// # Errors
/// Where a tool is missing, or one of the contestants fails.
pub(crate) fn run(parts: &[&str]) -> Result<()> {
    tools::ensure_peers()?;
    let mut bench = cargo(&["bench", "--quiet", "--package", "chancery-cli", "--bench", "peers"]);
    if parts.contains(&AWS_LC) {
        bench.args(["--features", "aws-lc-rs"]);
    }
    bench.arg("--").args(parts.iter().filter(|part| **part != AWS_LC));
    shell::run(bench)
}
