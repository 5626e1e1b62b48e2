//! Writing certificate revocation lists (RFC 5280 section 5). The crate `chancery-chain` reads them.

use core::fmt;

use chancery_key::SignatureScheme;
use const_oid::ObjectIdentifier;

use crate::asn1::{self, Tlv, tag};
use crate::extensions::key_identifier;
use crate::time::generalized_time;
use crate::{
    Certificate, Error, Extensions, Identity, KeyUsage, RevocationReason, SerialNumber, Time,
    algorithm, oid,
};

const ENUMERATED: u8 = 0x0a;

/// A certificate that is revoked, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// The contents octets of its serial number, whatever they are in the certificate.
    serial: Vec<u8>,
    date: Time,
    reason: Option<RevocationReason>,
    invalidity_date: Option<Time>,
}

impl RevokedCertificate {
    /// Revokes a certificate from a date on.
    #[must_use]
    pub fn new(certificate: &Certificate, date: Time) -> Self {
        let serial = certificate.serial().to_vec();
        Self { serial, date, reason: None, invalidity_date: None }
    }

    /// Revokes the certificate of a serial number from a date on.
    #[must_use]
    pub fn of_serial(serial: &SerialNumber, date: Time) -> Self {
        let der = asn1::unsigned_integer(serial.as_octets());
        let contents = Tlv::parse(&der).map(|tlv| tlv.contents.to_vec());
        let serial = contents.unwrap_or_default();
        Self { serial, date, reason: None, invalidity_date: None }
    }

    /// Says why. An unspecified reason is left out of the list, as RFC 5280 asks.
    #[must_use]
    pub const fn reason(mut self, reason: RevocationReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Says since when the key was in other hands or the certificate wrong, where that was before the date of the
    /// revocation.
    #[must_use]
    pub const fn invalid_since(mut self, date: Time) -> Self {
        self.invalidity_date = Some(date);
        self
    }

    fn to_der(&self) -> Result<Vec<u8>, Error> {
        let mut extensions = Extensions::default();
        match self.reason {
            Some(reason @ RevocationReason::RemoveFromCrl) => {
                return Err(Error::RevocationReason(reason.name()));
            }
            Some(RevocationReason::Unspecified) | None => {}
            Some(reason) => {
                let value = asn1::tlv(ENUMERATED, &[&[reason.code()]]);
                extensions.set(oid::CRL_REASON, false, value);
            }
        }
        if let Some(date) = self.invalidity_date {
            extensions.set(oid::INVALIDITY_DATE, false, generalized_time(date)?);
        }
        let extensions = if extensions.is_empty() { Vec::new() } else { extensions.to_der() };
        Ok(asn1::sequence(&[
            &asn1::tlv(tag::INTEGER, &[&self.serial]),
            &self.date.to_der()?,
            &extensions,
        ]))
    }
}

/// Builds and signs one complete revocation list, version 2.
#[derive(Clone, Debug)]
pub struct CrlBuilder {
    number: u64,
    this_update: Time,
    next_update: Time,
    revoked: Vec<RevokedCertificate>,
}

impl CrlBuilder {
    /// Starts an empty list. `number` grows from list to list of one issuer (section 5.2.3); by `next_update` there
    /// is another.
    ///
    /// # Errors
    /// [`Error::Validity`] where the next one would not come later.
    pub fn new(number: u64, this_update: Time, next_update: Time) -> Result<Self, Error> {
        if next_update <= this_update {
            return Err(Error::Validity);
        }
        Ok(Self { number, this_update, next_update, revoked: Vec::new() })
    }

    /// Adds a certificate, in the place of an entry for the same one.
    #[must_use]
    pub fn revoke(mut self, certificate: RevokedCertificate) -> Self {
        self.revoked.retain(|other| other.serial != certificate.serial);
        self.revoked.push(certificate);
        self
    }

    /// Adds many certificates; of several entries for one, the last counts.
    #[must_use]
    pub fn revoke_all(
        mut self,
        certificates: impl IntoIterator<Item = RevokedCertificate>,
    ) -> Self {
        let mut by_serial: std::collections::BTreeMap<_, _> =
            self.revoked.drain(..).map(|entry| (entry.serial.clone(), entry)).collect();
        by_serial.extend(certificates.into_iter().map(|entry| (entry.serial.clone(), entry)));
        self.revoked = by_serial.into_values().collect();
        self
    }

    /// Has the issuer of the certificates sign it, and verifies the signature.
    ///
    /// # Errors
    /// [`Error::NoCrlSigner`] where its certificate does not allow cRLSign, [`Error::RevocationReason`] for
    /// removeFromCRL, [`Error::Scheme`] where the scheme does not fit the key, [`Error::Key`] where the key does not
    /// sign or signs wrongly.
    pub fn sign(&self, issuer: &Identity, scheme: SignatureScheme) -> Result<SignedCrl, Error> {
        let ca = issuer.certificate();
        let usage = ca.extensions().key_usage()?;
        if ca.extensions().ca()?.is_none()
            || usage.is_some_and(|usage| !usage.allows(KeyUsage::CRL_SIGN))
        {
            return Err(Error::NoCrlSigner { issuer: ca.subject().to_string() });
        }
        if !scheme.fits(ca.public_key().algorithm()) {
            return Err(Error::Scheme { scheme });
        }
        let algorithm = algorithm::algorithm_identifier(scheme);
        let entries: Vec<Vec<u8>> =
            self.revoked.iter().map(RevokedCertificate::to_der).collect::<Result<_, _>>()?;
        let entries = match entries.as_slice() {
            // An empty list is left out (section 5.1.2.6).
            [] => Vec::new(),
            entries => asn1::sequence(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        };
        let tbs = asn1::sequence(&[
            &asn1::unsigned_integer(&[1]),
            &algorithm,
            ca.subject().as_der(),
            &self.this_update.to_der()?,
            &self.next_update.to_der()?,
            &entries,
            &asn1::tlv(tag::context_constructed(0), &[&self.extensions(ca)?.to_der()]),
        ]);
        // An identity's key verifies each signature before it comes out.
        let signature = issuer.key().sign(scheme, &tbs).map_err(Error::Key)?;
        Ok(SignedCrl(asn1::sequence(&[&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())])))
    }

    fn extensions(&self, ca: &Certificate) -> Result<Extensions, Error> {
        const NUMBER: ObjectIdentifier = oid::CRL_NUMBER;
        let mut extensions = Extensions::default();
        let own_identifier = key_identifier(ca.public_key());
        let identifier = ca.extensions().subject_key_identifier()?.unwrap_or(&own_identifier);
        extensions.set_authority_key_identifier(identifier);
        extensions.set(NUMBER, false, asn1::unsigned_integer(&self.number.to_be_bytes()));
        Ok(extensions)
    }
}

/// A revocation list as it was signed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedCrl(Vec<u8>);

impl SignedCrl {
    /// Returns the DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// Writes it as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::to_pem("X509 CRL", &self.0)
    }
}

impl fmt::Debug for SignedCrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedCrl({} bytes)", self.0.len())
    }
}
