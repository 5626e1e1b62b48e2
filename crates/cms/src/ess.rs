//! Which certificate signed: the binding that keeps one certificate from standing in for another of the same
//! key (RFC 2634 section 5.4, RFC 5035).

use chancery_key::DigestAlgorithm;
use chancery_x509::asn1::{self, Tlv, tag};
use chancery_x509::{Certificate, Error, digest_from_algorithm};

use crate::{Attributes, NewAttribute, oid};

/// What signed attributes say of the signer's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks has to handle each answer")]
pub enum CertificateBinding {
    /// This is the one, by a hash of this strength.
    Bound(DigestAlgorithm),
    /// Another is.
    Another,
    /// There is no such attribute, or none that can be read.
    Missing,
}

/// Compares the signer's certificate with the attribute signingCertificateV2, or with signingCertificate where
/// there is no newer one.
#[must_use]
pub fn certificate_binding(
    attributes: &Attributes<'_>,
    certificate: &Certificate,
) -> CertificateBinding {
    let newer = attributes.single(oid::SIGNING_CERTIFICATE_V2);
    let older = attributes.single(oid::SIGNING_CERTIFICATE);
    let identifier = match (newer, older) {
        (Some(value), _) => first_identifier(value).and_then(EssIdentifier::v2),
        (None, Some(value)) => first_identifier(value).and_then(EssIdentifier::v1),
        (None, None) => return CertificateBinding::Missing,
    };
    match identifier {
        Ok(identifier) if identifier.names(certificate) => {
            CertificateBinding::Bound(identifier.digest)
        }
        Ok(_) => CertificateBinding::Another,
        Err(_) => CertificateBinding::Missing,
    }
}

/// Takes the first `ESSCertID` or `ESSCertIDv2` of a `SigningCertificate`: that of the signer itself.
fn first_identifier(value: Tlv<'_>) -> Result<Tlv<'_>, Error> {
    let mut fields = value.expect(tag::SEQUENCE, "signing certificate")?.reader();
    let identifiers = fields.expect(tag::SEQUENCE, "certificate identifiers")?;
    fields.optional(tag::SEQUENCE)?;
    fields.finish()?;
    identifiers.reader().expect(tag::SEQUENCE, "certificate identifier")
}

/// An `ESSCertID` of either kind.
struct EssIdentifier<'a> {
    digest: DigestAlgorithm,
    hash: &'a [u8],
    /// Issuer's name and serial number, where they are given.
    issuer_serial: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> EssIdentifier<'a> {
    fn v1(tlv: Tlv<'a>) -> Result<Self, Error> {
        Self::read(tlv.reader(), DigestAlgorithm::Sha1)
    }

    fn v2(tlv: Tlv<'a>) -> Result<Self, Error> {
        let mut fields = tlv.reader();
        let digest = match fields.optional(tag::SEQUENCE)? {
            Some(algorithm) => digest_from_algorithm(algorithm)?,
            None => DigestAlgorithm::Sha256,
        };
        Self::read(fields, digest)
    }

    fn read(mut fields: asn1::Reader<'a>, digest: DigestAlgorithm) -> Result<Self, Error> {
        let hash = fields.expect(tag::OCTET_STRING, "certificate hash")?.contents;
        let issuer_serial = match fields.optional(tag::SEQUENCE)? {
            Some(tlv) => {
                let mut parts = tlv.reader();
                let names = parts.expect(tag::SEQUENCE, "issuer names")?;
                let serial = parts.read()?.integer()?;
                parts.finish()?;
                // GeneralName: directoryName [4], explicit as names are a CHOICE.
                let directory_name = tag::context_constructed(4);
                let name = names.only()?.expect(directory_name, "directory name")?.only()?;
                Some((name.raw, serial))
            }
            None => None,
        };
        fields.finish()?;
        Ok(Self { digest, hash, issuer_serial })
    }

    fn names(&self, certificate: &Certificate) -> bool {
        let issuer_serial = self.issuer_serial.is_none_or(|(issuer, serial)| {
            certificate.issuer().as_der() == issuer && certificate.serial() == serial
        });
        issuer_serial && chancery_sigverify::digest(self.digest, certificate.as_der()) == self.hash
    }
}

/// Makes the attribute signingCertificateV2 over one certificate by SHA-256, whose name is the default and left
/// out (RFC 5035 section 3).
#[must_use]
pub fn signing_certificate_v2(certificate: &Certificate) -> NewAttribute {
    let hash = asn1::octet_string(&certificate.thumbprint_sha256());
    let value = asn1::sequence(&[&asn1::sequence(&[&asn1::sequence(&[&hash])])]);
    NewAttribute::new(oid::SIGNING_CERTIFICATE_V2, value)
}
