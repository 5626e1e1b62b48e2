//! Lines of a section.

use std::borrow::Cow;

use crate::Position;
use crate::strings::fold;

/// The key that continues the value of the one before it.
pub(crate) const CONTINUE: &str = "_continue_";

/// One line of a section, with the `_continue_` lines that belong to it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) key: Option<String>,
    pub(crate) position: Option<Position>,
    pub(crate) pieces: Vec<Piece>,
}

impl Entry {
    pub(crate) fn new(key: Option<String>, position: Option<Position>, first: Piece) -> Self {
        Self { key, position, pieces: vec![first] }
    }

    /// Returns the key; `None` for a line without `=`.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Tells whether it has this key, upper and lower case being one.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.key
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(key) || fold(own) == fold(key))
    }

    /// Returns the whole value: the fields joined by commas, as SetupGetLineText does, and behind them those of each
    /// `_continue_` line with nothing in between. Empty for a key without a value.
    #[must_use]
    pub fn value(&self) -> Cow<'_, str> {
        match &self.pieces[..] {
            [only] => only.text(),
            pieces => Cow::Owned(pieces.iter().map(Piece::text).collect()),
        }
    }

    /// Returns the fields of the line itself, without those of `_continue_` lines. `key =` has none, `key = ""`
    /// has one that is empty.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        self.pieces.first().map(Piece::fields).unwrap_or_default()
    }

    /// Returns the line itself and its `_continue_` lines, in their order; never none.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Returns where the line begins; `None` for an entry that was not read from a text.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }
}

impl PartialEq for Entry {
    /// Compares keys and values, not positions.
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.pieces == other.pieces
    }
}

impl Eq for Entry {}

/// The value in one line: that of an entry's own line, or of one `_continue_`.
#[derive(Clone, Debug)]
pub struct Piece {
    pub(crate) fields: Vec<String>,
    pub(crate) position: Option<Position>,
}

impl Piece {
    /// Returns the fields between the commas.
    #[must_use]
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// Returns the fields joined by commas.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.fields[..] {
            [only] => Cow::Borrowed(only),
            fields => Cow::Owned(fields.join(",")),
        }
    }

    /// Returns where the value begins; `None` for one that was not read from a text.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }
}

impl PartialEq for Piece {
    /// Compares fields, not positions.
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Eq for Piece {}
