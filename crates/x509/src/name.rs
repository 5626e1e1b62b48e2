//! X.500 names: DER and the strings of RFC 4514.

use core::fmt;

use const_oid::ObjectIdentifier;

use crate::Error;
use crate::asn1::{self, Tlv, tag};

mod openssl;
mod parse;
mod windows;

pub use openssl::{OpenSslForm, OpenSslName};
pub use parse::NameError;
pub use windows::{WindowsForm, WindowsName};

/// An attribute type we have a short name for.
struct Known {
    /// Short names; the first is the one written.
    names: &'static [&'static str],
    oid: ObjectIdentifier,
    /// The string type new values get (RFC 5280 appendix A.1).
    string: u8,
}

const fn known(names: &'static [&'static str], oid: &'static str, string: u8) -> Known {
    Known { names, oid: ObjectIdentifier::new_unwrap(oid), string }
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The longest name we read, in bytes of DER. RFC 5280 appendix A.1 bounds each value by some hundred; two
/// names are compared for each certificate that might be an issuer.
const MAX_NAME_LEN: usize = 8 * 1024;

/// RFC 4514 section 3 and RFC 4519, with the names Windows and OpenSSL use besides.
const KNOWN: [Known; 20] = [
    known(&["CN", "commonName"], "2.5.4.3", tag::UTF8_STRING),
    known(&["O", "organizationName"], "2.5.4.10", tag::UTF8_STRING),
    known(&["OU", "organizationalUnitName"], "2.5.4.11", tag::UTF8_STRING),
    known(&["C", "countryName"], "2.5.4.6", tag::PRINTABLE_STRING),
    known(&["ST", "S", "stateOrProvinceName"], "2.5.4.8", tag::UTF8_STRING),
    known(&["L", "localityName"], "2.5.4.7", tag::UTF8_STRING),
    known(&["STREET", "streetAddress"], "2.5.4.9", tag::UTF8_STRING),
    known(&["DC", "domainComponent"], "0.9.2342.19200300.100.1.25", tag::IA5_STRING),
    known(&["UID", "userId"], "0.9.2342.19200300.100.1.1", tag::UTF8_STRING),
    known(&["EMAIL", "E", "emailAddress"], "1.2.840.113549.1.9.1", tag::IA5_STRING),
    known(&["SERIALNUMBER"], "2.5.4.5", tag::PRINTABLE_STRING),
    known(&["SN", "surname"], "2.5.4.4", tag::UTF8_STRING),
    known(&["GN", "G", "givenName"], "2.5.4.42", tag::UTF8_STRING),
    known(&["I", "initials"], "2.5.4.43", tag::UTF8_STRING),
    known(&["T", "title"], "2.5.4.12", tag::UTF8_STRING),
    known(&["postalCode"], "2.5.4.17", tag::UTF8_STRING),
    known(&["businessCategory"], "2.5.4.15", tag::UTF8_STRING),
    known(&["jurisdictionL"], "1.3.6.1.4.1.311.60.2.1.1", tag::UTF8_STRING),
    known(&["jurisdictionST"], "1.3.6.1.4.1.311.60.2.1.2", tag::UTF8_STRING),
    known(&["jurisdictionC"], "1.3.6.1.4.1.311.60.2.1.3", tag::PRINTABLE_STRING),
];

/// One attribute of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    oid: ObjectIdentifier,
    /// The value's string type.
    tag: u8,
    /// The value's contents octets.
    contents: Vec<u8>,
}

impl Attribute {
    fn to_der(&self) -> Vec<u8> {
        asn1::sequence(&[
            &asn1::object_identifier(&self.oid),
            &asn1::tlv(self.tag, &[&self.contents]),
        ])
    }

    /// Decodes the value, where it is of a string type and in order.
    fn text(&self) -> Option<String> {
        match self.tag {
            tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING => {
                core::str::from_utf8(&self.contents).ok().map(str::to_owned)
            }
            // Nobody writes T.61 escapes; what is in there is Latin-1.
            tag::TELETEX_STRING => Some(self.contents.iter().copied().map(char::from).collect()),
            tag::BMP_STRING => {
                let (pairs, []) = self.contents.as_chunks::<2>() else { return None };
                let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
                String::from_utf16(&units).ok()
            }
            tag::UNIVERSAL_STRING => {
                let (quads, []) = self.contents.as_chunks::<4>() else { return None };
                quads.iter().map(|quad| char::from_u32(u32::from_be_bytes(*quad))).collect()
            }
            _ => None,
        }
    }
}

/// A distinguished name (RFC 5280 section 4.1.2.4), kept in the DER it came in.
///
/// Read from a string by [`FromStr`](core::str::FromStr) and written by `Display`, both as RFC 4514 has it: the
/// most specific attribute first, `CN=Example,O=Example Ltd,C=GB`. Reading also takes blanks after commas, quoted
/// values, the extra short names of Windows (`S`, `E`, `G`), and the short and long names of OpenSSL.
#[derive(Clone, Debug)]
pub struct Name {
    der: Vec<u8>,
    /// In encoded order, the least specific first.
    rdns: Vec<Vec<Attribute>>,
}

