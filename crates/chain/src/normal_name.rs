//! Names in the form in which they are compared.

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Name};
use const_oid::ObjectIdentifier;

use crate::oid;

/// A name such that two are equal exactly where RFC 5280 section 7.1 takes them for one: string types do not
/// count, case is folded, blanks at the ends go and runs of them become one.
///
/// It is made once for each name, so that names can be looked up instead of compared in pairs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NormalName {
    /// One string of octets for each relative distinguished name, the least specific first.
    rdns: Vec<Vec<u8>>,
}

impl NormalName {
    pub(crate) fn of(name: &Name) -> Self {
        // The second arm is never taken for a name that was read from DER or built.
        Self::from_der(name.as_der()).unwrap_or_else(|_| Self { rdns: vec![name.as_der().into()] })
    }

    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let list = Tlv::parse(der)?.expect(tag::SEQUENCE, "distinguished name")?;
        let rdns = list.reader().map(|rdn| rdn.and_then(normal_rdn)).collect::<Result<_, _>>()?;
        Ok(Self { rdns })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Tells whether this name is `base` or lies below it in the directory.
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        self.rdns.starts_with(&base.rdns)
    }

    /// Adds one relative distinguished name, given by the contents of its SET.
    pub(crate) fn with_rdn(&self, rdn: Tlv<'_>) -> Result<Self, Error> {
        let mut rdns = self.rdns.clone();
        rdns.push(normal_rdn_contents(rdn)?);
        Ok(Self { rdns })
    }
}

/// Lists the e-mail addresses in a name as they are written there.
pub(crate) fn email_addresses(name: &Name) -> Vec<String> {
    let read = || -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for rdn in Tlv::parse(name.as_der())?.reader() {
            for attribute in rdn?.reader() {
                let (oid, value) = read_attribute(attribute?)?;
                if oid == oid::EMAIL_ADDRESS {
                    found.extend(text(value));
                }
            }
        }
        Ok(found)
    };
    read().unwrap_or_default()
}

fn normal_rdn(rdn: Tlv<'_>) -> Result<Vec<u8>, Error> {
    normal_rdn_contents(rdn.expect(tag::SET, "relative distinguished name")?)
}

fn normal_rdn_contents(rdn: Tlv<'_>) -> Result<Vec<u8>, Error> {
    let attributes = rdn.reader().map(|attribute| attribute.and_then(normal_attribute));
    let mut attributes = attributes.collect::<Result<Vec<_>, _>>()?;
    // DER orders a SET by encodings, in which the string type counts.
    attributes.sort_unstable();
    Ok(attributes.concat())
}

/// Writes type and folded value, each after its length, so that no two attributes run into each other.
fn normal_attribute(attribute: Tlv<'_>) -> Result<Vec<u8>, Error> {
    let (oid, value) = read_attribute(attribute)?;
    let folded = match text(value) {
        Some(text) => {
            let words: Vec<&str> = text.split_whitespace().collect();
            [&[0], words.join(" ").to_lowercase().as_bytes()].concat()
        }
        None => [&[1], value.raw].concat(),
    };
    let mut out = Vec::with_capacity(folded.len().saturating_add(32));
    for part in [oid.as_bytes(), &folded] {
        out.extend_from_slice(&part.len().to_be_bytes());
        out.extend_from_slice(part);
    }
    Ok(out)
}

fn read_attribute(attribute: Tlv<'_>) -> Result<(ObjectIdentifier, Tlv<'_>), Error> {
    let mut parts = attribute.expect(tag::SEQUENCE, "name attribute")?.reader();
    let oid = parts.read()?.oid()?;
    let value = parts.read()?;
    parts.finish()?;
    Ok((oid, value))
}

