//! Running every test of the workspace and counting them.

use std::io::{self, BufRead as _, BufReader, Write};
use std::process::{Command, Stdio};

use crate::oracles::Oracles;
use crate::shell::{Result, cargo};
use crate::tools;

/// The crate that the command has verify by ring, here without it.
const IN_RUST: [&str; 2] = ["-p", "chancery-sigverify"];

/// The crates of which a part is in the place of another with a feature, and that feature.
pub(crate) const AWS_LC: [&str; 6] = [
    "-p",
    "chancery-sigverify",
    "-p",
    "chancery-softkey",
    "--features",
    "chancery-sigverify/aws-lc-rs,chancery-softkey/aws-lc-rs",
];

/// How many tests passed and failed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
}

/// Installs and builds what the tests need.
pub(crate) fn prepare() -> Result<Oracles> {
    println!("== tools");
    tools::ensure()?;
    tools::print_versions()?;
    println!("== oracles");
    Oracles::prepare()
}

/// Prepares, then runs every test.
pub(crate) fn prepare_and_run() -> Result<Tally> {
    let oracles = prepare()?;
    println!("== tests");
    let mut tests = cargo(&["test", "--workspace", "--no-fail-fast"]);
    tests.envs(oracles.environment());
    let mut all = tally(tests, &mut io::stdout())?;
    for (name, packages) in [("in Rust alone", &IN_RUST[..]), ("with AWS-LC", &AWS_LC)] {
        println!("== tests {name}");
        let mut tests = cargo(&["test", "--no-fail-fast"]);
        tests.args(packages).envs(oracles.environment());
        all = all.plus(tally(tests, &mut io::stdout())?);
    }
    Ok(all)
}

impl Tally {
    /// Counts one more that passed.
    pub(crate) fn pass(&mut self) {
        self.passed += 1;
    }

    /// Counts one more failure.
    pub(crate) fn fail(&mut self) {
        self.failed += 1;
    }

    /// Adds up two tallies.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }

    /// Prints the closing line, and fails unless tests passed and none failed.
    pub(crate) fn close(self) -> Result<()> {
        let Self { passed, failed } = self;
        println!("{passed} passed, {failed} failed");
        match (passed, failed) {
            (0, 0) => Err("no test ran".into()),
            (_, 0) => Ok(()),
            _ => Err("not every test passed".into()),
        }
    }

    /// Counts a line such as `test result: ok. 5 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            if let Some((number, word)) = part.trim().split_once(' ') {
                let number: u64 = number.parse().unwrap_or(0);
                match word {
                    "passed" => self.passed += number,
                    "failed" => self.failed += number,
                    _ => {}
                }
            }
        }
    }
}

/// Runs a test command, passes on what it writes, and adds up the results.
pub(crate) fn tally(mut command: Command, output: &mut impl Write) -> Result<Tally> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run the tests: {error}"))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            // Whoever read our output may be gone; the tests are counted all the same.
            let _ = output.write_all(&line);
            tally.add(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait().map_err(|error| format!("lost the tests: {error}"))?;
    if !status.success() && tally.failed == 0 {
        // A test that does not compile, or a test program that crashed, gives no result line.
        let _ = writeln!(output, "the tests ended with {status}: counted as one failure");
        tally.failed = 1;
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Tally, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut output = Vec::new();
        let tally = tally(command, &mut output).unwrap();
        (tally, String::from_utf8(output).unwrap())
    }

    #[test]
    fn adds_up_every_result_line() {
        let mut sum = Tally::default();
        for line in [
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; \
             finished in 0.01s\n",
            "running 5 tests\n",
            "test a::b ... ok\n",
            "we said: test result: ok. 100 passed; 0 failed\n",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured\n",
        ] {
            sum.add(line);
        }
        assert_eq!(sum, Tally { passed: 8, failed: 2 });
    }

    #[test]
    fn a_crash_without_a_result_line_is_a_failure() {
        let (tally, _) = shell("echo 'test result: ok. 2 passed; 0 failed;'; exit 101");
        assert_eq!(tally, Tally { passed: 2, failed: 1 });
        let (tally, _) = shell("echo 'test result: FAILED. 2 passed; 3 failed;'; exit 101");
        assert_eq!(tally, Tally { passed: 2, failed: 3 });
    }

    #[test]
    fn everything_written_is_passed_on() {
        let (tally, output) = shell("echo one; printf two");
        assert_eq!((tally, output.as_str()), (Tally { passed: 0, failed: 0 }, "one\ntwo"));
    }

    #[test]
    fn one_failure_among_several_runs_is_a_failure() {
        let mut second = Tally { passed: 1, failed: 0 };
        second.fail();
        let sum = Tally { passed: 2, failed: 0 }.plus(second);
        assert_eq!(sum, Tally { passed: 3, failed: 1 });
        assert!(sum.close().is_err());
    }

    #[test]
    fn nothing_tested_is_not_a_success() {
        assert!(Tally { passed: 0, failed: 0 }.close().is_err());
        assert!(Tally { passed: 3, failed: 1 }.close().is_err());
        assert!(Tally { passed: 1, failed: 0 }.close().is_ok());
    }
}
