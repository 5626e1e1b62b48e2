//! Names as OpenSSL prints them (openssl-namedisplay-options; X509_NAME_print_ex).

use core::fmt;

use const_oid::ObjectIdentifier;

use super::{Attribute, Name};
use crate::asn1::{self, tag};

/// A form OpenSSL prints names in, by what `-nameopt` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenSslForm {
    /// `RFC2253`: the most specific attribute first, `CN=Example,O=Example Ltd,C=GB`. Bytes outside ASCII are
    /// escaped as hex pairs.
    Rfc2253,
    /// `oneline`, what `openssl x509 -subject` printed until OpenSSL 3.2: in encoded order,
    /// `C = GB, O = Example Ltd, CN = Example`; values with special characters in quotation marks.
    OneLine,
    /// `multiline`: an attribute a line, by its long name.
    MultiLine,
}

/// Shows a [`Name`] in a form of OpenSSL; made by [`Name::openssl`].
#[derive(Clone, Copy, Debug)]
pub struct OpenSslName<'a> {
    name: &'a Name,
    form: OpenSslForm,
}

impl Name {
    /// Shows the name as OpenSSL prints it with `-nameopt`.
    ///
    /// Attribute types are named as in OpenSSL's own table, as far as it is about names; one beyond X.520, PKCS#9 and
    /// the EV guidelines is shown by its number. A BMPString with surrogate pairs, which OpenSSL takes for characters
    /// of their own and leaves out, loses them here too.
    ///
    /// ```
    /// use chancery_x509::{Name, OpenSslForm};
    ///
    /// let name: Name = r"CN=Smith\, Jones,C=GB".parse()?;
    /// assert_eq!(name.openssl(OpenSslForm::Rfc2253).to_string(), r"CN=Smith\, Jones,C=GB");
    /// assert_eq!(name.openssl(OpenSslForm::OneLine).to_string(), r#"C = GB, CN = "Smith, Jones""#);
    /// # Ok::<(), chancery_x509::NameError>(())
    /// ```
    #[must_use]
    pub const fn openssl(&self, form: OpenSslForm) -> OpenSslName<'_> {
        OpenSslName { name: self, form }
    }
}

/// Short and long names of the attribute types, as OpenSSL has them.
const NAMES: [(&str, &str, &str); 50] = [
    ("2.5.4.3", "CN", "commonName"),
    ("2.5.4.4", "SN", "surname"),
    ("2.5.4.5", "serialNumber", "serialNumber"),
    ("2.5.4.6", "C", "countryName"),
    ("2.5.4.7", "L", "localityName"),
    ("2.5.4.8", "ST", "stateOrProvinceName"),
    ("2.5.4.9", "street", "streetAddress"),
    ("2.5.4.10", "O", "organizationName"),
    ("2.5.4.11", "OU", "organizationalUnitName"),
    ("2.5.4.12", "title", "title"),
    ("2.5.4.13", "description", "description"),
    ("2.5.4.14", "searchGuide", "searchGuide"),
    ("2.5.4.15", "businessCategory", "businessCategory"),
    ("2.5.4.16", "postalAddress", "postalAddress"),
    ("2.5.4.17", "postalCode", "postalCode"),
    ("2.5.4.18", "postOfficeBox", "postOfficeBox"),
    ("2.5.4.19", "physicalDeliveryOfficeName", "physicalDeliveryOfficeName"),
    ("2.5.4.20", "telephoneNumber", "telephoneNumber"),
    ("2.5.4.21", "telexNumber", "telexNumber"),
    ("2.5.4.23", "facsimileTelephoneNumber", "facsimileTelephoneNumber"),
    ("2.5.4.24", "x121Address", "x121Address"),
    ("2.5.4.25", "internationaliSDNNumber", "internationaliSDNNumber"),
    ("2.5.4.26", "registeredAddress", "registeredAddress"),
    ("2.5.4.27", "destinationIndicator", "destinationIndicator"),
    ("2.5.4.31", "member", "member"),
    ("2.5.4.32", "owner", "owner"),
    ("2.5.4.33", "roleOccupant", "roleOccupant"),
    ("2.5.4.34", "seeAlso", "seeAlso"),
    ("2.5.4.35", "userPassword", "userPassword"),
    ("2.5.4.41", "name", "name"),
    ("2.5.4.42", "GN", "givenName"),
    ("2.5.4.43", "initials", "initials"),
    ("2.5.4.44", "generationQualifier", "generationQualifier"),
    ("2.5.4.45", "x500UniqueIdentifier", "x500UniqueIdentifier"),
    ("2.5.4.46", "dnQualifier", "dnQualifier"),
    ("2.5.4.50", "uniqueMember", "uniqueMember"),
    ("2.5.4.51", "houseIdentifier", "houseIdentifier"),
    ("2.5.4.54", "dmdName", "dmdName"),
    ("2.5.4.65", "pseudonym", "pseudonym"),
    ("2.5.4.72", "role", "role"),
    ("2.5.4.97", "organizationIdentifier", "organizationIdentifier"),
    ("2.5.4.98", "c3", "countryCode3c"),
    ("0.9.2342.19200300.100.1.1", "UID", "userId"),
    ("0.9.2342.19200300.100.1.25", "DC", "domainComponent"),
    ("1.2.840.113549.1.9.1", "emailAddress", "emailAddress"),
    ("1.2.840.113549.1.9.2", "unstructuredName", "unstructuredName"),
    ("1.2.840.113549.1.9.8", "unstructuredAddress", "unstructuredAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL", "jurisdictionLocalityName"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST", "jurisdictionStateOrProvinceName"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC", "jurisdictionCountryName"),
];

