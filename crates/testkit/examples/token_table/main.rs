//! What PKCS#11 modules can do with chancery-pkcs11, as a table: `cargo xtask tokens [--all]`.
//!
//! Each module is set up afresh in a temporary directory, and used in a process of its own, since modules
//! read their configuration from the environment when they are loaded.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test in the shape of a program: it stops by a panic and prints a table"
)]

mod outcome;
mod rows;
mod setup;
mod table;

use std::env;
use std::panic::catch_unwind;
use std::process::{Command, ExitCode};

use outcome::Outcome;
use setup::{Column, Setup};
use table::Table;

/// Asks the program for one column, of the module and token named next.
const COLUMN: &str = "--column";

/// Begins the line in which it tells what the module says of itself.
const NAME: &str = "module\t";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [COLUMN, module, token, pin] => {
            for (row, outcome) in rows::run(module.as_ref(), token, pin) {
                println!("{}", outcome.to_line(row));
            }
            // Not before: keys are made elsewhere while the module is not loaded here.
            println!("{NAME}{}", rows::name(module.as_ref()));
            ExitCode::SUCCESS
        }
        [] => show(setup::few()),
        ["--all"] => show(setup::all()),
        _ => {
            eprintln!("usage: token_table [--all]");
            ExitCode::from(2)
        }
    }
}

/// Fills the table, prints it, and fails where a cell is neither passed nor refused by the module itself.
fn show(setups: Vec<Column>) -> ExitCode {
    let mut table = Table::new(rows::NAMES);
    for (name, make) in setups {
        eprintln!("{name} ...");
        // One module that cannot be set up must not hide what the others do.
        let (is, outcomes) = match catch_unwind(make) {
            Ok(setup) => column(&setup),
            Err(_) => {
                let wrong = Outcome::Wrong("it cannot be set up".into());
                (String::new(), vec![wrong; rows::NAMES.len()])
            }
        };
        table.add(name, is, outcomes);
    }
    println!("{table}");
    let wrong = table.wrong();
    for line in &wrong {
        eprintln!("error: {line}");
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs every row with a module, in a process of its own; returns also what the module says it is.
fn column(setup: &Setup) -> (String, Vec<Outcome>) {
    let program = env::current_exe().unwrap();
    let mut words = setup.wrapper.iter().map(AsRef::as_ref).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).arg(COLUMN).arg(&setup.module).args([setup.token, setup.pin]);
    command.envs(setup.environment.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<_> = text.lines().filter_map(Outcome::from_line).collect();
    let end = format!(
        "its process ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ")
    );
    let found = |name: &&str| {
        let outcome = said.iter().find(|(row, _)| row == name).map(|(_, outcome)| outcome.clone());
        outcome.unwrap_or_else(|| Outcome::Wrong(end.clone()))
    };
    let name = text.lines().find_map(|line| line.strip_prefix(NAME)).unwrap_or_default();
    (name.to_owned(), rows::NAMES.iter().map(found).collect())
}
