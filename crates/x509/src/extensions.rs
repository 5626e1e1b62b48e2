//! Certificate extensions: those that decide what a certificate may be used for.

use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};

use chancery_key::PublicKey;

use crate::asn1::{self, Tlv, tag};
use crate::{Error, oid};

/// The most extensions we read. Real certificates have below twenty.
const MAX_EXTENSIONS: usize = 128;

/// One extension (RFC 5280 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// Whether a reader who does not know it must refuse the certificate.
    pub critical: bool,
    /// The DER inside the OCTET STRING.
    pub value: Vec<u8>,
}

/// The uses of a key that keyUsage allows (RFC 5280 section 4.2.1.3), as a set of bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// digitalSignature (0).
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// nonRepudiation (1), which X.509 calls contentCommitment now.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// keyEncipherment (2).
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// dataEncipherment (3).
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// keyAgreement (4).
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign (5).
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign (6).
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// encipherOnly (7), of a key that agrees.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// decipherOnly (8), of a key that agrees.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Joins two sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Tells whether everything in `other` is allowed.
    #[must_use]
    pub const fn allows(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns the names of the allowed uses, in the order of their bits.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let bits = (0_u32..).zip(Self::NAMES);
        bits.filter(|(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| name).collect()
    }

    fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let error = Error::Der { offset: tlv.offset, what: "key usage bits" };
        let [unused, octets @ ..] = tlv.expect(tag::BIT_STRING, "key usage bits")?.contents else {
            return Err(error);
        };
        // Bits behind the end of the list are zero (X.690 section 11.2.1): set ones could be read as uses.
        let spare = octets.last().map_or(0, |last| last.trailing_zeros());
        if *unused > 7 || octets.len() > 2 || u32::from(*unused) > spare {
            return Err(error);
        }
        let bits = octets.iter().enumerate().fold(0, |bits, (index, octet)| {
            bits | u16::from(octet.reverse_bits()) << (if index == 0 { 0 } else { 8 })
        });
        Ok(Self(bits))
    }

    /// Writes a named bit list: no trailing zero bits (X.690 section 11.2.2).
    fn to_der(self) -> Vec<u8> {
        let [first, second] = self.0.to_le_bytes().map(u8::reverse_bits);
        let unused = |last: u8| u8::try_from(last.trailing_zeros()).unwrap_or_default();
        match (first, second) {
            (0, 0) => asn1::tlv(tag::BIT_STRING, &[&[0]]),
            (first, 0) => asn1::tlv(tag::BIT_STRING, &[&[unused(first), first]]),
            (first, second) => asn1::tlv(tag::BIT_STRING, &[&[unused(second), first, second]]),
        }
    }
}

/// All extensions of a certificate or request, in their order, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Vec<Extension>);

