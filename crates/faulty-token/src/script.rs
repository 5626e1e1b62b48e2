//! The script: what is to go wrong, one rule a line. Its grammar is in the README.

use core::fmt;
use std::time::Duration;

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_FLAGS, CK_MECHANISM_TYPE, CK_RV, CKA_ALWAYS_AUTHENTICATE,
};

use crate::names::{ATTRIBUTES, MECHANISMS, RETURN_CODES, TOKEN_FLAGS, value};

/// What `profile cloudhsm` stands for.
const CLOUDHSM: &str = "read-write-only CKR_FUNCTION_FAILED
user-password-pin
pin-tries 5
refuse CKA_ID CKR_ATTRIBUTE_READ_ONLY
fail C_Sign CKR_FUNCTION_FAILED from 8 every 8";

/// A script that has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub(crate) faults: Vec<Fault>,
    pub(crate) sessions: Option<usize>,
    pub(crate) read_write_only: Option<CK_RV>,
    pub(crate) hidden: Vec<CK_ATTRIBUTE_TYPE>,
    pub(crate) refused: Vec<(CK_ATTRIBUTE_TYPE, CK_RV)>,
    /// What objects answer when asked for an attribute that is true or false.
    pub(crate) answered: Vec<(CK_ATTRIBUTE_TYPE, bool)>,
    pub(crate) without_mechanisms: Vec<CK_MECHANISM_TYPE>,
    pub(crate) set_flags: CK_FLAGS,
    pub(crate) clear_flags: CK_FLAGS,
    pub(crate) pin_tries: Option<PinTries>,
    pub(crate) user_password_pin: bool,
    pub(crate) always_authenticate: bool,
}

/// How often a wrong PIN may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinTries {
    /// After a login that succeeded.
    pub(crate) all: u64,
    /// At first.
    pub(crate) left: u64,
}

/// Something that happens at a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The function, or `None` for any.
    pub(crate) function: Option<String>,
    pub(crate) effect: Effect,
    pub(crate) when: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Fail(CK_RV),
    Delay(Duration),
    Hang,
    /// For this many calls more; `None` is for good.
    Remove(Option<u64>),
    LoseSessions,
    Corrupt,
    Shorten,
}

/// At which of the calls a fault is about; calls are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct When {
    pub(crate) from: u64,
    pub(crate) every: u64,
    pub(crate) times: u64,
}

impl When {
    /// Tells whether it is the turn of a call, when the fault has happened so often before.
    pub(crate) const fn is_at(self, call: u64, happened: u64) -> bool {
        happened < self.times
            && match call.checked_sub(self.from) {
                Some(since) => since.is_multiple_of(self.every),
                None => false,
            }
    }
}

/// A line of a script that is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    line: usize,
    text: String,
    reason: &'static str,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text, reason } = self;
        write!(f, "line {line} of the script, `{text}`: {reason}")
    }
}

impl core::error::Error for ScriptError {}