/// How far long names are filled up with blanks.
const LONG_NAME_WIDTH: usize = 25;

fn names(oid: ObjectIdentifier) -> Option<(&'static str, &'static str)> {
    let text = oid.to_string();
    NAMES.iter().find(|(arcs, ..)| *arcs == text).map(|(_, short, long)| (*short, *long))
}

/// Finds an attribute type by its short or long name.
pub(super) fn attribute_type(name: &str) -> Option<ObjectIdentifier> {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    let found = NAMES.iter().find(|(_, short, long)| is(short) || is(long));
    found.and_then(|(arcs, ..)| ObjectIdentifier::new(arcs).ok())
}

impl fmt::Display for OpenSslName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each attribute with the number of its set: attributes of one set are joined by `+`.
        let sets = self.name.rdns.iter().enumerate();
        let mut attributes: Vec<(usize, &Attribute)> =
            sets.flat_map(|(set, rdn)| rdn.iter().map(move |attribute| (set, attribute))).collect();
        if self.form == OpenSslForm::Rfc2253 {
            // Everything is turned around, the attributes within a set too.
            attributes.reverse();
        }
        let (next_set, same_set) = match self.form {
            OpenSslForm::Rfc2253 => (",", "+"),
            OpenSslForm::OneLine => (", ", " + "),
            OpenSslForm::MultiLine => ("\n", " + "),
        };
        let mut previous = None;
        for (set, attribute) in attributes {
            match previous.replace(set) {
                None => {}
                Some(other) if other == set => f.write_str(same_set)?,
                Some(_) => f.write_str(next_set)?,
            }
            self.attribute(f, attribute)?;
        }
        Ok(())
    }
}

