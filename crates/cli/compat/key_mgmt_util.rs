//! `key_mgmt_util` of AWS CloudHSM: a prompt, or with `singlecmd` the commands of one line.

mod attributes;
mod commands;
mod options;

use std::io::{BufRead, IsTerminal};

use self::commands::{Answer, Session};
pub(super) use self::options::TOOL;
use super::console::{complain, prompt, say};
use super::grammar::{Misread, split};

/// The longest line of the prompt that is read, in bytes.
const MAX_LINE: u64 = 1 << 20;

pub(super) fn run(args: &[String]) -> u32 {
    let mut session = Session::default();
    match args.split_first() {
        None => interactive(&mut session),
        Some((first, rest)) if first == "singlecmd" => {
            let mut failed = 0;
            for command in chained(rest) {
                if let Answer::Failed = execute(&mut session, &command) {
                    failed = 1;
                }
            }
            failed
        }
        Some((first, _)) => {
            complain(&format!(
                "`{first}`: call key_mgmt_util alone for its prompt, or as  key_mgmt_util singlecmd COMMAND ..."
            ));
            1
        }
    }
}

/// Cuts one line into its commands, each of which begins with the name of one.
fn chained(args: &[String]) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    for arg in args {
        match commands.last_mut() {
            Some(last) if TOOL.verb(arg).is_none() => last.push(arg.clone()),
            _ => commands.push(vec![arg.clone()]),
        }
    }
    commands
}

fn interactive(session: &mut Session) -> u32 {
    let mut failed = 0;
    let mut input = std::io::stdin().lock();
    let is_terminal = std::io::stdin().is_terminal();
    loop {
        prompt("Command:  ");
        let mut line = String::new();
        let read = std::io::Read::take(&mut input, MAX_LINE).read_line(&mut line);
        if !matches!(read, Ok(count) if count > 0) {
            prompt("\n");
            return failed;
        }
        let words = split(&line, true);
        if words.is_empty() {
            continue;
        }
        if !is_terminal {
            prompt("\n");
        }
        match execute(session, &words) {
            Answer::Done => {}
            Answer::Failed => failed = 1,
            Answer::Exit => return failed,
        }
    }
}

fn execute(session: &mut Session, words: &[String]) -> Answer {
    match words {
        [first] if ["help", "-h", "?"].contains(&first.as_str()) => {
            say(TOOL.help().trim_end());
            return Answer::Done;
        }
        [verb, help] if help == "-h" => {
            if let Some(verb) = TOOL.verb(verb) {
                say(TOOL.help_of(verb).trim_end());
                return Answer::Done;
            }
        }
        _ => {}
    }
    match TOOL.read(words) {
        Ok(line) => session.execute(&line),
        Err(Misread(message)) => {
            complain(&format!("Error: {message}"));
            Answer::Failed
        }
    }
}
