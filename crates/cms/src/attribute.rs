//! Signed and unsigned attributes.

use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

use crate::Error;

/// The most attributes, and the most values of one, we read. Real signatures have below ten.
const MAX_ATTRIBUTES: usize = 64;

/// One attribute as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// Its values, in the order they stand in.
    pub values: Vec<Tlv<'a>>,
    /// The whole attribute.
    pub raw: &'a [u8],
}

/// A set of attributes, and the bytes it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes<'a> {
    tlv: Tlv<'a>,
    list: Vec<Attribute<'a>>,
}

impl<'a> Attributes<'a> {
    pub(crate) fn from_tlv(tlv: Tlv<'a>) -> Result<Self, Error> {
        let mut list = Vec::new();
        for item in tlv.reader() {
            let item = item?.expect(tag::SEQUENCE, "attribute")?;
            let mut parts = item.reader();
            let oid = parts.read()?.oid()?;
            let set = parts.expect(tag::SET, "attribute values")?;
            parts.finish()?;
            let values = set.reader().take(MAX_ATTRIBUTES.saturating_add(1));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            if list.len() >= MAX_ATTRIBUTES || values.len() > MAX_ATTRIBUTES {
                return Err(Error::Limit { what: "attributes or values", limit: MAX_ATTRIBUTES });
            }
            list.push(Attribute { oid, values, raw: item.raw });
        }
        Ok(Self { tlv, list })
    }

    /// Returns the bytes a signature over signed attributes is made of: the set as it was read, under
    /// the tag SET OF in place of `[0]` (RFC 5652 section 5.4).
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        asn1::tlv(tag::SET, &[self.tlv.contents])
    }

    /// Returns all attributes in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Attribute<'a>> {
        self.list.iter()
    }

    /// Finds the only value of the only attribute of a type: what RFC 5652 section 11 demands of the ones
    /// that matter. Two attributes of the type, or two values, are none.
    #[must_use]
    pub fn single(&self, oid: ObjectIdentifier) -> Option<Tlv<'a>> {
        let mut found = self.list.iter().filter(|attribute| attribute.oid == oid);
        match (found.next(), found.next()) {
            (Some(Attribute { values, .. }), None) => match values.as_slice() {
                [value] => Some(*value),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns every value of every attribute of a type.
    pub fn values(&self, oid: ObjectIdentifier) -> impl Iterator<Item = Tlv<'a>> {
        let of_type = self.list.iter().filter(move |attribute| attribute.oid == oid);
        of_type.flat_map(|attribute| attribute.values.iter().copied())
    }
}

/// An attribute to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttribute {
    oid: ObjectIdentifier,
    values: Vec<Vec<u8>>,
}

impl NewAttribute {
    /// Makes an attribute of one value, given as DER.
    #[must_use]
    pub fn new(oid: ObjectIdentifier, value: Vec<u8>) -> Self {
        Self { oid, values: vec![value] }
    }

    /// Returns its type.
    #[must_use]
    pub const fn oid(&self) -> ObjectIdentifier {
        self.oid
    }

    /// Returns its values, each in DER.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Vec::as_slice)
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        asn1::sequence(&[
            &asn1::object_identifier(&self.oid),
            &asn1::set_of(tag::SET, self.values.clone()),
        ])
    }
}
