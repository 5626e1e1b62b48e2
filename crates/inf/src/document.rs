//! What an INF says, in the order it says it.

use core::str::FromStr;
use std::borrow::Cow;
use std::collections::HashMap;

use crate::entry::{Entry, Piece};
use crate::strings::fold;
use crate::write::{self, Unwritable};
use crate::{Error, Position, encoding, read};

/// A whole INF: its sections in the order of their first appearance.
///
/// `%name%` is replaced already, comments are gone. Written by `Display`, as CRLF lines. Equality is that of names,
/// keys and values; positions do not count.
#[derive(Clone, Debug, Default)]
pub struct Document {
    sections: Vec<Section>,
    /// Where the section of a folded name is.
    index: HashMap<String, usize>,
}

impl Document {
    /// Makes one without sections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file in any [`Encoding`](crate::Encoding).
    ///
    /// # Errors
    /// Those of [`decode`](crate::decode) and of reading text ([`FromStr`]), with the place.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        read::check_len(bytes.len())?;
        encoding::decode(bytes)?.0.parse()
    }

    /// Finds a section, upper and lower case being one. One that the text has several times is one section.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.index.get(&fold(name)).and_then(|index| self.sections.get(*index))
    }

    /// Returns the sections in their order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Returns the section of a name to add to, a new one at the end where there is none.
    ///
    /// # Errors
    /// [`Unwritable`] where no INF can have a section of that name.
    pub fn section_mut(&mut self, name: &str) -> Result<&mut Section, Unwritable> {
        write::check_section_name(name)?;
        Ok(self.open(name, None))
    }

    /// Returns the section of a name, a new one at the end where there is none.
    pub(crate) fn open(&mut self, name: &str, position: Option<Position>) -> &mut Section {
        let next = self.sections.len();
        let index = *self.index.entry(fold(name)).or_insert(next);
        if index == next {
            let name = name.to_owned();
            self.sections.push(Section { name, position, entries: Vec::new(), last_keyed: None });
        }
        #[expect(clippy::indexing_slicing, reason = "the index holds places of sections only")]
        &mut self.sections[index]
    }
}

impl FromStr for Document {
    type Err = Error;

    /// Reads text.
    ///
    /// # Errors
    /// Every [`ErrorKind`](crate::ErrorKind) but those about bytes, with the place.
    fn from_str(text: &str) -> Result<Self, Error> {
        read::document(text)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.sections == other.sections
    }
}

impl Eq for Document {}

/// A section: its entries in their order.
#[derive(Clone, Debug)]
pub struct Section {
    name: String,
    position: Option<Position>,
    entries: Vec<Entry>,
    /// Where the last entry with a key is, which `_continue_` continues.
    last_keyed: Option<usize>,
}

impl Section {
    /// Returns the name as it is written first.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where its first `[` is; `None` for a section that was not read from a text.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// Returns all entries in their order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Finds the first entry with a key, upper and lower case being one.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.has_key(key))
    }

    /// Iterates over all entries with a key.
    pub fn entries_of<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.has_key(key))
    }

    /// Returns the value of the first entry with a key; see [`Entry::value`].
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        self.entry(key).map(Entry::value)
    }

    /// Adds a key with its fields at the end: none for `key =`.
    ///
    /// # Errors
    /// [`Unwritable`] for text that no INF can have.
    pub fn push<T: Into<String>>(
        &mut self,
        key: &str,
        fields: impl IntoIterator<Item = T>,
    ) -> Result<(), Unwritable> {
        write::check_key(key)?;
        let piece = made_piece(fields)?;
        self.add(Entry::new(Some(key.to_owned()), None, piece));
        Ok(())
    }

    /// Adds a line without a key at the end.
    ///
    /// # Errors
    /// [`Unwritable`] for text that no INF can have, and for no field at all.
    pub fn push_line<T: Into<String>>(
        &mut self,
        fields: impl IntoIterator<Item = T>,
    ) -> Result<(), Unwritable> {
        let piece = made_piece(fields)?;
        if piece.fields.is_empty() {
            return Err(Unwritable::Empty);
        }
        self.add(Entry::new(None, None, piece));
        Ok(())
    }

    /// Continues the value of the last entry that has a key.
    ///
    /// # Errors
    /// [`Unwritable`] for text that no INF can have, and where there is no such entry.
    pub fn push_continuation<T: Into<String>>(
        &mut self,
        fields: impl IntoIterator<Item = T>,
    ) -> Result<(), Unwritable> {
        let piece = made_piece(fields)?;
        if self.continue_with(piece) { Ok(()) } else { Err(Unwritable::NothingToContinue) }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        if entry.key.is_some() {
            self.last_keyed = Some(self.entries.len());
        }
        self.entries.push(entry);
    }

    /// Tells whether there was an entry to continue.
    pub(crate) fn continue_with(&mut self, piece: Piece) -> bool {
        match self.last_keyed.and_then(|index| self.entries.get_mut(index)) {
            Some(entry) => {
                entry.pieces.push(piece);
                true
            }
            None => false,
        }
    }
}

impl PartialEq for Section {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.entries == other.entries
    }
}

impl Eq for Section {}

fn made_piece<T: Into<String>>(fields: impl IntoIterator<Item = T>) -> Result<Piece, Unwritable> {
    let fields: Vec<String> = fields.into_iter().map(Into::into).collect();
    for field in &fields {
        write::check_text(field)?;
    }
    Ok(Piece { fields, position: None })
}
