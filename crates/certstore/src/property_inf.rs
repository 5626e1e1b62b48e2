//! The INF by which `certutil -repairstore` sets properties.

use chancery_inf::{Document, Entry as InfEntry, Position};
use chancery_x509::asn1;
use const_oid::ObjectIdentifier;

use crate::thumbprint::{hex_bytes, hex_digits};
use crate::{BindingError, KeyBinding, Properties, PropertyChange, PropertyId};

/// Why an INF says nothing about properties, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", position.map(|position| format!("{position}: ")).unwrap_or_default())]
pub struct PropertyInfError {
    position: Option<Position>,
    kind: PropertyInfErrorKind,
}

impl PropertyInfError {
    /// Returns where it is wrong.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        self.position
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> &PropertyInfErrorKind {
        &self.kind
    }
}

/// What is wrong with an INF about properties.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertyInfErrorKind {
    /// No section with properties.
    #[error("there is no section [Properties]")]
    NoSection,
    /// A line that is not `number = value`.
    #[error("a property is written `number = value`")]
    NoNumber,
    /// A number that no property has, or one that is not for an INF to set: handles, and hashes that are computed.
    #[error("{0} is no property that can be set")]
    Number(String),
    /// The same property twice.
    #[error("property {0} a second time")]
    Duplicate(PropertyId),
    /// A value of another form than the property has.
    #[error("property {id} is written {form}")]
    Form {
        /// The property.
        id: PropertyId,
        /// How it is written.
        form: &'static str,
    },
    /// A part of property 2 that it does not have.
    #[error("`{0}` is none of Container, Provider, ProviderType, Flags, KeySpec")]
    BindingPart(String),
    /// A part of property 2 that is there twice.
    #[error("`{0}` a second time")]
    DuplicatePart(String),
    /// A part of property 2 that is no number.
    #[error("`{0}` is no number")]
    NotANumber(String),
    /// Property 2 without a container or a provider.
    #[error("property 2 names no {0}")]
    MissingPart(&'static str),
    /// Property 2 that cannot be written.
    #[error("property 2 cannot be written: {0}")]
    Binding(#[from] BindingError),
}

/// Handles of a process and hashes of the certificate: neither is for anybody to set.
const NOT_SET: [u32; 12] = [1, 3, 4, 5, 6, 14, 15, 78, 79, 99, 100, 107];

/// Reads the changes that the section `[Properties]` asks for, in its order.
///
/// `11 = "name"`, `11 = "{text}name"`; `19 = Empty` sets a property with nothing in it, `19 =` removes one;
/// `127 = "{hex}00 01"`; `9 = "{text}1.3.6.1.5.5.7.3.3,"` are purposes; and property 2 is
/// `"{text}Container=...&Provider=...&ProviderType=0&Flags=0&KeySpec=2"`, in one line or several `_continue_`.
///
/// # Errors
/// [`PropertyInfError`] with the line and column.
pub fn read_property_inf(inf: &Document) -> Result<Vec<PropertyChange>, PropertyInfError> {
    let section = inf
        .section("Properties")
        .ok_or(PropertyInfError { position: None, kind: PropertyInfErrorKind::NoSection })?;
    let mut changes: Vec<PropertyChange> = Vec::new();
    for entry in section.entries() {
        let change = read_change(entry)
            .and_then(|change| match changes.iter().any(|(id, _)| *id == change.0) {
                true => Err(PropertyInfErrorKind::Duplicate(change.0)),
                false => Ok(change),
            })
            .map_err(|kind| PropertyInfError { position: entry.position(), kind })?;
        changes.push(change);
    }
    Ok(changes)
}

fn read_change(entry: &InfEntry) -> Result<PropertyChange, PropertyInfErrorKind> {
    let key = entry.key().ok_or(PropertyInfErrorKind::NoNumber)?.trim();
    let id = key
        .parse()
        .ok()
        .filter(|number| !NOT_SET.contains(number))
        .and_then(PropertyId::new)
        .ok_or_else(|| PropertyInfErrorKind::Number(key.chars().take(40).collect()))?;
    if entry.pieces().len() == 1 && entry.fields().is_empty() {
        return Ok((id, None));
    }
    let value = entry.value();
    let value = value.trim();
    if value.eq_ignore_ascii_case("empty") {
        return Ok((id, Some(Vec::new())));
    }
    if let Some(hex) = strip_form(value, "{hex}") {
        let form = "\"{hex}\" and pairs of hexadecimal digits";
        let digits = hex_digits(hex).ok().filter(|digits| digits.len().is_multiple_of(2));
        let digits = digits.ok_or(PropertyInfErrorKind::Form { id, form })?;
        return Ok((id, Some(hex_bytes(&digits))));
    }
    let text = strip_form(value, "{text}");
    let bytes = match id {
        PropertyId::KEY_PROVIDER_INFO => {
            let form = "\"{text}Container=...&Provider=...&Flags=0&KeySpec=0\"";
            read_binding(text.ok_or(PropertyInfErrorKind::Form { id, form })?)?.encode()?
        }
        PropertyId::ENHANCED_KEY_USAGE => {
            let form = "\"{text}\" and object identifiers with commas between them";
            let text = text.ok_or(PropertyInfErrorKind::Form { id, form })?;
            purposes(text).ok_or(PropertyInfErrorKind::Form { id, form })?
        }
        PropertyId::ARCHIVED => {
            return Err(PropertyInfErrorKind::Form { id, form: "`Empty`" });
        }
        _ => {
            let mut properties = Properties::new();
            properties.set_text(id, text.unwrap_or(value));
            properties.remove(id).unwrap_or_default()
        }
    };
    Ok((id, Some(bytes)))
}

fn strip_form<'a>(value: &'a str, form: &str) -> Option<&'a str> {
    let (start, rest) = value.split_at_checked(form.len())?;
    start.eq_ignore_ascii_case(form).then_some(rest)
}

