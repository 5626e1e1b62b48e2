//! PKCS#10 certification requests (RFC 2986).

use core::ops::Range;

use chancery_key::{PublicKey, SignatureScheme, SigningKey};
use const_oid::ObjectIdentifier;

use crate::asn1::{self, Tlv, tag};
use crate::{
    Error, Extensions, KeyUsage, Name, SignatureAlgorithm, algorithm, oid, read_documents,
};

/// A certification request whose signature nobody has looked at.
///
/// It can be shown, also where its algorithm is one that is not verified here. What is certified is a
/// [`CertificationRequest`].
#[derive(Clone, Debug)]
pub struct UnverifiedRequest {
    der: Vec<u8>,
    info: Range<usize>,
    subject: Name,
    public_key: PublicKey,
    extensions: Extensions,
    attributes: Vec<RequestAttribute>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

/// An attribute of a request (RFC 2986 section 4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestAttribute {
    /// Its type.
    pub oid: ObjectIdentifier,
    /// Its values, each in DER.
    pub values: Vec<Vec<u8>>,
}

impl UnverifiedRequest {
    /// Reads a request from its DER, which must be all of `der`.
    ///
    /// # Errors
    /// [`Error::Der`] for a broken structure, [`Error::PublicKey`], and [`Error::DuplicateExtension`].
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let mut outer = Tlv::parse(der)?.expect(tag::SEQUENCE, "certification request")?.reader();
        let info = outer.expect(tag::SEQUENCE, "certification request info")?;
        let algorithm = outer.expect(tag::SEQUENCE, "signature algorithm")?;
        let signature = outer.read()?.bit_string()?;
        outer.finish()?;

        let mut fields = info.reader();
        let version = fields.read()?;
        if version.small_integer()? != 0 {
            return Err(Error::Der { offset: version.offset, what: "version 1" });
        }
        let subject = Name::from_tlv(fields.read()?)?;
        let spki = fields.expect(tag::SEQUENCE, "subject public key info")?;
        let public_key = PublicKey::from_spki_der(spki.raw).map_err(Error::PublicKey)?;
        let mut extensions = Extensions::default();
        let mut all = Vec::new();
        // RFC 2986 always has the attributes; some tools leave the empty set out.
        if let Some(attributes) = fields.optional(tag::context_constructed(0))? {
            for attribute in attributes.reader() {
                let mut parts = attribute?.expect(tag::SEQUENCE, "request attribute")?.reader();
                let oid = parts.read()?.oid()?;
                let values = parts.expect(tag::SET, "attribute values")?;
                parts.finish()?;
                if matches!(oid, oid::EXTENSION_REQUEST | oid::MS_CERT_EXTENSIONS) {
                    // A second request would leave open which one counts.
                    if !extensions.is_empty() {
                        let what = "one request for extensions";
                        return Err(Error::Der { offset: values.offset, what });
                    }
                    extensions = Extensions::from_tlv(values.only()?)?;
                }
                let values = values.reader().map(|value| Ok(value?.raw.to_vec()));
                all.push(RequestAttribute { oid, values: values.collect::<Result<_, Error>>()? });
            }
        }
        fields.finish()?;
        Ok(Self {
            info: info.offset..info.offset.saturating_add(info.raw.len()),
            subject,
            public_key,
            extensions,
            attributes: all,
            algorithm: SignatureAlgorithm::from_tlv(algorithm),
            signature: signature.to_vec(),
            der: der.to_vec(),
        })
    }

    /// Reads a file with one request: PEM with either of the two labels in use, or DER.
    ///
    /// # Errors
    /// [`Error::NoDocument`], [`Error::OtherDocument`], [`Error::Pem`], and those of [`from_der`](Self::from_der).
    pub fn from_file_contents(bytes: &[u8]) -> Result<Self, Error> {
        let documents = read_documents(bytes)?;
        let request = documents.iter().find(|document| {
            matches!(
                document.label.as_deref(),
                None | Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")
            )
        });
        let request =
            request.ok_or_else(|| Error::no_document("certification request", &documents))?;
        Self::from_der(&request.der)
            .map_err(|error| error.or_other_document("certification request", request))
    }

    /// Returns the DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Returns whom the certificate should be about.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        &self.subject
    }

    /// Returns the key the certificate should certify.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns the extensions asked for.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns its attributes in their order, that with the extensions among them.
    #[must_use]
    pub fn attributes(&self) -> &[RequestAttribute] {
        &self.attributes
    }

    /// Returns the algorithm of its signature, known or not.
    #[must_use]
    pub const fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Verifies its signature by its own public key.
    ///
    /// # Errors
    /// [`Error::UnknownAlgorithm`] for one that is not verified here, [`Error::Signature`] where the requester did
    /// not prove to have the key.
    pub fn verify(self) -> Result<CertificationRequest, Error> {
        let scheme = self.algorithm.scheme().ok_or(Error::UnknownAlgorithm)?;
        let info = self.der.get(self.info.clone()).unwrap_or_default();
        chancery_sigverify::verify(&self.public_key, scheme, info, &self.signature)
            .map_err(Error::Signature)?;
        Ok(CertificationRequest { request: self, scheme })
    }
}

