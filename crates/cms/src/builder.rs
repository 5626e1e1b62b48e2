//! Writing a SignedData.

use chancery_key::{DigestAlgorithm, SchemeFamily, SignatureScheme};
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Identity, algorithm_identifier};
use const_oid::ObjectIdentifier;

use crate::{Error, NewAttribute, oid};

/// Builds a SignedData of one signer, in DER, with the content inside or elsewhere.
///
/// The form is PKCS#7 1.5, which Authenticode wants: version 1 unless [`version`](Self::version) says another,
/// signer named by issuer and serial number, content of any type directly under `[0]`. Attributes and certificates are sorted as DER demands.
#[derive(Clone, Debug)]
pub struct SignedDataBuilder {
    version: u8,
    content_type: ObjectIdentifier,
    content: Content,
    signed_attributes: Vec<NewAttribute>,
    unsigned_attributes: Vec<NewAttribute>,
}

/// Where the content is.
#[derive(Clone, Debug)]
enum Content {
    /// In the SignedData: its DER, and the octets that are hashed.
    Inside { der: Vec<u8>, octets: Vec<u8> },
    /// Elsewhere, with this digest.
    Elsewhere { digest: DigestAlgorithm, value: Vec<u8> },
}

impl SignedDataBuilder {
    /// Starts from the content: its type, and its DER.
    ///
    /// # Errors
    /// [`Error::Encoding`] where `content` is not one DER value.
    pub fn new(content_type: ObjectIdentifier, content: Vec<u8>) -> Result<Self, Error> {
        let octets = asn1::Tlv::parse(&content)?.contents.to_vec();
        Ok(Self::of(content_type, Content::Inside { der: content, octets }))
    }

    /// Starts from the digest of content that stays where it is: a detached signature (RFC 5652 section 5.2).
    #[must_use]
    pub const fn detached(
        content_type: ObjectIdentifier,
        digest: DigestAlgorithm,
        value: Vec<u8>,
    ) -> Self {
        Self::of(content_type, Content::Elsewhere { digest, value })
    }

    const fn of(content_type: ObjectIdentifier, content: Content) -> Self {
        Self {
            version: 1,
            content_type,
            content,
            signed_attributes: Vec::new(),
            unsigned_attributes: Vec::new(),
        }
    }

    /// Sets the version number: CMS has 3 where the content is no plain data (RFC 5652 section 5.1).
    #[must_use]
    pub const fn version(mut self, version: u8) -> Self {
        self.version = version;
        self
    }

    /// Adds a signed attribute to contentType and messageDigest, which are always there.
    #[must_use]
    pub fn signed_attribute(mut self, attribute: NewAttribute) -> Self {
        self.signed_attributes.push(attribute);
        self
    }

    /// Adds an attribute that the signature does not cover.
    #[must_use]
    pub fn unsigned_attribute(mut self, attribute: NewAttribute) -> Self {
        self.unsigned_attributes.push(attribute);
        self
    }

    /// Returns the message that is signed: the DER of the signed attributes as `SET OF` (RFC 5652 section 5.4).
    ///
    /// Of content that is elsewhere, the digest is the one that was given, whatever `digest` says.
    #[must_use]
    pub fn message(&self, digest: DigestAlgorithm) -> Vec<u8> {
        let message_digest = match &self.content {
            Content::Inside { octets, .. } => chancery_sigverify::digest(digest, octets),
            Content::Elsewhere { value, .. } => value.clone(),
        };
        let content_type = asn1::object_identifier(&self.content_type);
        let mut attributes = vec![
            NewAttribute::new(oid::CONTENT_TYPE, content_type).to_der(),
            NewAttribute::new(oid::MESSAGE_DIGEST, asn1::octet_string(&message_digest)).to_der(),
        ];
        attributes.extend(self.signed_attributes.iter().map(NewAttribute::to_der));
        asn1::set_of(tag::SET, attributes)
    }

