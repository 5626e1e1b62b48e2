//! X.500 names: DER and the strings of RFC 4514.

use core::fmt;
use core::str::FromStr;

use const_oid::ObjectIdentifier;

use crate::Error;
use crate::asn1::{self, Reader, Tlv, tag};

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
/// Read from a string by [`FromStr`] and written by `Display`, both as RFC 4514 has it: the most specific
/// attribute first, `CN=Example,O=Example Ltd,C=GB`. Reading also takes blanks after commas, quoted values
/// and the extra short names of Windows (`S`, `E`, `G`).
#[derive(Clone, Debug)]
pub struct Name {
    der: Vec<u8>,
    /// In encoded order, the least specific first.
    rdns: Vec<Vec<Attribute>>,
}

/// Why a string is no distinguished name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// No attribute at all.
    Empty,
    /// An attribute without `=`; where it begins, in bytes.
    NoEquals(usize),
    /// An attribute type that is neither a known short name nor an OID.
    UnknownType(String),
    /// A value that its string type cannot hold, as letters outside ASCII in `C`.
    BadValue(String),
    /// A backslash, quotation mark or `#` that nothing valid follows; where, in bytes.
    BadEscape(usize),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::NoEquals(at) => write!(f, "no `TYPE=` at byte {at} of the name"),
            Self::UnknownType(name) => write!(f, "`{name}` is no attribute type we know"),
            Self::BadValue(name) => write!(f, "`{name}` cannot have that value"),
            Self::BadEscape(at) => write!(f, "bad escape at byte {at} of the name"),
        }
    }
}

impl core::error::Error for NameError {}

impl Name {
    /// Reads a name from its DER, which must be all of `der`.
    ///
    /// # Errors
    /// [`Error::Der`] where it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Self::from_tlv(Tlv::parse(der)?)
    }

    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let mut rdns = Vec::new();
        for rdn in tlv.expect(tag::SEQUENCE, "distinguished name")?.reader() {
            let mut attributes = Vec::new();
            for attribute in rdn?.expect(tag::SET, "relative distinguished name")?.reader() {
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

    /// Tells whether two names are the same by RFC 5280 section 7.1: equal bytes, or equal types and equal
    /// text, whatever its string type, with case and runs of blanks folded.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let folded = |attribute: &Attribute| {
            attribute
                .text()
                .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
        };
        self.der == other.der
            || self.rdns.len() == other.rdns.len()
                && self.rdns.iter().zip(&other.rdns).all(|(ours, theirs)| {
                    ours.len() == theirs.len()
                        && ours.iter().zip(theirs).all(|(a, b)| {
                            a.oid == b.oid
                                && (a == b || folded(a).is_some_and(|a| folded(b) == Some(a)))
                        })
                })
    }
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
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut rdns = Vec::new();
        let mut rdn = Vec::new();
        let mut scanner = Scanner { text, at: 0 };
        scanner.skip_blanks();
        if scanner.peek().is_none() {
            return Err(NameError::Empty);
        }
        loop {
            rdn.push(scanner.attribute()?);
            match scanner.next() {
                Some('+') => {}
                end => {
                    rdns.push(core::mem::take(&mut rdn));
                    if end.is_none() {
                        break;
                    }
                }
            }
        }
        rdns.reverse();
        Ok(Self::from_rdns(rdns))
    }
}

