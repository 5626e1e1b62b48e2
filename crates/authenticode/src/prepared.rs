//! Signatures that lack nothing but their value.

use chancery_cms::{
    NewAttribute, SignedData, SignedDataBuilder, SignerInfo, oid as cms_oid, replace_signature,
};
use chancery_key::{DigestAlgorithm, SchemeFamily, SignatureScheme, SigningKey};
use chancery_x509::{Certificate, Identity, asn1};

use crate::spc::IndirectData;
use crate::{Error, Measurement, SignOptions, Statement, Subject, oid, spc};

/// A signature that lacks nothing but the signature value: what is made where the file is, and completed where
/// the key is.
///
/// Its form is that of the `ContentInfo` it becomes, with an empty signature: SignTool's `.p7u`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedSignature {
    content_info: Vec<u8>,
    message: Vec<u8>,
    scheme: SignatureScheme,
    digest: (DigestAlgorithm, Vec<u8>),
    certificate: Certificate,
}

/// Tells whether Windows verifies signatures of a scheme in Authenticode.
pub(crate) const fn is_in_authenticode(scheme: SignatureScheme) -> bool {
    match scheme.family() {
        SchemeFamily::RsaPkcs1 | SchemeFamily::RsaPss | SchemeFamily::Ecdsa => true,
        SchemeFamily::EdDsa => false,
    }
}

impl PreparedSignature {
    /// Prepares a signature of what was measured. `certificates` begins with the signer's, and all of them are
    /// embedded.
    ///
    /// # Errors
    /// [`Error::NotInAuthenticode`] for EdDSA, [`Error::Scheme`] where the scheme does not fit the signer's key,
    /// [`Error::NotMeasured`] where the
    /// measurement lacks its digest or page hashes, [`Error::Pe`] where the file's layout allows no page hashes,
    /// [`Error::Text`] and [`Error::Attribute`] for what cannot be written, [`Error::NotPrepared`] without
    /// certificates.
    pub fn new(
        subject: &dyn Subject,
        measurement: &Measurement,
        certificates: &[&Certificate],
        options: &SignOptions,
    ) -> Result<Self, Error> {
        let Some(certificate) = certificates.first() else {
            return Err(Error::NotPrepared { what: "there is no certificate" });
        };
        let scheme = options.scheme;
        if !is_in_authenticode(scheme) {
            return Err(Error::NotInAuthenticode { scheme });
        }
        if !scheme.fits(certificate.public_key().algorithm()) {
            return Err(Error::Scheme { scheme });
        }
        let digest = measurement.digest(scheme.digest()).ok_or(Error::NotMeasured)?;
        let data = subject.spc_data(measurement, options.page_hashes)?;
        let content = spc::indirect_data(&data, scheme.digest(), digest);
        let mut builder = SignedDataBuilder::new(oid::SPC_INDIRECT_DATA, content)?;
        for attribute in signed_attributes(options)? {
            builder = builder.signed_attribute(attribute);
        }
        check_distinct(&options.unsigned_attributes, &[])?;
        for attribute in &options.unsigned_attributes {
            builder = builder.unsigned_attribute(attribute.clone());
        }
        let message = builder.message(scheme.digest());
        let content_info = builder.assemble(certificate, certificates, scheme, &message, &[])?;
        Ok(Self {
            content_info,
            message,
            scheme,
            digest: (scheme.digest(), digest.to_vec()),
            certificate: (*certificate).clone(),
        })
    }

    /// Reads one that was prepared elsewhere. What stands in the place of the signature does not matter.
    ///
    /// # Errors
    /// [`Error::Cms`] and [`Error::Encoding`] where it is no `ContentInfo`; [`Error::NotInAuthenticode`] for EdDSA;
    /// [`Error::NotPrepared`] where it has
    /// not one signer with a certificate in it, or its attributes do not speak of its content.
    pub fn from_content_info(der: &[u8]) -> Result<Self, Error> {
        let signed_data = SignedData::from_der(der)?;
        let wrong = |what| Error::NotPrepared { what };
        let [signer] = signed_data.signers.as_slice() else {
            return Err(wrong("it has not exactly one signer"));
        };
        let content =
            signed_data.content.filter(|_| signed_data.content_type == oid::SPC_INDIRECT_DATA);
        let content = content.ok_or_else(|| wrong("its content is of another kind"))?;
        let data = IndirectData::from_tlv(content)?;
        let algorithm =
            data.algorithm().ok_or_else(|| wrong("its digest is of an unknown kind"))?;
        let bag = signed_data.read_certificates().readable;
        let certificate = bag
            .into_iter()
            .find(|certificate| signer.identifier.names(certificate))
            .ok_or_else(|| wrong("the signer's certificate is not in it"))?;
        let check =
            signer.check(signed_data.content_type, content.contents, certificate.public_key());
        let (true, true, Some(scheme)) =
            (check.content_type_matches, check.message_digest_matches, check.scheme)
        else {
            return Err(wrong("its attributes do not speak of its content"));
        };
        if !is_in_authenticode(scheme) {
            return Err(Error::NotInAuthenticode { scheme });
        }
        if scheme.digest() != algorithm || !scheme.fits(certificate.public_key().algorithm()) {
            return Err(wrong("its algorithms do not fit each other"));
        }
        let message = message_of(signer).ok_or_else(|| wrong("it has no signed attributes"))?;
        let digest = (algorithm, data.digest.to_vec());
        Ok(Self { content_info: der.to_vec(), message, scheme, digest, certificate })
    }

