//! Everything that has to hold before a change goes in, fast checks first.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::{self, Result, capture, cargo, command, succeeds, target_dir};
use crate::suite;

/// The cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

/// Packages that are never published, and so need not package well.
const UNPUBLISHED: [&str; 2] = ["chancery-testkit", "xtask"];

type Step = (&'static str, fn() -> Result<()>);

/// What is checked before the tests, in order.
const STEPS: [Step; 5] = [
    ("fmt", format),
    ("clippy", lint),
    ("doc", document),
    ("deny", check_dependencies),
    ("package", package),
];

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
    let start = Instant::now();
    let tally = suite::prepare_and_run()?;
    times.push(("test", start.elapsed()));
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
    shell::run(cargo(&["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    shell::run(cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
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

/// Packages every published crate and builds each from its package, as a user would.
fn package() -> Result<()> {
    // A working copy with changes is what one checks before committing them.
    let mut package = cargo(&["package", "--workspace", "--quiet", "--allow-dirty"]);
    for name in UNPUBLISHED {
        package.args(["--exclude", name]);
    }
    shell::run(package)
}
