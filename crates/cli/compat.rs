//! The commands of others, typed as theirs: SignTool, certreq, certutil, `import_key` and `key_mgmt_util` of AWS
//! CloudHSM, and the one line of OpenSSL between them.
//!
//! Each tool is a table ([`grammar::Tool`]) and functions that call the library. Nothing is decided here beyond how a
//! command line is read and an answer is written.

mod certificate_text;
mod certreq;
mod certutil;
mod console;
mod credentials;
mod dates;
mod grammar;
mod hresult;
mod import_key;
mod key_mgmt_util;
mod openssl;
mod signtool;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use self::grammar::Tool;
use crate::exit::Exit;
use crate::settings;
use crate::ui::{Format, Ui};

/// A tool whose command lines are understood.
#[derive(Clone, Copy)]
struct Compat {
    tool: &'static Tool,
    run: fn(&[String]) -> u32,
}

const TOOLS: [Compat; 6] = [
    Compat { tool: &signtool::TOOL, run: signtool::run },
    Compat { tool: &certreq::TOOL, run: certreq::run },
    Compat { tool: &certutil::TOOL, run: certutil::run },
    Compat { tool: &import_key::TOOL, run: import_key::run },
    Compat { tool: &key_mgmt_util::TOOL, run: key_mgmt_util::run },
    Compat { tool: &openssl::TOOL, run: openssl::run },
];

/// Runs the tool that the process was called as, or that its first argument names; `None` where neither is one.
pub(crate) fn run(args: &[OsString]) -> Option<ExitCode> {
    let (called, rest) = args.split_first()?;
    let (compat, rest) = match tool_of(called) {
        Some(compat) => (compat, rest),
        None => {
            let (first, rest) = rest.split_first()?;
            if let (Some("help"), [name]) = (first.to_str(), rest) {
                console::say(named(name.to_str()?)?.tool.help().trim_end());
                return Some(close(0));
            }
            (named(first.to_str()?)?, rest)
        }
    };
    if let Err(error) = settings::load(None) {
        return Some(Ui::new(Format::Text, false).error(&error, None).into());
    }
    let texts: Option<Vec<String>> =
        rest.iter().map(|arg| arg.to_str().map(str::to_owned)).collect();
    let Some(texts) = texts else {
        console::complain("an argument is not Unicode text, and these command lines are text");
        return Some(exit_with(2));
    };
    if asks_for_help(&texts) {
        console::say(compat.tool.help().trim_end());
        return Some(close(0));
    }
    Some(close((compat.run)(&texts)))
}

/// Tells whether a word is the name of a tool.
pub(crate) fn is_tool(name: &str) -> bool {
    named(name).is_some()
}

fn named(name: &str) -> Option<Compat> {
    TOOLS.into_iter().find(|compat| compat.tool.name == name)
}

/// Finds the tool of a program's name: `/usr/local/bin/signtool`, `SIGNTOOL.EXE`.
fn tool_of(called: &OsStr) -> Option<Compat> {
    let name = Path::new(called).file_name()?.to_str()?.to_ascii_lowercase();
    named(name.strip_suffix(".exe").unwrap_or(&name))
}

fn asks_for_help(args: &[String]) -> bool {
    let help = |arg: &String| ["/?", "-?", "-h", "--help", "help"].contains(&arg.as_str());
    args.first().is_some_and(help) || args.get(1).is_some_and(|arg| arg == "/?" || arg == "-?")
}

/// Ends with a tool's code, unless what it had to say was not written.
fn close(code: u32) -> ExitCode {
    match Ui::new(Format::Text, false).close(Exit::Done) {
        Exit::Done => exit_with(code),
        _ if code != 0 => exit_with(code),
        unsaid => unsaid.into(),
    }
}

/// Ends with a code. Systems that have eight bits for it get the lowest ones, and never 0 for what is not 0.
fn exit_with(code: u32) -> ExitCode {
    #[cfg(windows)]
    if code > 0xff {
        #[expect(
            clippy::exit,
            clippy::as_conversions,
            reason = "an HRESULT does not fit ExitCode"
        )]
        std::process::exit(code as i32);
    }
    let low = u8::try_from(code & 0xff).unwrap_or(1);
    ExitCode::from(if low == 0 && code != 0 { 1 } else { low })
}