    /// Signs with an identity and embeds its certificates.
    ///
    /// # Errors
    /// [`Error::Key`] where the key does not sign or its signature does not verify, [`Error::OtherDigest`] where
    /// detached content was hashed otherwise than the scheme hashes.
    pub fn sign(&self, identity: &Identity, scheme: SignatureScheme) -> Result<Vec<u8>, Error> {
        if let Content::Elsewhere { digest: measured, .. } = self.content
            && measured != scheme.digest()
        {
            return Err(Error::OtherDigest { wanted: scheme.digest(), measured });
        }
        let message = self.message(scheme.digest());
        let signature = identity.key().sign(scheme, &message).map_err(Error::Key)?;
        let certificates: Vec<&Certificate> = identity.certificates_to_embed().collect();
        self.assemble(identity.certificate(), &certificates, scheme, &message, signature.as_bytes())
    }

    /// Puts the parts together: a signature made elsewhere over [`message`](Self::message), the signer's
    /// certificate, and the certificates to embed.
    ///
    /// # Errors
    /// [`Error::Encoding`] where `message` is not the DER of a set.
    pub fn assemble(
        &self,
        signer: &Certificate,
        certificates: &[&Certificate],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let attributes = asn1::Tlv::parse(message)?.expect(tag::SET, "signed attributes")?;
        let digest_algorithm = match scheme.family() {
            // RFC 8419 section 2.3: the parameters must be absent.
            SchemeFamily::EdDsa => {
                asn1::sequence(&[&asn1::object_identifier(&scheme.digest().oid())])
            }
            _ => asn1::algorithm_with_null(&scheme.digest().oid()),
        };
        // SignTool names the key type alone for PKCS#1 v1.5 and leaves the hash to digestAlgorithm.
        let signature_algorithm = match scheme.family() {
            SchemeFamily::RsaPkcs1 => {
                asn1::algorithm_with_null(&chancery_x509::oid::RSA_ENCRYPTION)
            }
            SchemeFamily::RsaPss | SchemeFamily::Ecdsa | SchemeFamily::EdDsa => {
                algorithm_identifier(scheme)
            }
        };
        let unsigned = match self.unsigned_attributes.as_slice() {
            [] => Vec::new(),
            some => {
                let attributes = some.iter().map(NewAttribute::to_der).collect();
                asn1::set_of(tag::context_constructed(1), attributes)
            }
        };
        let signer_info = asn1::sequence(&[
            &asn1::unsigned_integer(&[1]),
            &asn1::sequence(&[
                signer.issuer().as_der(),
                &asn1::tlv(tag::INTEGER, &[signer.serial()]),
            ]),
            &digest_algorithm,
            &asn1::tlv(tag::context_constructed(0), &[attributes.contents]),
            &signature_algorithm,
            &asn1::octet_string(signature),
            &unsigned,
        ]);
        let mut bag: Vec<Vec<u8>> =
            certificates.iter().map(|certificate| certificate.as_der().to_vec()).collect();
        bag.sort_unstable();
        bag.dedup();
        let bag = match bag.as_slice() {
            [] => Vec::new(),
            _ => asn1::set_of(tag::context_constructed(0), bag),
        };
        let content = match &self.content {
            Content::Inside { der, .. } => asn1::tlv(tag::context_constructed(0), &[der]),
            Content::Elsewhere { .. } => Vec::new(),
        };
        let signed_data = asn1::sequence(&[
            &asn1::unsigned_integer(&[self.version]),
            &asn1::tlv(tag::SET, &[&digest_algorithm]),
            &asn1::sequence(&[&asn1::object_identifier(&self.content_type), &content]),
            &bag,
            &asn1::tlv(tag::SET, &[&signer_info]),
        ]);
        Ok(asn1::sequence(&[
            &asn1::object_identifier(&oid::SIGNED_DATA),
            &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
        ]))
    }
}
