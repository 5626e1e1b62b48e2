//! The examiner's tables, for `cargo xtask`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task tells what it found")]

mod tables;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: examiner corpus DIR | wine DIR ANSWERS | pitfalls DIR | mutate [N] | growth | \
                     judge FILE ROOTS | checks";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["corpus", dir] => tables::corpus(Path::new(dir)),
        ["wine", dir, answers] => tables::wine(Path::new(dir), Path::new(answers)),
        ["checks"] => {
            print!("{}", chancery_examiner::checks_table::render());
            Ok(())
        }
        ["pitfalls", dir] => tables::pitfalls(Path::new(dir)),
        ["mutate"] => tables::mutations(100_000),
        ["mutate", count] => match count.parse() {
            Ok(count) => tables::mutations(count),
            Err(_) => Err(USAGE.into()),
        },
        ["growth"] => tables::growth(),
        ["judge", file, roots] => tables::verdict(Path::new(file), Path::new(roots)),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}
