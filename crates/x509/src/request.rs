//! PKCS#10 certification requests (RFC 2986).

use chancery_key::{PublicKey, SignatureScheme, SigningKey};
use const_oid::ObjectIdentifier;

use crate::asn1::{self, Tlv, tag};
use crate::{Error, Extensions, KeyUsage, Name, algorithm, oid, read_documents};

/// A certification request whose signature holds: the requester has the private key.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    der: Vec<u8>,
    subject: Name,
    public_key: PublicKey,
    extensions: Extensions,
    scheme: SignatureScheme,
}

impl CertificationRequest {
    /// Reads a request and verifies its signature by its own public key.
    ///
    /// # Errors
    /// [`Error::Der`] for a broken structure, [`Error::Signature`] where the requester did not prove to have
    /// the key.
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
        // RFC 2986 always has the attributes; some tools leave the empty set out.
        if let Some(attributes) = fields.optional(tag::context_constructed(0))? {
            for attribute in attributes.reader() {
                let mut parts = attribute?.expect(tag::SEQUENCE, "request attribute")?.reader();
                let oid = parts.read()?.oid()?;
                let values = parts.expect(tag::SET, "attribute values")?;
                parts.finish()?;
                if matches!(oid, oid::EXTENSION_REQUEST | oid::MS_CERT_EXTENSIONS) {
                    extensions = Extensions::from_tlv(Tlv::parse(values.contents)?)?;
                }
            }
        }
        fields.finish()?;

        let scheme = algorithm::scheme_from_algorithm(algorithm)?;
        chancery_sigverify::verify(&public_key, scheme, info.raw, signature)
            .map_err(Error::Signature)?;
        Ok(Self { der: der.to_vec(), subject, public_key, extensions, scheme })
    }

    /// Reads a file with one request: PEM with either of the two labels in use, or DER.
    ///
    /// # Errors
    /// [`Error::NoDocument`], [`Error::Pem`], and those of [`from_der`](Self::from_der).
    pub fn from_file_contents(bytes: &[u8]) -> Result<Self, Error> {
        let documents = read_documents(bytes)?;
        let request = documents.iter().find(|document| {
            matches!(
                document.label.as_deref(),
                None | Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")
            )
        });
        let request = request.ok_or(Error::NoDocument { wanted: "certification request" })?;
        Self::from_der(&request.der)
    }

    /// Returns the DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Writes it as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::to_pem("CERTIFICATE REQUEST", &self.der)
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
}

impl RequestBuilder {
    /// Starts a request for a subject, asking for no extensions.
    #[must_use]
    pub fn new(subject: Name) -> Self {
        Self { subject, extensions: Extensions::default() }
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

    /// Asks for an extKeyUsage.
    #[must_use]
    pub fn extended_key_usage(mut self, purposes: &[ObjectIdentifier]) -> Self {
        self.extensions.set_extended_key_usage(false, purposes);
        self
    }

    /// Signs the request with the key it is for, and verifies the signature.
    ///
    /// # Errors
    /// [`Error::Key`] where the key does not sign, [`Error::Signature`] where it signed wrongly.
    pub fn sign(
        &self,
        key: &dyn SigningKey,
        scheme: SignatureScheme,
    ) -> Result<CertificationRequest, Error> {
        let attributes = if self.extensions.is_empty() {
            asn1::tlv(tag::context_constructed(0), &[])
        } else {
            let attribute = asn1::sequence(&[
                &asn1::object_identifier(&oid::EXTENSION_REQUEST),
                &asn1::tlv(tag::SET, &[&self.extensions.to_der()]),
            ]);
            asn1::tlv(tag::context_constructed(0), &[&attribute])
        };
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
