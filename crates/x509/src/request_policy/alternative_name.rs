//! The names of a subjectAltName (RFC 5280 section 4.2.1.6) in the `{text}` form of certreq.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;

use super::error::PolicyErrorKind as Kind;
use super::subject::{self, NameFlags};
use super::value::{base64, hex, object_identifier, strip_prefix, unknown};
use crate::asn1::{self, tag};
use crate::oid;

/// Reads a value as the DER of a GeneralName.
type Reader = fn(&str) -> Result<Vec<u8>, Kind>;

/// The kinds of names, by every writing of theirs.
const KINDS: [(&str, Reader); 16] = [
    ("DNS", dns_name),
    ("DNSName", dns_name),
    ("EMail", mail_address),
    ("RFC822Name", mail_address),
    ("UPN", user_principal_name),
    ("URL", uri),
    ("URI", uri),
    ("IPAddress", ip_address),
    ("IP Address", ip_address),
    ("IP", ip_address),
    ("DirectoryName", directory_name),
    ("DN", directory_name),
    ("GUID", guid),
    ("RegisteredId", registered_id),
    ("Registered ID", registered_id),
    ("OID", registered_id),
];

/// Reads `KIND=value`; the kind may be an object identifier, that of an otherName.
pub(crate) fn general_name(text: &str) -> Result<Vec<u8>, Kind> {
    let (kind, value) = text.split_once('=').ok_or_else(|| Kind::AlternativeName {
        kind: "name with its kind, as in `dns=example.com`",
        value: text.to_owned(),
    })?;
    let (kind, value) = (kind.trim(), value.trim());
    if value.is_empty() {
        return Err(Kind::Empty);
    }
    if let Some((_, read)) = KINDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind)) {
        return read(value);
    }
    if kind.starts_with(|c: char| c.is_ascii_digit()) {
        return other_name(object_identifier(kind)?, &other_value(value)?);
    }
    Err(unknown(kind, "kind of alternative name", KINDS.map(|(known, _)| known)))
}

fn bad(kind: &'static str, value: &str) -> Kind {
    Kind::AlternativeName { kind, value: value.to_owned() }
}

/// A host name in the syntax of RFC 1034 with a wildcard and underscores, as X.509 has them; other letters than those of
/// ASCII are for the caller to write in Punycode, which is a decision about spelling.
fn dns_name(value: &str) -> Result<Vec<u8>, Kind> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    let host = value.strip_prefix("*.").unwrap_or(value);
    if value.len() > 253 || !host.split('.').all(label) {
        return Err(bad("DNS name", value));
    }
    Ok(asn1::tlv(tag::context(2), &[value.as_bytes()]))
}

fn mail_address(value: &str) -> Result<Vec<u8>, Kind> {
    let parts = value.split_once('@').filter(|(local, host)| {
        !local.is_empty() && !host.is_empty() && !host.contains('@') && is_visible_ascii(value)
    });
    parts.ok_or_else(|| bad("mail address", value))?;
    Ok(asn1::tlv(tag::context(1), &[value.as_bytes()]))
}

/// An absolute URI: RFC 5280 wants a scheme.
fn uri(value: &str) -> Result<Vec<u8>, Kind> {
    let scheme = value.split_once(':').filter(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'))
            && !rest.is_empty()
            && is_visible_ascii(value)
    });
    scheme.ok_or_else(|| bad("URL with its scheme", value))?;
    Ok(asn1::tlv(tag::context(6), &[value.as_bytes()]))
}

fn is_visible_ascii(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_graphic())
}

fn ip_address(value: &str) -> Result<Vec<u8>, Kind> {
    let octets = match value.parse() {
        Ok(IpAddr::V4(address)) => address.octets().to_vec(),
        Ok(IpAddr::V6(address)) => address.octets().to_vec(),
        Err(_) => return Err(bad("IP address", value)),
    };
    Ok(asn1::tlv(tag::context(7), &[&octets]))
}

/// A name in the order of the subject's default: its first attribute is encoded last.
fn directory_name(value: &str) -> Result<Vec<u8>, Kind> {
    let name = subject::name(value, NameFlags::default())?;
    // A CHOICE is tagged explicitly (X.680 section 31.2.7).
    Ok(asn1::tlv(tag::context_constructed(4), &[name.as_der()]))
}

fn registered_id(value: &str) -> Result<Vec<u8>, Kind> {
    Ok(asn1::tlv(tag::context(8), &[object_identifier(value)?.as_bytes()]))
}

fn user_principal_name(value: &str) -> Result<Vec<u8>, Kind> {
    other_name(oid::USER_PRINCIPAL_NAME, &asn1::tlv(tag::UTF8_STRING, &[value.as_bytes()]))
}

/// A GUID with or without braces, in the bytes Windows keeps it in: the first three numbers low byte first.
fn guid(value: &str) -> Result<Vec<u8>, Kind> {
    let error = || bad("GUID", value);
    let plain = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(value);
    let groups: Vec<&str> = plain.split('-').collect();
    if groups.iter().map(|group| group.len()).ne([8, 4, 4, 4, 12]) || plain.contains([' ', '\t']) {
        return Err(error());
    }
    let mut octets = Vec::with_capacity(16);
    for (index, group) in groups.iter().enumerate() {
        let mut bytes = hex(group).map_err(|_| error())?;
        if index < 3 {
            bytes.reverse();
        }
        octets.append(&mut bytes);
    }
    other_name(oid::NTDS_REPLICATION, &asn1::octet_string(&octets))
}

