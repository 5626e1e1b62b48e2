//! The few fields of an X.509 certificate (RFC 5280 section 4.1) that a token wants to know beside it.

use chancery_key::PublicKey;
use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

/// The first octet of an INTEGER.
const INTEGER: u8 = 0x02;

/// Fields in the DER they have in the certificate, which need not be sound otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    /// With its tag, as `CKA_SERIAL_NUMBER` has it.
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    spki: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn of(der: &'a [u8]) -> Option<Self> {
        let certificate = sequence(&mut SliceReader::new(der).ok()?)?;
        let tbs = sequence(&mut SliceReader::new(certificate).ok()?)?;
        let mut fields = SliceReader::new(tbs).ok()?;
        // version [0] EXPLICIT DEFAULT v1
        if fields.peek_byte()? != INTEGER {
            fields.tlv_bytes().ok()?;
        }
        let serial = fields.tlv_bytes().ok()?;
        // signature
        fields.tlv_bytes().ok()?;
        let issuer = fields.tlv_bytes().ok()?;
        // validity
        fields.tlv_bytes().ok()?;
        let subject = fields.tlv_bytes().ok()?;
        let spki = fields.tlv_bytes().ok()?;
        Some(Self { serial, issuer, subject, spki })
    }

    /// Takes a certificate that is one and nothing after it.
    pub(crate) fn of_whole(der: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        reader.tlv_bytes().ok()?;
        reader.is_finished().then(|| Self::of(der)).flatten()
    }

    pub(crate) fn public_key(&self) -> Option<PublicKey> {
        PublicKey::from_spki_der(self.spki).ok()
    }
}

fn sequence<'a>(reader: &mut SliceReader<'a>) -> Option<&'a [u8]> {
    let any = AnyRef::decode(reader).ok()?;
    (any.tag() == Tag::Sequence).then(|| any.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_cut_anywhere_has_no_fields_and_no_panic() {
        let der = certificate();
        let key = Fields::of_whole(&der).unwrap().public_key().unwrap();
        assert_eq!(key.modulus().unwrap(), [0xc1; 256]);
        let fields = Fields::of(&der).unwrap();
        assert_eq!((fields.serial, fields.issuer), (&[2, 1, 9][..], &[0x30, 1, 5][..]));
        for len in 0..der.len() {
            assert!(Fields::of(&der[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn something_after_a_certificate_is_no_part_of_it() {
        let longer = [certificate(), vec![0]].concat();
        assert_eq!(Fields::of_whole(&longer), None);
    }

    /// The outer shape of a version 3 certificate, its names and times empty.
    fn certificate() -> Vec<u8> {
        let sequence = |body: &[u8]| {
            let len = u16::try_from(body.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82], &len[..], body].concat()
        };
        let key = PublicKey::from_rsa_numbers(&[0xc1; 256], &[1, 0, 1]).unwrap();
        let tbs = [
            &[0xa0, 3, 2, 1, 2, 2, 1, 9][..],
            &[0x30, 0],
            &[0x30, 1, 5],
            &[0x30, 0],
            &[0x30, 0],
            key.spki_der(),
        ]
        .concat();
        sequence(&[sequence(&tbs), vec![0x30, 0]].concat())
    }
}
