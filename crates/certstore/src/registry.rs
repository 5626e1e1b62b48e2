//! Certificates as the registry keeps them, in the `.reg` files of regedit.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::{
    Element, FormatError, Location, MAX_STORE_LEN, Properties, PropertyId, SystemStore, Thumbprint,
    read_blob, write_blob,
};

const HEADERS: [&str; 2] = ["Windows Registry Editor Version 5.00", "REGEDIT4"];

/// Lines are broken behind this many bytes of a blob, as regedit does it.
const BYTES_PER_LINE: usize = 25;

/// The certificates and lists of system stores in a `.reg` file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryFile {
    /// What each store has, in the order of the file.
    pub stores: BTreeMap<SystemStore, Vec<Element>>,
    /// Keys whose certificate was passed over, since it is not the one the key is named after, as Windows does.
    pub misnamed: Vec<String>,
}

impl RegistryFile {
    /// Reads a file as regedit exports it: UTF-16 or, with the header `REGEDIT4`, one byte a character. Keys other than
    /// those of certificates and lists are passed over.
    ///
    /// # Errors
    /// [`FormatError`] with the line.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > MAX_STORE_LEN {
            return Err(FormatError::TooLong);
        }
        let (text, _) = chancery_inf::decode(bytes).map_err(|_| FormatError::RegistryEncoding)?;
        let mut lines = (1_usize..).zip(text.lines());
        let header = lines.next().map(|(_, line)| line.trim());
        if !header.is_some_and(|header| HEADERS.contains(&header)) {
            return Err(FormatError::RegistryHeader);
        }
        let mut file = Self::default();
        let mut key = None;
        while let Some((number, line)) = lines.next() {
            let wrong = |what| FormatError::RegistryLine { line: number, what };
            let line = line.trim();
            if let Some(rest) = line.strip_prefix('[') {
                let path = rest.strip_suffix(']').ok_or(wrong("a key's name ends with `]`"))?;
                if path.starts_with('-') && Key::parse(path.trim_start_matches('-')).is_some() {
                    return Err(wrong("a key to be deleted, which only a registry can do"));
                }
                key = Key::parse(path);
                continue;
            }
            if line.is_empty() || line.starts_with(';') {
                continue;
            }
            // Also in the values of other keys, so that no part of one is taken for a line of its own.
            let mut value = line.to_owned();
            while let Some(begun) = value.strip_suffix('\\') {
                let begun = begun.len();
                value.truncate(begun);
                let (_, more) = lines.next().ok_or(wrong("a value that goes on, and the end"))?;
                value.push_str(more.trim());
            }
            let (Some(key), Some(hex)) = (&key, blob(&value)) else { continue };
            let bytes = parse_hex(hex).ok_or(wrong("the blob is no list of hexadecimal bytes"))?;
            file.add(key, number, &bytes)?;
        }
        Ok(file)
    }

    fn add(&mut self, key: &Key, line: usize, bytes: &[u8]) -> Result<(), FormatError> {
        let element = read_blob(bytes)
            .map_err(|error| FormatError::RegistryBlob { line, error: Box::new(error) })?;
        let named = Thumbprint::of(element.der()) == key.thumbprint;
        let in_place = key.kind == kind(&element);
        if named && in_place {
            self.stores.entry(key.store.clone()).or_default().push(element);
        } else {
            self.misnamed.push(key.path());
        }
        Ok(())
    }

    /// Writes the text of a file. Each certificate gets its SHA-1 as a property, first of all, as Windows has it.
    ///
    /// # Errors
    /// [`FormatError::TooLong`] for what is more than is read.
    pub fn to_text(&self) -> Result<String, FormatError> {
        let mut text = format!("{}\r\n", HEADERS[0]);
        for (store, elements) in &self.stores {
            for element in elements {
                let key = Key {
                    store: store.clone(),
                    kind: kind(element),
                    thumbprint: Thumbprint::of(element.der()),
                };
                let bytes = write_blob(&with_hash(element, &key.thumbprint))?;
                let _ = write!(text, "\r\n[{}]\r\n\"Blob\"=hex:", key.path());
                for (index, chunk) in bytes.chunks(BYTES_PER_LINE).enumerate() {
                    if index > 0 {
                        text.push_str(",\\\r\n  ");
                    }
                    let hex: Vec<String> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
                    text.push_str(&hex.join(","));
                }
                text.push_str("\r\n");
            }
        }
        Ok(text)
    }

    /// Writes the file: UTF-16LE with a byte-order mark, as regedit does.
    ///
    /// # Errors
    /// Those of [`to_text`](Self::to_text).
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormatError> {
        let text = self.to_text()?;
        Ok("\u{feff}"
            .encode_utf16()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect())
    }
}

/// Puts the SHA-1 before the other properties.
fn with_hash(element: &Element, thumbprint: &Thumbprint) -> Element {
    let mut properties = Properties::new();
    properties.set(PropertyId::SHA1_HASH, thumbprint.as_bytes().as_slice());
    for (id, value) in element.properties().iter().filter(|(id, _)| *id != PropertyId::SHA1_HASH) {
        properties.set(id, value);
    }
    element.with_properties(properties)
}

/// The subkey that has elements of a kind.
const fn kind(element: &Element) -> &'static str {
    match element {
        Element::Certificate(_) => "Certificates",
        Element::RevocationList(_) => "CRLs",
        Element::TrustList(_) => "CTLs",
    }
}

/// The key of one element.
struct Key {
    store: SystemStore,
    kind: &'static str,
    thumbprint: Thumbprint,
}

impl Key {
    /// Reads a key's path; `None` for any other key of the registry.
    fn parse(path: &str) -> Option<Self> {
        let strip = |prefix: &'static str| {
            let (start, rest) = path.split_at_checked(prefix.len())?;
            start.eq_ignore_ascii_case(prefix).then(|| rest.strip_prefix('\\')).flatten()
        };
        let (location, rest) = Location::ALL
            .iter()
            .find_map(|location| Some((*location, strip(location.registry_key())?)))?;
        let mut parts = rest.split('\\');
        let (name, kind, hash) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let kinds = ["Certificates", "CRLs", "CTLs"];
        Some(Self {
            store: SystemStore::new(location, name).ok()?,
            kind: kinds.into_iter().find(|known| known.eq_ignore_ascii_case(kind))?,
            thumbprint: hash.parse().ok()?,
        })
    }

    fn path(&self) -> String {
        let root = self.store.location().registry_key();
        format!(r"{root}\{}\{}\{}", self.store.name(), self.kind, self.thumbprint)
    }
}

/// Returns the bytes of the value `Blob`; `None` for another value or type.
fn blob(value: &str) -> Option<&str> {
    let (name, data) = value.split_once('=')?;
    if !name.trim().trim_matches('"').eq_ignore_ascii_case("blob") {
        return None;
    }
    let data = data.trim();
    ["hex:", "hex(3):"].iter().find_map(|prefix| data.strip_prefix(prefix))
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches(',');
    if text.is_empty() {
        return Some(Vec::new());
    }
    let byte = |part: &str| {
        let part = part.trim();
        let digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u8::from_str_radix(part, 16).ok()).flatten()
    };
    text.split(',').map(byte).collect()
}
