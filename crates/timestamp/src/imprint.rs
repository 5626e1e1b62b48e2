//! What a timestamp is over.

use chancery_key::DigestAlgorithm;
use chancery_x509::Error;
use chancery_x509::asn1::{self, Tlv, tag};
use const_oid::ObjectIdentifier;

/// A `MessageImprint` (RFC 3161 section 2.4.1): a hash, and how it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageImprint {
    /// The hash function.
    pub algorithm: ObjectIdentifier,
    /// The hash.
    pub hash: Vec<u8>,
}

impl MessageImprint {
    /// Hashes a message.
    #[must_use]
    pub fn of(digest: DigestAlgorithm, message: &[u8]) -> Self {
        Self { algorithm: digest.oid(), hash: chancery_sigverify::digest(digest, message) }
    }

    /// Returns the hash function, where it is one we know.
    #[must_use]
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        DigestAlgorithm::from_oid(self.algorithm)
    }

    /// Tells whether this is the hash of the message, by a hash function that we know.
    #[must_use]
    pub fn is_of(&self, message: &[u8]) -> bool {
        self.digest().is_some_and(|digest| Self::of(digest, message) == *self)
    }

    /// Reads an imprint. NULL and absent parameters are one.
    pub(crate) fn from_tlv(tlv: Tlv<'_>) -> Result<Self, Error> {
        let mut fields = tlv.expect(tag::SEQUENCE, "message imprint")?.reader();
        let mut algorithm = fields.expect(tag::SEQUENCE, "hash algorithm")?.reader();
        let oid = algorithm.read()?.oid()?;
        if let Some(parameters) = algorithm.optional(tag::NULL)?
            && !parameters.contents.is_empty()
        {
            return Err(Error::Der { offset: parameters.offset, what: "NULL" });
        }
        algorithm.finish()?;
        let hash = fields.expect(tag::OCTET_STRING, "hashed message")?.contents.to_vec();
        fields.finish()?;
        Ok(Self { algorithm: oid, hash })
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let algorithm = asn1::algorithm_with_null(&self.algorithm);
        asn1::sequence(&[&algorithm, &asn1::octet_string(&self.hash)])
    }
}
