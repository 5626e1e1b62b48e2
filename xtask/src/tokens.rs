//! The table of PKCS#11 modules; the rows and the set-ups are an example of chancery-testkit.

use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{self, Result, cargo, command, target_dir};
use crate::suite::Tally;
use crate::tools;

/// The kryoptic that is built: the first releases up to 1.5.2 are under another licence.
const KRYOPTIC: &str = "1.5.4";

/// Where the whole table is kept.
const DOCUMENT: &str = "docs/tokens.md";

/// What stands above the table there.
const PREFACE: &str = "\
# What PKCS#11 modules do

Every row is done through `chancery-pkcs11` with a new token of each module, and judged by OpenSSL and `pkcs11-tool`.
`passed`, or the module's own refusal: a call with its code, or a mechanism that it does not list; `no key` where there
is none to try with. `cargo xtask tokens --all` sets the modules up on Debian, runs everything, and writes this file.

Keys are made so that they only sign. tpm2-pkcs11 takes no word on that: its keys decrypt as well, which `key list` says.
opencryptoki and NSS softokn keep `CKA_ALWAYS_AUTHENTICATE` and sign without the PIN all the same.

";

/// The packages of Debian whose modules are in the table.
const PACKAGES: [&str; 5] =
    ["softhsm2", "opencryptoki", "libnss3", "libtpm2-pkcs11-1", "p11-kit-modules"];

/// Installs what the columns need and prints the table; the whole of it is also written down.
///
/// # Errors
/// Where a cell is neither passed nor refused by the module itself.
pub(crate) fn run(all: bool) -> Result<()> {
    tools::ensure_modules(all)?;
    let mut table =
        cargo(&["run", "--quiet", "--package", "chancery-testkit", "--example", "token_table"]);
    if !all {
        return shell::run(table);
    }
    table.args(["--", "--all"]).env("CHANCERY_KRYOPTIC", kryoptic()?);
    let printed = shell::capture_shown(table)?;
    println!("{printed}");
    write(&shell::root().join(DOCUMENT), &format!("{PREFACE}{printed}\n{}", versions()))
}

/// Lists the releases that the table is about.
fn versions() -> String {
    let mut text = format!("\nReleases: kryoptic {KRYOPTIC} of crates.io");
    for package in PACKAGES {
        let query = command("dpkg-query", &["--show", "--showformat=${Version}", package]);
        // Elsewhere than on Debian there is none to tell.
        if let Ok(version) = shell::capture(query) {
            text.push_str(&format!(", {package} {version}"));
        }
    }
    text + ".\n"
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
