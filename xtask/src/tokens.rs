//! The table of PKCS#11 modules; the rows and the set-ups are an example of chancery-testkit.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, target_dir};
use crate::suite::Tally;
use crate::tools;

/// The kryoptic that is built: the first releases up to 1.5.2 are under another licence.
const KRYOPTIC: &str = "1.5.4";

/// Installs what the columns need and prints the table.
///
/// # Errors
/// Where a cell is neither passed nor refused by the module itself.
pub(crate) fn run(all: bool) -> Result<()> {
    tools::ensure_modules(all)?;
    let mut table =
        cargo(&["run", "--quiet", "--package", "chancery-testkit", "--example", "token_table"]);
    if all {
        table.args(["--", "--all"]).env("CHANCERY_KRYOPTIC", kryoptic()?);
    }
    shell::run(table)
}

/// Prints the quick columns, as a failure to be counted where one is wrong.
pub(crate) fn check() -> Result<Tally> {
    println!("== tokens");
    let mut tally = Tally::default();
    if let Err(reason) = run(false) {
        println!("{reason}");
        tally.fail();
    }
    Ok(tally)
}

/// Builds kryoptic from the registry, unless it is there; returns the path of the module.
fn kryoptic() -> Result<PathBuf> {
    let project = target_dir().join("tools/kryoptic");
    let module = project.join("target/release/libkryoptic_pkcs11.so");
    if module.exists() {
        println!("{} is there", module.display());
        return Ok(module);
    }
    println!("building kryoptic {KRYOPTIC}");
    // Without default features, since those want an OpenSSL newer than many a Debian has.
    let manifest = format!(
        "[package]\nname = \"kryoptic-here\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\n\
         kryoptic = {{ version = \"={KRYOPTIC}\", default-features = false, features = [\"minimal\"] }}\n\
         kryoptic-lib = {{ version = \"={KRYOPTIC}\", default-features = false, \
         features = [\"dynamic\", \"kdf_all\"] }}\n"
    );
    write(&project.join("Cargo.toml"), &manifest)?;
    write(&project.join("src/lib.rs"), "")?;
    // The package itself, not ours around it: as a dependency alone it would not become a module.
    let mut build = cargo(&["build", "--quiet", "--release", "--package", "kryoptic"]);
    build.current_dir(&project).env("CARGO_TARGET_DIR", project.join("target"));
    build.env("CONFDIR", &project);
    shell::run(build)?;
    Ok(module)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}
