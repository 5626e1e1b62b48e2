//! Reading a URI (RFC 7512 section 2.3).

use super::percent::decode;
use super::{MAX_URI_LEN, ObjectType, Uri, UriError, UriErrorKind};

const SCHEME: &str = "pkcs11:";

pub(super) fn uri(text: &str) -> Result<Uri, UriError> {
    if text.len() > MAX_URI_LEN {
        return Err(UriError { kind: UriErrorKind::TooLong, offset: MAX_URI_LEN });
    }
    let rest = match text.split_at_checked(SCHEME.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
        _ => return Err(UriError { kind: UriErrorKind::Scheme, offset: 0 }),
    };
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let mut uri = Uri::new();
    for field in fields(path, ';', SCHEME.len()) {
        let field = field?;
        path_attribute(&mut uri, &field)?;
    }
    if let Some(query) = query {
        for field in fields(query, '&', SCHEME.len() + path.len() + 1) {
            let field = field?;
            query_attribute(&mut uri, &field)?;
        }
    }
    // Escaping makes it longer, and what is written must be read again.
    if uri.to_string().len() > MAX_URI_LEN {
        return Err(UriError { kind: UriErrorKind::TooLong, offset: text.len() });
    }
    Ok(uri)
}

/// One `name=value` and where it stands.
struct Field<'a> {
    name: &'a str,
    value: &'a str,
    offset: usize,
    value_offset: usize,
}

fn fields(
    text: &str,
    between: char,
    mut offset: usize,
) -> impl Iterator<Item = Result<Field<'_>, UriError>> {
    text.split(between).filter_map(move |field| {
        let start = offset;
        offset += field.len() + 1;
        if field.is_empty() {
            return None;
        }
        Some(match field.split_once('=') {
            Some((name, value)) => {
                Ok(Field { name, value, offset: start, value_offset: start + name.len() + 1 })
            }
            None => Err(UriError { kind: UriErrorKind::NoValue, offset: start }),
        })
    })
}

fn path_attribute(uri: &mut Uri, field: &Field<'_>) -> Result<(), UriError> {
    match field.name {
        "token" => field.text(&mut uri.token),
        "manufacturer" => field.text(&mut uri.manufacturer),
        "serial" => field.text(&mut uri.serial),
        "model" => field.text(&mut uri.model),
        "library-manufacturer" => field.text(&mut uri.library_manufacturer),
        "library-description" => field.text(&mut uri.library_description),
        "library-version" => field.set(&mut uri.library_version, Field::version),
        "slot-manufacturer" => field.text(&mut uri.slot_manufacturer),
        "slot-description" => field.text(&mut uri.slot_description),
        "slot-id" => field.set(&mut uri.slot_id, Field::number),
        "object" => field.text(&mut uri.object),
        "id" => field.set(&mut uri.id, |field| decode(field.value, field.value_offset)),
        "type" => field.set(&mut uri.object_type, Field::object_type),
        "pin-value" => Err(field.error(UriErrorKind::PinValue)),
        name => Err(field.error(UriErrorKind::UnknownAttribute(name.into()))),
    }
}

fn query_attribute(uri: &mut Uri, field: &Field<'_>) -> Result<(), UriError> {
    match field.name {
        "pin-source" => field.text(&mut uri.pin_source),
        "module-name" => field.text(&mut uri.module_name),
        "module-path" => field.text(&mut uri.module_path),
        "pin-value" => Err(field.error(UriErrorKind::PinValue)),
        _ => Ok(()),
    }
}

impl Field<'_> {
    fn set<T>(
        &self,
        place: &mut Option<T>,
        read: impl FnOnce(&Self) -> Result<T, UriError>,
    ) -> Result<(), UriError> {
        if place.is_some() {
            return Err(self.error(UriErrorKind::Duplicate(self.name.into())));
        }
        *place = Some(read(self)?);
        Ok(())
    }

    fn text(&self, place: &mut Option<String>) -> Result<(), UriError> {
        self.set(place, |field| {
            String::from_utf8(decode(field.value, field.value_offset)?)
                .map_err(|_| field.value_error(UriErrorKind::NotUtf8))
        })
    }

    fn number(&self) -> Result<u64, UriError> {
        decimal(self.value).ok_or_else(|| self.value_error(UriErrorKind::Number))
    }

    fn version(&self) -> Result<(u8, u8), UriError> {
        let (major, minor) = self.value.split_once('.').unwrap_or((self.value, "0"));
        decimal(major).zip(decimal(minor)).ok_or_else(|| self.value_error(UriErrorKind::Number))
    }

    fn object_type(&self) -> Result<ObjectType, UriError> {
        ObjectType::ALL
            .into_iter()
            .find(|object_type| object_type.name() == self.value)
            .ok_or_else(|| self.value_error(UriErrorKind::ObjectType))
    }

    const fn error(&self, kind: UriErrorKind) -> UriError {
        UriError { kind, offset: self.offset }
    }

    const fn value_error(&self, kind: UriErrorKind) -> UriError {
        UriError { kind, offset: self.value_offset }
    }
}

/// Reads digits alone: `FromStr` of integers would take a sign too.
fn decimal<T: core::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok())?
}