impl Extensions {
    /// Reads `Extensions ::= SEQUENCE OF Extension`: those of a certificate, a request, a revocation list or
    /// an entry of one.
    ///
    /// # Errors
    /// [`Error::Der`] for a broken structure, [`Error::DuplicateExtension`], and [`Error::Limit`] for more
    /// than any real certificate has.
    pub fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let mut all: Vec<Extension> = Vec::new();
        let list = tlv.expect(tag::SEQUENCE, "extensions")?;
        if list.contents.is_empty() {
            return Err(Error::Der { offset: list.offset, what: "at least one extension" });
        }
        for item in list.reader() {
            let mut parts = item?.expect(tag::SEQUENCE, "extension")?.reader();
            let oid = parts.read()?.oid()?;
            // DER leaves the default FALSE out; some issuers write it.
            let critical = parts
                .optional(tag::BOOLEAN)?
                .map(|tlv| tlv.boolean())
                .transpose()?
                .unwrap_or(false);
            let value = parts.expect(tag::OCTET_STRING, "extension value")?.contents.to_vec();
            parts.finish()?;
            if all.iter().any(|other| other.oid == oid) {
                return Err(Error::DuplicateExtension(oid));
            }
            if all.len() >= MAX_EXTENSIONS {
                return Err(Error::Limit { what: "extensions", limit: MAX_EXTENSIONS });
            }
            all.push(Extension { oid, critical, value });
        }
        Ok(Self(all))
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let encoded: Vec<Vec<u8>> = self
            .0
            .iter()
            .map(|extension| {
                // FALSE is the default and DER leaves defaults out.
                let critical: &[u8] = if extension.critical { &[0x01, 0x01, 0xff] } else { &[] };
                asn1::sequence(&[
                    &asn1::object_identifier(&extension.oid),
                    critical,
                    &asn1::octet_string(&extension.value),
                ])
            })
            .collect();
        asn1::sequence(&encoded.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// Adds an extension, or puts it in the place of the one of its type.
    pub(crate) fn set(&mut self, oid: ObjectIdentifier, critical: bool, value: Vec<u8>) {
        self.0.retain(|extension| extension.oid != oid);
        self.0.push(Extension { oid, critical, value });
    }

    pub(crate) fn set_key_usage(&mut self, usage: KeyUsage) {
        self.set(oid::KEY_USAGE, true, usage.to_der());
    }

    pub(crate) fn set_extended_key_usage(&mut self, critical: bool, purposes: &[ObjectIdentifier]) {
        let encoded: Vec<Vec<u8>> = purposes.iter().map(asn1::object_identifier).collect();
        let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        self.set(oid::EXTENDED_KEY_USAGE, critical, asn1::sequence(&parts));
    }

    pub(crate) fn set_ca(&mut self, path_len: Option<u8>) {
        let path_len = path_len.map(|len| asn1::unsigned_integer(&[len])).unwrap_or_default();
        self.set(oid::BASIC_CONSTRAINTS, true, asn1::sequence(&[&[0x01, 0x01, 0xff], &path_len]));
    }

    pub(crate) fn set_subject_key_identifier(&mut self, key: &PublicKey) {
        let id = asn1::octet_string(&key_identifier(key));
        self.set(oid::SUBJECT_KEY_IDENTIFIER, false, id);
    }

    pub(crate) fn set_authority_key_identifier(&mut self, identifier: &[u8]) {
        let value = asn1::sequence(&[&asn1::tlv(tag::context(0), &[identifier])]);
        self.set(oid::AUTHORITY_KEY_IDENTIFIER, false, value);
    }

    /// Returns all of them in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Extension> {
        self.0.iter()
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the extension of a type.
    #[must_use]
    pub fn get(&self, oid: ObjectIdentifier) -> Option<&Extension> {
        self.0.iter().find(|extension| extension.oid == oid)
    }

    fn value_of(&self, oid: ObjectIdentifier) -> Result<Option<Tlv<'_>>, Error> {
        self.get(oid).map(|extension| Tlv::parse(&extension.value)).transpose()
    }

    /// Reads keyUsage; `None` where there is none, which allows every use.
    ///
    /// # Errors
    /// [`Error::Der`] where it is there and broken.
    pub fn key_usage(&self) -> Result<Option<KeyUsage>, Error> {
        self.value_of(oid::KEY_USAGE)?.map(KeyUsage::from_tlv).transpose()
    }

    /// Reads extKeyUsage; `None` where there is none, which allows every purpose.
    ///
    /// # Errors
    /// [`Error::Der`] where it is there and broken.
    pub fn extended_key_usage(&self) -> Result<Option<Vec<ObjectIdentifier>>, Error> {
        let Some(tlv) = self.value_of(oid::EXTENDED_KEY_USAGE)? else { return Ok(None) };
        let purposes = tlv.expect(tag::SEQUENCE, "extended key usage")?.reader();
        purposes.map(|purpose| purpose?.oid()).collect::<Result<_, _>>().map(Some)
    }

    /// Tells whether basicConstraints makes it a CA, and how many intermediates may follow.
    ///
    /// # Errors
    /// [`Error::Der`] where it is there and broken.
    pub fn ca(&self) -> Result<Option<CaConstraint>, Error> {
        let Some(tlv) = self.value_of(oid::BASIC_CONSTRAINTS)? else { return Ok(None) };
        let mut parts = tlv.expect(tag::SEQUENCE, "basic constraints")?.reader();
        // As above, FALSE may be written out.
        let ca =
            parts.optional(tag::BOOLEAN)?.map(|tlv| tlv.boolean()).transpose()?.unwrap_or(false);
        let path_len = parts.optional(tag::INTEGER)?.map(|tlv| tlv.small_integer()).transpose()?;
        parts.finish()?;
        Ok(ca.then_some(CaConstraint { path_len }))
    }

