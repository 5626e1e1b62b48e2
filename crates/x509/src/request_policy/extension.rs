//! `[Extensions]` and the sections that are each one extension.

use chancery_inf::Entry;
use const_oid::ObjectIdentifier;

use super::alternative_name::general_name;
use super::draft::Draft;
use super::error::{Failure, Place, PolicyErrorKind as Kind};
use super::key_usage::key_usage;
use super::suggestion::nearest;
use super::value::{
    base64, boolean, hex, number, object_identifier, object_identifiers, strip_prefix, unknown,
};
use crate::asn1::{self, Tlv, tag};
use crate::{Extensions, oid};

/// Reads `OID = value` of `[Extensions]`.
pub(crate) fn any(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    let kind = object_identifier(&place.key)
        .map_err(|_| Kind::Unknown { suggestion: nearest(&place.key, ["Critical"]) })?;
    let first = entry.pieces().first().map(|piece| piece.text().into_owned()).unwrap_or_default();
    let der = if strip_prefix(&first, "{text}").is_some() {
        from_text(kind, entry)?
    } else {
        from_bytes(&entry.value())?
    };
    check(kind, &der)?;
    draft.add_extension(kind, false, der, place)?;
    Ok(())
}

/// Reads the list of critical extensions.
pub(crate) fn critical(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.critical = Some((object_identifiers(&entry.value())?, place.clone()));
    Ok(())
}

/// Reads `OID = ...` of `[EnhancedKeyUsageExtension]`.
pub(crate) fn purpose(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.purposes.add(object_identifiers(&entry.value())?, place);
    Ok(())
}

pub(crate) fn purposes_critical(
    draft: &mut Draft,
    entry: &Entry,
    _: &Place,
) -> Result<(), Failure> {
    draft.purposes.critical = boolean(&entry.value())?;
    Ok(())
}

/// Reads `OID = ...` of `[ApplicationPolicyExtension]`.
pub(crate) fn policy(draft: &mut Draft, entry: &Entry, place: &Place) -> Result<(), Failure> {
    draft.policies.add(object_identifiers(&entry.value())?, place);
    Ok(())
}

pub(crate) fn policies_critical(
    draft: &mut Draft,
    entry: &Entry,
    _: &Place,
) -> Result<(), Failure> {
    draft.policies.critical = boolean(&entry.value())?;
    Ok(())
}

pub(crate) fn path_length(draft: &mut Draft, entry: &Entry, _: &Place) -> Result<(), Failure> {
    draft.path_length = Some(number(&entry.value())?);
    Ok(())
}

pub(crate) fn constraints_critical(
    draft: &mut Draft,
    entry: &Entry,
    _: &Place,
) -> Result<(), Failure> {
    draft.constraints_critical = Some(boolean(&entry.value())?);
    Ok(())
}

/// Object identifiers of one extension, collected line by line.
#[derive(Debug, Default)]
pub(crate) struct Purposes {
    list: Vec<ObjectIdentifier>,
    critical: bool,
    place: Option<Place>,
}

impl Purposes {
    fn add(&mut self, list: Vec<ObjectIdentifier>, place: &Place) {
        self.list.extend(list);
        self.place.get_or_insert_with(|| place.clone());
    }

    /// Returns the purposes as the list of them, each written in some way; `None` where there are none.
    fn to_der(&self, one: fn(&ObjectIdentifier) -> Vec<u8>) -> Option<(Vec<u8>, bool, &Place)> {
        let place = self.place.as_ref()?;
        Some((sequence_of(self.list.iter().map(one)), self.critical, place))
    }

    pub(crate) fn extended_key_usage(&self) -> Option<(Vec<u8>, bool, &Place)> {
        self.to_der(asn1::object_identifier)
    }

    /// As certificatePolicies without qualifiers.
    pub(crate) fn application_policies(&self) -> Option<(Vec<u8>, bool, &Place)> {
        self.to_der(|oid| asn1::sequence(&[&asn1::object_identifier(oid)]))
    }
}

