//! The fields of a line before `%name%` is replaced.

use crate::cursor::Cursor;
use crate::lookalike::lookalike;
use crate::{Error, ErrorKind, Position};

/// What ends a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Equals,
    Comma,
    Line,
}

/// A part of a field.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Text(String),
    /// A `%name%`, and where its first `%` is.
    Reference(String, Position),
}

/// A field: plain and quoted text and references in a row, without the blanks around them.
#[derive(Clone, Debug)]
pub(crate) struct RawField {
    pub(crate) parts: Vec<Part>,
    pub(crate) position: Position,
    /// Blanks that count if something comes after them, and where the first of them is.
    blanks: String,
    blanks_at: Position,
    /// Whether there is anything, be it `""`.
    begun: bool,
    open: Option<(String, Position)>,
}

impl RawField {
    /// Reads a field, and the character that ends it. A key's field ends at `=`; `references` says whether `%`
    /// has its meaning.
    pub(crate) fn read(
        cursor: &mut Cursor<'_>,
        key: bool,
        references: bool,
    ) -> Result<(Self, End), Error> {
        cursor.skip_blanks();
        let mut field = Self {
            parts: Vec::new(),
            position: cursor.position(),
            blanks: String::new(),
            blanks_at: cursor.position(),
            begun: false,
            open: None,
        };
        let end = loop {
            let at = cursor.position();
            if cursor.join_lines() {
                if !field.begun {
                    field.position = cursor.position();
                }
                continue;
            }
            if field.open.is_none()
                && let Some(blank) = cursor.take_blank()
            {
                field.push_blank(blank, at);
                continue;
            }
            if cursor.peek() == Some(';') {
                cursor.skip_comment();
            }
            match cursor.take()? {
                None | Some('\n') => break End::Line,
                Some(',') => break End::Comma,
                Some('=') if key => break End::Equals,
                Some('"') => field.read_quoted(cursor, at, references)?,
                Some(c) => field.push(c, at, references)?,
            }
        };
        match field.open.take() {
            Some((_, at)) => Err(Error::new(at, ErrorKind::UnclosedPercent)),
            None => Ok((field, end)),
        }
    }

    /// Returns the text of a field without references.
    pub(crate) fn text(&self) -> String {
        let text = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Reference(..) => "",
        });
        text.collect()
    }

    /// Tells whether there is nothing in it, not even quotation marks.
    pub(crate) const fn is_blank(&self) -> bool {
        !self.begun
    }

    /// Reads what is between quotation marks; `""` is one of them.
    fn read_quoted(
        &mut self,
        cursor: &mut Cursor<'_>,
        start: Position,
        references: bool,
    ) -> Result<(), Error> {
        self.begin()?;
        loop {
            if matches!(cursor.peek(), None | Some('\n')) {
                return Err(Error::new(start, ErrorKind::UnclosedQuote));
            }
            let at = cursor.position();
            match cursor.take()? {
                Some('"') if cursor.peek() == Some('"') => {
                    cursor.take()?;
                    self.push('"', at, references)?;
                }
                Some('"') | None => return Ok(()),
                Some(c) => self.push(c, at, references)?,
            }
        }
    }

    /// Keeps a blank for the case that something comes after it; before the field they are nothing.
    fn push_blank(&mut self, blank: char, at: Position) {
        if self.begun {
            if self.blanks.is_empty() {
                self.blanks_at = at;
            }
            self.blanks.push(blank);
        }
    }

    fn push(&mut self, c: char, at: Position, references: bool) -> Result<(), Error> {
        self.begin()?;
        if c != '%' || !references {
            match &mut self.open {
                Some((name, _)) => name.push(c),
                None => self.push_text(c),
            }
            return Ok(());
        }
        match self.open.take() {
            None => self.open = Some((String::new(), at)),
            Some((name, _)) if name.is_empty() => self.push_text('%'),
            Some((name, start)) => self.parts.push(Part::Reference(name, start)),
        }
        Ok(())
    }

    /// Says that something comes: the blanks before it are inside the field, and have to be plain ones.
    fn begin(&mut self) -> Result<(), Error> {
        self.begun = true;
        let mut at = self.blanks_at;
        for blank in core::mem::take(&mut self.blanks).chars() {
            if let Some(kind) = lookalike(blank) {
                return Err(Error::new(at, kind));
            }
            at = at.after(blank);
            self.push_text(blank);
        }
        Ok(())
    }

    fn push_text(&mut self, c: char) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push(c),
            _ => self.parts.push(Part::Text(c.to_string())),
        }
    }
}
