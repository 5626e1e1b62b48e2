//! Reading and writing DER whose exact bytes matter.
//!
//! Signatures are made over encodings, so what was read must never be written again in its place: a
//! [`Tlv`] keeps the bytes it came in. Only what X.509 and CMS use is understood: tag numbers below 31 and
//! definite, minimal lengths (X.690 section 10.1). BER is refused at the byte that makes it BER.

use const_oid::ObjectIdentifier;

use crate::Error;

/// Identifier octets (X.690 section 8.1.2) of the types in use.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING, primitive.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING, primitive.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE_STRING: u8 = 0x13;
    /// TeletexString.
    pub const TELETEX_STRING: u8 = 0x14;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// UniversalString.
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    /// BMPString.
    pub const BMP_STRING: u8 = 0x1e;
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: u8 = 0x30;
    /// SET and SET OF.
    pub const SET: u8 = 0x31;

    /// A primitive, context-specific tag `[number]`; `number` below 31.
    #[must_use]
    pub const fn context(number: u8) -> u8 {
        0x80 | (number & 0x1f)
    }

    /// A constructed, context-specific tag `[number]`; `number` below 31.
    #[must_use]
    pub const fn context_constructed(number: u8) -> u8 {
        0xa0 | (number & 0x1f)
    }
}

/// One value with its tag, and the bytes both came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tlv<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents octets.
    pub contents: &'a [u8],
    /// Identifier, length and contents octets.
    pub raw: &'a [u8],
    /// Where `raw` begins, counted from the outermost input.
    pub offset: usize,
}

impl<'a> Tlv<'a> {
    /// Reads exactly one value that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Der`] for bad DER and for bytes after it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let tlv = reader.read()?;
        reader.finish()?;
        Ok(tlv)
    }

    /// Reads one value from the front of `bytes` and leaves what follows alone.
    ///
    /// # Errors
    /// [`Error::Der`] for bad DER.
    pub fn parse_prefix(bytes: &'a [u8]) -> Result<Self, Error> {
        Reader::new(bytes).read()
    }

    /// Insists on a tag.
    ///
    /// # Errors
    /// [`Error::Der`] naming `what` where the tag is another.
    pub const fn expect(self, tag: u8, what: &'static str) -> Result<Self, Error> {
        if self.tag == tag { Ok(self) } else { Err(Error::Der { offset: self.offset, what }) }
    }

    /// Reads the contents as a series of values.
    #[must_use]
    pub const fn reader(&self) -> Reader<'a> {
        let header_len = self.raw.len().saturating_sub(self.contents.len());
        Reader { rest: self.contents, offset: self.offset.saturating_add(header_len) }
    }

    /// Reads the contents as exactly one value, as explicit tags have it.
    ///
    /// # Errors
    /// [`Error::Der`] for bad DER, no value, and bytes after it.
    pub fn only(&self) -> Result<Self, Error> {
        let mut reader = self.reader();
        let tlv = reader.read()?;
        reader.finish()?;
        Ok(tlv)
    }

    /// Takes the contents for a BOOLEAN (X.690 section 11.1).
    ///
    /// # Errors
    /// [`Error::Der`] where they are neither 00 nor FF.
    pub const fn boolean(&self) -> Result<bool, Error> {
        match (self.tag, self.contents) {
            (tag::BOOLEAN, [0]) => Ok(false),
            (tag::BOOLEAN, [0xff]) => Ok(true),
            _ => Err(Error::Der { offset: self.offset, what: "boolean of 00 or FF" }),
        }
    }

    /// Takes the contents for an INTEGER of any size and returns its octets: big-endian, two's complement,
    /// none too many (X.690 section 8.3.2).
    ///
    /// # Errors
    /// [`Error::Der`] where they are none.
    pub const fn integer(&self) -> Result<&'a [u8], Error> {
        match (self.tag, self.contents) {
            (tag::INTEGER, [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]) => {
                Err(Error::Der { offset: self.offset, what: "shortest form of integer" })
            }
            (tag::INTEGER, octets) => Ok(octets),
            _ => Err(Error::Der { offset: self.offset, what: "integer" }),
        }
    }

    /// Takes the contents for an OBJECT IDENTIFIER.
    ///
    /// # Errors
    /// [`Error::Der`] where they are none, or one with an arc beyond 32 bits.
    pub fn oid(&self) -> Result<ObjectIdentifier, Error> {
        self.expect(tag::OID, "object identifier")?;
        // `const-oid` 0.10 takes padded arcs, and wraps those beyond 32 bits: two identifiers would then be displayed
        // as one.
        let well_formed = self.contents.split_inclusive(|octet| octet & 0x80 == 0).all(is_arc);
        well_formed
            .then(|| ObjectIdentifier::from_bytes(self.contents).ok())
            .flatten()
            .ok_or(Error::Der { offset: self.offset, what: "object identifier" })
    }

    /// Takes the contents for a BIT STRING of whole octets and returns these.
    ///
    /// # Errors
    /// [`Error::Der`] where bits are left over.
    pub fn bit_string(&self) -> Result<&'a [u8], Error> {
        self.expect(tag::BIT_STRING, "bit string")?;
        match self.contents {
            [0, octets @ ..] => Ok(octets),
            _ => Err(Error::Der { offset: self.offset, what: "bit string of whole octets" }),
        }
    }

    /// Takes the contents for an INTEGER that fits a `u32`.
    ///
    /// # Errors
    /// [`Error::Der`] for a negative, long or non-minimal one.
    pub fn small_integer(&self) -> Result<u32, Error> {
        let octets = self.integer()?;
        let negative = octets.first().is_some_and(|first| *first >= 0x80);
        let digits = octets.strip_prefix(&[0]).unwrap_or(octets);
        if negative || digits.len() > 4 {
            return Err(Error::Der { offset: self.offset, what: "small non-negative integer" });
        }
        Ok(digits.iter().fold(0, |number, digit| (number << 8) | u32::from(*digit)))
    }
}

