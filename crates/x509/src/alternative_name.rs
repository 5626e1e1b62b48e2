//! Names beside the distinguished one, and places to find things at: GeneralName (RFC 5280 section 4.2.1.6).

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::asn1::{Tlv, tag};
use crate::request_policy::general_name;
use crate::{Error, Extensions, Name, PolicyErrorKind, oid};

/// The most alternative names we take from a request.
const MAX_NAMES: usize = 256;

/// One name of a subjectAltName.
///
/// Read from a string as certreq has it: `dns=example.com`, `ip=192.0.2.1`, `email=a@example.com`,
/// `url=https://example.com/`, `dn=CN=Example`, `upn=`, `guid=`, `registeredid=`, or `OID={utf8}text`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AlternativeName(Vec<u8>);

impl AlternativeName {
    /// Reads the subjectAltName of a certificate or request; none where it has no such extension.
    ///
    /// # Errors
    /// [`Error::Der`] where one is broken: an address that is neither 4 nor 16 octets long, a host name with
    /// characters no host name has, an unknown kind; [`Error::Limit`].
    pub fn all_of(extensions: &Extensions) -> Result<Vec<Self>, Error> {
        let Some(extension) = extensions.get(oid::SUBJECT_ALTERNATIVE_NAME) else {
            return Ok(Vec::new());
        };
        let list = Tlv::parse(&extension.value)?.expect(tag::SEQUENCE, "alternative names")?;
        let mut names = Vec::new();
        for name in list.reader() {
            if names.len() >= MAX_NAMES {
                return Err(Error::Limit { what: "alternative names", limit: MAX_NAMES });
            }
            names.push(Self::from_tlv(name?)?);
        }
        if names.is_empty() {
            return Err(Error::Der { offset: list.offset, what: "at least one alternative name" });
        }
        Ok(names)
    }

    fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        const OTHER: u8 = tag::context_constructed(0);
        const MAIL: u8 = tag::context(1);
        const DNS: u8 = tag::context(2);
        const DIRECTORY: u8 = tag::context_constructed(4);
        const URI: u8 = tag::context(6);
        const ADDRESS: u8 = tag::context(7);
        const REGISTERED: u8 = tag::context(8);
        let error = |what| Err(Error::Der { offset: tlv.offset, what });
        let is = |kind: &str| {
            let text = core::str::from_utf8(tlv.contents).ok();
            // A blank around it would be taken off by the reader of texts.
            text.is_some_and(|text| {
                text.trim() == text
                    && general_name(&format!("{kind}={text}")).is_ok_and(|der| der == tlv.raw)
            })
        };
        match tlv.tag {
            MAIL if !is("email") => return error("a mail address"),
            DNS if !is("dns") => return error("a DNS name"),
            URI if !is("uri") => return error("a URI with its scheme"),
            ADDRESS if !matches!(tlv.contents.len(), 4 | 16) => {
                return error("an IP address of 4 or 16 octets");
            }
            DIRECTORY => drop(Name::from_tlv(tlv.only()?)?),
            OTHER => {
                let mut parts = tlv.reader();
                parts.read()?.oid()?;
                parts.expect(tag::context_constructed(0), "value of an other name")?.only()?;
                parts.finish()?;
            }
            MAIL | DNS | URI | ADDRESS | REGISTERED => {}
            _ => return error("an alternative name"),
        }
        Ok(Self(tlv.raw.to_vec()))
    }

    /// Returns the DER of the GeneralName.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for AlternativeName {
    type Err = PolicyErrorKind;

    fn from_str(text: &str) -> Result<Self, PolicyErrorKind> {
        general_name(text).map(Self)
    }
}

impl fmt::Display for AlternativeName {
    /// Writes `dns=example.com` and the like; kinds without a text of their own as `#` and hex.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(tlv) = Tlv::parse(&self.0) else { return Ok(()) };
        let text = || core::str::from_utf8(tlv.contents).unwrap_or_default().escape_debug();
        match tlv.tag & 0x1f {
            1 => write!(f, "email={}", text()),
            2 => write!(f, "dns={}", text()),
            6 => write!(f, "url={}", text()),
            7 => match (<[u8; 4]>::try_from(tlv.contents), <[u8; 16]>::try_from(tlv.contents)) {
                (Ok(octets), _) => write!(f, "ip={}", IpAddr::from(octets)),
                (_, Ok(octets)) => write!(f, "ip={}", IpAddr::from(octets)),
                _ => Ok(()),
            },
            4 => match tlv.only().and_then(Name::from_tlv) {
                Ok(name) => write!(f, "dn={name}"),
                Err(_) => Ok(()),
            },
            _ => {
                f.write_str("#")?;
                self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
        }
    }
}

impl fmt::Debug for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlternativeName({self})")
    }
}

/// Where something is found: an absolute URI in ASCII (RFC 3986), such as `http://crl.example.com/ca.crl`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location(String);

impl Location {
    /// Returns the URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn general_name(&self) -> Vec<u8> {
        crate::asn1::tlv(tag::context(6), &[self.0.as_bytes()])
    }
}

impl FromStr for Location {
    type Err = PolicyErrorKind;

    fn from_str(text: &str) -> Result<Self, PolicyErrorKind> {
        general_name(&format!("url={text}")).map(|_| Self(text.trim().to_owned()))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1;

    fn read(names: &[&[u8]]) -> Result<Vec<AlternativeName>, Error> {
        let mut extensions = Extensions::default();
        extensions.set(oid::SUBJECT_ALTERNATIVE_NAME, false, asn1::sequence(names));
        AlternativeName::all_of(&extensions)
    }

    #[test]
    fn names_are_written_read_and_shown() {
        for text in [
            "dns=www.example.com",
            "ip=192.0.2.1",
            "ip=2001:db8::1",
            "email=a@example.com",
            "url=https://example.com/",
            "dn=CN=Example",
        ] {
            let name: AlternativeName = text.parse().unwrap();
            assert_eq!(read(&[name.as_der()]).unwrap(), std::slice::from_ref(&name));
            assert_eq!(name.to_string(), text);
        }
        let upn: AlternativeName = "upn=a@b".parse().unwrap();
        assert_eq!(read(&[upn.as_der()]).unwrap()[0].to_string()[..3], *"#a0");
    }

    #[test]
    fn broken_names_are_refused() {
        for bad in [
            &[0x87, 5, 1, 2, 3, 4, 5][..],
            &[0x87, 0],
            &[0x87, 8, 1, 2, 3, 4, 255, 255, 255, 0],
            b"\x82\x03a b",
            b"\x82\x04a.b ",
            b"\x82\x00",
            b"\x81\x03abc",
            b"\x86\x03a.b",
            b"\x82\x02\xc3\xa4",
            &[0xa4, 2, 5, 0],
            &[0xa3, 0],
            &[0xa0, 4, 6, 2, 0x2a, 3],
            &[0x30, 0],
        ] {
            assert!(read(&[bad]).unwrap_err().offset().is_some(), "{bad:x?}");
        }
        assert!(read(&[]).is_err());
        let many = vec![&b"\x82\x01a"[..]; MAX_NAMES + 1];
        assert!(matches!(read(&many), Err(Error::Limit { .. })));
        assert_eq!(read(&many[1..]).unwrap().len(), MAX_NAMES);
    }

    #[test]
    fn a_location_is_absolute() {
        assert_eq!("http://a/b".parse::<Location>().unwrap().as_str(), "http://a/b");
        for bad in ["", "a/b", "http://ü", "http://a b"] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }
}
