//! General names (RFC 5280 section 4.2.1.6) in words.

use std::net::{Ipv4Addr, Ipv6Addr};

use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Error, Name};

use super::hex;

/// Describes each of a list of names, whatever the tag of the list.
pub(super) fn general_names(list: Tlv<'_>) -> Result<Vec<String>, Error> {
    list.reader().map(|name| general_name(name?)).collect()
}

pub(super) fn general_name(name: Tlv<'_>) -> Result<String, Error> {
    const OTHER: u8 = tag::context_constructed(0);
    const MAIL: u8 = tag::context(1);
    const DNS: u8 = tag::context(2);
    const DIRECTORY: u8 = tag::context_constructed(4);
    const URI: u8 = tag::context(6);
    const ADDRESS: u8 = tag::context(7);
    const REGISTERED: u8 = tag::context(8);
    Ok(match name.tag {
        OTHER => other_name(name)?,
        MAIL => format!("email:{}", printable(name.contents)),
        DNS => format!("DNS:{}", printable(name.contents)),
        DIRECTORY => format!("DirName:{}", Name::from_der(name.only()?.raw)?),
        URI => format!("URI:{}", printable(name.contents)),
        ADDRESS => format!("IP Address:{}", address(name.contents)),
        REGISTERED => format!("Registered ID:{}", hex(name.contents)),
        _ => format!("[{}]:{}", name.tag & 0x1f, hex(name.contents)),
    })
}

fn other_name(name: Tlv<'_>) -> Result<String, Error> {
    let mut parts = name.reader();
    let kind = parts.read()?.oid()?;
    let value = parts.read()?.only()?;
    Ok(match value.tag {
        tag::UTF8_STRING | tag::IA5_STRING | tag::PRINTABLE_STRING => {
            format!("othername:{kind}:{}", printable(value.contents))
        }
        _ => format!("othername:{kind}:{}", hex(value.raw)),
    })
}

/// Writes an address, or a network with its mask as name constraints have it.
fn address(octets: &[u8]) -> String {
    let one = |octets: &[u8]| -> Option<String> {
        if let Ok(four) = <[u8; 4]>::try_from(octets) {
            return Some(Ipv4Addr::from(four).to_string());
        }
        <[u8; 16]>::try_from(octets).ok().map(|sixteen| Ipv6Addr::from(sixteen).to_string())
    };
    let network = || {
        let (base, mask) = octets.split_at_checked(octets.len() / 2)?;
        Some(format!("{}/{}", one(base)?, one(mask)?))
    };
    // Sixteen octets are one address, not a network of eight and eight.
    one(octets).or_else(network).unwrap_or_else(|| hex(octets))
}

/// Writes text for a terminal: what could steer it, or is no text, is escaped.
pub(super) fn printable(octets: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(octets).chars() {
        // Marks that turn the direction of writing are format characters, not control characters.
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns {
            text.extend(c.escape_unicode());
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_told_apart_by_their_length() {
        assert_eq!(address(&[10, 1, 2, 3]), "10.1.2.3");
        assert_eq!(address(&[10, 1, 0, 0, 255, 255, 0, 0]), "10.1.0.0/255.255.0.0");
        assert_eq!(address(&[0; 16]), "::");
        assert_eq!(address(&[0; 32]), "::/::");
        assert_eq!(address(&[1, 2, 3]), "01:02:03");
        assert_eq!(address(&[]), "");
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(printable(b"a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("x\u{202e}y".as_bytes()), "x\\u{202e}y");
        assert_eq!(printable("straße".as_bytes()), "straße");
    }
}
