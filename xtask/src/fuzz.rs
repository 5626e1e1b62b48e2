//! Replaying the seeds of the fuzz targets, and fuzzing where a nightly toolchain can.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use crate::shell::{self, Result, cargo, command, line, root, succeeds, target_dir};
use crate::suite::{self, Tally};

/// The cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// The target that calls OpenSSL, which loses some memory over a PKCS#7 that it refuses.
const LEAKS_ELSEWHERE: &str = "differential";

/// How long each target is fuzzed before a change goes in, and all of them together, in seconds.
const SMOKE: u64 = 20;
const SMOKE_TOGETHER: u64 = 180;

/// Replays every seed on the stable toolchain, then fuzzes for a moment if that can be done here.
///
/// A target that crashes counts as a failed test.
pub(crate) fn check() -> Result<Tally> {
    println!("== fuzz");
    let mut tally = suite::tally(replay(), &mut io::stdout())?;
    if !is_installed() {
        println!("live fuzzing skipped: no nightly cargo-fuzz");
        return Ok(tally);
    }
    let targets = targets()?;
    let together = SMOKE_TOGETHER / u64::try_from(targets.len()).unwrap_or(u64::MAX).max(1);
    for outcome in fuzz(&targets, SMOKE.min(together))? {
        if outcome.crash.is_some() {
            tally.fail();
        }
    }
    Ok(tally)
}

/// Fuzzes every target for as many seconds, with what it needs installed.
pub(crate) fn run(seconds: u64) -> Result<()> {
    install()?;
    let crashed: Vec<String> = fuzz(&targets()?, seconds)?
        .into_iter()
        .filter(|outcome| outcome.crash.is_some())
        .map(|outcome| outcome.target)
        .collect();
    if crashed.is_empty() { Ok(()) } else { Err(format!("crashed: {}", crashed.join(", "))) }
}

/// Makes a command of the stable cargo in the workspace of the targets. It builds into the root's
/// target directory, where most of what it needs has been built already.
pub(crate) fn in_workspace(task: &str) -> Command {
    let mut command = cargo(&[task, "--manifest-path", "fuzz/Cargo.toml", "--target-dir"]);
    command.arg(target_dir());
    command
}

fn replay() -> Command {
    let mut replay = in_workspace("test");
    replay.arg("--no-fail-fast");
    replay
}

/// Makes a command of the nightly cargo, which also finds what [`install`] installed.
fn nightly(args: &[&str]) -> Command {
    let mut nightly = command("rustup", &["run", "nightly", "cargo"]);
    let own = tools().join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Ok(path) = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)))
    {
        nightly.env("PATH", path);
    }
    // By this a cargo tells its subcommands which cargo they are of: here, the stable one.
    nightly.env_remove("CARGO");
    nightly.args(args);
    nightly
}

fn tools() -> PathBuf {
    target_dir().join("tools")
}

fn is_installed() -> bool {
    succeeds(nightly(&["fuzz", "--version"]))
}

fn install() -> Result<()> {
    if is_installed() {
        return Ok(());
    }
    if !succeeds(nightly(&["--version"])) {
        return Err("fuzzing needs a nightly toolchain: rustup toolchain install nightly".into());
    }
    // Unoptimised it is there in less than half the time, and just as right.
    let mut install = cargo(&["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked"]);
    install.args(["--debug", "--quiet", "--root"]).arg(tools());
    shell::run(install)
}

/// Lists the targets: each has a program of its own.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    if names.is_empty() { Err(format!("no targets in {}", folder.display())) } else { Ok(names) }
}

/// Builds all targets, then runs one after the other and prints what became of it.
fn fuzz(targets: &[String], seconds: u64) -> Result<Vec<Outcome>> {
    let mut build = nightly(&["fuzz", "build", "--features", "libfuzzer", "--target-dir"]);
    build.arg(target_dir().join("fuzz"));
    shell::run(build)?;
    let mut more = in_workspace("run");
    more.args(["--quiet", "--bin", "more-seeds", "--"]).arg(more_seeds());
    shell::run(more)?;
    targets
        .iter()
        .map(|target| {
            let outcome = fuzz_one(target, seconds)?;
            println!("{outcome}");
            Ok(outcome)
        })
        .collect()
}

/// Where the inputs to begin with are put that are not kept with the targets.
fn more_seeds() -> PathBuf {
    target_dir().join("fuzz/more-seeds")
}

