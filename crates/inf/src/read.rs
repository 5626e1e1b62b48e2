//! From text to a document: first every line, then what `%name%` stands for.

use std::collections::HashMap;

use crate::cursor::Cursor;
use crate::entry::{CONTINUE, Entry, Piece};
use crate::field::{End, RawField};
use crate::strings::{self, Strings, fold};
use crate::{Document, Error, ErrorKind, Position};

/// The longest text that is read, in bytes. Driver packages have some hundred kilobytes, requests some hundred bytes.
pub const MAX_TEXT_LEN: usize = 4 * 1024 * 1024;

pub(crate) const fn check_len(len: usize) -> Result<(), Error> {
    if len > MAX_TEXT_LEN {
        let kind = ErrorKind::Limit { what: "bytes", limit: MAX_TEXT_LEN };
        return Err(Error::new(Position::START, kind));
    }
    Ok(())
}

pub(crate) fn document(text: &str) -> Result<Document, Error> {
    check_len(text.len())?;
    let sections = raw_sections(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let mut strings = definitions(&sections)?;
    let mut document = Document::new();
    for section in sections {
        let target = document.open(&section.name, Some(section.position));
        for RawLine { key, fields, position, value_position } in section.lines {
            let key = key.map(|key| strings.replace_in(key)).transpose()?;
            let fields = fields.into_iter().map(|field| strings.replace_in(field));
            let fields = fields.collect::<Result<Vec<_>, _>>()?;
            let piece = Piece { fields, position: Some(value_position) };
            match key {
                Some(key) if key.is_empty() => {
                    return Err(Error::new(position, ErrorKind::EmptyKey));
                }
                Some(key) if key.eq_ignore_ascii_case(CONTINUE) => {
                    if !target.continue_with(piece) {
                        return Err(Error::new(position, ErrorKind::NothingToContinue));
                    }
                }
                key => target.add(Entry::new(key, Some(position), piece)),
            }
        }
    }
    Ok(document)
}

/// A section before replacement, those of the same name joined.
struct RawSection {
    name: String,
    position: Position,
    lines: Vec<RawLine>,
}

struct RawLine {
    key: Option<RawField>,
    fields: Vec<RawField>,
    position: Position,
    value_position: Position,
}

fn raw_sections(text: &str) -> Result<Vec<RawSection>, Error> {
    let mut sections: Vec<RawSection> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut current = None;
    let mut cursor = Cursor::new(text);
    loop {
        cursor.skip_blanks();
        let position = cursor.position();
        match cursor.peek() {
            None => return Ok(sections),
            Some('\n') => {
                cursor.take()?;
            }
            Some(';') => cursor.skip_comment(),
            Some('[') => {
                let name = section_name(&mut cursor)?;
                let next = sections.len();
                let place = *index.entry(fold(&name)).or_insert(next);
                if place == next {
                    sections.push(RawSection { name, position, lines: Vec::new() });
                }
                current = Some(place);
            }
            Some(_) => match current.and_then(|place| sections.get_mut(place)) {
                Some(section) => {
                    let references = fold(&section.name) != strings::SECTION;
                    section.lines.extend(raw_line(&mut cursor, references)?);
                }
                None => {
                    // A character that should not be there at all says more than where it stands.
                    cursor.take()?;
                    return Err(Error::new(position, ErrorKind::OutsideSection));
                }
            },
        }
    }
}

/// Reads `[name]` and the rest of its line.
fn section_name(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let start = cursor.position();
    cursor.take()?;
    let mut name = String::new();
    loop {
        match cursor.take()? {
            Some(']') => break,
            Some('\n') | None => return Err(Error::new(start, ErrorKind::UnclosedSection)),
            Some(c) => name.push(c),
        }
    }
    let name = name.trim_matches([' ', '\t']);
    if name.is_empty() {
        return Err(Error::new(start, ErrorKind::EmptySectionName));
    }
    cursor.skip_blanks();
    let at = cursor.position();
    match cursor.peek() {
        None | Some('\n' | ';') => Ok(name.to_owned()),
        Some(_) => {
            cursor.take()?;
            Err(Error::new(at, ErrorKind::AfterSectionName))
        }
    }
}

/// Reads a line and those that backslashes join to it; `None` where nothing is in them.
fn raw_line(cursor: &mut Cursor<'_>, references: bool) -> Result<Option<RawLine>, Error> {
    let position = cursor.position();
    let (first, mut end) = RawField::read(cursor, true, references)?;
    let mut line =
        RawLine { key: None, fields: Vec::new(), position, value_position: first.position };
    if end == End::Equals {
        line.key = Some(first);
        let (field, next) = RawField::read(cursor, false, references)?;
        line.value_position = field.position;
        end = next;
        // `key =` has no value, `key = ,` has two empty ones.
        if end == End::Comma || !field.is_blank() {
            line.fields.push(field);
        }
    } else if end == End::Line && first.is_blank() {
        return Ok(None);
    } else {
        line.fields.push(first);
    }
    while end == End::Comma {
        let (field, next) = RawField::read(cursor, false, references)?;
        line.fields.push(field);
        end = next;
    }
    Ok(Some(line))
}

/// Collects what `[Strings]` defines. Its own values have no references: `%` in them is itself.
fn definitions(sections: &[RawSection]) -> Result<Strings, Error> {
    let mut strings = Strings::new();
    let Some(section) = sections.iter().find(|section| fold(&section.name) == strings::SECTION)
    else {
        return Ok(strings);
    };
    let mut definitions: Vec<(String, String, Position)> = Vec::new();
    for line in &section.lines {
        let Some(key) = &line.key else { continue };
        let name = key.text();
        let value = line.fields.iter().map(RawField::text).collect::<Vec<_>>().join(",");
        match definitions.last_mut() {
            Some((_, whole, _)) if name.eq_ignore_ascii_case(CONTINUE) => whole.push_str(&value),
            _ => definitions.push((name, value, line.position)),
        }
    }
    for (name, value, position) in definitions {
        if !strings.define(&name, value) {
            return Err(Error::new(position, ErrorKind::DuplicateString(name)));
        }
    }
    Ok(strings)
}