/// Reads a string by characters, knowing the byte it stands at.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at = self.at.saturating_add(c.len_utf8());
        Some(c)
    }

    fn skip_blanks(&mut self) {
        while self.peek() == Some(' ') {
            self.next();
        }
    }

    /// Reads `TYPE=value` up to the separator, which it leaves.
    fn attribute(&mut self) -> Result<Attribute, NameError> {
        self.skip_blanks();
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let (name, _) = rest
            .split_once('=')
            .filter(|(name, _)| !name.contains([',', ';', '+']))
            .ok_or(NameError::NoEquals(start))?;
        self.at = start.saturating_add(name.len()).saturating_add(1);
        let name = name.trim();
        let plain = name.strip_prefix("OID.").or_else(|| name.strip_prefix("oid.")).unwrap_or(name);
        let known = KNOWN
            .iter()
            .find(|known| known.names.iter().any(|short| short.eq_ignore_ascii_case(name)));
        let (oid, string) = match known {
            Some(known) => (known.oid, known.string),
            None => {
                let oid = ObjectIdentifier::new(plain)
                    .map_err(|_| NameError::UnknownType(name.to_owned()))?;
                let known = KNOWN.iter().find(|known| known.oid == oid);
                (oid, known.map_or(tag::UTF8_STRING, |known| known.string))
            }
        };
        self.skip_blanks();
        if self.peek() == Some('#') {
            return self.hex_value(oid);
        }
        let value = self.value()?;
        let fits = match string {
            tag::PRINTABLE_STRING => value.chars().all(is_printable_string),
            tag::IA5_STRING => value.is_ascii(),
            _ => true,
        };
        // An empty value is no value, and a country is two letters (ISO 3166).
        let country = name.eq_ignore_ascii_case("C") && value.len() != 2;
        if !fits || value.is_empty() || country {
            return Err(NameError::BadValue(name.to_owned()));
        }
        Ok(Attribute { oid, tag: string, contents: value.into_bytes() })
    }

    /// Reads `#` and the hex of a BER value (RFC 4514 section 2.4).
    fn hex_value(&mut self, oid: ObjectIdentifier) -> Result<Attribute, NameError> {
        let start = self.at;
        self.next();
        let mut bytes = Vec::new();
        while let Some(high) = self.peek().and_then(|c| c.to_digit(16)) {
            self.next();
            let low =
                self.next().and_then(|c| c.to_digit(16)).ok_or(NameError::BadEscape(start))?;
            bytes.push(u8::try_from((high << 4) | low).map_err(|_| NameError::BadEscape(start))?);
        }
        self.skip_blanks();
        let tlv = Reader::new(&bytes).read().map_err(|_| NameError::BadEscape(start))?;
        let ends = self.peek().is_none_or(|c| matches!(c, ',' | ';' | '+'));
        if tlv.raw.len() != bytes.len() || !ends {
            return Err(NameError::BadEscape(start));
        }
        Ok(Attribute { oid, tag: tlv.tag, contents: tlv.contents.to_vec() })
    }

    /// Reads a plain or quoted value with its escapes.
    fn value(&mut self) -> Result<String, NameError> {
        let quoted = self.peek() == Some('"');
        let start = self.at;
        if quoted {
            self.next();
        }
        let mut value = Vec::new();
        // Blanks count up to the last escaped or quoted character; plain ones at the end do not.
        let mut keep = 0;
        loop {
            match self.peek() {
                None if quoted => return Err(NameError::BadEscape(start)),
                None => break,
                Some('"') if quoted => {
                    self.next();
                    keep = value.len();
                    self.skip_blanks();
                    if self.peek().is_some_and(|c| !matches!(c, ',' | ';' | '+')) {
                        return Err(NameError::BadEscape(self.at));
                    }
                    break;
                }
                Some(',' | ';' | '+') if !quoted => break,
                Some('\\') => {
                    value.push(self.escape()?);
                    keep = value.len();
                    continue;
                }
                Some(c) => {
                    self.next();
                    value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        let blanks = value.get(keep..).unwrap_or_default();
        let trailing = blanks.iter().rev().take_while(|byte| **byte == b' ').count();
        value.truncate(value.len().saturating_sub(trailing));
        String::from_utf8(value).map_err(|_| NameError::BadEscape(start))
    }

    /// Reads `\` and a special character or a hex pair.
    fn escape(&mut self) -> Result<u8, NameError> {
        let start = self.at;
        let error = NameError::BadEscape(start);
        self.next();
        let c = self.next().ok_or(error.clone())?;
        if let Some(high) = c.to_digit(16) {
            let low = self.next().and_then(|c| c.to_digit(16)).ok_or(error.clone())?;
            return u8::try_from((high << 4) | low).map_err(|_| error);
        }
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' | '#' | '=' | ' ' | '/' => {
                u8::try_from(c).map_err(|_| error)
            }
            _ => Err(error),
        }
    }
}

