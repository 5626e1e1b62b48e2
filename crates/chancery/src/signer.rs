//! Whom a file is signed by, before the key is touched.

use std::path::Path;

use chancery_chain::{Crl, Policy, Reason, RevocationMode, TrustAnchors, validate};
use chancery_key::KeyAlgorithm;
use chancery_x509::{Certificate, Time};

use crate::{Error, ErrorKind, read_certificate_file};

/// The name of the objection to a certificate whose issuer's is not at hand.
const ISSUER_MISSING: &str = "issuer-missing";

/// The name of the objection to a key that Windows does not know in Authenticode.
const EDDSA: &str = "eddsa-in-authenticode";

/// What is wrong with such a key.
pub(crate) const NO_EDDSA: &str =
    "the key is of Ed25519, and Windows does not verify EdDSA in Authenticode";

/// Below this many bits an RSA key is not used, whatever anybody says.
const HOPELESS_RSA_BITS: u32 = 1024;

/// A signer's certificate and the path above it, known without the key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signer {
    /// The certificate of the key.
    pub certificate: Certificate,
    /// The certificates above it, the issuer of each after it, a root last where it was at hand.
    pub chain: Vec<Certificate>,
}

/// Something that speaks against signing with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Objection {
    /// Its stable kebab-case name, as in `expired`.
    pub name: &'static str,
    /// What is wrong, and with which certificate.
    pub message: String,
    /// Whether one may sign in spite of it: the signature holds, and many will not trust it.
    pub survivable: bool,
}

impl Signer {
    /// Picks the path above a certificate from others at hand.
    #[must_use]
    pub fn new(certificate: Certificate, others: &[Certificate]) -> Self {
        let mut chain: Vec<Certificate> = Vec::new();
        while let Some(issuer) = {
            let last = chain.last().unwrap_or(&certificate);
            let is_issuer = |other: &&Certificate| {
                **other != certificate
                    && !chain.contains(*other)
                    && last.names_as_issuer(other)
                    && last.verify_signature(other.public_key()).is_ok()
            };
            if last.is_self_signed() { None } else { others.iter().find(is_issuer).cloned() }
        } {
            chain.push(issuer);
        }
        Self { certificate, chain }
    }

    /// Reads a certificate and others from files, without a key to tell which is the signer's: of several in the
    /// first file it is the only one that issued none of the others.
    ///
    /// `Ok(None)` where there are several such: then the key has to tell.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Malformed`] naming the file.
    pub fn from_files(
        certificate: &Path,
        chain: &[impl AsRef<Path>],
    ) -> Result<Option<Self>, Error> {
        let mut others = read_certificate_file(certificate)?;
        let issued_none = |one: &Certificate| {
            !others.iter().any(|other| other != one && other.names_as_issuer(one))
        };
        let leaves: Vec<Certificate> =
            others.iter().filter(|one| issued_none(one)).cloned().collect();
        let [leaf] = leaves.as_slice() else { return Ok(None) };
        for path in chain {
            others.extend(read_certificate_file(path.as_ref())?);
        }
        Ok(Some(Self::new(leaf.clone(), &others)))
    }

    /// Returns what goes into a signature: the certificate and its intermediates, no self-signed root unless the
    /// signer's own certificate is one.
    #[must_use]
    pub fn certificates_to_embed(&self) -> Vec<&Certificate> {
        let above = self.chain.iter().filter(|certificate| !certificate.is_self_signed());
        std::iter::once(&self.certificate).chain(above).collect()
    }

    /// Says what speaks against signing with this certificate now: expired or not yet valid, not for signing
    /// code, a weak key, one that Windows does not know (Ed25519), on one of these revocation lists, or without the certificates above it.
    ///
    /// A list counts as it stands: nobody gains by giving a signer a false one.
    #[must_use]
    pub fn objections(&self, crls: &[Crl], now: Time) -> Vec<Objection> {
        let mut objections = self.judged(crls, now, |_| true);
        objections.extend(self.eddsa_objections());
        objections
    }

    /// As [`objections`](Self::objections), for signatures over any content: those need no certificate for signing
    /// code, and EdDSA is as good in them as any other algorithm.
    #[must_use]
    pub fn objections_to_content(&self, crls: &[Crl], now: Time) -> Vec<Objection> {
        let usage = self.certificate.extensions().key_usage().ok().flatten();
        // Who may bind himself may sign contents (RFC 5280 section 4.2.1.3, nonRepudiation).
        let binds = usage.is_some_and(|usage| usage.names().contains(&"nonRepudiation"));
        self.judged(crls, now, |reason| match reason {
            Reason::WrongPurpose
            | Reason::IssuerWrongPurpose
            | Reason::ExtendedKeyUsageMissing
            | Reason::LifetimeSigningExpired { .. } => false,
            Reason::SigningNotAllowed => !binds,
            _ => true,
        })
    }

