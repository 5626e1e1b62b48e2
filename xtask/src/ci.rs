//! Everything that has to hold before a change goes in, fast checks first.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::fuzz;
use crate::shell::{self, Result, capture, cargo, command, succeeds, target_dir};
use crate::suite::{self, Tally};
use crate::tokens;

/// The cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// Packages that are never published, and so need not package well.
const UNPUBLISHED: [&str; 5] =
    ["chancery-benches", "chancery-examiner", "chancery-faulty-token", "chancery-testkit", "xtask"];

type Step = (&'static str, fn() -> Result<()>);

type Run = (&'static str, fn() -> Result<Tally>);

/// What is checked before the tests, in order.
const STEPS: [Step; 5] = [
    ("fmt", format),
    ("clippy", lint),
    ("doc", document),
    ("deny", check_dependencies),
    ("package", package),
];

/// What is run and counted then, whatever fails.
const RUNS: [Run; 3] =
    [("test", suite::prepare_and_run), ("tokens", tokens::check), ("fuzz", fuzz::check)];

/// Takes every step, stops at the first that fails, and ends with the tests.
pub(crate) fn run() -> Result<()> {
    let mut times = Vec::new();
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        step().map_err(|reason| format!("{name}: {reason}"))?;
        let time = start.elapsed();
        println!("{name} took {}", seconds(time));
        times.push((name, time));
    }
    let mut tally = Tally::default();
    for (name, run) in RUNS {
        let start = Instant::now();
        tally = tally.plus(run().map_err(|reason| format!("{name}: {reason}"))?);
        times.push((name, start.elapsed()));
    }
    println!("== times");
    for (name, time) in times {
        println!("{name:8} {:>8}", seconds(time));
    }
    tally.close()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn format() -> Result<()> {
    shell::run(cargo(&["fmt", "--all", "--check"]))?;
    // Not `--all`, which would take in every crate of ours once more.
    shell::run(cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
}

fn lint() -> Result<()> {
    shell::run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut aws_lc = cargo(&["clippy"]);
    aws_lc.args(suite::AWS_LC).args(["--all-targets", "--", "-D", "warnings"]);
    shell::run(aws_lc)?;
    let mut fuzz = fuzz::in_workspace("clippy");
    fuzz.args(["--all-targets", "--", "-D", "warnings"]);
    shell::run(fuzz)
}

fn document() -> Result<()> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    shell::run(doc)
}

/// Checks licences, sources and who may depend on whom, as `deny.toml` says.
fn check_dependencies() -> Result<()> {
    let mut deny = cargo_deny()?;
    deny.args(["--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    shell::run(deny)
}

/// Finds cargo-deny, or installs it into the target directory.
fn cargo_deny() -> Result<Command> {
    let root = target_dir().join("tools");
    let own = root.join("bin/cargo-deny");
    let is_wanted =
        || capture(command(&own, &["--version"])).is_ok_and(|said| said.ends_with(CARGO_DENY));
    if succeeds(cargo(&["deny", "--version"])) {
        return Ok(cargo(&["deny"]));
    }
    if !is_wanted() {
        // Unoptimised it is there in less than half the time, and just as right.
        let mut install = cargo(&["install", "cargo-deny", "--version", CARGO_DENY]);
        install.args(["--locked", "--debug", "--quiet", "--root"]).arg(root);
        shell::run(install)?;
    }
    Ok(command(own, &[]))
}

/// Removes what cargo keeps of the packages of an earlier run: it takes what came from a registry for
/// unchangeable, and would build this run's crates against the last run's, unpacked or built.
fn forget_packaged() {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let Some(sources) = home.map(|home| home.join("registry/src")) else { return };
    for registry in std::fs::read_dir(sources).into_iter().flatten().flatten() {
        // The temporary registry has no host: its name is a dash and a hash.
        if registry.file_name().to_string_lossy().starts_with('-') {
            // What cannot be removed fails the packaging itself, and says so there.
            let _ = std::fs::remove_dir_all(registry.path());
        }
    }
    let fingerprints = target_dir().join("debug/.fingerprint");
    for fingerprint in std::fs::read_dir(fingerprints).into_iter().flatten().flatten() {
        if fingerprint.file_name().to_string_lossy().starts_with("chancery") {
            let _ = std::fs::remove_dir_all(fingerprint.path());
        }
    }
}

/// Packages every published crate and builds each from its package, as a user would.
fn package() -> Result<()> {
    forget_packaged();
    // A working copy with changes is what one checks before committing them.
    let mut package = cargo(&["package", "--workspace", "--quiet", "--allow-dirty"]);
    for name in UNPUBLISHED {
        package.args(["--exclude", name]);
    }
    shell::run(package)
}