/// Fuzzes from the seeds and from what earlier runs found, which is kept beside what was built.
fn fuzz_one(target: &str, seconds: u64) -> Result<Outcome> {
    let corpus = target_dir().join("fuzz/corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut run = nightly(&["fuzz", "run", "--features", "libfuzzer", "--target-dir"]);
    // libFuzzer writes into the first folder and only reads the others.
    run.arg(target_dir().join("fuzz")).arg(target).arg(corpus);
    run.arg(root().join("fuzz/seeds").join(target)).arg(more_seeds().join(target));
    run.args(["--", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"]);
    run.arg(format!("-max_total_time={seconds}"));
    if target == LEAKS_ELSEWHERE {
        run.env("ASAN_OPTIONS", "detect_leaks=0");
    }
    let output = run.output().map_err(|error| format!("cannot run {}: {error}", line(&run)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(Outcome::new(target, &said, output.status.success()))
}

/// What became of fuzzing one target.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    target: String,
    executions: u64,
    per_second: u64,
    /// The edges that the inputs to begin with reach, and that all inputs reach in the end.
    coverage: (u64, u64),
    /// The end of what was said, where it did not end well.
    crash: Option<String>,
}

impl Outcome {
    /// How much of the end is shown: the panic, its stack, and where the input was written to.
    const LINES_OF_CRASH: usize = 60;

    /// Reads what libFuzzer says with `-print_final_stats=1`.
    fn new(target: &str, said: &str, ended_well: bool) -> Self {
        let stat = |name: &str| {
            let mut values = said.lines().filter_map(|line| line.strip_prefix(name));
            values.next_back().and_then(|value| value.trim().parse().ok()).unwrap_or_default()
        };
        let lines: Vec<&str> = said.lines().collect();
        let end = lines.len().saturating_sub(Self::LINES_OF_CRASH);
        Self {
            target: target.to_owned(),
            executions: stat("stat::number_of_executed_units:"),
            coverage: coverage(&lines),
            per_second: stat("stat::average_exec_per_sec:"),
            crash: (!ended_well).then(|| lines.get(end..).unwrap_or_default().join("\n")),
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { target, executions, per_second, coverage: (first, last), crash } = self;
        if let Some(crash) = crash {
            writeln!(f, "{crash}")?;
        }
        let end = if crash.is_some() { "CRASH" } else { "no crash" };
        write!(f, "{target:16} {executions:>10} executions {per_second:>8}/s  ")?;
        write!(f, "{first:>6} to {last:>6} edges  {end}")
    }
}

/// Reads how many edges were reached before anything was changed, and at the end.
fn coverage(lines: &[&str]) -> (u64, u64) {
    let edges = |line: &&str| -> Option<u64> {
        let (_, rest) = line.strip_prefix('#')?.split_once(" cov: ")?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let begun = lines.iter().filter(|line| line.contains("\tINITED")).find_map(edges);
    let ended = lines.iter().rev().find_map(edges);
    (begun.unwrap_or_default(), ended.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 40Mb
#81920\tDONE   cov: 9 ft: 12 corp: 4/9b lim: 4 exec/s: 3900 rss: 44Mb
Done 81920 runs in 21 second(s)
stat::number_of_executed_units: 81920
stat::average_exec_per_sec:     3900
stat::new_units_added:          12
";

    #[test]
    fn executions_are_read_from_the_final_statistics() {
        let outcome = Outcome::new("pe", SAID, true);
        assert_eq!(
            (outcome.executions, outcome.per_second, &outcome.crash),
            (81_920, 3_900, &None)
        );
        assert!(
            outcome.to_string().ends_with("3900/s       5 to      9 edges  no crash"),
            "{outcome}"
        );
    }

    #[test]
    fn a_crash_is_shown_with_the_end_of_what_was_said() {
        let said =
            format!("{}{SAID}Test unit written to artifacts/pe/crash-1\n", "noise\n".repeat(99));
        let outcome = Outcome::new("pe", &said, false);
        assert_eq!(outcome.executions, 81_920);
        let crash = outcome.crash.as_deref().unwrap();
        assert!(crash.ends_with("crash-1") && crash.lines().count() == Outcome::LINES_OF_CRASH);
        assert!(outcome.to_string().ends_with("CRASH"));
    }

    #[test]
    fn a_program_that_does_not_start_is_a_crash() {
        let outcome = Outcome::new("pe", "", false);
        assert_eq!((outcome.executions, outcome.crash.as_deref()), (0, Some("")));
    }

    #[test]
    fn every_target_has_a_folder_of_seeds() {
        let targets = targets().unwrap();
        assert!(targets.iter().any(|target| target == "pe"));
        for target in targets {
            assert!(root().join("fuzz/seeds").join(&target).is_dir(), "{target}");
        }
    }
}
