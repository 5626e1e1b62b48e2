//! What to look for in a store.

use chancery_key::PublicKey;
use chancery_x509::{Certificate, Name};

use crate::thumbprint::{hex_bytes, hex_digits};
use crate::{Entry, Thumbprint};

/// What to look for; every part that is set must fit.
///
/// Certificates out of use (property 19) are found by their hash and serial number alone, as on Windows, unless
/// [`with_archived`](Self::with_archived) says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateQuery {
    sha1: Option<Thumbprint>,
    sha256: Option<[u8; 32]>,
    serial: Option<Vec<u8>>,
    subject: Option<String>,
    issuer: Option<String>,
    public_key: Option<PublicKey>,
    id: Option<CertificateId>,
    archived: bool,
}

/// A text that may be any of several things.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CertificateId {
    /// The number in it, where it is one.
    octets: Option<Vec<u8>>,
    text: String,
}

impl CertificateQuery {
    /// Fits every certificate that is in use.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Fits the certificate with this SHA-1.
    #[must_use]
    pub const fn with_sha1(mut self, thumbprint: Thumbprint) -> Self {
        self.sha1 = Some(thumbprint);
        self
    }

    /// Fits the certificate with this SHA-256.
    #[must_use]
    pub const fn with_sha256(mut self, hash: [u8; 32]) -> Self {
        self.sha256 = Some(hash);
        self
    }

    /// Fits certificates with this serial number, big-endian; leading zeros do not count.
    #[must_use]
    pub fn with_serial(mut self, serial: &[u8]) -> Self {
        self.serial = Some(number(serial).to_vec());
        self
    }

    /// Fits certificates with this in their subject, upper and lower case being one.
    #[must_use]
    pub fn with_subject(mut self, part: &str) -> Self {
        self.subject = Some(part.to_lowercase());
        self
    }

    /// Fits certificates with this in their issuer, upper and lower case being one.
    #[must_use]
    pub fn with_issuer(mut self, part: &str) -> Self {
        self.issuer = Some(part.to_lowercase());
        self
    }

    /// Fits certificates of this key, compared as numbers.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.public_key = Some(key);
        self
    }

    /// Fits what a person may name a certificate by: SHA-1 or SHA-256 in hex, else its serial number in hex, else
    /// part of its subject. Blanks, colons and the like do not count in hex.
    #[must_use]
    pub fn with_id(mut self, text: &str) -> Self {
        let digits = hex_digits(text).unwrap_or_default();
        let octets = (!digits.is_empty()).then(|| hex_bytes(&digits));
        self.id = Some(CertificateId { octets, text: text.trim().to_lowercase() });
        self
    }

    /// Finds certificates out of use as well.
    #[must_use]
    pub const fn with_archived(mut self) -> Self {
        self.archived = true;
        self
    }

    /// Tells whether an entry is one the query asks for.
    #[must_use]
    pub fn matches(&self, entry: &Entry) -> bool {
        let by_number = self.sha1.is_some() || self.sha256.is_some() || self.serial.is_some();
        let id = self.id.as_ref().map(|id| id.fits(entry));
        let visible =
            self.archived || by_number || matches!(id, Some(Fit::Number)) || !entry.is_archived();
        let certificate = entry.certificate();
        let in_name = |part: &Option<String>, name: fn(&Certificate) -> &Name| {
            part.as_ref().is_none_or(|part| {
                certificate.as_ref().is_ok_and(|certificate| contains(name(certificate), part))
            })
        };
        visible
            && id != Some(Fit::No)
            && self.sha1.is_none_or(|sha1| entry.thumbprint() == sha1)
            && self.sha256.is_none_or(|sha256| entry.thumbprint_sha256() == sha256)
            && self.serial.as_ref().is_none_or(|serial| has_serial(entry, serial))
            && in_name(&self.subject, Certificate::subject)
            && in_name(&self.issuer, Certificate::issuer)
            && self.public_key.as_ref().is_none_or(|key| {
                certificate.as_ref().is_ok_and(|certificate| certificate.public_key() == key)
            })
    }
}

/// By what an entry fits a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    No,
    Number,
    Name,
}

impl CertificateId {
    fn fits(&self, entry: &Entry) -> Fit {
        let by_number = self.octets.as_ref().is_some_and(|octets| {
            entry.thumbprint().as_bytes() == octets.as_slice()
                || entry.thumbprint_sha256() == octets.as_slice()
                || has_serial(entry, number(octets))
        });
        if by_number {
            return Fit::Number;
        }
        // A whole hash is meant as one, whatever names there are.
        let is_hash = self.octets.as_ref().is_some_and(|octets| matches!(octets.len(), 20 | 32));
        let named = !is_hash
            && !self.text.is_empty()
            && entry
                .certificate()
                .is_ok_and(|certificate| contains(certificate.subject(), &self.text));
        if named { Fit::Name } else { Fit::No }
    }
}

/// Looks in the name as it is written, and in the common name without its escapes.
fn contains(name: &Name, part: &str) -> bool {
    name.to_string().to_lowercase().contains(part)
        || name.common_name().is_some_and(|common| common.to_lowercase().contains(part))
}

fn has_serial(entry: &Entry, serial: &[u8]) -> bool {
    entry.certificate().is_ok_and(|certificate| number(certificate.serial()) == serial)
}

/// Strips leading zeros.
fn number(octets: &[u8]) -> &[u8] {
    let start = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len());
    octets.get(start..).unwrap_or_default()
}