    /// Returns the DER `ContentInfo` with whatever stands in the place of the signature.
    #[must_use]
    pub fn content_info(&self) -> &[u8] {
        &self.content_info
    }

    /// Returns what is signed: the DER of the signed attributes as a `SET OF`.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the hash of what is signed, for keys that sign digests alone: SignTool's `.dig`.
    #[must_use]
    pub fn message_digest(&self) -> Vec<u8> {
        chancery_sigverify::digest(self.scheme.digest(), &self.message)
    }

    /// Returns the scheme to sign with.
    #[must_use]
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Returns the digest of the file, and its hash.
    #[must_use]
    pub const fn digest(&self) -> &(DigestAlgorithm, Vec<u8>) {
        &self.digest
    }

    /// Returns the signer's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Signs, and returns the complete `ContentInfo`.
    ///
    /// # Errors
    /// [`Error::OtherSigner`] where it was prepared for another key; [`Error::Cms`] where the key does not sign.
    pub fn sign(&self, identity: &Identity) -> Result<Vec<u8>, Error> {
        self.sign_with(identity.key())
    }

    /// Signs with a bare key. Its signatures should be verified ones, as
    /// [`Verified`](chancery_sigverify::Verified) makes them.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_with(&self, key: &dyn SigningKey) -> Result<Vec<u8>, Error> {
        if key.public_key() != self.certificate.public_key() {
            return Err(Error::OtherSigner { subject: self.certificate.subject().to_string() });
        }
        let signature = key.sign(self.scheme, &self.message).map_err(Error::Key)?;
        Ok(replace_signature(&self.content_info, signature.as_bytes())?)
    }

    /// Completes it by a signature that was made elsewhere, and returns the `ContentInfo`.
    ///
    /// # Errors
    /// [`Error::ForeignSignature`] where the signer's key did not make it over this message.
    pub fn complete(&self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.certificate.public_key();
        chancery_sigverify::verify(key, self.scheme, &self.message, signature)
            .map_err(Error::ForeignSignature)?;
        Ok(replace_signature(&self.content_info, signature)?)
    }
}

/// Returns the attributes beside contentType and messageDigest.
fn signed_attributes(options: &SignOptions) -> Result<Vec<NewAttribute>, Error> {
    let purpose = match options.statement {
        Statement::Individual => oid::SPC_INDIVIDUAL,
        Statement::Commercial => oid::SPC_COMMERCIAL,
    };
    let statement = asn1::sequence(&[&asn1::object_identifier(&purpose)]);
    let opus = spc::opus_info(options.description.as_deref(), options.url.as_deref())?;
    let mut attributes = vec![
        NewAttribute::new(oid::SPC_STATEMENT_TYPE, statement),
        NewAttribute::new(oid::SPC_SP_OPUS_INFO, opus),
    ];
    if let Some(number) = options.sequence_number {
        let number = asn1::unsigned_integer(&number.to_be_bytes());
        attributes.push(NewAttribute::new(oid::SEQUENCE_NUMBER, number));
    }
    check_distinct(
        &options.signed_attributes,
        &[
            cms_oid::CONTENT_TYPE,
            cms_oid::MESSAGE_DIGEST,
            oid::SPC_STATEMENT_TYPE,
            oid::SPC_SP_OPUS_INFO,
            oid::SEQUENCE_NUMBER,
        ],
    )?;
    attributes.extend(options.signed_attributes.iter().cloned());
    Ok(attributes)
}

/// Refuses attributes of a type that is taken, or that is there twice (RFC 5652 section 5.3), and values that
/// are not DER.
fn check_distinct(
    attributes: &[NewAttribute],
    taken: &[const_oid::ObjectIdentifier],
) -> Result<(), Error> {
    let mut seen = taken.to_vec();
    for attribute in attributes {
        if seen.contains(&attribute.oid()) {
            return Err(Error::Attribute(attribute.oid()));
        }
        seen.push(attribute.oid());
        for value in attribute.values() {
            asn1::Tlv::parse(value)?;
        }
    }
    Ok(())
}

fn message_of(signer: &SignerInfo<'_>) -> Option<Vec<u8>> {
    signer.signed_attributes.as_ref().map(chancery_cms::Attributes::signed_bytes)
}
