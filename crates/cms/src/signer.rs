//! One signer of a SignedData.

use chancery_key::{DigestAlgorithm, PublicKey, SignatureScheme};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Certificate, digest_from_algorithm, signer_scheme};
use const_oid::ObjectIdentifier;

use crate::{Attributes, Error, oid};

/// How a signer names their certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerIdentifier<'a> {
    /// By issuer and serial number, as PKCS#7 does.
    IssuerAndSerial {
        /// DER of the issuer's name.
        issuer: &'a [u8],
        /// Contents octets of the serial number.
        serial: &'a [u8],
    },
    /// By subject key identifier, as CMS may.
    SubjectKeyIdentifier(&'a [u8]),
}

impl SignerIdentifier<'_> {
    /// Tells whether this names the certificate.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                certificate.issuer().as_der() == *issuer && certificate.serial() == *serial
            }
            Self::SubjectKeyIdentifier(id) => {
                matches!(certificate.extensions().subject_key_identifier(), Ok(Some(has)) if has == *id)
            }
        }
    }
}

/// A `SignerInfo` (RFC 5652 section 5.3) as it was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignerInfo<'a> {
    /// Version number: 1 where the signer is named by issuer and serial number, 3 by key identifier. Read as
    /// it is: the signature does not cover it, and some signers write another.
    pub version: u32,
    /// Who signed.
    pub identifier: SignerIdentifier<'a>,
    /// `AlgorithmIdentifier` of the hash.
    pub digest_algorithm: Tlv<'a>,
    /// What is signed besides the content; the signature is over these where there are any.
    pub signed_attributes: Option<Attributes<'a>>,
    /// `AlgorithmIdentifier` of the signature.
    pub signature_algorithm: Tlv<'a>,
    /// The signature value.
    pub signature: &'a [u8],
    /// What was added later: timestamps, nested signatures.
    pub unsigned_attributes: Option<Attributes<'a>>,
    /// The whole SignerInfo.
    pub raw: &'a [u8],
}

/// Which parts of a signature hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerCheck {
    /// The hash, where it is one we know.
    pub digest: Option<DigestAlgorithm>,
    /// The scheme, where it is one we know, its hash agrees with `digest`, and what was given is enough to check it.
    pub scheme: Option<SignatureScheme>,
    /// The contentType attribute is there, once, and equals the type of the content.
    pub content_type_matches: bool,
    /// The messageDigest attribute is there, once, and is the hash of the content.
    pub message_digest_matches: bool,
    /// The signature over the attributes, as they were read, verifies.
    pub signature_valid: bool,
}

impl SignerCheck {
    /// Tells whether everything holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.content_type_matches && self.message_digest_matches && self.signature_valid
    }
}

impl<'a> SignerInfo<'a> {
    /// Reads a signer that stands by itself, as the value of a counterSignature attribute does (RFC 5652
    /// section 11.4).
    ///
    /// # Errors
    /// [`Error`]: not DER, not a SignerInfo, or beyond a limit.
    pub fn from_der(bytes: &'a [u8]) -> Result<Self, Error> {
        Self::from_tlv(Tlv::parse(bytes)?)
    }

    pub(crate) fn from_tlv(tlv: Tlv<'a>) -> Result<Self, Error> {
        let mut fields = tlv.expect(tag::SEQUENCE, "signer info")?.reader();
        let version = fields.read()?.small_integer()?;
        let sid = fields.read()?;
        let identifier = if sid.tag == tag::context(0) {
            SignerIdentifier::SubjectKeyIdentifier(sid.contents)
        } else {
            let mut parts = sid.expect(tag::SEQUENCE, "issuer and serial number")?.reader();
            let issuer = parts.expect(tag::SEQUENCE, "issuer name")?.raw;
            let serial = parts.read()?.integer()?;
            parts.finish()?;
            SignerIdentifier::IssuerAndSerial { issuer, serial }
        };
        let digest_algorithm = fields.expect(tag::SEQUENCE, "digest algorithm")?;
        let signed_attributes =
            fields.optional(tag::context_constructed(0))?.map(Attributes::from_tlv).transpose()?;
        let signature_algorithm = fields.expect(tag::SEQUENCE, "signature algorithm")?;
        let signature = fields.expect(tag::OCTET_STRING, "signature")?.contents;
        let unsigned_attributes =
            fields.optional(tag::context_constructed(1))?.map(Attributes::from_tlv).transpose()?;
        fields.finish()?;
        Ok(Self {
            version,
            identifier,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature,
            unsigned_attributes,
            raw: tlv.raw,
        })
    }