/// A certification request whose signature holds: the requester has the private key.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    request: UnverifiedRequest,
    scheme: SignatureScheme,
}

impl CertificationRequest {
    /// Reads a request and verifies its signature by its own public key.
    ///
    /// # Errors
    /// [`Error::Der`] for a broken structure, [`Error::Signature`] where the requester did not prove to have
    /// the key, [`Error::UnknownAlgorithm`] for a signature that is not verified here.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        UnverifiedRequest::from_der(der)?.verify()
    }

    /// Reads a file with one request: PEM with either of the two labels in use, or DER.
    ///
    /// # Errors
    /// [`Error::NoDocument`], [`Error::OtherDocument`], [`Error::Pem`], and those of [`from_der`](Self::from_der).
    pub fn from_file_contents(bytes: &[u8]) -> Result<Self, Error> {
        UnverifiedRequest::from_file_contents(bytes)?.verify()
    }

    /// Returns the DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        self.request.as_der()
    }

    /// Writes it as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::to_pem("CERTIFICATE REQUEST", self.as_der())
    }

    /// Returns whom the certificate should be about.
    #[must_use]
    pub const fn subject(&self) -> &Name {
        self.request.subject()
    }

    /// Returns the key the certificate should certify.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        self.request.public_key()
    }

    /// Returns the extensions asked for.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        self.request.extensions()
    }

    /// Returns the scheme the request is signed with.
    #[must_use]
    pub const fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// Builds a certification request.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    subject: Name,
    extensions: Extensions,
    attributes: Vec<(ObjectIdentifier, Vec<Vec<u8>>)>,
}

impl RequestBuilder {
    /// Starts a request for a subject, asking for no extensions.
    #[must_use]
    pub fn new(subject: Name) -> Self {
        Self { subject, extensions: Extensions::default(), attributes: Vec::new() }
    }

    /// Starts a request for a code-signing certificate: critical keyUsage digitalSignature, extKeyUsage
    /// codeSigning.
    #[must_use]
    pub fn code_signing(subject: Name) -> Self {
        Self::new(subject)
            .key_usage(KeyUsage::DIGITAL_SIGNATURE)
            .extended_key_usage(&[oid::CODE_SIGNING])
    }

    /// Asks for a critical keyUsage.
    #[must_use]
    pub fn key_usage(mut self, usage: KeyUsage) -> Self {
        self.extensions.set_key_usage(usage);
        self
    }

    /// Asks for an extKeyUsage; for none where there are no purposes.
    #[must_use]
    pub fn extended_key_usage(mut self, purposes: &[ObjectIdentifier]) -> Self {
        if !purposes.is_empty() {
            self.extensions.set_extended_key_usage(false, purposes);
        }
        self
    }

    /// Asks for an extension, in the place of one of its type. `der` is what its OCTET STRING holds.
    #[must_use]
    pub fn extension(mut self, oid: ObjectIdentifier, critical: bool, der: Vec<u8>) -> Self {
        self.extensions.set(oid, critical, der);
        self
    }

    /// Adds an attribute (RFC 2986 section 4.1), in the place of one of its type; none where it has no
    /// values. Each value is DER.
    ///
    /// The extensions asked for are an attribute of their own that is always added.
    #[must_use]
    pub fn attribute(mut self, oid: ObjectIdentifier, values: Vec<Vec<u8>>) -> Self {
        self.attributes.retain(|(other, _)| *other != oid);
        if !values.is_empty() {
            self.attributes.push((oid, values));
        }
        self
    }

    /// Returns the extensions asked for so far.
    #[must_use]
    pub const fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Signs the request with the key it is for, and verifies the signature.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the scheme does not fit the key, [`Error::Key`] where the key does not sign,
    /// [`Error::Signature`] where it signed wrongly.
    pub fn sign(
        &self,
        key: &dyn SigningKey,
        scheme: SignatureScheme,
    ) -> Result<CertificationRequest, Error> {
        if !scheme.fits(key.public_key().algorithm()) {
            return Err(Error::Scheme { scheme });
        }
        let attribute = |oid, values| {
            asn1::sequence(&[&asn1::object_identifier(oid), &asn1::set_of(tag::SET, values)])
        };
        let mut attributes: Vec<_> =
            self.attributes.iter().map(|(oid, values)| attribute(oid, values.clone())).collect();
        if !self.extensions.is_empty() {
            attributes.push(attribute(&oid::EXTENSION_REQUEST, vec![self.extensions.to_der()]));
        }
        let attributes = asn1::set_of(tag::context_constructed(0), attributes);
        let info = asn1::sequence(&[
            &asn1::unsigned_integer(&[0]),
            self.subject.as_der(),
            key.public_key().spki_der(),
            &attributes,
        ]);
        let signature = key.sign(scheme, &info).map_err(Error::Key)?;
        CertificationRequest::from_der(&asn1::sequence(&[
            &info,
            &algorithm::algorithm_identifier(scheme),
            &asn1::bit_string(signature.as_bytes()),
        ]))
    }
}
