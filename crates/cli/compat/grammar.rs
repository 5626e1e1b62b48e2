//! How a command line of another tool is read: by a table that also is its help and its page in the documentation.

mod help;
mod nearest;
mod words;

use self::nearest::nearest;
use super::console::remark;
pub(super) use words::{expand_files, response_files, split};

/// A tool.
#[derive(Debug)]
pub(super) struct Tool {
    /// Its name, as it is called.
    pub(super) name: &'static str,
    /// What it is for, a sentence.
    pub(super) purpose: &'static str,
    /// What an option begins with, in its help: `/`, or `-`. Either is read where `slash` is set.
    pub(super) mark: char,
    /// Whether `/opt` is an option too.
    pub(super) slash: bool,
    /// What is before a verb in its help: nothing, or the mark.
    pub(super) verb_mark: &'static str,
    /// What it does.
    pub(super) verbs: &'static [Verb],
    /// What else there is to know, in its documentation.
    pub(super) notes: &'static [&'static str],
}

/// Something a tool does.
#[derive(Debug)]
pub(super) struct Verb {
    pub(super) name: &'static str,
    /// Its operands, as in `STORE FILE`.
    pub(super) operands: &'static str,
    pub(super) meaning: &'static str,
    pub(super) status: Status,
    pub(super) options: &'static [Opt],
}

/// An option.
#[derive(Debug)]
pub(super) struct Opt {
    pub(super) name: &'static str,
    /// What its value is; `None` for one without.
    pub(super) value: Option<&'static str>,
    pub(super) meaning: &'static str,
    pub(super) status: Status,
}

/// What becomes of an option or a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It does what it does there.
    Done,
    /// As `Done`, and it may be there several times.
    Repeatable,
    /// It is an error, which says what to do instead.
    Refused(&'static str),
}

/// An option that does what it does there.
pub(super) const fn flag(name: &'static str, meaning: &'static str) -> Opt {
    Opt { name, value: None, meaning, status: Status::Done }
}

/// An option with a value.
pub(super) const fn valued(name: &'static str, value: &'static str, meaning: &'static str) -> Opt {
    Opt { name, value: Some(value), meaning, status: Status::Done }
}

/// An option that is refused, and what to do instead.
pub(super) const fn refused(
    name: &'static str,
    meaning: &'static str,
    instead: &'static str,
) -> Opt {
    Opt { name, value: None, meaning, status: Status::Refused(instead) }
}

/// A command line that was read.
#[derive(Debug)]
pub(super) struct Line {
    /// The verb.
    pub(super) verb: &'static Verb,
    /// What an option begins with, where it is named.
    mark: char,
    options: Vec<(&'static str, String)>,
    /// What is no option, in order.
    pub(super) operands: Vec<String>,
}

/// Why a command line cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misread(pub(super) String);

impl Line {
    /// Tells whether an option is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| *known == name)
    }

    /// Returns the value of an option.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Returns the values of an option that may be there several times.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.options.iter().filter(move |(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Tells whether one option stands before another.
    pub(super) fn is_before(&self, one: &str, other: &str) -> bool {
        let place = |name| self.options.iter().position(|(known, _)| *known == name);
        matches!((place(one), place(other)), (Some(one), Some(other)) if one < other)
    }

    /// Insists on a number of operands.
    pub(super) fn operands<const N: usize>(&self) -> Result<[&str; N], Misread> {
        let all: Vec<&str> = self.operands.iter().map(String::as_str).collect();
        let count = all.len();
        all.try_into().map_err(|_| {
            Misread(format!(
                "{} takes {}, and {count} were given",
                self.verb.name, self.verb.operands
            ))
        })
    }

    /// Refuses options that contradict each other.
    pub(super) fn not_both(&self, one: &str, other: &str) -> Result<(), Misread> {
        if self.has(one) && self.has(other) {
            let mark = self.mark;
            let message =
                format!("{mark}{one} and {mark}{other} contradict each other: leave one out");
            return Err(Misread(message));
        }
        Ok(())
    }
}