/// The value of an otherName: `{utf8}text`, `{octet}` and `{asn}` with Base64 or `{hex}`, or `{hex}` with DER.
fn other_value(value: &str) -> Result<Vec<u8>, Kind> {
    if let Some(text) = strip_prefix(value, "{utf8}") {
        return Ok(asn1::tlv(tag::UTF8_STRING, &[text.as_bytes()]));
    }
    let bytes = |text: &str| match strip_prefix(text, "{hex}") {
        Some(digits) => hex(digits),
        None => base64(text),
    };
    if let Some(octets) = strip_prefix(value, "{octet}") {
        return Ok(asn1::octet_string(&bytes(octets)?));
    }
    let der = match strip_prefix(value, "{asn}") {
        Some(text) => bytes(text)?,
        None if strip_prefix(value, "{hex}").is_some() => bytes(value)?,
        None => return Err(bad("value of an otherName: {utf8}, {octet}, {asn} or {hex}", value)),
    };
    asn1::Tlv::parse(&der).map_err(Kind::ExtensionValue)?;
    Ok(der)
}

fn other_name(kind: ObjectIdentifier, value: &[u8]) -> Result<Vec<u8>, Kind> {
    Ok(asn1::tlv(
        tag::context_constructed(0),
        &[&asn1::object_identifier(&kind), &asn1::tlv(tag::context_constructed(0), &[value])],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_encoding() {
        for (text, der) in [
            ("dns=a.b", &b"\x82\x03a.b"[..]),
            ("DNS = *.a.b ", b"\x82\x05*.a.b"),
            ("email=a@b", b"\x81\x03a@b"),
            ("url=urn:x", b"\x86\x05urn:x"),
            ("IP Address=10.0.0.1", b"\x87\x04\x0a\0\0\x01"),
            ("ipaddress=::1", b"\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
            ("registeredid=1.2.3", b"\x88\x02\x2a\x03"),
            ("dn=CN=a", b"\xa4\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a"),
            ("1.2.3={utf8}a", b"\xa0\x09\x06\x02\x2a\x03\xa0\x03\x0c\x01a"),
            ("1.2.3={octet}YQ==", b"\xa0\x09\x06\x02\x2a\x03\xa0\x03\x04\x01a"),
            ("1.2.3={octet}{hex}61", b"\xa0\x09\x06\x02\x2a\x03\xa0\x03\x04\x01a"),
            ("1.2.3={asn}BAFh", b"\xa0\x09\x06\x02\x2a\x03\xa0\x03\x04\x01a"),
            ("1.2.3={hex}04 01 61", b"\xa0\x09\x06\x02\x2a\x03\xa0\x03\x04\x01a"),
            (
                "upn=a@b",
                b"\xa0\x13\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03\xa0\x05\x0c\x03a@b",
            ),
            (
                "guid={00112233-4455-6677-8899-aabbccddeeff}",
                b"\xa0\x1f\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x19\x01\xa0\x12\x04\x10\
                  \x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff",
            ),
        ] {
            assert_eq!(general_name(text).unwrap(), der, "{text}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        for text in [
            "example.com",
            "dns=a b",
            "dns=a..b",
            "dns=grüße.example",
            "dns=a.*",
            "dns=*",
            "email=a",
            "email=@b",
            "email=a@b@c",
            "email=a b@c",
            "url=example.com",
            "url=http:",
            "url=1:x",
            "url=http://ü",
            "ipaddress=10.0.0.256",
            "ipaddress=10.0.0",
            "ipaddress=10.0.0.0/8",
            "ipaddress=fe80::1%%eth0",
            "guid=00112233",
            "guid=0011223344-55-6677-8899-aabbccddeeff",
            "guid=0011223g-4455-6677-8899-aabbccddeeff",
            "1.2.3=a",
        ] {
            let error = general_name(text).unwrap_err();
            assert!(matches!(error, Kind::AlternativeName { .. }), "{text}: {error}");
        }
        assert!(matches!(general_name("dns="), Err(Kind::Empty)));
        assert!(matches!(general_name("oid=x"), Err(Kind::ObjectIdentifier(_))));
        assert!(matches!(general_name("1.={utf8}x"), Err(Kind::ObjectIdentifier(_))));
        assert!(matches!(general_name("dn=x"), Err(Kind::Name(_))));
        assert!(matches!(general_name("1.2.3={octet}YQ"), Err(Kind::Base64)));
        assert!(matches!(general_name("1.2.3={octet}{hex}6"), Err(Kind::Hex)));
        assert!(matches!(general_name("1.2.3={hex}04 05"), Err(Kind::ExtensionValue(_))));
        assert!(matches!(
            general_name("ipadress=10.0.0.1"),
            Err(Kind::Value { suggestion: Some("IPAddress"), .. })
        ));
    }

    #[test]
    fn long_labels_and_names_are_refused() {
        let label = "a".repeat(63);
        let name = format!("dns={label}.{label}.{label}.{}", "a".repeat(61));
        assert!(general_name(&name).is_ok());
        assert!(general_name(&format!("{name}a")).is_err());
        assert!(general_name(&format!("dns={label}a")).is_err());
    }
}
