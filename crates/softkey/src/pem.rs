//! Finding the private key in PEM text (RFC 7468) as people keep it: with certificates, curve
//! parameters and remarks around it, in any line ending.

use chancery_key::{KeyError, KeyErrorKind};
use zeroize::Zeroizing;

use crate::container::{Container, Form};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// What the label of every private key ends with.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// The width of base64 lines (RFC 7468 section 2).
const LINE_WIDTH: usize = 64;

/// Tells whether bytes are PEM text rather than DER.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, BEGIN)
}

/// Finds the one private key and decodes it. `None` where the text holds no private key at all.
pub(crate) fn private_key(text: &[u8]) -> Result<Option<Container>, KeyError> {
    // Damage in a file of certificates is not for us to report.
    if !contains(text, PRIVATE_KEY.as_bytes()) {
        return Ok(None);
    }
    let mut found = None;
    for block in blocks(text)? {
        if !block.label.ends_with(PRIVATE_KEY) {
            continue;
        }
        // Two keys would be an ambiguity nobody can resolve by an address.
        if found.replace(block).is_some() {
            return Err(malformed("more than one private key in one file"));
        }
    }
    found.map(|block| block.decode()).transpose()
}

/// Writes one block.
pub(crate) fn write(label: &str, der: &[u8]) -> Result<String, KeyError> {
    pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der)
        .map_err(|error| malformed("the key does not fit into PEM").with_source(error))
}

/// A block of PEM text, not yet decoded.
#[derive(Debug)]
struct Block<'a> {
    label: &'a str,
    lines: Vec<&'a [u8]>,
}

impl Block<'_> {
    fn decode(&self) -> Result<Container, KeyError> {
        let label = self.label;
        let form = match label {
            "PRIVATE KEY" => Form::Pkcs8,
            "ENCRYPTED PRIVATE KEY" => Form::EncryptedPkcs8,
            "RSA PRIVATE KEY" => Form::Pkcs1,
            "EC PRIVATE KEY" => Form::Sec1,
            _ => {
                return Err(malformed(format!(
                    "`{}` is no form of private key that is read",
                    label.escape_debug()
                )));
            }
        };
        // RFC 1421 headers; a colon is no character of base64.
        if self.lines.iter().any(|line| line.contains(&b':')) {
            return Err(malformed(
                "in the legacy encrypted form (`Proc-Type: 4,ENCRYPTED`), which protects hardly at all \
                 and is not read",
            ));
        }
        // Other writers wrap otherwise or indent; decoding wants the one canonical layout.
        // Room for all of it at once: a vector that grows leaves copies behind.
        let len: usize = self.lines.iter().map(|line| line.len()).sum();
        let mut text =
            Zeroizing::new(Vec::with_capacity(len.saturating_mul(2).saturating_add(256)));
        text.extend_from_slice(format!("-----BEGIN {label}-----").as_bytes());
        let characters = self.lines.iter().copied().flatten().filter(|c| !c.is_ascii_whitespace());
        for (position, character) in characters.enumerate() {
            if position.is_multiple_of(LINE_WIDTH) {
                text.push(b'\n');
            }
            text.push(*character);
        }
        text.extend_from_slice(format!("\n-----END {label}-----\n").as_bytes());
        let (_, der) = pem_rfc7468::decode_vec(&text)
            .map_err(|error| malformed("the base64 of the key is broken").with_source(error))?;
        Ok(Container::new(form, Zeroizing::new(der)))
    }
}

/// Takes the text apart. What stands outside blocks is nobody's business.
fn blocks(text: &[u8]) -> Result<Vec<Block<'_>>, KeyError> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii) {
        // A byte order mark may stand before the very first line.
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if let Some(label) = boundary(line, BEGIN) {
            if open.is_some() {
                return Err(malformed("a PEM block begins inside another"));
            }
            open = Some(Block { label, lines: Vec::new() });
        } else if let Some(label) = boundary(line, END) {
            match open.take() {
                Some(block) if block.label == label => blocks.push(block),
                _ => return Err(malformed("a PEM block ends that did not begin")),
            }
        } else if let Some(block) = &mut open {
            block.lines.push(line);
        }
    }
    if open.is_some() { Err(malformed("a PEM block does not end")) } else { Ok(blocks) }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn boundary<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a str> {
    core::str::from_utf8(line.strip_prefix(start)?.strip_suffix(DASHES)?).ok()
}

fn malformed(message: impl Into<String>) -> KeyError {
    KeyError::new(KeyErrorKind::Malformed, message)
}
