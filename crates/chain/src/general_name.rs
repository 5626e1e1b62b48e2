//! General names (RFC 5280 section 4.2.1.6).

use chancery_x509::Error;
use chancery_x509::asn1::{Tlv, tag};

use crate::normal_name::NormalName;

/// One general name; two are equal where they name the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GeneralName {
    Rfc822(String),
    Dns(String),
    Directory(NormalName),
    Uri(String),
    /// Four or sixteen octets in a name, twice as many in a constraint.
    Ip(Vec<u8>),
    /// A form whose meaning is not known here, by its number and encoding.
    Other {
        tag: u8,
        raw: Vec<u8>,
    },
}

impl GeneralName {
    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        const RFC822: u8 = tag::context(1);
        const DNS: u8 = tag::context(2);
        const DIRECTORY: u8 = tag::context_constructed(4);
        const URI: u8 = tag::context(6);
        const IP: u8 = tag::context(7);
        Ok(match tlv.tag {
            RFC822 => Self::Rfc822(ascii(tlv)?),
            DNS => Self::Dns(ascii(tlv)?),
            // Name is a CHOICE, so its tag is explicit.
            DIRECTORY => Self::Directory(NormalName::from_der(tlv.only()?.raw)?),
            URI => Self::Uri(ascii(tlv)?),
            IP => Self::Ip(tlv.contents.to_vec()),
            0xa0 | 0xa3 | 0xa5 | 0x88 => Self::Other { tag: tlv.tag, raw: tlv.raw.to_vec() },
            _ => return Err(Error::Der { offset: tlv.offset, what: "general name" }),
        })
    }

    /// Reads the contents of `tlv`, whatever its tag, as one or more general names.
    pub(crate) fn list(tlv: Tlv<'_>) -> Result<Vec<Self>, Error> {
        if tlv.contents.is_empty() {
            return Err(Error::Der { offset: tlv.offset, what: "at least one general name" });
        }
        tlv.reader().map(|name| name.and_then(Self::from_tlv)).collect()
    }
}

fn ascii(tlv: Tlv<'_>) -> Result<String, Error> {
    let text = core::str::from_utf8(tlv.contents).ok().filter(|text| text.is_ascii());
    text.map(str::to_owned).ok_or(Error::Der { offset: tlv.offset, what: "ASCII characters" })
}

#[cfg(test)]
mod tests {
    use chancery_x509::Name;
    use chancery_x509::asn1;

    use super::*;

    fn read(der: &[u8]) -> Result<GeneralName, Error> {
        GeneralName::from_tlv(Tlv::parse(der)?)
    }

    #[test]
    fn each_form_is_told_from_the_others() {
        assert_eq!(read(&[0x81, 1, b'a']).unwrap(), GeneralName::Rfc822("a".into()));
        assert_eq!(read(&[0x82, 1, b'a']).unwrap(), GeneralName::Dns("a".into()));
        assert_eq!(read(&[0x86, 1, b'a']).unwrap(), GeneralName::Uri("a".into()));
        assert_eq!(read(&[0x87, 1, b'a']).unwrap(), GeneralName::Ip(vec![b'a']));
        let name: Name = "CN=a".parse().unwrap();
        let directory = asn1::tlv(0xa4, &[name.as_der()]);
        assert_eq!(
            read(&directory).unwrap(),
            GeneralName::Directory(NormalName::of(&"CN=A".parse().unwrap()))
        );
        assert!(matches!(read(&[0x88, 1, 42]).unwrap(), GeneralName::Other { tag: 0x88, .. }));
    }

    #[test]
    fn what_is_no_general_name_is_refused() {
        for bad in [&[0x89, 0][..], &[0x82, 1, 0xe4], &[0xa4, 0], &[0x0c, 1, b'a'], &[0xa2, 0]] {
            assert!(read(bad).is_err(), "{bad:x?}");
        }
        assert!(GeneralName::list(Tlv::parse(&[0x30, 0]).unwrap()).is_err());
    }
}
