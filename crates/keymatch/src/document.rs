//! Files that have a public key in them.

use core::fmt;

use chancery_key::{PublicKey, PublicKeyError};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{
    Certificate, CertificationRequest, Document, Error as X509Error, read_documents,
};

use crate::HasPublicKey;

/// Something in a file that has a public key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum KeyDocument {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// A certification request, whose signature holds.
    Request(Box<CertificationRequest>),
    /// A bare public key: `SubjectPublicKeyInfo`, or the `RSAPublicKey` of PKCS#1.
    PublicKey(PublicKey),
}

impl KeyDocument {
    /// Returns the public key in it.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Certificate(certificate) => certificate.public_key(),
            Self::Request(request) => request.public_key(),
            Self::PublicKey(key) => key,
        }
    }
}

impl HasPublicKey for KeyDocument {
    fn known_public_key(&self) -> Option<&PublicKey> {
        Some(self.public_key())
    }
}

/// Why a file has no public key.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyDocumentError {
    /// Neither a certificate, a request nor a public key is in it.
    Nothing,
    /// A certificate, a request, or PEM around one is broken.
    X509(X509Error),
    /// A public key is broken.
    PublicKey(PublicKeyError),
}

impl fmt::Display for KeyDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("no certificate, request or public key is in it"),
            Self::X509(error) => error.fmt(f),
            Self::PublicKey(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for KeyDocumentError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Nothing => None,
            Self::X509(error) => error.source(),
            Self::PublicKey(_) => None,
        }
    }
}

/// Reads every certificate, request and public key of a file: PEM blocks, or one in DER. Other PEM blocks are passed
/// over, private keys among them.
///
/// # Errors
/// [`KeyDocumentError`]; [`KeyDocumentError::Nothing`] where there is none.
pub fn read_key_documents(bytes: &[u8]) -> Result<Vec<KeyDocument>, KeyDocumentError> {
    let documents = read_documents(bytes).map_err(KeyDocumentError::X509)?;
    let mut found = Vec::new();
    for document in &documents {
        found.extend(read_one(document)?);
    }
    if found.is_empty() { Err(KeyDocumentError::Nothing) } else { Ok(found) }
}

fn read_one(document: &Document) -> Result<Option<KeyDocument>, KeyDocumentError> {
    let der = document.der.as_slice();
    let certificate = || {
        Certificate::from_der(der)
            .map(|certificate| KeyDocument::Certificate(Box::new(certificate)))
            .map_err(KeyDocumentError::X509)
    };
    let request = || {
        CertificationRequest::from_der(der)
            .map(|request| KeyDocument::Request(Box::new(request)))
            .map_err(KeyDocumentError::X509)
    };
    let spki = || {
        PublicKey::from_spki_der(der)
            .map(KeyDocument::PublicKey)
            .map_err(KeyDocumentError::PublicKey)
    };
    Ok(Some(match document.label.as_deref() {
        Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") => certificate()?,
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => request()?,
        Some("PUBLIC KEY") => spki()?,
        Some("RSA PUBLIC KEY") => rsa_public_key(der)?,
        Some(_) => return Ok(None),
        None => match form(der) {
            Some(Form::Signed) => certificate().or_else(|error| request().map_err(|_| error))?,
            Some(Form::Spki) => spki()?,
            Some(Form::Rsa) => rsa_public_key(der)?,
            None => return Ok(None),
        },
    }))
}

/// What DER without a label can be, told by its first element: both certificates and requests begin with a SEQUENCE
/// of several elements, an SPKI with one that begins with an object identifier, PKCS#1 with an INTEGER.
enum Form {
    Signed,
    Spki,
    Rsa,
}

fn form(der: &[u8]) -> Option<Form> {
    let first =
        Tlv::parse(der).ok()?.expect(tag::SEQUENCE, "document").ok()?.reader().read().ok()?;
    match first.tag {
        tag::INTEGER => Some(Form::Rsa),
        tag::SEQUENCE => match first.reader().read().ok()?.tag {
            tag::OID => Some(Form::Spki),
            _ => Some(Form::Signed),
        },
        _ => None,
    }
}

/// Reads an `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_public_key(der: &[u8]) -> Result<KeyDocument, KeyDocumentError> {
    let numbers = || {
        let mut fields = Tlv::parse(der)?.expect(tag::SEQUENCE, "RSA public key")?.reader();
        let (modulus, exponent) = (fields.read()?.integer()?, fields.read()?.integer()?);
        fields.finish()?;
        Ok((modulus, exponent))
    };
    let (modulus, exponent) = numbers().map_err(KeyDocumentError::X509)?;
    PublicKey::from_rsa_numbers(modulus, exponent)
        .map(KeyDocument::PublicKey)
        .map_err(KeyDocumentError::PublicKey)
}