/// Reads values one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    /// Returns how far from the outermost input's start reading has come.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Tells whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    const fn error<T>(&self, what: &'static str) -> Result<T, Error> {
        Err(Error::Der { offset: self.offset, what })
    }

    /// Reads the next value.
    ///
    /// # Errors
    /// [`Error::Der`] for the end of the input, a length past it, and everything that is not DER.
    pub fn read(&mut self) -> Result<Tlv<'a>, Error> {
        let [tag, first, after @ ..] = self.rest else { return self.error("a tag and a length") };
        if tag & 0x1f == 0x1f {
            return self.error("tag number below 31");
        }
        let (length, contents) = match *first {
            0x80 => return self.error("definite length (this is BER)"),
            short @ ..0x80 => (usize::from(short), after),
            long => {
                let count = usize::from(long & 0x7f);
                let Some((digits, contents)) = after.split_at_checked(count) else {
                    return self.error("length octets");
                };
                if count > 4 {
                    return self.error("length below 4 GiB");
                }
                let length =
                    digits.iter().fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
                if digits.first() == Some(&0) || length < 0x80 {
                    return self.error("shortest form of length (this is BER)");
                }
                (length, contents)
            }
        };
        let Some((contents, rest)) = contents.split_at_checked(length) else {
            return self.error("as many bytes as the length says");
        };
        let raw_len = self.rest.len().saturating_sub(rest.len());
        let raw = self.rest.get(..raw_len).unwrap_or_default();
        let tlv = Tlv { tag: *tag, contents, raw, offset: self.offset };
        self.rest = rest;
        self.offset = self.offset.saturating_add(raw_len);
        Ok(tlv)
    }

    /// Reads the next value, which must have this tag.
    ///
    /// # Errors
    /// [`Error::Der`] naming `what`.
    pub fn expect(&mut self, tag: u8, what: &'static str) -> Result<Tlv<'a>, Error> {
        if self.rest.first() == Some(&tag) { self.read() } else { self.error(what) }
    }

    /// Reads the next value if it has this tag.
    ///
    /// # Errors
    /// [`Error::Der`] where it has, and is no DER.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, Error> {
        if self.rest.first() == Some(&tag) { self.read().map(Some) } else { Ok(None) }
    }

    /// Insists that nothing is left.
    ///
    /// # Errors
    /// [`Error::Der`] at the first byte too many.
    pub const fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { self.error("end of data") }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, Error>;

    /// Reads values until nothing is left; an error ends the series.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = self.read();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

/// Tells whether octets, of which the last alone may end an arc of an object identifier, are one of at most 32 bits in
/// its one encoding (X.690 section 8.19.2).
fn is_arc(octets: &[u8]) -> bool {
    let ends = octets.last().is_some_and(|last| last & 0x80 == 0);
    ends && match octets {
        [0x80, ..] => false,
        [first, _, _, _, _] => first & 0x7F <= 0x0F,
        _ => octets.len() < 5,
    }
}

/// Writes one value: the tag, the length of all parts together, the parts.
#[must_use]
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(6));
    out.push(tag);
    let digits = length.to_be_bytes();
    match u8::try_from(length) {
        Ok(short @ ..0x80) => out.push(short),
        _ => {
            let zeros = digits.iter().take_while(|digit| **digit == 0).count();
            let digits = digits.get(zeros..).unwrap_or_default();
            // At most 8 digits: the count never reaches the sign bit.
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            out.extend_from_slice(digits);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Writes a SEQUENCE.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// Writes a SET OF under `tag`, its elements in the order DER asks for (X.690 section 11.6).
#[must_use]
pub fn set_of(tag: u8, mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    // X.690 compares as if padded with zeros; no encoding is a proper prefix of another.
    elements.sort_unstable();
    tlv(tag, &elements.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Writes an OBJECT IDENTIFIER.
#[must_use]
pub fn object_identifier(oid: &ObjectIdentifier) -> Vec<u8> {
    tlv(tag::OID, &[oid.as_bytes()])
}

/// Writes an OCTET STRING.
#[must_use]
pub fn octet_string(octets: &[u8]) -> Vec<u8> {
    tlv(tag::OCTET_STRING, &[octets])
}

/// Writes a BIT STRING of whole octets.
#[must_use]
pub fn bit_string(octets: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], octets])
}

/// Writes a non-negative INTEGER given big-endian.
#[must_use]
pub fn unsigned_integer(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    match digits.get(zeros..).unwrap_or_default() {
        [] => tlv(tag::INTEGER, &[&[0]]),
        digits @ [0x80..=0xff, ..] => tlv(tag::INTEGER, &[&[0], digits]),
        digits => tlv(tag::INTEGER, &[digits]),
    }
}

/// Writes an `AlgorithmIdentifier` with NULL parameters.
#[must_use]
pub fn algorithm_with_null(oid: &ObjectIdentifier) -> Vec<u8> {
    sequence(&[&object_identifier(oid), &tlv(tag::NULL, &[])])
}

#[cfg(test)]
mod tests;
