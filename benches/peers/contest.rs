//! Rounds, medians, and where the results go.

use std::fs;
use std::process::Command;

use chancery_testkit::calm;

use crate::table::Table;

/// How a part is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub(crate) rounds: usize,
    /// Whether the tables go into the documents.
    pub(crate) write: bool,
}

/// One figure of each contestant a round.
#[derive(Debug)]
pub(crate) struct Rounds<const N: usize>(Vec<[f64; N]>);

impl Course {
    /// Runs every round.
    pub(crate) fn rounds<const N: usize>(&self, round: impl FnMut() -> [f64; N]) -> Rounds<N> {
        let calm = calm::rounds(self.rounds, round);
        println!("{calm}");
        Rounds(calm.rounds)
    }

    /// Shows a table, and writes it where that was asked for.
    pub(crate) fn publish(&self, table: &Table) {
        println!("{table}");
        if self.write {
            table.write();
        }
    }

    /// Says what all this was measured on.
    pub(crate) fn machine(&self) {
        let verifier = match (cfg!(feature = "aws-lc-rs"), cfg!(feature = "ring")) {
            (true, _) => "by AWS-LC",
            (false, true) => "by ring",
            (false, false) => "in Rust",
        };
        let mut table = Table::new("machine", &["what", ""]);
        for (what, is) in [
            ("processor", processor()),
            ("system", said("uname", &["-sr"])),
            ("signatures verified", verifier.to_owned()),
            ("osslsigncode", said("osslsigncode", &["--version"])),
            ("openssl", said("openssl", &["version"])),
            ("valgrind", said("valgrind", &["--version"])),
        ] {
            table.row([what.to_owned(), is]);
        }
        self.publish(&table);
    }
}

impl<const N: usize> Rounds<N> {
    /// Returns the median of one contestant.
    pub(crate) fn median(&self, of: usize) -> f64 {
        median(self.0.iter().map(|round| round[of]))
    }

    /// Returns the median of what one is of another in the same round.
    pub(crate) fn ratio(&self, of: usize, to: usize) -> f64 {
        median(self.0.iter().map(|round| round[of] / round[to]))
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn processor() -> String {
    let all = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = all.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let flags = all.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let has_sha = flags.split(' ').any(|flag| flag == "sha_ni");
    format!("{model}, {cores} cores, SHA instructions: {}", if has_sha { "yes" } else { "no" })
}

/// The first line of what a program says.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines()
        .next()
        .map_or_else(|| "not here".to_owned(), |line| line.trim_end_matches(", using:").to_owned())
}