fn sequence_of(elements: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let elements: Vec<Vec<u8>> = elements.collect();
    asn1::sequence(&elements.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Writes basicConstraints.
pub(crate) fn basic_constraints(ca: bool, path_length: Option<u32>) -> Vec<u8> {
    let length = path_length.map(|length| asn1::unsigned_integer(&length.to_be_bytes()));
    // FALSE is the default and DER leaves defaults out.
    let ca: &[u8] = if ca { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
    asn1::sequence(&[ca, &length.unwrap_or_default()])
}

/// Reads `{hex}`, `{asn}` with Base64, or Base64 alone.
fn from_bytes(value: &str) -> Result<Vec<u8>, Kind> {
    if let Some(digits) = strip_prefix(value, "{hex}") {
        return hex(digits);
    }
    base64(strip_prefix(value, "{asn}").unwrap_or(value))
}

/// Reads `{text}` in the way of each extension.
fn from_text(kind: ObjectIdentifier, entry: &Entry) -> Result<Vec<u8>, Failure> {
    let value = entry.value();
    let text = strip_prefix(&value, "{text}").unwrap_or_default();
    match kind {
        oid::SUBJECT_ALTERNATIVE_NAME => alternative_names(entry),
        oid::EXTENDED_KEY_USAGE => {
            let purposes = object_identifiers(text)?;
            Ok(sequence_of(purposes.iter().map(asn1::object_identifier)))
        }
        oid::BASIC_CONSTRAINTS => Ok(constraints_text(text)?),
        oid::KEY_USAGE => {
            let mut extensions = Extensions::default();
            extensions.set_key_usage(key_usage(text)?);
            let value = extensions.get(oid::KEY_USAGE).map(|extension| extension.value.clone());
            Ok(value.unwrap_or_default())
        }
        _ => {
            let why = "no {text} form is known for it; write its DER after {hex}";
            Err(Kind::Unsupported { why }.into())
        }
    }
}

/// Reads names between `&` and in `_continue_` lines: certreq's own examples end them with `&` or do not.
fn alternative_names(entry: &Entry) -> Result<Vec<u8>, Failure> {
    let mut names = Vec::new();
    for (index, piece) in entry.pieces().iter().enumerate() {
        let text = piece.text();
        let text =
            if index == 0 { strip_prefix(&text, "{text}").unwrap_or_default() } else { &text };
        for name in text.split('&').map(str::trim).filter(|name| !name.is_empty()) {
            let at_line = |kind| Failure { kind, position: piece.position() };
            names.push(general_name(name).map_err(at_line)?);
        }
    }
    if names.is_empty() {
        return Err(Kind::Empty.into());
    }
    Ok(sequence_of(names.into_iter()))
}

/// Reads `ca=1&pathlength=3`.
fn constraints_text(text: &str) -> Result<Vec<u8>, Kind> {
    const KEYS: [&str; 2] = ["ca", "pathlength"];
    const WHAT: &str = "part of basicConstraints";
    let (mut ca, mut length) = (None, None);
    for part in text.split('&').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or_else(|| unknown(part, WHAT, KEYS))?;
        let again = match key.trim().to_ascii_lowercase().as_str() {
            "ca" => ca.replace(boolean(value)?).is_some(),
            "pathlength" => length.replace(number(value)?).is_some(),
            _ => return Err(unknown(key.trim(), WHAT, KEYS)),
        };
        if again {
            return Err(Kind::Duplicate);
        }
    }
    let ca = ca.ok_or(Kind::Empty)?;
    if length.is_some() && !ca {
        return Err(Kind::Conflict { other: "ca=0" });
    }
    Ok(basic_constraints(ca, length))
}

/// Checks that the DER is one value, and that of a known extension what it should be.
fn check(kind: ObjectIdentifier, der: &[u8]) -> Result<(), Kind> {
    Tlv::parse(der).map_err(Kind::ExtensionValue)?;
    let mut extensions = Extensions::default();
    extensions.set(kind, false, der.to_vec());
    let read = match kind {
        oid::KEY_USAGE => extensions.key_usage().map(drop),
        oid::EXTENDED_KEY_USAGE => extensions.extended_key_usage().map(drop),
        oid::BASIC_CONSTRAINTS => extensions.ca().map(drop),
        _ => Ok(()),
    };
    read.map_err(Kind::ExtensionValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_constraints_are_read_from_text() {
        assert_eq!(
            constraints_text("ca=1&pathlength=3").unwrap(),
            b"\x30\x06\x01\x01\xff\x02\x01\x03"
        );
        assert_eq!(constraints_text("CA=0&").unwrap(), b"\x30\x00");
        assert_eq!(constraints_text("ca=true").unwrap(), b"\x30\x03\x01\x01\xff");
        assert!(matches!(constraints_text("ca=0&pathlength=3"), Err(Kind::Conflict { .. })));
        assert!(matches!(constraints_text("ca=1&ca=1"), Err(Kind::Duplicate)));
        assert!(matches!(constraints_text("pathlength=1"), Err(Kind::Empty)));
        assert!(matches!(
            constraints_text("ca=1&pathlenght=1"),
            Err(Kind::Value { suggestion: Some("pathlength"), .. })
        ));
        assert!(matches!(constraints_text("ca"), Err(Kind::Value { .. })));
    }

    #[test]
    fn known_extensions_hold_what_they_should() {
        assert!(check(oid::KEY_USAGE, &[3, 2, 7, 0x80]).is_ok());
        assert!(check(oid::EXTENDED_KEY_USAGE, &[3, 2, 7, 0x80]).is_err());
        assert!(check(oid::KEY_USAGE, &[0x30, 0]).is_err());
        let other = ObjectIdentifier::new_unwrap("1.2.3");
        assert!(check(other, &[0x30, 0]).is_ok());
        assert!(check(other, &[0x30, 1]).is_err());
        assert!(check(other, &[0x30, 0, 0]).is_err());
    }
}