    fn judged(&self, crls: &[Crl], now: Time, counts: impl Fn(&Reason) -> bool) -> Vec<Objection> {
        let mut policy = Policy::code_signing(now);
        policy.revocation = RevocationMode::Off;
        let top = self.chain.last().unwrap_or(&self.certificate);
        let anchors = TrustAnchors::new(vec![top.clone()]);
        let outcome = validate(&self.certificate, &self.chain, &anchors, &[], &policy);
        let mut objections: Vec<Objection> = outcome
            .findings
            .iter()
            // Whether the last one is an anchor is for those to say who verify.
            .filter(|finding| {
                !matches!(finding.reason, Reason::IssuerNotFound | Reason::UntrustedRoot)
            })
            .filter(|finding| counts(&finding.reason))
            .map(|finding| Objection {
                name: finding.reason.name(),
                message: finding.to_string(),
                survivable: is_survivable(&finding.reason),
            })
            .collect();
        for certificate in std::iter::once(&self.certificate).chain(&self.chain) {
            let named = crls.iter().find_map(|crl| {
                crl.find(certificate.issuer(), certificate.serial())
                    .filter(|entry| entry.reason.is_none_or(|why| why.name() != "remove-from-crl"))
            });
            if let Some(entry) = named {
                objections.push(Objection {
                    name: "revoked",
                    message: format!(
                        "`{}`: revoked since {}",
                        certificate.subject(),
                        entry.since()
                    ),
                    survivable: false,
                });
            }
        }
        if self.chain.is_empty() && !self.certificate.is_self_signed() {
            objections.push(Objection {
                name: ISSUER_MISSING,
                message: format!(
                    "`{}`: the certificate of its issuer `{}` is not at hand",
                    self.certificate.subject(),
                    self.certificate.issuer()
                ),
                survivable: true,
            });
        }
        objections
    }

    /// Says where Windows meets a key that it verifies no signature of: the signer's own, or one above it.
    fn eddsa_objections(&self) -> Vec<Objection> {
        let of = |certificate: &Certificate, survivable| {
            let is_eddsa = certificate.public_key().algorithm() == KeyAlgorithm::Ed25519;
            is_eddsa.then(|| Objection {
                name: EDDSA,
                message: format!("`{}`: {NO_EDDSA}", certificate.subject()),
                survivable,
            })
        };
        let above = self.chain.iter().filter_map(|issuer| of(issuer, true));
        of(&self.certificate, false).into_iter().chain(above).collect()
    }

    /// Refuses to sign with this certificate where something speaks against it; with `force`, only where that
    /// cannot be survived. Returns what was survived.
    ///
    /// # Errors
    /// [`ErrorKind::SignerDoubtful`] where `force` would help, [`ErrorKind::SignerUnfit`] where not.
    pub fn check(&self, crls: &[Crl], now: Time, force: bool) -> Result<Vec<Objection>, Error> {
        settle(self.objections(crls, now), force)
    }

    /// As [`check`](Self::check), by [`objections_to_content`](Self::objections_to_content).
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_for_content(
        &self,
        crls: &[Crl],
        now: Time,
        force: bool,
    ) -> Result<Vec<Objection>, Error> {
        settle(self.objections_to_content(crls, now), force)
    }

    /// As [`check`](Self::check), but for where what is signed was prepared: whether the certificates above were at
    /// hand was judged there, and a root does not travel.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_prepared(
        &self,
        crls: &[Crl],
        now: Time,
        force: bool,
    ) -> Result<Vec<Objection>, Error> {
        let mut objections = self.objections(crls, now);
        objections.retain(|objection| objection.name != ISSUER_MISSING);
        settle(objections, force)
    }
}

/// Tells what was survived, or refuses.
fn settle(objections: Vec<Objection>, force: bool) -> Result<Vec<Objection>, Error> {
    let hopeless = objections.iter().any(|objection| !objection.survivable);
    if objections.is_empty() || (force && !hopeless) {
        return Ok(objections);
    }
    let kind = if hopeless { ErrorKind::SignerUnfit } else { ErrorKind::SignerDoubtful };
    let why: Vec<_> = objections.iter().map(|one| one.message.as_str()).collect();
    Err(Error::new(kind, format!("nothing is signed: {}", why.join("; "))))
}

fn is_survivable(reason: &Reason) -> bool {
    match reason {
        Reason::WeakKey(KeyAlgorithm::Rsa { bits }) => *bits >= HOPELESS_RSA_BITS,
        Reason::UnsupportedKey(_) | Reason::Revoked { .. } | Reason::Distrusted => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use chancery_key::{EcCurve, SignatureScheme, SigningKey as _};
    use chancery_softkey::SoftKey;
    use chancery_x509::{CertificateBuilder, Profile, SerialNumber, Validity};

    use super::*;

    #[test]
    fn contents_are_signed_for_any_purpose_and_within_the_validity() {
        let begin = Time::parse_rfc3339("2020-01-01T00:00:00Z").unwrap();
        let within = Time::parse_rfc3339("2020-01-02T00:00:00Z").unwrap();
        let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
        let certificate = CertificateBuilder::new(
            Profile::TimeStamping,
            "CN=Other purpose".parse().unwrap(),
            key.public_key().clone(),
            Validity::from_now(begin, 9).unwrap(),
            SerialNumber::random().unwrap(),
        )
        .self_signed(&key, SignatureScheme::EcdsaSha256)
        .unwrap();
        let signer = Signer::new(certificate, &[]);
        assert_eq!(signer.objections_to_content(&[], within), []);
        assert_eq!(signer.objections(&[], within)[0].name, "wrong-purpose");
        let after = Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let error = signer.check_for_content(&[], after, false).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignerDoubtful);
        let survived = signer.check_for_content(&[], after, true).unwrap();
        assert_eq!(survived.iter().map(|one| one.name).collect::<Vec<_>>(), ["expired"]);
    }
}
