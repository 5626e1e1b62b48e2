//! Issuing certificates.

use chancery_key::{PublicKey, SignatureScheme, SigningKey};

use crate::asn1::{self, tag};
use crate::extensions::key_identifier;
use crate::{
    CaConstraint, Certificate, Error, Extensions, Identity, KeyUsage, Name, Time, algorithm, oid,
};

/// What a certificate is for, and with that its extensions (RFC 5280; CA/Browser Forum Code Signing
/// Baseline Requirements 3.10 section 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// A root: a CA without limit, keyCertSign and cRLSign, no extKeyUsage.
    RootCa,
    /// An issuing CA under a root: pathLen 0, extKeyUsage codeSigning.
    IntermediateCa,
    /// An end entity that signs code: critical digitalSignature, extKeyUsage codeSigning.
    CodeSigning,
}

/// From when until when a certificate is valid, both seconds included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: Time,
    not_after: Time,
}

impl Validity {
    /// Makes a period.
    ///
    /// # Errors
    /// [`Error::Validity`] where it does not end after it begins.
    pub fn new(not_before: Time, not_after: Time) -> Result<Self, Error> {
        if not_before < not_after {
            Ok(Self { not_before, not_after })
        } else {
            Err(Error::Validity)
        }
    }

    /// Makes a period of `days` from `now`, begun ten minutes early for clocks that are behind.
    ///
    /// # Errors
    /// [`Error::Validity`] for no days, or an end past the year 9999.
    pub fn from_now(now: Time, days: u32) -> Result<Self, Error> {
        if days == 0 {
            return Err(Error::Validity);
        }
        Self::new(now.minus_seconds(600), now.plus_days(days)?)
    }
}

/// A positive serial number of at most 20 octets (RFC 5280 section 4.1.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialNumber([u8; 20]);

impl SerialNumber {
    /// Draws 159 random bits, never zero.
    ///
    /// # Errors
    /// [`Error::Random`] where the system has none.
    pub fn random() -> Result<Self, Error> {
        let mut octets = [0; 20];
        getrandom::fill(&mut octets).map_err(Error::Random)?;
        Ok(Self::from_octets(octets))
    }

    /// Takes 160 bits from elsewhere: clears the highest, which is the sign, and makes zero one.
    #[must_use]
    pub fn from_octets(mut octets: [u8; 20]) -> Self {
        octets[0] &= 0x7f;
        if octets == [0; 20] {
            octets[19] = 1;
        }
        Self(octets)
    }
}

/// Where the extensions of a certificate come from.
#[derive(Clone, Debug)]
enum Content {
    Profile(Profile),
    Asked(Extensions),
}

/// Builds and signs one certificate.
#[derive(Clone, Debug)]
pub struct CertificateBuilder {
    content: Content,
    subject: Name,
    public_key: PublicKey,
    validity: Validity,
    serial: SerialNumber,
}

impl CertificateBuilder {
    /// Starts a certificate.
    #[must_use]
    pub const fn new(
        profile: Profile,
        subject: Name,
        public_key: PublicKey,
        validity: Validity,
        serial: SerialNumber,
    ) -> Self {
        Self { content: Content::Profile(profile), subject, public_key, validity, serial }
    }

    /// Starts a certificate with the extensions somebody asked for, and a subjectKeyIdentifier.
    pub(crate) const fn with_extensions(
        extensions: Extensions,
        subject: Name,
        public_key: PublicKey,
        validity: Validity,
        serial: SerialNumber,
    ) -> Self {
        Self { content: Content::Asked(extensions), subject, public_key, validity, serial }
    }

    /// Signs it with its own key: a root, or a self-signed leaf for trying things out.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the scheme does not fit the key, [`Error::Key`] where the key does not sign,
    /// [`Error::Signature`] where it is another key than the certificate's or signed wrongly.
    pub fn self_signed(
        &self,
        key: &dyn SigningKey,
        scheme: SignatureScheme,
    ) -> Result<Certificate, Error> {
        self.sign((&self.subject, &self.public_key), self.extensions(), key, scheme)
    }

    /// Has a CA sign it.
    ///
    /// # Errors
    /// [`Error::NotACa`] where the issuer's certificate makes it none, [`Error::PathLength`] where it may
    /// have no CA below it and this is one, [`Error::Scheme`], [`Error::Key`], [`Error::Signature`].
    pub fn issued_by(
        &self,
        issuer: &Identity,
        scheme: SignatureScheme,
    ) -> Result<Certificate, Error> {
        let ca = issuer.certificate();
        if !ca.is_ca() {
            return Err(Error::NotACa { issuer: ca.subject().to_string() });
        }
        let is_last = matches!(ca.extensions().ca()?, Some(CaConstraint { path_len: Some(0) }));
        let mut extensions = self.extensions();
        if is_last && extensions.ca()?.is_some() {
            return Err(Error::PathLength { issuer: ca.subject().to_string() });
        }
        let own_identifier = key_identifier(ca.public_key());
        let identifier = ca.extensions().subject_key_identifier()?.unwrap_or(&own_identifier);
        extensions.set_authority_key_identifier(identifier);
        self.sign((ca.subject(), ca.public_key()), extensions, issuer.key(), scheme)
    }

    fn extensions(&self) -> Extensions {
        let mut extensions = Extensions::default();
        let ca_usage = KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN);
        match &self.content {
            Content::Profile(Profile::RootCa) => {
                extensions.set_ca(None);
                extensions.set_key_usage(ca_usage);
            }
            Content::Profile(Profile::IntermediateCa) => {
                extensions.set_ca(Some(0));
                extensions.set_key_usage(ca_usage);
                extensions.set_extended_key_usage(false, &[oid::CODE_SIGNING]);
            }
            Content::Profile(Profile::CodeSigning) => {
                extensions.set_key_usage(KeyUsage::DIGITAL_SIGNATURE);
                extensions.set_extended_key_usage(false, &[oid::CODE_SIGNING]);
            }
            Content::Asked(asked) => extensions = asked.clone(),
        }
        if extensions.get(oid::SUBJECT_KEY_IDENTIFIER).is_none() {
            extensions.set_subject_key_identifier(&self.public_key);
        }
        extensions
    }

    fn sign(
        &self,
        (issuer, issuer_key): (&Name, &PublicKey),
        extensions: Extensions,
        key: &dyn SigningKey,
        scheme: SignatureScheme,
    ) -> Result<Certificate, Error> {
        if !scheme.fits(issuer_key.algorithm()) {
            return Err(Error::Scheme { scheme });
        }
        let algorithm = algorithm::algorithm_identifier(scheme);
        let version = asn1::unsigned_integer(&[2]);
        let tbs = asn1::sequence(&[
            &asn1::tlv(tag::context_constructed(0), &[&version]),
            &asn1::unsigned_integer(&self.serial.0),
            &algorithm,
            issuer.as_der(),
            &asn1::sequence(&[
                &self.validity.not_before.to_der()?,
                &self.validity.not_after.to_der()?,
            ]),
            self.subject.as_der(),
            self.public_key.spki_der(),
            &asn1::tlv(tag::context_constructed(3), &[&extensions.to_der()]),
        ]);
        let signature = key.sign(scheme, &tbs).map_err(Error::Key)?;
        let certificate = Certificate::from_der(&asn1::sequence(&[
            &tbs,
            &algorithm,
            &asn1::bit_string(signature.as_bytes()),
        ]))?;
        certificate.verify_signature(issuer_key)?;
        Ok(certificate)
    }
}
