//! Tasks for working on Chancery.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it does")]

mod ci;
mod examiner;
mod fuzz;
mod matrix;
mod oracles;
mod peers;
mod shell;
mod suite;
mod tokens;
mod tools;
mod windows;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK [SECONDS | --all | --matrix | DIR | N | PART... | store]

  oracles  install and build what the tests need
  test     `oracles`, then run every test of the workspace and count them
  matrix   sign every kind of file by every kind of key, hash and signature, and have each judged
           by every oracle, whole and damaged: 882 cells; the tests have a selection of them
  fuzz     fuzz every target for SECONDS, 60 if none are given; needs a nightly toolchain
  tokens   what PKCS#11 modules can do, as a table: SoftHSM2 and p11-kit, or with --all
           also kryoptic, opencryptoki, NSS softokn and tpm2-pkcs11; the state of
           opencryptoki is the machine's, and --all begins its token 3 afresh, and
           writes docs/tokens.md
  corpus   verify the executables of DIR, a folder with a MANIFEST.tsv, and compare with the
           manifest, osslsigncode, signify and LIEF, signature by signature
  pitfalls write files that have fooled verifiers into DIR, with the verdicts they deserve
  mutate   verify signed files with random changes: 100000, or as many as N says
  growth   count what hostile files of three sizes cost to verify, in instructions and memory,
           and fail where either grows faster than the file
  rates    signatures a second through the pool of sessions, against a bare loop of
           C_SignInit and C_Sign, and with a token that takes its time
  peers    the command beside osslsigncode and openssl, part by part; without one, says which there are
  windows  build for Windows and run the tests that can run under wine; needs Debian
           with --corpus DIR, ask wine's WinVerifyTrust about the executables of DIR instead, and
           compare with `--policy windows`: every difference has a name, or the task fails
           with `store`, have crypt32 read the store that the replay of an article writes
  ci       formatting, lints, documentation, dependencies, packages, then `test`, `tokens`,
           the seeds of the fuzz targets, and where it can be done some fuzzing";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["oracles"] => suite::prepare().map(|_| ()),
        ["test"] => suite::prepare_and_run().and_then(suite::Tally::close),
        ["matrix"] | ["oracles", "--matrix"] => matrix::run(),
        ["fuzz"] => fuzz::run(60),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run(seconds),
            Err(_) => return usage(),
        },
        ["tokens"] => tokens::run(false),
        ["tokens", "--all"] => tokens::run(true),
        ["rates"] => shell::run(shell::cargo(&[
            "bench",
            "--package",
            "chancery-pkcs11",
            "--bench",
            "signing",
        ])),
        ["windows", "store"] => windows::read_store(),
        ["windows"] => windows::run().and_then(suite::Tally::close),
        ["windows", "--corpus", dir] => windows::ask_about(Path::new(dir)),
        ["ci"] => ci::run(),
        ["corpus", dir] => examiner::run(&["corpus", dir]),
        ["pitfalls", dir] => examiner::run(&["pitfalls", dir]),
        ["peers", parts @ ..] => peers::run(parts),
        ["growth"] => examiner::growth(),
        ["mutate"] => examiner::run(&["mutate"]),
        ["mutate", count] => examiner::run(&["mutate", count]),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => return usage(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