impl OpenSslName<'_> {
    fn attribute(&self, f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
        let names = names(attribute.oid);
        match (self.form, names) {
            (OpenSslForm::Rfc2253, Some((short, _))) => write!(f, "{short}=")?,
            (OpenSslForm::Rfc2253, None) => {
                write!(f, "{}=", attribute.oid)?;
                return dump(f, attribute);
            }
            (OpenSslForm::OneLine, Some((short, _))) => write!(f, "{short} = ")?,
            (OpenSslForm::MultiLine, Some((_, long))) => write!(f, "{long:<LONG_NAME_WIDTH$} = ")?,
            (OpenSslForm::OneLine | OpenSslForm::MultiLine, None) => {
                write!(f, "{} = ", attribute.oid)?;
            }
        }
        if self.form == OpenSslForm::MultiLine {
            return characters(attribute).iter().try_for_each(|c| escape_multi_line(f, *c));
        }
        if !is_string(attribute.tag) {
            return dump(f, attribute);
        }
        let bytes = utf8(attribute);
        let quoted = self.form == OpenSslForm::OneLine;
        let quotes = quoted
            && bytes.iter().enumerate().any(|(index, byte)| {
                is_special(*byte, index == 0, index.saturating_add(1) == bytes.len())
                    && !matches!(byte, b'"' | b'\\')
            });
        let mark = if quotes { "\"" } else { "" };
        f.write_str(mark)?;
        for (index, byte) in bytes.iter().enumerate() {
            let special = is_special(*byte, index == 0, index.saturating_add(1) == bytes.len());
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                byte if special && quoted => write!(f, "{}", char::from(*byte))?,
                byte if special => write!(f, "\\{}", char::from(*byte))?,
                0x20..0x7f => write!(f, "{}", char::from(*byte))?,
                byte => write!(f, "\\{byte:02X}")?,
            }
        }
        f.write_str(mark)
    }
}

/// Writes `#` and the DER of the value.
fn dump(f: &mut fmt::Formatter<'_>, attribute: &Attribute) -> fmt::Result {
    f.write_str("#")?;
    let der = asn1::tlv(attribute.tag, &[&attribute.contents]);
    der.iter().try_for_each(|octet| write!(f, "{octet:02X}"))
}

const NUMERIC_STRING: u8 = 0x12;
const VISIBLE_STRING: u8 = 0x1a;

const fn is_string(string: u8) -> bool {
    matches!(
        string,
        tag::UTF8_STRING
            | NUMERIC_STRING
            | tag::PRINTABLE_STRING
            | tag::TELETEX_STRING
            | tag::IA5_STRING
            | tag::UTC_TIME
            | tag::GENERALIZED_TIME
            | VISIBLE_STRING
            | tag::UNIVERSAL_STRING
            | tag::BMP_STRING
    )
}

/// The characters by number; where a string is of whole bytes or unknown, its bytes.
fn characters(attribute: &Attribute) -> Vec<u32> {
    let contents = &attribute.contents;
    match attribute.tag {
        tag::BMP_STRING => {
            let (pairs, _) = contents.as_chunks::<2>();
            pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair))).collect()
        }
        tag::UNIVERSAL_STRING => {
            let (quads, _) = contents.as_chunks::<4>();
            quads.iter().map(|quad| u32::from_be_bytes(*quad)).collect()
        }
        tag::UTF8_STRING => match core::str::from_utf8(contents) {
            Ok(text) => text.chars().map(u32::from).collect(),
            Err(_) => contents.iter().copied().map(u32::from).collect(),
        },
        _ => contents.iter().copied().map(u32::from).collect(),
    }
}

/// The value in UTF-8; a UTF8String as it is, in order or not.
fn utf8(attribute: &Attribute) -> Vec<u8> {
    if attribute.tag == tag::UTF8_STRING {
        return attribute.contents.clone();
    }
    let characters = characters(attribute).into_iter().filter_map(char::from_u32);
    characters.collect::<String>().into_bytes()
}

/// Tells whether OpenSSL escapes a character with a backslash at its place. A `#` that is first and last it leaves
/// alone, against RFC 2253.
const fn is_special(byte: u8, first: bool, last: bool) -> bool {
    match byte {
        b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
        b' ' => first || last,
        b'#' => first && !last,
        _ => false,
    }
}

fn escape_multi_line(f: &mut fmt::Formatter<'_>, character: u32) -> fmt::Result {
    match (character, u8::try_from(character)) {
        (0x1_0000.., _) => write!(f, "\\W{character:08X}"),
        (_, Err(_)) => write!(f, "\\U{character:04X}"),
        (_, Ok(b'\\')) => f.write_str("\\\\"),
        (_, Ok(byte @ 0x20..0x7f)) => write!(f, "{}", char::from(byte)),
        (_, Ok(byte)) => write!(f, "\\{byte:02X}"),
    }
}
