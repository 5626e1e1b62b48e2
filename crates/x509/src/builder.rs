//! Issuing certificates.

use chancery_key::{PublicKey, SignatureScheme, SigningKey};
use const_oid::ObjectIdentifier;

use crate::asn1::{self, tag};
use crate::extensions::key_identifier;
use crate::profile::Additions;
use crate::{
    AlternativeName, CaConstraint, Certificate, Error, Extensions, Identity, IssuanceFinding,
    IssuancePolicy, Location, Name, Profile, SerialNumber, Validity, algorithm, issuance, oid,
};

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
    additions: Additions,
    subject: Name,
    public_key: PublicKey,
    validity: Validity,
    serial: SerialNumber,
}

impl CertificateBuilder {
    /// Starts a certificate.
    #[must_use]
    pub fn new(
        profile: Profile,
        subject: Name,
        public_key: PublicKey,
        validity: Validity,
        serial: SerialNumber,
    ) -> Self {
        let additions = Additions::default();
        Self {
            content: Content::Profile(profile),
            additions,
            subject,
            public_key,
            validity,
            serial,
        }
    }

    /// Starts a certificate with the extensions somebody asked for, and a subjectKeyIdentifier.
    pub(crate) fn with_extensions(
        extensions: Extensions,
        subject: Name,
        public_key: PublicKey,
        validity: Validity,
        serial: SerialNumber,
    ) -> Self {
        let additions = Additions::default();
        Self {
            content: Content::Asked(extensions),
            additions,
            subject,
            public_key,
            validity,
            serial,
        }
    }

    /// Adds names to its subjectAltName.
    #[must_use]
    pub fn alternative_names(mut self, names: impl IntoIterator<Item = AlternativeName>) -> Self {
        self.additions.names.extend(names);
        self
    }

    /// Adds certificate policies.
    #[must_use]
    pub fn policies(mut self, policies: impl IntoIterator<Item = ObjectIdentifier>) -> Self {
        self.additions.policies.extend(policies);
        self
    }

    /// Adds places where the list of revoked certificates is found: all hold the same one.
    #[must_use]
    pub fn crl_locations(mut self, locations: impl IntoIterator<Item = Location>) -> Self {
        self.additions.crl.extend(locations);
        self
    }

    /// Adds places where the issuer's certificate is found.
    #[must_use]
    pub fn ca_issuers(mut self, locations: impl IntoIterator<Item = Location>) -> Self {
        self.additions.ca_issuers.extend(locations);
        self
    }

    /// Adds OCSP responders.
    #[must_use]
    pub fn ocsp(mut self, locations: impl IntoIterator<Item = Location>) -> Self {
        self.additions.ocsp.extend(locations);
        self
    }

    /// Holds the certificate as it would be signed against rules, and returns every one it breaks. `issuer` is
    /// `None` for one that signs itself.
    #[must_use]
    pub fn findings(
        &self,
        policy: IssuancePolicy,
        issuer: Option<&Certificate>,
        scheme: SignatureScheme,
    ) -> Vec<IssuanceFinding> {
        let profile = match self.content {
            Content::Profile(profile) => Some(profile),
            Content::Asked(_) => None,
        };
        issuance::findings(
            policy,
            &issuance::Plan {
                profile,
                subject: &self.subject,
                public_key: &self.public_key,
                validity: &self.validity,
                serial: &self.serial,
                extensions: &self.extensions(),
                additions: &self.additions,
                issuer,
                scheme,
            },
        )
    }

    /// Signs it with its own key: a root, or a self-signed leaf for trying things out.
    ///
    /// # Errors
    /// [`Error::Scheme`] where the scheme does not fit the key, [`Error::Key`] where the key does not sign,
    /// [`Error::Signature`] where it is another key than the certificate's or signed wrongly,
    /// [`Error::NoAlternativeName`] for a TLS server without one.
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
        let mut extensions = match &self.content {
            Content::Profile(profile) => profile.extensions(&self.public_key),
            Content::Asked(asked) => asked.clone(),
        };
        self.additions.apply(&mut extensions, self.subject.is_empty());
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
        if matches!(self.content, Content::Profile(Profile::TlsServer))
            && self.additions.names.is_empty()
        {
            return Err(Error::NoAlternativeName);
        }
        let algorithm = algorithm::algorithm_identifier(scheme);
        let version = asn1::unsigned_integer(&[2]);
        let tbs = asn1::sequence(&[
            &asn1::tlv(tag::context_constructed(0), &[&version]),
            &asn1::unsigned_integer(self.serial.as_octets()),
            &algorithm,
            issuer.as_der(),
            &asn1::sequence(&[
                &self.validity.not_before().to_der()?,
                &self.validity.not_after().to_der()?,
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
