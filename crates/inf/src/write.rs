//! From a document to text.

use core::fmt::{self, Write};

use crate::entry::{CONTINUE, Entry, Piece};
use crate::lookalike::lookalike;
use crate::strings::{self, fold};
use crate::{Document, Section};

/// Why a name or a value cannot stand in an INF.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unwritable {
    /// A name, or a line, that is empty.
    #[error("nothing to write")]
    Empty,
    /// A control character, the end of a line among them, or one that reading takes for a slip
    /// ([`ErrorKind::Typographic`](crate::ErrorKind::Typographic)).
    #[error("an INF cannot have U+{:04X}", u32::from(*.0))]
    Character(char),
    /// A section's name with blanks around it, which reading would drop.
    #[error("a section's name cannot have blanks around it")]
    OuterBlank,
    /// The key `_continue_`, which is no key of its own.
    #[error("`_continue_` is no key of its own")]
    Continue,
    /// A continuation with no key before it.
    #[error("there is no value to continue")]
    NothingToContinue,
}

pub(crate) fn check_text(text: &str) -> Result<(), Unwritable> {
    let bad = |c: &char| c.is_control() && *c != '\t' || lookalike(*c).is_some();
    text.chars().find(bad).map_or(Ok(()), |c| Err(Unwritable::Character(c)))
}

pub(crate) fn check_section_name(name: &str) -> Result<(), Unwritable> {
    if name.is_empty() {
        return Err(Unwritable::Empty);
    }
    if name.trim_matches([' ', '\t']) != name {
        return Err(Unwritable::OuterBlank);
    }
    if name.contains(']') {
        return Err(Unwritable::Character(']'));
    }
    check_text(name)
}

pub(crate) fn check_key(key: &str) -> Result<(), Unwritable> {
    if key.is_empty() {
        return Err(Unwritable::Empty);
    }
    if key.eq_ignore_ascii_case(CONTINUE) {
        return Err(Unwritable::Continue);
    }
    check_text(key)
}

impl Document {
    /// Writes UTF-16LE with a byte-order mark, which every Windows reads whatever its code page.
    #[must_use]
    pub fn to_utf16le(&self) -> Vec<u8> {
        let text = self.to_string();
        ['\u{feff}']
            .into_iter()
            .chain(text.chars())
            .flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec())
            .flat_map(u16::to_le_bytes)
            .collect()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, section) in self.sections().iter().enumerate() {
            if index > 0 {
                f.write_str("\r\n")?;
            }
            section.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]\r\n", self.name())?;
        let references = fold(self.name()) != strings::SECTION;
        for entry in self.entries() {
            write_entry(f, entry, references)?;
        }
        Ok(())
    }
}

fn write_entry(f: &mut fmt::Formatter<'_>, entry: &Entry, references: bool) -> fmt::Result {
    for (index, piece) in entry.pieces().iter().enumerate() {
        match entry.key() {
            Some(key) if index == 0 => {
                write_text(f, key, is_plain(key), references)?;
                f.write_str(" =")?;
            }
            Some(_) => write!(f, "{CONTINUE} =")?,
            None => {}
        }
        if entry.key().is_some() && !piece.fields().is_empty() {
            f.write_char(' ')?;
        }
        write_fields(f, piece, references)?;
        f.write_str("\r\n")?;
    }
    Ok(())
}

fn write_fields(f: &mut fmt::Formatter<'_>, piece: &Piece, references: bool) -> fmt::Result {
    for (index, field) in piece.fields().iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write_text(f, field, is_plain(field), references)?;
    }
    Ok(())
}

/// Tells whether a text means the same without quotation marks, wherever it stands.
fn is_plain(text: &str) -> bool {
    let inner =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '{' | '}' | '%' | '$');
    !text.is_empty() && text.chars().all(inner)
}

fn write_text(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    plain: bool,
    references: bool,
) -> fmt::Result {
    if !plain {
        f.write_char('"')?;
    }
    for c in text.chars() {
        match c {
            '"' => f.write_str("\"\"")?,
            '%' if references => f.write_str("%%")?,
            c => f.write_char(c)?,
        }
    }
    if plain { Ok(()) } else { f.write_char('"') }
}
