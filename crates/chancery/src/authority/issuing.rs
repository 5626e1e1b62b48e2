//! An authority answers requests.

use chancery_key::DigestAlgorithm;
use chancery_x509::{
    AlternativeName, Certificate, CertificateBuilder, CertificationRequest, IssuancePolicy,
    Location, Profile, SerialNumber, Time, Validity, to_pem,
};
use const_oid::ObjectIdentifier;

use super::index::Event;
use super::{Authority, Issued, refuse_findings};
use crate::{Error, ErrorKind, Keyring};

/// On what terms a certificate is issued.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Terms {
    /// What it is for.
    pub profile: Profile,
    /// How many days it is valid; without, ten years for an authority and one for others, and at most as long as the
    /// issuer.
    pub days: Option<u32>,
    /// The hash; without, SHA-256, or the one that fits the issuer's curve.
    pub digest: Option<DigestAlgorithm>,
    /// Names beside the subject; a TLS server also gets those it asked for.
    pub names: Vec<AlternativeName>,
    /// Certificate policies.
    pub policies: Vec<ObjectIdentifier>,
    /// Where the revocation list is found.
    pub crl: Vec<Location>,
    /// Where the issuer's certificate is found.
    pub ca_issuers: Vec<Location>,
    /// OCSP responders.
    pub ocsp: Vec<Location>,
    /// The rules it must keep.
    pub rules: IssuancePolicy,
}

impl Terms {
    /// Starts with nothing beyond a profile, and the rules that hold in any PKI.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        Self {
            profile,
            days: None,
            digest: None,
            names: Vec::new(),
            policies: Vec::new(),
            crl: Vec::new(),
            ca_issuers: Vec::new(),
            ocsp: Vec::new(),
            rules: IssuancePolicy::Private,
        }
    }
}

impl Authority {
    /// Answers a request. The subject and the key are the request's; of its extensions only alternative names count,
    /// and only for a TLS server.
    ///
    /// The certificate is in the index before anybody sees it, so that it can be revoked.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] with every rule the certificate would break; [`ErrorKind::Usage`] where the profile is
    /// that of a root, or the request is for the authority's own key; [`ErrorKind::Malformed`] for alternative names
    /// that are none; [`ErrorKind::Key`], [`ErrorKind::Io`].
    pub fn issue(
        &self,
        request: &CertificationRequest,
        terms: &Terms,
        keyring: &Keyring,
        now: Time,
    ) -> Result<(Certificate, Issued), Error> {
        let failed = |error| Error::of_certificate("issue the certificate", error);
        let usage = |message: &str| Err(Error::new(ErrorKind::Usage, message));
        if terms.profile == Profile::RootCa {
            return usage("a root signs itself and is issued by nobody");
        }
        if request.public_key() == self.certificate.public_key() {
            return usage("the request is for the authority's own key");
        }
        let asked = AlternativeName::all_of(request.extensions()).map_err(|error| {
            let message = "cannot read the alternative names of the request";
            Error::new(ErrorKind::Malformed, message).with_source(error)
        })?;
        let mut names = terms.names.clone();
        if terms.profile == Profile::TlsServer {
            names.extend(asked.into_iter().filter(|name| !terms.names.contains(name)));
        }
        let serial = SerialNumber::random().map_err(failed)?;
        let builder = CertificateBuilder::new(
            terms.profile,
            request.subject().clone(),
            request.public_key().clone(),
            self.validity(terms, now).map_err(failed)?,
            serial.clone(),
        )
        .alternative_names(names)
        .policies(terms.policies.iter().copied())
        .crl_locations(terms.crl.iter().cloned())
        .ca_issuers(terms.ca_issuers.iter().cloned())
        .ocsp(terms.ocsp.iter().cloned());

        let (identity, conventional) = self.identity(keyring)?;
        let scheme = match terms.digest {
            None => conventional,
            Some(digest) => crate::keys::scheme_with(identity.key(), digest)?,
        };
        refuse_findings(&builder.findings(terms.rules, Some(&self.certificate), scheme))?;
        let certificate = builder.issued_by(&identity, scheme).map_err(failed)?;

        let mut writer = self.folder.lock()?;
        let serial = serial.to_string();
        writer.record(&Event::Issued {
            serial: serial.clone(),
            subject: certificate.subject().to_string(),
            profile: profile_name(terms.profile).to_owned(),
            not_before: certificate.not_before().to_string(),
            not_after: certificate.not_after().to_string(),
            sha256: certificate.thumbprint_sha256().iter().map(|b| format!("{b:02x}")).collect(),
        })?;
        let pem = to_pem("CERTIFICATE", certificate.as_der());
        writer.replace(&self.folder.issued(&serial), pem.as_bytes())?;
        let issued = writer.index().find(&serial).cloned().ok_or_else(|| {
            Error::new(ErrorKind::SelfCheck, "the index does not have what was put into it")
        })?;
        Ok((certificate, issued))
    }

    fn validity(&self, terms: &Terms, now: Time) -> Result<Validity, chancery_x509::Error> {
        let default = if terms.profile.is_ca() { 3650 } else { 365 };
        let wanted = Validity::from_now(now, terms.days.unwrap_or(default))?;
        // An authority that is minutes old has no earlier certificates; the allowance for slow clocks ends there.
        let from = wanted.not_before().max(self.certificate.not_before());
        let until = match terms.days {
            Some(_) => wanted.not_after(),
            None => wanted.not_after().min(self.certificate.not_after()),
        };
        Validity::new(from, until)
    }
}

const fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::IntermediateCa => "intermediate",
        Profile::CodeSigning => "code-signing",
        Profile::TimeStamping => "time-stamping",
        Profile::TlsServer => "tls-server",
        _ => "root",
    }
}
