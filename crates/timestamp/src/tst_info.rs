//! What a timestamp server says.

use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{Error, Extensions};
use const_oid::ObjectIdentifier;

use crate::request::{expect_version_1, read_extensions};
use crate::{GenTime, MessageImprint, Nonce};

/// How far the time may be off, either way (RFC 3161 section 2.4.2, `Accuracy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accuracy {
    /// Whole seconds.
    pub seconds: u32,
    /// Milliseconds, below 1000.
    pub millis: u16,
    /// Microseconds, below 1000.
    pub micros: u16,
}

impl Accuracy {
    /// Is accurate to whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self { seconds, millis: 0, micros: 0 }
    }

    fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.reader();
        let seconds = fields.optional(tag::INTEGER)?.map(|tlv| tlv.small_integer()).transpose()?;
        let mut thousandths = |number| -> Result<u16, Error> {
            let Some(tlv) = fields.optional(tag::context(number))? else { return Ok(0) };
            let integer = asn1::tlv(tag::INTEGER, &[tlv.contents]);
            let value = Tlv::parse(&integer)?.small_integer()?;
            u16::try_from(value)
                .ok()
                .filter(|value| *value < 1000)
                .ok_or(Error::Der { offset: tlv.offset, what: "an accuracy below 1000" })
        };
        let (millis, micros) = (thousandths(0)?, thousandths(1)?);
        fields.finish()?;
        Ok(Self { seconds: seconds.unwrap_or_default(), millis, micros })
    }

    fn to_der(self) -> Vec<u8> {
        let mut parts = Vec::new();
        if self.seconds > 0 {
            parts.extend(asn1::unsigned_integer(&self.seconds.to_be_bytes()));
        }
        for (number, value) in [(0, self.millis), (1, self.micros)] {
            if value > 0
                && let Ok(integer) = Tlv::parse(&asn1::unsigned_integer(&value.to_be_bytes()))
            {
                parts.extend(asn1::tlv(tag::context(number), &[integer.contents]));
            }
        }
        asn1::sequence(&[&parts])
    }
}

/// A `TSTInfo` (RFC 3161 section 2.4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TstInfo {
    /// The policy the stamp was made under.
    pub policy: ObjectIdentifier,
    /// What was stamped.
    pub imprint: MessageImprint,
    /// Contents octets of the serial number.
    pub serial: Vec<u8>,
    /// When it was stamped.
    pub gen_time: GenTime,
    /// How far the time may be off, where the server says.
    pub accuracy: Option<Accuracy>,
    /// Whether tokens of this server are in the order of their times, even within the accuracy.
    pub ordering: bool,
    /// The number of the request. Tokens in files by Microsoft have none.
    pub nonce: Option<Nonce>,
    /// DER of the `GeneralName` the server gives itself.
    pub tsa: Option<Vec<u8>>,
    /// What else the server says.
    pub extensions: Extensions,
}

impl TstInfo {
    /// Says that an imprint was there at a time.
    #[must_use]
    pub fn new(
        policy: ObjectIdentifier,
        imprint: MessageImprint,
        serial: Vec<u8>,
        gen_time: GenTime,
    ) -> Self {
        Self {
            policy,
            imprint,
            serial,
            gen_time,
            accuracy: None,
            ordering: false,
            nonce: None,
            tsa: None,
            extensions: Extensions::default(),
        }
    }

    /// Reads a `TSTInfo` that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Der`] with the offset.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::parse(bytes)?.expect(tag::SEQUENCE, "TSTInfo")?.reader();
        expect_version_1(fields.read()?)?;
        let policy = fields.read()?.oid()?;
        let imprint = MessageImprint::from_tlv(fields.read()?)?;
        let serial = fields.read()?.integer()?.to_vec();
        let gen_time = GenTime::from_tlv(fields.read()?)?;
        let accuracy = fields.optional(tag::SEQUENCE)?.map(Accuracy::from_tlv).transpose()?;
        let ordering = match fields.optional(tag::BOOLEAN)? {
            Some(tlv) => tlv.boolean()?,
            None => false,
        };
        let nonce = fields.optional(tag::INTEGER)?.map(Nonce::from_tlv).transpose()?;
        let tsa = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) => Some(explicit.only()?.raw.to_vec()),
            None => None,
        };
        let extensions = fields.optional(tag::context_constructed(1))?;
        let extensions = extensions.map(read_extensions).transpose()?.unwrap_or_default();
        fields.finish()?;
        Ok(Self { policy, imprint, serial, gen_time, accuracy, ordering, nonce, tsa, extensions })
    }

    /// Writes the `TSTInfo`. [`extensions`](Self::extensions) are not written.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let accuracy = self.accuracy.map(Accuracy::to_der).unwrap_or_default();
        let ordering: &[u8] = if self.ordering { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
        let nonce = self.nonce.as_ref().map(Nonce::to_der).unwrap_or_default();
        let tsa = self.tsa.as_ref();
        let tsa = tsa.map(|name| asn1::tlv(tag::context_constructed(0), &[name]));
        asn1::sequence(&[
            &asn1::unsigned_integer(&[1]),
            &asn1::object_identifier(&self.policy),
            &self.imprint.to_der(),
            &asn1::tlv(tag::INTEGER, &[&self.serial]),
            &self.gen_time.to_der(),
            &accuracy,
            ordering,
            &nonce,
            &tsa.unwrap_or_default(),
        ])
    }
}
