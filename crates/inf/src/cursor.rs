//! Going through a text, character by character.

use core::str::Chars;

use crate::lookalike::lookalike;
use crate::{Error, ErrorKind, Position};

/// Stands before a character of a text. Lines end with LF, whichever way the text ends them.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: Chars<'a>,
    at: Position,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.chars(), at: Position::START }
    }

    pub(crate) const fn position(&self) -> Position {
        self.at
    }

    /// Returns the character it stands before.
    pub(crate) fn peek(&self) -> Option<char> {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            Some('\r') if ahead.next() == Some('\n') => Some('\n'),
            c => c,
        }
    }

    fn step(&mut self) -> Option<char> {
        let c = self.peek()?;
        if self.rest.next() == Some('\r') && c == '\n' {
            self.rest.next();
        }
        self.at = self.at.after(c);
        Some(c)
    }

    /// Takes the next character, which must be one that an INF may have outside comments.
    pub(crate) fn take(&mut self) -> Result<Option<char>, Error> {
        let at = self.at;
        let Some(c) = self.step() else { return Ok(None) };
        if c.is_control() && !matches!(c, '\t' | '\n') {
            return Err(Error::new(at, ErrorKind::Control(c)));
        }
        lookalike(c).map_or(Ok(Some(c)), |kind| Err(Error::new(at, kind)))
    }

    /// Takes a blank. Web pages indent with no-break spaces and end lines with them; where blanks mean nothing,
    /// these mean nothing either.
    pub(crate) fn take_blank(&mut self) -> Option<char> {
        matches!(self.peek(), Some(' ' | '\t' | '\u{a0}')).then(|| self.step()).flatten()
    }

    pub(crate) fn skip_blanks(&mut self) {
        while self.take_blank().is_some() {}
    }

    /// Takes everything up to the end of the line, which it leaves. In comments every character is harmless.
    pub(crate) fn skip_comment(&mut self) {
        while self.peek().is_some_and(|c| c != '\n') {
            self.step();
        }
    }

    /// Joins the next line to this one if a backslash stands here as the last thing before the end of the
    /// line, blanks and a comment aside. Tells whether it did.
    pub(crate) fn join_lines(&mut self) -> bool {
        let mut ahead = self.clone();
        if ahead.step() != Some('\\') {
            return false;
        }
        ahead.skip_blanks();
        if ahead.peek() == Some(';') {
            ahead.skip_comment();
        }
        if !matches!(ahead.peek(), None | Some('\n')) {
            return false;
        }
        ahead.step();
        ahead.skip_blanks();
        *self = ahead;
        true
    }
}
