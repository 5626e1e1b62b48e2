//! Certificates as they were issued.

use core::fmt;

use chancery_key::{PublicKey, SignatureScheme};
use const_oid::ObjectIdentifier;
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::asn1::{Tlv, tag};
use crate::{Error, Extensions, KeyUsage, Name, SignatureAlgorithm, Time, oid};

/// The longest certificate we read, in bytes. Those for code signing have a few thousand; post-quantum
/// signatures of 50 000 are in sight.
const MAX_CERTIFICATE_LEN: usize = 128 * 1024;

/// An X.509 certificate (RFC 5280 section 4.1): its fields, and the bytes it came in.
///
/// Signatures are verified over the bytes that were read, never over a second encoding.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: core::ops::Range<usize>,
    serial: Vec<u8>,
    issuer: Name,
    subject: Name,
    not_before: Time,
    not_after: Time,
    public_key: PublicKey,
    extensions: Extensions,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate from its DER, which must be all of `der`.
    ///
    /// # Errors
    /// [`Error::Der`] with the byte offset for a broken structure; [`Error::PublicKey`],
    /// [`Error::AlgorithmMismatch`], [`Error::DuplicateExtension`] for contents RFC 5280 does not allow;
    /// [`Error::Limit`] for what is larger than any real certificate.
    /// A signature algorithm we do not know is no error before it is asked to verify.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_CERTIFICATE_LEN {
            return Err(Error::Limit { what: "bytes of certificate", limit: MAX_CERTIFICATE_LEN });
        }
        let mut outer = Tlv::parse(der)?.expect(tag::SEQUENCE, "certificate")?.reader();
        let tbs = outer.expect(tag::SEQUENCE, "TBSCertificate")?;
        let algorithm = outer.expect(tag::SEQUENCE, "signature algorithm")?;
        let signature = outer.read()?.bit_string()?;
        outer.finish()?;

        let mut fields = tbs.reader();
        let version = match fields.optional(tag::context_constructed(0))? {
            Some(explicit) => match explicit.only()?.small_integer()? {
                version @ 0..=2 => version,
                _ => return Err(Error::Der { offset: explicit.offset, what: "version 1 to 3" }),
            },
            None => 0,
        };
        let serial = fields.read()?.integer()?;
        let inner_algorithm = fields.expect(tag::SEQUENCE, "signature algorithm")?;
        let issuer = Name::from_tlv(fields.read()?)?;
        let mut validity = fields.expect(tag::SEQUENCE, "validity")?.reader();
        let not_before = Time::from_tlv(validity.read()?)?;
        let not_after = Time::from_tlv(validity.read()?)?;
        validity.finish()?;
        let subject = Name::from_tlv(fields.read()?)?;
        let spki = fields.expect(tag::SEQUENCE, "subject public key info")?;
        let public_key = PublicKey::from_spki_der(spki.raw).map_err(Error::PublicKey)?;
        // The unique identifiers of X.509v2, which nobody uses.
        for number in [1, 2] {
            if let Some(identifier) = fields.optional(tag::context(number))?
                && version == 0
            {
                let what = "version 2 or 3 where there are unique identifiers";
                return Err(Error::Der { offset: identifier.offset, what });
            }
        }
        let extensions = match fields.optional(tag::context_constructed(3))? {
            Some(explicit) if version == 2 => Extensions::from_tlv(explicit.only()?)?,
            Some(explicit) => {
                return Err(Error::Der {
                    offset: explicit.offset,
                    what: "version 3 where there are extensions",
                });
            }
            None => Extensions::default(),
        };
        fields.finish()?;
        if inner_algorithm.raw != algorithm.raw {
            return Err(Error::AlgorithmMismatch);
        }

        Ok(Self {
            tbs: tbs.offset..tbs.offset.saturating_add(tbs.raw.len()),
            serial: serial.to_vec(),
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            algorithm: SignatureAlgorithm::from_tlv(algorithm),
            signature: signature.to_vec(),
            der: der.to_vec(),
        })
    }

    /// Returns the DER it came in.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the bytes that are signed.
    #[must_use]
    pub fn tbs_der(&self) -> &[u8] {
        self.der.get(self.tbs.clone()).unwrap_or_default()
    }

    /// Returns the contents octets of the serial number: big-endian, two's complement.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Returns who issued it.
    #[must_use]
    pub const fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// Returns whom it is about.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// Returns the first second of its validity.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }

    /// Returns the last second of its validity.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Tells whether `time` lies within its validity, both ends included.
    #[must_use]
    pub fn is_valid_at(&self, time: Time) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    /// Returns the key it certifies.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns its extensions.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the scheme it was signed with, where it is one we know.
    #[must_use]
    pub const fn scheme(&self) -> Option<SignatureScheme> {
        self.algorithm.scheme()
    }

    /// Returns the algorithm it was signed with, known or not.
    #[must_use]
    pub const fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Returns the SHA-1 of the DER, which Windows calls the thumbprint.
    #[must_use]
    pub fn thumbprint_sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.der).into()
    }

    /// Returns the SHA-256 of the DER.
    #[must_use]
    pub fn thumbprint_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Verifies that the holder of `key` signed it.
    ///
    /// # Errors
    /// [`Error::UnknownAlgorithm`] or [`Error::Signature`].
    pub fn verify_signature(&self, key: &PublicKey) -> Result<(), Error> {
        let scheme = self.scheme().ok_or(Error::UnknownAlgorithm)?;
        chancery_sigverify::verify(key, scheme, self.tbs_der(), &self.signature)
            .map_err(Error::Signature)
    }

    /// Tells whether subject and issuer are one name; its signature is not looked at.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject.matches(&self.issuer)
    }

    /// Tells whether it is signed with the key it certifies, as a root is. A self-issued certificate need
    /// not be: when a CA changes its key, the old one certifies the new (RFC 5280 section 3.2).
    #[must_use]
    pub fn is_self_signed(&self) -> bool {
        self.is_self_issued() && self.verify_signature(&self.public_key).is_ok()
    }

    /// Tells whether it names `issuer` as its issuer: by name (RFC 5280 section 6.1.3 (a)(4)), and by key
    /// identifier where both have one (section 4.2.1.1). The signature is not looked at.
    #[must_use]
    pub fn names_as_issuer(&self, issuer: &Self) -> bool {
        if !self.issuer.matches(&issuer.subject) {
            return false;
        }
        match (
            self.extensions.authority_key_identifier(),
            issuer.extensions.subject_key_identifier(),
        ) {
            (Ok(Some(wanted)), Ok(Some(has))) => wanted == has,
            _ => true,
        }
    }

    /// Tells whether it may issue certificates: a CA by basicConstraints, and keyCertSign where it has
    /// a keyUsage at all (RFC 5280 section 6.1.4 (k), (n)).
    #[must_use]
    pub fn is_ca(&self) -> bool {
        let usage = self.extensions.key_usage();
        matches!(self.extensions.ca(), Ok(Some(_)))
            && usage.is_ok_and(|usage| usage.is_none_or(|set| set.allows(KeyUsage::KEY_CERT_SIGN)))
    }

    /// Tells whether it may be used for `purpose`: extKeyUsage names it, or there is none (RFC 5280
    /// section 4.2.1.12). anyExtendedKeyUsage does not count for a leaf.
    #[must_use]
    pub fn allows_purpose(&self, purpose: ObjectIdentifier) -> bool {
        self.extensions
            .extended_key_usage()
            .is_ok_and(|list| list.is_none_or(|list| list.contains(&purpose)))
    }

    /// Tells whether it may sign code: the codeSigning purpose, and digitalSignature where it has a keyUsage.
    #[must_use]
    pub fn may_sign_code(&self) -> bool {
        let usage = self.extensions.key_usage();
        self.allows_purpose(oid::CODE_SIGNING)
            && usage
                .is_ok_and(|usage| usage.is_none_or(|set| set.allows(KeyUsage::DIGITAL_SIGNATURE)))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.subject)
    }
}