/// The characters of PrintableString (X.680 section 41.4).
const fn is_printable_string(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, ' ' | '\'' | '(' | ')' | '+' | ',' | '-' | '.' | '/' | ':' | '=' | '?')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(text: &str) -> String {
        let name: Name = text.parse().unwrap();
        assert_eq!(Name::from_der(name.as_der()).unwrap().to_string(), name.to_string());
        name.to_string()
    }

    #[test]
    fn strings_are_read_most_specific_first() {
        let name: Name = "CN=Example, O=Example Ltd, C=GB".parse().unwrap();
        assert_eq!(name.to_string(), "CN=Example,O=Example Ltd,C=GB");
        // countryName is encoded first, as a PrintableString.
        assert_eq!(&name.as_der()[2..13], b"\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02");
        assert_eq!(name.common_name().as_deref(), Some("Example"));
    }

    #[test]
    fn special_characters_survive() {
        for (text, written) in [
            (r"CN=Smith\, Jones \+ Co", r"CN=Smith\, Jones \+ Co"),
            (r#"CN="Smith, Jones""#, r"CN=Smith\, Jones"),
            (r"CN=A/S Dansk", "CN=A/S Dansk"),
            (r"CN=\ padded\ ", r"CN=\ padded\ "),
            (r"CN=T\C3\A9st", "CN=Tést"),
            (r"OU=Sales+CN=J Smith", "CN=J Smith+OU=Sales"),
            ("2.5.4.3=x", "CN=x"),
            ("1.2.3.4=#0c0178", "1.2.3.4=x"),
            ("S=WA,E=a@b.example", "ST=WA,EMAIL=a@b.example"),
            (r"CN=a\0Ab", r"CN=a\0Ab"),
        ] {
            assert_eq!(round(text), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, error) in [
            ("", NameError::Empty),
            ("  ", NameError::Empty),
            ("Example", NameError::NoEquals(0)),
            ("CN=a,b", NameError::NoEquals(5)),
            ("CN=a,", NameError::NoEquals(5)),
            ("XX=a", NameError::UnknownType("XX".into())),
            ("C=Großbritannien", NameError::BadValue("C".into())),
            ("CN=", NameError::BadValue("CN".into())),
            (r"CN=a\z", NameError::BadEscape(4)),
            ("CN=\"a", NameError::BadEscape(3)),
            ("CN=#0c05", NameError::BadEscape(3)),
        ] {
            assert_eq!(text.parse::<Name>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn names_match_across_string_types_and_case() {
        let utf8: Name = "CN=Example  Root,C=GB".parse().unwrap();
        let der = asn1::sequence(&[
            &utf8.as_der()[2..15],
            &asn1::tlv(
                tag::SET,
                &[&asn1::sequence(&[
                    &asn1::object_identifier(&COMMON_NAME),
                    &asn1::tlv(tag::PRINTABLE_STRING, &[b"EXAMPLE ROOT"]),
                ])],
            ),
        ]);
        let printable = Name::from_der(&der).unwrap();
        assert!(utf8.matches(&printable) && utf8 != printable);
        assert!(!utf8.matches(&"CN=Example Root 2,C=GB".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn any_value_survives_writing_and_reading(value in "\\PC{1,20}") {
            let name = Name::from_rdns(vec![vec![Attribute {
                oid: COMMON_NAME,
                tag: tag::UTF8_STRING,
                contents: value.clone().into_bytes(),
            }]]);
            let again: Name = name.to_string().parse().unwrap();
            prop_assert_eq!(again.common_name(), Some(value));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Name>();
        }
    }
}
