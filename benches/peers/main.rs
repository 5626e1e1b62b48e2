//! Chancery beside its peers: what `cargo xtask peers` runs.
//!
//! Whatever is compared is compared in one run: each round takes every contestant once, one after the other, since
//! other work on the machine swings any of them by half. What is printed are the medians of the rounds, and the median
//! of the ratios within each round. A round during which the host gave the processors to others is run again.
#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark ends where anything fails, and prints"
)]

mod contest;
mod files;
mod instructions;
mod latency;
mod measure;
mod sizes;
mod table;
mod verify;
mod world;

use std::process::ExitCode;

use crate::contest::Course;

const USAGE: &str = "\
usage: cargo xtask peers PART... [--rounds N] [--aws-lc] [--write]

  files           500 programs of 64 KiB by a key in SoftHSM, against a bare loop of C_Sign and against
                  osslsigncode in a loop
  sizes MIB...    sign to a new file, sign in place and verify one program of so many MiB, against openssl dgst
                  and osslsigncode; without numbers 1, 64, 512, 2047 and 4095
  latency         files signed a second by a token that takes 20 ms for each signature, in 16 sessions, and with
                  timestamps that take 50 ms
  verify          a folder of 1000 signed programs, against osslsigncode in a loop
  instructions    what valgrind counts while one program of 1 MiB is signed

--aws-lc builds the command with the feature aws-lc-rs.
--write puts what was measured into docs/performance.md and README.md.";

fn main() -> ExitCode {
    let mut parts: Vec<(String, Vec<u64>)> = Vec::new();
    let mut course = Course { rounds: 5, write: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), arg.parse(), parts.last_mut()) {
            // Cargo says so to every benchmark.
            ("--bench", ..) => {}
            ("--write", ..) => course.write = true,
            ("--rounds", ..) => match args.next().and_then(|rounds| rounds.parse().ok()) {
                Some(rounds @ 1..) => course.rounds = rounds,
                _ => return usage(),
            },
            (_, Ok(number), Some((_, numbers))) => numbers.push(number),
            ("files" | "sizes" | "latency" | "verify" | "instructions", ..) => {
                parts.push((arg, Vec::new()));
            }
            _ => return usage(),
        }
    }
    if parts.is_empty() {
        return usage();
    }
    course.machine();
    for (part, numbers) in parts {
        match part.as_str() {
            "files" => files::run(&course),
            "sizes" if numbers.is_empty() => sizes::run(&course, &[1, 64, 512, 2047, 4095]),
            "sizes" => sizes::run(&course, &numbers),
            "latency" => latency::run(&course),
            "verify" => verify::run(&course),
            _ => instructions::run(&course),
        }
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