    /// Returns the hash, where it is one we know.
    #[must_use]
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        digest_from_algorithm(self.digest_algorithm).ok()
    }

    /// Returns the scheme, where it is one we know and its hash agrees with that of the content.
    fn scheme(&self) -> Option<SignatureScheme> {
        signer_scheme(self.signature_algorithm, self.digest()?).ok()
    }

    /// Checks the signature by the signer's public key.
    ///
    /// `content` is what is hashed: the contents octets of the encapsulated value, without its tag and length
    /// (RFC 5652 section 5.4). A signature without signed attributes is over the content itself; then the two
    /// attributes count as matching only if the content is of type id-data, as RFC 5652 section 5.3 demands.
    #[must_use]
    pub fn check(
        &self,
        content_type: ObjectIdentifier,
        content: &[u8],
        key: &PublicKey,
    ) -> SignerCheck {
        let hashed = self.digest().map(|digest| chancery_sigverify::digest(digest, content));
        let mut check = self.check_digest(content_type, hashed.as_deref(), key);
        // What signs no digests is over the content as it is (RFC 8419 section 3.1).
        if let (None, None, Some(scheme)) = (&self.signed_attributes, check.scheme, self.scheme()) {
            check.scheme = Some(scheme);
            check.signature_valid =
                chancery_sigverify::verify(key, scheme, content, self.signature).is_ok();
        }
        check
    }

    /// Checks the signature as [`check`](Self::check) does, over content that somebody hashed before.
    ///
    /// `hashed` is the content's hash by [`digest`](Self::digest); without it nothing is over the content. Of Ed25519
    /// without signed attributes, which is over no digest, the check has no scheme.
    #[must_use]
    pub fn check_digest(
        &self,
        content_type: ObjectIdentifier,
        hashed: Option<&[u8]>,
        key: &PublicKey,
    ) -> SignerCheck {
        let (digest, scheme) = (self.digest(), self.scheme());
        let Some(attributes) = &self.signed_attributes else {
            let bare_data = content_type == oid::DATA;
            let scheme = scheme.filter(|scheme| scheme.signs_digests());
            let valid = scheme.zip(hashed).is_some_and(|(scheme, hashed)| {
                chancery_sigverify::verify_digest(key, scheme, hashed, self.signature).is_ok()
            });
            return SignerCheck {
                digest,
                scheme,
                content_type_matches: bare_data,
                message_digest_matches: bare_data,
                signature_valid: valid,
            };
        };
        let stated_type = attributes.single(oid::CONTENT_TYPE).and_then(|tlv| tlv.oid().ok());
        let stated_digest = attributes
            .single(oid::MESSAGE_DIGEST)
            .filter(|tlv| tlv.tag == tag::OCTET_STRING)
            .map(|tlv| tlv.contents);
        SignerCheck {
            digest,
            scheme,
            content_type_matches: stated_type == Some(content_type),
            message_digest_matches: hashed.is_some() && stated_digest == hashed,
            signature_valid: scheme.is_some_and(|scheme| {
                let message = attributes.signed_bytes();
                chancery_sigverify::verify(key, scheme, &message, self.signature).is_ok()
            }),
        }
    }
}
