//! Where this checkout and what was built from it are.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the root of the workspace these tests were built from.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).map_or_else(|| manifest.to_path_buf(), Path::to_path_buf)
}

/// Returns cargo's target directory: `CARGO_TARGET_DIR`, else `target` in the [`root`].
#[must_use]
pub fn target_dir() -> PathBuf {
    // Joining an absolute path replaces the root, so both forms of the variable are right.
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
