//! Reading a SignedData.

use chancery_x509::Certificate;
use chancery_x509::asn1::{Tlv, tag};
use const_oid::ObjectIdentifier;

use crate::{Error, SignerInfo, oid};

/// The most certificates we read from one SignedData.
const MAX_CERTIFICATES: usize = 64;

/// The most signers we read. Authenticode has exactly one.
const MAX_SIGNERS: usize = 16;

/// A PKCS#7 or CMS SignedData (RFC 2315 section 9.1, RFC 5652 section 5.1), every part in the bytes it
/// came in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedData<'a> {
    /// Version number: 1 for PKCS#7 and Authenticode, up to 5 for CMS.
    pub version: u32,
    /// `AlgorithmIdentifier`s of the hashes in use, as declared up front.
    pub digest_algorithms: Vec<Tlv<'a>>,
    /// Type of the content.
    pub content_type: ObjectIdentifier,
    /// The content, whatever its tag: an OCTET STRING in CMS, mostly a SEQUENCE in PKCS#7. `None` where it is
    /// detached.
    pub content: Option<Tlv<'a>>,
    /// The bag of certificates, of any of the kinds CMS knows.
    pub certificates: Vec<Tlv<'a>>,
    /// The signers.
    pub signers: Vec<SignerInfo<'a>>,
    /// The whole `ContentInfo`.
    pub raw: &'a [u8],
}

/// The X.509 certificates of a bag.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Certificates {
    /// Those that could be read, in their order.
    pub readable: Vec<Certificate>,
    /// How many entries could not: broken ones, and attribute certificates, which every Microsoft timestamp
    /// token carries.
    pub skipped: usize,
}

impl<'a> SignedData<'a> {
    /// Reads a `ContentInfo` that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`Error`]: not DER, not a SignedData, or beyond a limit.
    pub fn from_der(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::from_tlv(Tlv::parse(bytes)?)
    }

    /// Reads a `ContentInfo` from the front of `bytes`, as a WIN_CERTIFICATE pads it, and returns what
    /// follows it.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der).
    pub fn from_der_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let tlv = Tlv::parse_prefix(bytes)?;
        Ok((Self::from_tlv(tlv)?, bytes.get(tlv.raw.len()..).unwrap_or_default()))
    }

    fn from_tlv(tlv: Tlv<'a>) -> Result<Self, Error> {
        let mut outer = tlv.expect(tag::SEQUENCE, "ContentInfo")?.reader();
        let kind = outer.read()?.oid()?;
        if kind != oid::SIGNED_DATA {
            return Err(Error::NotSignedData(kind));
        }
        let explicit = outer.expect(tag::context_constructed(0), "[0] of the ContentInfo")?;
        outer.finish()?;
        let signed_data = explicit.only()?.expect(tag::SEQUENCE, "SignedData")?;

        let mut fields = signed_data.reader();
        let version = fields.read()?.small_integer()?;
        let digest_algorithms = limited(
            fields.expect(tag::SET, "digest algorithms")?,
            "digest algorithms",
            MAX_SIGNERS,
        )?;
        let mut content_info = fields.expect(tag::SEQUENCE, "content info")?.reader();
        let content_type = content_info.read()?.oid()?;
        let content = content_info
            .optional(tag::context_constructed(0))?
            .map(|explicit| explicit.only())
            .transpose()?;
        content_info.finish()?;
        let certificates = match fields.optional(tag::context_constructed(0))? {
            Some(set) => limited(set, "certificates", MAX_CERTIFICATES)?,
            None => Vec::new(),
        };
        // Revocation lists in the signature are not evidence we use: skipped, kept in `raw`.
        fields.optional(tag::context_constructed(1))?;
        let signers = fields.expect(tag::SET, "signer infos")?;
        fields.finish()?;
        let signers = limited(signers, "signers", MAX_SIGNERS)?
            .into_iter()
            .map(SignerInfo::from_tlv)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            version,
            digest_algorithms,
            content_type,
            content,
            certificates,
            signers,
            raw: tlv.raw,
        })
    }

    /// Reads the bag of certificates.
    #[must_use]
    pub fn read_certificates(&self) -> Certificates {
        let mut all = Certificates::default();
        for tlv in &self.certificates {
            match Certificate::from_der(tlv.raw) {
                Ok(certificate) => all.readable.push(certificate),
                Err(_) => all.skipped = all.skipped.saturating_add(1),
            }
        }
        all
    }
}

fn limited<'a>(set: Tlv<'a>, what: &'static str, limit: usize) -> Result<Vec<Tlv<'a>>, Error> {
    let items = set.reader().take(limit.saturating_add(1)).collect::<Result<Vec<_>, _>>()?;
    if items.len() > limit { Err(Error::Limit { what, limit }) } else { Ok(items) }
}