impl Name {
    /// Reads a name from its DER, which must be all of `der`.
    ///
    /// # Errors
    /// [`Error::Der`] where it is none, [`Error::Limit`] where it is too long for one.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Self::from_tlv(Tlv::parse(der)?)
    }

    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        if tlv.raw.len() > MAX_NAME_LEN {
            return Err(Error::Limit { what: "bytes of name", limit: MAX_NAME_LEN });
        }
        let mut rdns = Vec::new();
        for rdn in tlv.expect(tag::SEQUENCE, "distinguished name")?.reader() {
            let rdn = rdn?.expect(tag::SET, "relative distinguished name")?;
            if rdn.contents.is_empty() {
                return Err(Error::Der { offset: rdn.offset, what: "at least one name attribute" });
            }
            let mut attributes = Vec::new();
            for attribute in rdn.reader() {
                let mut parts = attribute?.expect(tag::SEQUENCE, "name attribute")?.reader();
                let oid = parts.read()?.oid()?;
                let value = parts.read()?;
                parts.finish()?;
                attributes.push(Attribute {
                    oid,
                    tag: value.tag,
                    contents: value.contents.to_vec(),
                });
            }
            rdns.push(attributes);
        }
        Ok(Self { der: tlv.raw.to_vec(), rdns })
    }

    /// Makes the name without attributes, for a subject that only has alternative names (RFC 5280 section
    /// 4.1.2.6).
    #[must_use]
    pub fn empty() -> Self {
        Self::from_rdns(Vec::new())
    }

    fn from_rdns(mut rdns: Vec<Vec<Attribute>>) -> Self {
        let encoded: Vec<Vec<u8>> = rdns
            .iter_mut()
            .map(|rdn| {
                rdn.sort_by_cached_key(Attribute::to_der);
                asn1::set_of(tag::SET, rdn.iter().map(Attribute::to_der).collect())
            })
            .collect();
        let der = asn1::sequence(&encoded.iter().map(Vec::as_slice).collect::<Vec<_>>());
        Self { der, rdns }
    }

    /// Returns the DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Tells whether there is no attribute in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Returns the most specific common name, the one a person would call the subject by.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        let mut attributes = self.rdns.iter().rev().flatten();
        attributes.find(|attribute| attribute.oid == COMMON_NAME).and_then(Attribute::text)
    }

    /// Tells whether it has an attribute of this type.
    #[must_use]
    pub fn has(&self, attribute_type: ObjectIdentifier) -> bool {
        self.rdns.iter().flatten().any(|attribute| attribute.oid == attribute_type)
    }

    /// Tells whether two names are the same by RFC 5280 section 7.1: equal bytes, or equal types and equal
    /// text, whatever its string type, with case and runs of blanks folded.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.der == other.der
            || self.rdns.len() == other.rdns.len()
                && self
                    .rdns
                    .iter()
                    .zip(&other.rdns)
                    .all(|(ours, theirs)| ours == theirs || comparable(ours) == comparable(theirs))
    }
}

/// Returns what of a relative distinguished name is compared: of each attribute its type, and its folded
/// text or else its value. In the order of just that, since it is a set, and the order of its encoding
/// depends on string types.
fn comparable(rdn: &[Attribute]) -> Vec<impl Ord> {
    let mut all: Vec<_> = rdn
        .iter()
        .map(|attribute| {
            let folded = attribute
                .text()
                .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
                .ok_or((attribute.tag, attribute.contents.as_slice()));
            (attribute.oid, folded)
        })
        .collect();
    all.sort_unstable();
    all
}

impl PartialEq for Name {
    /// Compares encodings; see [`matches`](Self::matches) for names as such.
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().rev().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    f.write_str("+")?;
                }
                match KNOWN.iter().find(|known| known.oid == attribute.oid) {
                    Some(Known { names: [name, ..], .. }) => write!(f, "{name}=")?,
                    _ => write!(f, "{}=", attribute.oid)?,
                }
                match attribute.text() {
                    Some(text) => write_escaped(f, &text)?,
                    None => {
                        f.write_str("#")?;
                        for byte in asn1::tlv(attribute.tag, &[&attribute.contents]) {
                            write!(f, "{byte:02x}")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes a value with the escapes of RFC 4514 section 2.4. Control characters go as hex pairs, so that a
/// hostile name cannot move the cursor of the terminal it is shown on.
fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (index, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            c if c.is_control() || is_bidi_control(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    write!(f, "\\{byte:02X}")?;
                }
            }
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

/// Characters that reorder what stands around them on a screen.
const fn is_bidi_control(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests;
