//! Every combination of file, key, hash and signature before every oracle; the cells are a test of chancery.

use crate::shell::{self, Result, cargo};
use crate::suite;

/// Prepares the oracles, examines every cell and prints how many passed.
///
/// # Errors
/// Where an oracle judges a cell otherwise than it should, and no rule excuses it.
pub(crate) fn run() -> Result<()> {
    let oracles = suite::prepare()?;
    println!("== matrix");
    let mut matrix = cargo(&["test", "--quiet", "--package", "chancery", "--test", "matrix"]);
    matrix.args(["--", "--ignored", "--nocapture"]).envs(oracles.environment());
    shell::run(matrix)
}
