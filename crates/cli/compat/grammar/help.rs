//! The table of a tool as text.

use std::fmt::Write as _;

use super::{Status, Tool, Verb};

/// The widest line of help.
const WIDTH: usize = 80;

impl Tool {
    /// Writes everything that the tool understands, and what becomes of it.
    pub(in super::super) fn help(&self) -> String {
        let mut text = String::new();
        wrap(&mut text, "", &format!("chancery {}: {}", self.name, self.purpose));
        for verb in self.verbs {
            text.push('\n');
            text.push_str(&self.help_of(verb));
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in self.notes {
            wrap(&mut text, "  ", &format!("- {note}"));
        }
        text
    }

    /// Writes what a verb understands.
    pub(in super::super) fn help_of(&self, verb: &Verb) -> String {
        let mut text = String::new();
        let usage = format!("{}{} {}", self.verb_mark, verb.name, verb.operands);
        let _ = writeln!(text, "{}", usage.trim_end());
        wrap(&mut text, "    ", &with_status(verb.meaning, verb.status));
        for option in verb.options {
            let value = option.value.map(|value| format!(" {value}")).unwrap_or_default();
            let _ = writeln!(text, "  {}{}{value}", self.mark, option.name);
            wrap(&mut text, "        ", &with_status(option.meaning, option.status));
        }
        text
    }
}

fn with_status(meaning: &str, status: Status) -> String {
    match status {
        Status::Done => meaning.to_owned(),
        Status::Repeatable => format!("{meaning} May be given several times."),
        Status::Refused(instead) => format!("{meaning} Not done here: {instead}."),
    }
}

/// Appends words in lines of at most [`WIDTH`].
fn wrap(text: &mut String, indent: &str, words: &str) {
    let mut line = indent.to_owned();
    for word in words.split(' ') {
        let is_full = line.chars().count() + word.chars().count() >= WIDTH;
        if is_full && line.trim() != "" {
            text.push_str(line.trim_end());
            text.push('\n');
            line = indent.to_owned();
        }
        line.push_str(word);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