impl Script {
    /// Reads the rules of a script.
    ///
    /// # Errors
    /// The first line that is no rule, and why.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        for (index, line) in text.lines().enumerate() {
            let rule = line.split('#').next().unwrap_or_default().trim();
            if rule.is_empty() {
                continue;
            }
            let failed = |reason| ScriptError { line: index + 1, text: rule.to_owned(), reason };
            if rule == "profile cloudhsm" {
                for rule in CLOUDHSM.lines() {
                    script.add(rule).map_err(failed)?;
                }
            } else {
                script.add(rule).map_err(failed)?;
            }
        }
        Ok(script)
    }

    fn add(&mut self, rule: &str) -> Result<(), &'static str> {
        let mut words = Words { rest: rule.split_whitespace().collect() };
        match words.next("a rule")? {
            "fail" => {
                let function = words.function()?;
                let code = words.named(RETURN_CODES, "a return code is wanted")?;
                self.fault(function, Effect::Fail(code), &mut words)?;
            }
            "delay" => {
                let function = words.function()?;
                let effect = Effect::Delay(Duration::from_millis(words.number()?));
                self.fault(function, effect, &mut words)?;
            }
            "hang" => {
                let function = words.function()?;
                self.fault(function, Effect::Hang, &mut words)?;
            }
            "remove" => {
                let function = words.function()?;
                let calls = words.optional("for")?;
                self.fault(function, Effect::Remove(calls), &mut words)?;
            }
            "lose-sessions" => {
                let function = words.function()?;
                self.fault(function, Effect::LoseSessions, &mut words)?;
            }
            rule @ ("corrupt" | "shorten") => {
                let function = words.function()?;
                if function.as_deref() != Some("C_Sign") {
                    return Err("only what C_Sign gives can be damaged");
                }
                let effect = if rule == "corrupt" { Effect::Corrupt } else { Effect::Shorten };
                self.fault(function, effect, &mut words)?;
            }
            rule => self.add_trait(rule, &mut words)?,
        }
        words.end()
    }

    /// Reads a rule about what the token is like, rather than about a call.
    fn add_trait(&mut self, rule: &str, words: &mut Words<'_>) -> Result<(), &'static str> {
        match rule {
            "sessions" => {
                let limit = usize::try_from(words.number()?).map_err(|_| "too many sessions")?;
                self.sessions = Some(limit);
            }
            "read-write-only" => {
                let code = words.named(RETURN_CODES, "a return code is wanted")?;
                self.read_write_only = Some(code);
            }
            "hide" => self.hidden.push(words.named(ATTRIBUTES, "an attribute is wanted")?),
            "refuse" => {
                let attribute = words.named(ATTRIBUTES, "an attribute is wanted")?;
                let code = words.named(RETURN_CODES, "a return code is wanted")?;
                self.refused.push((attribute, code));
            }
            "answer" => {
                let attribute = words.named(ATTRIBUTES, "an attribute is wanted")?;
                let answer = match words.next("true or false is wanted")? {
                    "true" => true,
                    "false" => false,
                    _ => return Err("true or false is wanted"),
                };
                self.answered.push((attribute, answer));
            }
            "no-mechanism" => {
                let mechanism = words.named(MECHANISMS, "a mechanism is wanted")?;
                self.without_mechanisms.push(mechanism);
            }
            "set-flag" => self.set_flags |= words.named(TOKEN_FLAGS, "a flag is wanted")?,
            "clear-flag" => self.clear_flags |= words.named(TOKEN_FLAGS, "a flag is wanted")?,
            "pin-tries" => {
                let all = words.number()?;
                let left = words.optional("left")?.unwrap_or(all);
                self.pin_tries = Some(PinTries { all, left });
            }
            "user-password-pin" => self.user_password_pin = true,
            "always-authenticate" => {
                self.always_authenticate = true;
                self.answered.push((CKA_ALWAYS_AUTHENTICATE, true));
            }
            _ => return Err("there is no such rule"),
        }
        Ok(())
    }

    fn fault(
        &mut self,
        function: Option<String>,
        effect: Effect,
        words: &mut Words<'_>,
    ) -> Result<(), &'static str> {
        let mut when = When { from: 1, every: 1, times: u64::MAX };
        while let Some(word) = words.peek() {
            let place = match word {
                "from" => &mut when.from,
                "every" => &mut when.every,
                "times" => &mut when.times,
                _ => return Err("only `from`, `every` and `times` can follow"),
            };
            words.next("")?;
            *place = words.number()?;
        }
        if when.from == 0 || when.every == 0 {
            return Err("calls are counted from 1");
        }
        self.faults.push(Fault { function, effect, when });
        Ok(())
    }
}

/// The words of a line that have not been read.
struct Words<'a> {
    rest: std::collections::VecDeque<&'a str>,
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.rest.front().copied()
    }

    fn next(&mut self, wanted: &'static str) -> Result<&'a str, &'static str> {
        self.rest.pop_front().ok_or(wanted)
    }

    fn function(&mut self) -> Result<Option<String>, &'static str> {
        let name = self.next("a function is wanted")?;
        if name == "*" {
            Ok(None)
        } else if crate::ffi::FUNCTIONS.contains(&name) {
            Ok(Some(name.to_owned()))
        } else {
            Err("there is no such function")
        }
    }

    fn number(&mut self) -> Result<u64, &'static str> {
        let word = self.next("a number is wanted")?;
        word.parse().map_err(|_| "a number is wanted")
    }

    fn named(
        &mut self,
        table: &[(CK_RV, &str)],
        wanted: &'static str,
    ) -> Result<CK_RV, &'static str> {
        value(table, self.next(wanted)?).ok_or(wanted)
    }

    fn optional(&mut self, word: &str) -> Result<Option<u64>, &'static str> {
        if self.peek() != Some(word) {
            return Ok(None);
        }
        self.rest.pop_front();
        self.number().map(Some)
    }

    fn end(&self) -> Result<(), &'static str> {
        if self.rest.is_empty() { Ok(()) } else { Err("there is too much on this line") }
    }
}

#[cfg(test)]
mod tests;
