//! Asking for a timestamp.

use chancery_key::DigestAlgorithm;
use chancery_x509::Extensions;
use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

use crate::{Error, MessageImprint};

/// The longest nonce we read, in bytes. Ours have eight; nobody has been seen with more than twenty.
const MAX_NONCE_LEN: usize = 64;

/// A number that makes one request different from every other: an INTEGER of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// Draws 64 random bits.
    ///
    /// # Errors
    /// [`Error::Random`] where the system has none.
    pub fn random() -> Result<Self, Error> {
        let mut octets = [0; 8];
        getrandom::fill(&mut octets).map_err(Error::Random)?;
        Ok(Self::from_unsigned(&octets))
    }

    /// Takes a non-negative number, big-endian.
    #[must_use]
    pub fn from_unsigned(digits: &[u8]) -> Self {
        let der = asn1::unsigned_integer(digits);
        Self(Tlv::parse(&der).map(|tlv| tlv.contents.to_vec()).unwrap_or_default())
    }

    /// Returns the contents octets of the INTEGER.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, chancery_x509::Error> {
        let octets = tlv.integer()?;
        if octets.len() > MAX_NONCE_LEN {
            return Err(chancery_x509::Error::Limit {
                what: "bytes of nonce",
                limit: MAX_NONCE_LEN,
            });
        }
        Ok(Self(octets.to_vec()))
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        asn1::tlv(tag::INTEGER, &[&self.0])
    }
}

/// A `TimeStampReq` (RFC 3161 section 2.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeStampRequest {
    /// What is to be stamped.
    pub imprint: MessageImprint,
    /// The policy the stamp is wanted under, where it matters.
    pub policy: Option<ObjectIdentifier>,
    /// What makes the answer to this request different from that to any other.
    pub nonce: Option<Nonce>,
    /// Whether the server's certificate shall be in the token. Windows needs it there.
    pub certificate_wanted: bool,
    /// What else is asked. We ask nothing.
    pub extensions: Extensions,
}

impl TimeStampRequest {
    /// Asks for a stamp over a message, with the server's certificate in it, a new nonce, and no policy.
    ///
    /// # Errors
    /// [`Error::Random`] where the system has no randomness.
    pub fn new(digest: DigestAlgorithm, message: &[u8]) -> Result<Self, Error> {
        Ok(Self {
            imprint: MessageImprint::of(digest, message),
            policy: None,
            nonce: Some(Nonce::random()?),
            certificate_wanted: true,
            extensions: Extensions::default(),
        })
    }

    /// Reads a request that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Encoding`] with the offset.
    pub fn from_der(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Tlv::parse(bytes)?.expect(tag::SEQUENCE, "timestamp request")?.reader();
        expect_version_1(fields.read()?)?;
        let imprint = MessageImprint::from_tlv(fields.read()?)?;
        let policy = fields.optional(tag::OID)?.map(|tlv| tlv.oid()).transpose()?;
        let nonce = fields.optional(tag::INTEGER)?.map(Nonce::from_tlv).transpose()?;
        let certificate_wanted =
            fields.optional(tag::BOOLEAN)?.is_some_and(|tlv| tlv.contents != [0]);
        let extensions = fields.optional(tag::context_constructed(0))?;
        let extensions = extensions.map(read_extensions).transpose()?.unwrap_or_default();
        fields.finish()?;
        Ok(Self { imprint, policy, nonce, certificate_wanted, extensions })
    }

    /// Writes the request. [`extensions`](Self::extensions) are not written.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let policy = self.policy.as_ref().map(asn1::object_identifier).unwrap_or_default();
        let nonce = self.nonce.as_ref().map(Nonce::to_der).unwrap_or_default();
        // FALSE is the default, which DER leaves out (X.690 section 11.5).
        let certificate: &[u8] =
            if self.certificate_wanted { &[tag::BOOLEAN, 1, 0xff] } else { &[] };
        let version = asn1::unsigned_integer(&[1]);
        asn1::sequence(&[&version, &self.imprint.to_der(), &policy, &nonce, certificate])
    }
}

/// Insists on version 1, the only one there is.
pub(crate) fn expect_version_1(tlv: Tlv<'_>) -> Result<(), chancery_x509::Error> {
    match tlv.small_integer()? {
        1 => Ok(()),
        _ => Err(chancery_x509::Error::Der { offset: tlv.offset, what: "version 1" }),
    }
}

/// Reads `Extensions` under an implicit tag.
pub(crate) fn read_extensions(tlv: Tlv<'_>) -> Result<Extensions, chancery_x509::Error> {
    let sequence = asn1::sequence(&[tlv.contents]);
    Extensions::from_tlv(Tlv::parse(&sequence)?)
}
