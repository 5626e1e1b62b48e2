//! The `chancery` command: reads arguments, calls the library, prints what came of it.

#![forbid(unsafe_code)]

mod args;
mod batch;
mod commands;
mod compat;
mod exit;
mod hints;
mod interrupt;
mod json;
mod pin;
mod settings;
mod shown;
mod ui;
mod usage;
mod watch;

use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::args::Cli;
use crate::exit::Exit;
use crate::ui::Ui;

fn main() -> ExitCode {
    // What panicked has said so on stderr.
    panic::catch_unwind(run).unwrap_or_else(|_| Exit::Bug.into())
}

fn run() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(exit) = compat::run(&args) {
        return exit;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&args::without_secrets(error), &args).into(),
    };
    let mut ui = Ui::new(cli.common.format, cli.common.quiet);
    if let Err(error) = settings::load(cli.common.config.as_deref()) {
        return ui.error(&error, None).into();
    }
    if let Some(seconds) = cli.common.token_timeout
        && let Err(error) = watch::start(Duration::from_secs(seconds), cli.common.format)
    {
        return ui.error(&error, None).into();
    }
    let exit = commands::run(cli.command, &mut ui);
    ui.close(exit).into()
}
