//! Arguments that make no sense, told as every other error is.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::compat;
use crate::exit::Exit;
use crate::json;
use crate::ui::{Format, Ui};

/// Answers arguments that were not read: with help or the version where that was asked for, else with the error.
pub(crate) fn report(error: &clap::Error, args: &[OsString]) -> Exit {
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| io::stdout().flush());
        return match printed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Exit::from(chancery::ErrorKind::Io)
            }
            _ => Exit::Done,
        };
    }
    let tool = tool_behind_options(error);
    if !wants_json(args) && tool.is_none() {
        let _ = error.print();
        return Exit::Usage;
    }
    let failure = match tool {
        Some(tool) => json::Failure::usage(
            format!("`{tool}` comes first: none of chancery's own options goes with it"),
            vec![
                format!("leave out what is before it:  chancery {tool} ..."),
                "what it needs besides goes into chancery.toml, here or in the user's folder"
                    .into(),
            ],
        ),
        None => of_text(error),
    };
    let format = if wants_json(args) { Format::Json } else { Format::Text };
    Ui::new(format, false).failure(&failure);
    Exit::Usage
}

/// Tells whether the arguments ask for JSON: clap, which did not get through them, does not say.
fn wants_json(args: &[OsString]) -> bool {
    let own = args.iter().skip(1).take_while(|arg| *arg != "--");
    let mut last = None;
    let mut before = false;
    for arg in own {
        if before {
            last = Some(arg == "json");
        } else if let Some(value) = arg.to_str().and_then(|arg| arg.strip_prefix("--format=")) {
            last = Some(value == "json");
        }
        before = !before && arg == "--format";
    }
    last.unwrap_or(false)
}

/// Finds the tool whose command line stands behind options of ours: it is none of clap's commands.
fn tool_behind_options(error: &clap::Error) -> Option<&str> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    compat::is_tool(word).then_some(word)
}

/// Takes what clap writes for a terminal apart.
fn of_text(error: &clap::Error) -> json::Failure {
    if let ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand =
        error.kind()
    {
        let hint = "see the commands there are:  chancery --help";
        return json::Failure::usage("a command is missing".into(), vec![hint.into()]);
    }
    let text = error.render().to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more information").next().unwrap_or_default();
    let (mut message, mut hints) = (String::new(), Vec::new());
    for line in said.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            hints.push(tip.to_owned());
        } else {
            let blank = if message.is_empty() { "" } else { " " };
            message.push_str(blank);
            message.push_str(line.strip_prefix("error: ").unwrap_or(line));
        }
    }
    json::Failure::usage(message, hints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_wanted_where_the_last_format_says_so() {
        let wants = |line: &str| {
            let args: Vec<_> = line.split(' ').map(OsString::from).collect();
            wants_json(&args)
        };
        for line in [
            "chancery sign --format json",
            "chancery --format=json sing",
            "chancery --format text sign --format json",
        ] {
            assert!(wants(line), "{line}");
        }
        for line in [
            "chancery sign",
            "chancery sign --format text",
            "chancery --format json sign --format text",
            "chancery sign --format",
            "chancery sign json",
            "chancery sign -- --format json",
        ] {
            assert!(!wants(line), "{line}");
        }
    }
}
