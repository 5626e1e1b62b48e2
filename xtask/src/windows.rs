//! Building for Windows and running the result under wine.
//!
//! What wine answers is not what Windows answers; it is a second implementation, written by others.

mod corpus;
mod journey;
mod store;
mod toolchain;
mod trust;
mod wine;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::shell::{self, Result, command, root, target_dir};
use crate::suite::{self, Tally};
use crate::tools::{self, Tool};
pub(crate) use corpus::ask_about;
use journey::Journey;
use toolchain::{TARGET, Toolchain};
use trust::Trust;
use wine::Prefix;

/// The C compiler for Windows, which also links what rustc compiles.
const C_COMPILER: &str = "x86_64-w64-mingw32-gcc";

/// What compiling for Windows and running it needs.
const TOOLS: &[Tool] = &[
    Tool { package: "gcc-mingw-w64-x86-64-win32", probe: &[C_COMPILER, "--version"] },
    Tool { package: "wine64", probe: &["dpkg", "-s", "wine64"] },
    Tool { package: "wine", probe: &["wine", "--version"] },
    Tool { package: "openssl", probe: &["openssl", "version"] },
    Tool { package: "osslsigncode", probe: &["osslsigncode", "--version"] },
    // What Debian's rustc is linked with.
    Tool { package: "libedit2", probe: &["dpkg", "-s", "libedit2"] },
    Tool { package: "libz3-4", probe: &["dpkg", "-s", "libz3-4"] },
    Tool { package: "libxml2", probe: &["dpkg", "-s", "libxml2"] },
];

/// A library of ours in the place of wine's `ncrypt.dll`, which has no keys that persist.
struct Double(PathBuf);

impl Double {
    /// Builds it beside the test programs, where only who is told to looks for it.
    fn build(target: &Path) -> Result<Self> {
        let library = target.join(TARGET).join("debug/deps/ncrypt.dll");
        let mut compile = command(C_COMPILER, &["-Wall", "-O2", "-s", "-shared", "-o"]);
        compile.arg(&library).arg(root().join("crates/cng/tests/double/ncrypt.c"));
        compile.arg("-lbcrypt");
        shell::run(compile)?;
        Ok(Self(library))
    }

    fn test(&self, toolchain: &Toolchain, prefix: &Prefix, target: &Path) -> Result<Tally> {
        let mut test = toolchain.cargo("test", target);
        prefix.enter(&mut test);
        test.env("WINEDLLOVERRIDES", format!("{};ncrypt=n", wine::OVERRIDES));
        test.args(["--no-fail-fast", "--package", "chancery-cng", "--test", "double"]);
        test.args(["--", "--ignored"]);
        suite::tally(test, &mut io::stdout())
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        // Left behind it does nothing: nobody else is told to look for it.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What is run, as cargo is told: the tests of what touches files or the system. Those of bytes alone, which take
/// longest, go the same way everywhere.
const TESTS: [&[&str]; 4] = [
    &[
        "--lib",
        "--package=chancery",
        "--package=chancery-certstore",
        "--package=chancery-cng",
        "--package=chancery-pkcs11",
    ],
    &["--package=chancery-cng", "--test=api"],
    &["--package=chancery-certstore", "--test=api", "--", "windows::"],
    &["--package=chancery", "--test=windows"],
];

/// Has crypt32 read the store that is written on this system where the second article is replayed.
pub(crate) fn read_store() -> Result<()> {
    tools::ensure_each(TOOLS)?;
    let folder = target_dir().join("windows");
    let prefix = Prefix::prepare(&folder.join("prefix"))?;
    let own = folder.join("store");
    std::fs::create_dir_all(&own).map_err(|error| format!("{}: {error}", own.display()))?;
    store::reads_the_articles_store(&Trust::compile(&prefix, &own)?)
}

/// Sets everything up, then builds and runs the tests for Windows.
pub(crate) fn run() -> Result<Tally> {
    let start = Instant::now();
    println!("== windows tools");
    tools::ensure_each(TOOLS)?;
    let folder = target_dir().join("windows");
    let toolchain = Toolchain::prepare(&folder.join("toolchain"))?;
    let prefix = Prefix::prepare(&folder.join("prefix"))?;
    println!("set up after {} s", start.elapsed().as_secs());
    println!("== windows tests");
    let target = folder.join("target");
    let test = |args: &[&str]| {
        let mut test = toolchain.cargo("test", &target);
        prefix.enter(&mut test);
        test.arg("--no-fail-fast").args(args);
        suite::tally(test, &mut io::stdout())
    };
    let mut tally = Tally::default();
    for tests in TESTS {
        tally = tally.plus(test(tests)?);
    }
    println!("== windows tests before a double of ncrypt.dll");
    let double = Double::build(&target)?;
    let tally = tally.plus(double.test(&toolchain, &prefix, &target)?);
    drop(double);
    println!("== windows journey");
    let journey = Journey::prepare(&toolchain, &prefix, &target, folder.join("journey"))?;
    let tally = tally.plus(journey.take());
    println!("windows took {:.1} minutes", start.elapsed().as_secs_f64() / 60.0);
    Ok(tally)
}