    /// Reads subjectKeyIdentifier.
    ///
    /// # Errors
    /// [`Error::Der`] where it is there and broken.
    pub fn subject_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        let tlv = self.value_of(oid::SUBJECT_KEY_IDENTIFIER)?;
        tlv.map(|tlv| Ok(tlv.expect(tag::OCTET_STRING, "key identifier")?.contents)).transpose()
    }

    /// Reads the keyIdentifier of authorityKeyIdentifier, where it has one.
    ///
    /// # Errors
    /// [`Error::Der`] where it is there and broken.
    pub fn authority_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        let Some(tlv) = self.value_of(oid::AUTHORITY_KEY_IDENTIFIER)? else { return Ok(None) };
        let mut parts = tlv.expect(tag::SEQUENCE, "authority key identifier")?.reader();
        Ok(parts.optional(tag::context(0))?.map(|tlv| tlv.contents))
    }
}

/// What basicConstraints says of a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaConstraint {
    /// How many intermediates may stand between this CA and a leaf; `None` for any number.
    pub path_len: Option<u32>,
}

/// Makes the key identifier of RFC 5280 section 4.2.1.2 method 1: SHA-1 of the BIT STRING's contents.
pub(crate) fn key_identifier(key: &PublicKey) -> [u8; 20] {
    Sha1::digest(key.subject_public_key()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_is_a_minimal_named_bit_list() {
        assert_eq!(KeyUsage::DIGITAL_SIGNATURE.to_der(), [3, 2, 7, 0x80]);
        let ca = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN);
        assert_eq!(ca.to_der(), [3, 2, 1, 0x06]);
        assert_eq!(KeyUsage::from_tlv(Tlv::parse(&ca.to_der()).unwrap()).unwrap(), ca);
        assert_eq!(ca.names(), ["keyCertSign", "cRLSign"]);
        assert!(!ca.allows(KeyUsage::DIGITAL_SIGNATURE));
    }

    #[test]
    fn every_set_of_uses_is_written_and_read_back() {
        for bits in 0..1 << KeyUsage::NAMES.len() {
            let der = KeyUsage(bits).to_der();
            assert_eq!(KeyUsage::from_tlv(Tlv::parse(&der).unwrap()).unwrap(), KeyUsage(bits));
            let zeros = der.last().unwrap().trailing_zeros();
            assert!(bits == 0 || u32::from(der[2]) == zeros, "{der:x?} has trailing zero bits");
        }
        assert_eq!(KeyUsage(0).to_der(), [3, 1, 0]);
    }

    #[test]
    fn bits_behind_the_end_are_no_uses() {
        for bad in [
            &[3, 2, 7, 0xff][..],
            &[3, 2, 7, 0x84],
            &[3, 2, 8, 0],
            &[3, 1, 7],
            &[3, 0],
            &[3, 4, 0, 0, 0, 0x80],
            &[4, 2, 7, 0x80],
        ] {
            assert!(KeyUsage::from_tlv(Tlv::parse(bad).unwrap()).is_err(), "{bad:x?}");
        }
    }

    #[test]
    fn decipher_only_is_the_ninth_bit() {
        let usage = KeyUsage::from_tlv(Tlv::parse(&[3, 3, 7, 0, 0x80]).unwrap()).unwrap();
        assert_eq!(usage.names(), ["decipherOnly"]);
    }

    #[test]
    fn an_extension_twice_is_refused() {
        let mut extensions = Extensions::default();
        extensions.set_key_usage(KeyUsage::DIGITAL_SIGNATURE);
        extensions.0.push(extensions.0[0].clone());
        let der = extensions.to_der();
        assert!(matches!(
            Extensions::from_tlv(Tlv::parse(&der).unwrap()),
            Err(Error::DuplicateExtension(oid::KEY_USAGE))
        ));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut extensions = Extensions::default();
        extensions.set_ca(Some(0));
        extensions.set_extended_key_usage(false, &[oid::CODE_SIGNING]);
        extensions.set_authority_key_identifier(&[1, 2, 3]);
        let der = extensions.to_der();
        let read = Extensions::from_tlv(Tlv::parse(&der).unwrap()).unwrap();
        assert_eq!(read, extensions);
        assert_eq!(read.ca().unwrap(), Some(CaConstraint { path_len: Some(0) }));
        assert_eq!(read.extended_key_usage().unwrap(), Some(vec![oid::CODE_SIGNING]));
        assert_eq!(read.authority_key_identifier().unwrap(), Some(&[1, 2, 3][..]));
        assert_eq!(read.key_usage().unwrap(), None);
    }
}