/// Reads the parts of property 2.
fn read_binding(text: &str) -> Result<KeyBinding, PropertyInfErrorKind> {
    let mut binding = KeyBinding::default();
    let (mut kind, mut flags, mut spec) = (None, None, None);
    for part in text.split('&').map(str::trim).filter(|part| !part.is_empty()) {
        let unknown = || PropertyInfErrorKind::BindingPart(part.chars().take(80).collect());
        let (name, value) = part.split_once('=').ok_or_else(unknown)?;
        let (name, value) = (name.trim(), value.trim());
        let again = || PropertyInfErrorKind::DuplicatePart(name.to_owned());
        let lower = name.to_ascii_lowercase();
        let number = match lower.as_str() {
            "container" | "provider" => {
                let place = match lower.as_str() {
                    "container" => &mut binding.container,
                    _ => &mut binding.provider,
                };
                if place.replace(value.to_owned()).is_some() {
                    return Err(again());
                }
                continue;
            }
            "providertype" => &mut kind,
            "flags" => &mut flags,
            "keyspec" => &mut spec,
            _ => return Err(unknown()),
        };
        if number.replace(read_number(value)?).is_some() {
            return Err(again());
        }
    }
    let named = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    for (part, what) in [(&binding.container, "Container"), (&binding.provider, "Provider")] {
        if !named(part) {
            return Err(PropertyInfErrorKind::MissingPart(what));
        }
    }
    binding.provider_type = kind.unwrap_or_default();
    binding.flags = flags.unwrap_or_default();
    binding.key_spec = spec.unwrap_or_default();
    Ok(binding)
}

fn read_number(text: &str) -> Result<u32, PropertyInfErrorKind> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let number = match hex {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| PropertyInfErrorKind::NotANumber(text.chars().take(40).collect()))
}

/// Writes an ExtKeyUsageSyntax (RFC 5280 section 4.2.1.12).
fn purposes(text: &str) -> Option<Vec<u8>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let read = |name| ObjectIdentifier::new(name).ok().map(|oid| asn1::object_identifier(&oid));
    let all: Vec<Vec<u8>> = names.map(read).collect::<Option<_>>()?;
    let parts: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    (!parts.is_empty()).then(|| asn1::sequence(&parts))
}