impl Tool {
    /// Finds a verb; upper and lower case are one.
    pub(super) fn verb(&self, name: &str) -> Option<&'static Verb> {
        self.verbs.iter().find(|verb| verb.name.eq_ignore_ascii_case(name))
    }

    /// Reads a line whose verb comes first, without a mark.
    pub(super) fn read(&self, args: &[String]) -> Result<Line, Misread> {
        let Some((name, rest)) = args.split_first() else {
            return Err(Misread(format!("no command; there are {}", self.verb_names())));
        };
        let verb = self.verb(name).ok_or_else(|| {
            let all = self.verb_names();
            Misread(match nearest(name, self.verbs.iter().map(|verb| verb.name)) {
                Some(meant) => {
                    let name = self.shown(name);
                    format!("`{name}` is no command; did you mean {meant}? There are {all}")
                }
                None => format!("`{}` is no command; there are {all}", self.shown(name)),
            })
        })?;
        self.read_rest(verb, rest)
    }

    /// Reads a line in which the verb is one of the options, wherever it stands.
    pub(super) fn read_marked(&self, args: &[String]) -> Result<Line, Misread> {
        let mut verb = None;
        let mut rest = Vec::new();
        for arg in args {
            let name = self.option_name(arg);
            match name.as_deref().and_then(|name| self.verb(name)) {
                Some(found) if verb.is_none() => verb = Some(found),
                _ => rest.push(arg.clone()),
            }
        }
        let verb = verb.ok_or_else(|| {
            let typed = rest.iter().find_map(|arg| self.option_name(arg));
            let typed = typed.map(|typed| self.shown(&typed));
            let mark = self.verb_mark;
            let all = self.verb_names();
            Misread(match typed {
                None => format!("no verb; there are {all}"),
                Some(typed) => match nearest(&typed, self.verbs.iter().map(|verb| verb.name)) {
                    Some(meant) => {
                        format!("`{mark}{typed}` is no verb; did you mean {mark}{meant}? There are {all}")
                    }
                    None => format!("`{mark}{typed}` is no verb; there are {all}"),
                },
            })
        })?;
        self.read_rest(verb, &rest)
    }

    /// Reads the options and operands of a verb.
    pub(super) fn read_rest(&self, verb: &'static Verb, args: &[String]) -> Result<Line, Misread> {
        if let Status::Refused(instead) = verb.status {
            return Err(Misread(format!("{} is not done here; {instead}", verb.name)));
        }
        let mut line = Line { verb, mark: self.mark, options: Vec::new(), operands: Vec::new() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if let Some(quote) = arg.chars().find(|c| matches!(c, '\u{201c}' | '\u{201d}')) {
                return Err(Misread(format!(
                    "`{}` has the quotation mark {quote} of a word processor; type \" instead",
                    self.shown(arg)
                )));
            }
            let Some(name) = self.option_name(arg) else {
                line.operands.push(arg.clone());
                continue;
            };
            let Some(option) = verb.option(&name) else {
                if self.is_path(arg) {
                    line.operands.push(arg.clone());
                    continue;
                }
                return Err(Misread(self.unknown(verb, arg, &name)));
            };
            let shown = format!("{}{}", self.mark, option.name);
            match option.status {
                Status::Refused(instead) => {
                    return Err(Misread(format!("{shown} is not done here; {instead}")));
                }
                Status::Done if line.has(option.name) => {
                    return Err(Misread(format!("{shown} is there twice")));
                }
                _ => {}
            }
            let value = match option.value {
                None => String::new(),
                Some(what) => {
                    let value = args.next().filter(|value| {
                        self.option_name(value).is_none_or(|name| verb.option(&name).is_none())
                    });
                    let missing =
                        || Misread(format!("{shown} takes a value: {what}. {}", option.meaning));
                    value.ok_or_else(missing)?.clone()
                }
            };
            line.options.push((option.name, value));
        }
        Ok(line)
    }

    /// Returns the name in what has the mark of an option. The dashes that web pages put in the place of a hyphen are
    /// understood.
    fn option_name(&self, arg: &str) -> Option<String> {
        let mut chars = arg.chars();
        let name = match chars.next()? {
            '-' => chars.as_str(),
            '/' if self.slash => chars.as_str(),
            dash @ ('\u{2010}'..='\u{2015}' | '\u{2212}') => {
                let arg = self.shown(arg);
                remark(&format!("`{arg}` begins with the dash {dash}; it is taken for -"));
                chars.as_str()
            }
            _ => return None,
        };
        let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
        is_name.then(|| name.to_owned())
    }

    /// Tells whether what begins with a slash is a path: it has another one, or a file is there.
    fn is_path(&self, arg: &str) -> bool {
        arg.starts_with('/')
            && (arg.get(1..).is_some_and(|rest| rest.contains('/'))
                || std::path::Path::new(arg).exists())
    }

    fn unknown(&self, verb: &Verb, arg: &str, name: &str) -> String {
        let elsewhere = self.verbs.iter().find(|other| other.option(name).is_some());
        let arg = self.shown(arg);
        match elsewhere {
            Some(other) => {
                format!("`{arg}` is an option of {}, and none of {}", other.name, verb.name)
            }
            None => {
                let meant = nearest(name, verb.options.iter().map(|option| option.name));
                let meant = meant.map(|meant| format!("did you mean {}{meant}? ", self.mark));
                format!(
                    "`{arg}` is no option of {}; {}see them:  chancery {} /?",
                    verb.name,
                    meant.unwrap_or_default(),
                    self.name
                )
            }
        }
    }

    /// Returns as much of an argument as a message may repeat: of an option that has its value in the same word, the
    /// name, for the value may be a password.
    fn shown(&self, arg: &str) -> String {
        let begin = arg.find(|c: char| c.is_alphanumeric()).unwrap_or(arg.len());
        let (mark, name) = arg.split_at(begin);
        if self.verbs.iter().any(|verb| verb.option(name).is_some()) {
            return arg.to_owned();
        }
        let is_secret = |option: &&Opt| matches!(option.value, Some("PASSWORD" | "PIN"));
        let mut secrets = self.verbs.iter().flat_map(|verb| verb.options).filter(is_secret);
        let begins_as = |option: &Opt| {
            let start = name.get(..option.name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(option.name))
        };
        let separator = name.find([':', '=']);
        let glued = secrets.find(|option| begins_as(option)).map(|option| option.name.len());
        let end = if mark.is_empty() && separator.is_none() { None } else { separator.or(glued) };
        match end.and_then(|end| name.get(..end)) {
            Some(start) if start.len() < name.len() => format!("{mark}{start}..."),
            _ => arg.to_owned(),
        }
    }

    fn verb_names(&self) -> String {
        let done = self.verbs.iter().filter(|verb| verb.status == Status::Done);
        let names: Vec<_> = done.map(|verb| format!("{}{}", self.verb_mark, verb.name)).collect();
        names.join(", ")
    }
}

impl Verb {
    fn option(&self, name: &str) -> Option<&'static Opt> {
        self.options.iter().find(|option| option.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests;