/// Decodes a value, where it is of a string type and in order.
fn text(value: Tlv<'_>) -> Option<String> {
    match value.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING => {
            core::str::from_utf8(value.contents).ok().map(str::to_owned)
        }
        // Nobody writes T.61 escapes; what is in there is Latin-1.
        tag::TELETEX_STRING => Some(value.contents.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let (pairs, []) = value.contents.as_chunks::<2>() else { return None };
            let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16(&units).ok()
        }
        tag::UNIVERSAL_STRING => {
            let (quads, []) = value.contents.as_chunks::<4>() else { return None };
            quads.iter().map(|quad| char::from_u32(u32::from_be_bytes(*quad))).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chancery_x509::asn1;

    use super::*;

    const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
    const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

    fn attribute(oid: ObjectIdentifier, tag: u8, value: &[u8]) -> Vec<u8> {
        asn1::sequence(&[&asn1::object_identifier(&oid), &asn1::tlv(tag, &[value])])
    }

    fn name(rdns: &[Vec<Vec<u8>>]) -> NormalName {
        let sets: Vec<Vec<u8>> =
            rdns.iter().map(|rdn| asn1::set_of(tag::SET, rdn.clone())).collect();
        let parts: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        NormalName::from_der(&asn1::sequence(&parts)).unwrap()
    }

    #[test]
    fn case_blanks_and_string_types_do_not_count() {
        let one = name(&[vec![attribute(COMMON_NAME, tag::PRINTABLE_STRING, b" Good  CA ")]]);
        let other = name(&[vec![attribute(COMMON_NAME, tag::UTF8_STRING, b"good ca")]]);
        let wide = name(&[vec![attribute(COMMON_NAME, tag::BMP_STRING, b"\0G\0o\0o\0d\0 \0C\0A")]]);
        assert_eq!(one, other);
        assert_eq!(one, wide);
        assert_ne!(one, name(&[vec![attribute(COMMON_NAME, tag::UTF8_STRING, b"goodca")]]));
        assert_ne!(one, name(&[vec![attribute(ORGANIZATION, tag::UTF8_STRING, b"good ca")]]));
    }

    #[test]
    fn the_order_within_a_set_does_not_count_and_that_of_sets_does() {
        // In DER the shorter value comes first in one, and the lower tag in the other.
        let a = |tag| attribute(ORGANIZATION, tag, b"a");
        let b = |tag| attribute(COMMON_NAME, tag, b"b");
        let one = name(&[vec![a(tag::UTF8_STRING), b(tag::PRINTABLE_STRING)]]);
        let other = name(&[vec![b(tag::UTF8_STRING), a(tag::PRINTABLE_STRING)]]);
        assert_eq!(one, other);
        let in_two = name(&[vec![a(tag::UTF8_STRING)], vec![b(tag::UTF8_STRING)]]);
        assert_ne!(one, in_two);
        assert_ne!(in_two, name(&[vec![b(tag::UTF8_STRING)], vec![a(tag::UTF8_STRING)]]));
    }

    #[test]
    fn a_name_is_within_its_own_beginnings() {
        let full: Name = "CN=Example,O=Example Ltd,C=GB".parse().unwrap();
        let full = NormalName::of(&full);
        for base in ["O=EXAMPLE LTD,C=gb", "C=GB", "CN=Example,O=Example Ltd,C=GB"] {
            assert!(full.is_within(&NormalName::of(&base.parse().unwrap())), "{base}");
        }
        for base in ["O=Example Ltd", "O=Example,C=GB", "CN=x,CN=Example,O=Example Ltd,C=GB"] {
            assert!(!full.is_within(&NormalName::of(&base.parse().unwrap())), "{base}");
        }
    }

    #[test]
    fn values_that_are_no_text_are_compared_as_they_are() {
        let bits = |value: &[u8]| name(&[vec![attribute(COMMON_NAME, tag::BIT_STRING, value)]]);
        assert_eq!(bits(&[0, b'A']), bits(&[0, b'A']));
        assert_ne!(bits(&[0, b'A']), bits(&[0, b'a']));
        // A text that looks like the encoding of another value is not that value.
        let text = name(&[vec![attribute(COMMON_NAME, tag::UTF8_STRING, &[3, 2, 0, b'A'])]]);
        assert_ne!(text, bits(&[0, b'A']));
    }

    #[test]
    fn e_mail_addresses_keep_their_case() {
        let name: Name = "EMAIL=Jo@Example.com,CN=Jo".parse().unwrap();
        assert_eq!(email_addresses(&name), ["Jo@Example.com"]);
        assert!(email_addresses(&"CN=jo@example.com".parse().unwrap()).is_empty());
    }
}
