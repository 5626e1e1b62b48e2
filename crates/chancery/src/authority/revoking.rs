//! An authority takes certificates back.

use std::path::PathBuf;

use chancery_chain::Crl;
use chancery_x509::{
    Certificate, CrlBuilder, RevocationReason, RevokedCertificate, SerialNumber, Time,
};

use super::index::Event;
use super::{Authority, Issued};
use crate::{Error, ErrorKind, Keyring};

/// Which certificate is meant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WhichCertificate {
    /// This one.
    Certificate(Box<Certificate>),
    /// The one of a serial number.
    Serial(SerialNumber),
}

/// A revocation list that was signed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignedList {
    /// The file it is in, PEM.
    pub file: PathBuf,
    /// Its number, which grows.
    pub number: u64,
    /// When it was signed.
    pub this_update: Time,
    /// By when there is another.
    pub next_update: Time,
    /// How many certificates are in it.
    pub revoked: usize,
}

impl Authority {
    /// Records that a certificate is revoked; [`sign_crl`](Self::sign_crl) tells the world.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a certificate of another issuer, one that is not in the index or is revoked already, a
    /// reason no list can give, and a date of invalidity in the future; [`ErrorKind::Io`].
    pub fn revoke(
        &self,
        which: &WhichCertificate,
        reason: RevocationReason,
        invalid_since: Option<Time>,
        now: Time,
    ) -> Result<Issued, Error> {
        let usage = |message: String| Err(Error::new(ErrorKind::Usage, message));
        if reason == RevocationReason::RemoveFromCrl {
            return usage(format!("`{reason}` is a reason of delta lists, and revokes nothing"));
        }
        if invalid_since.is_some_and(|since| since > now) {
            return usage("a certificate is not invalid since a time to come".into());
        }
        let serial = self.serial_of(which)?;
        let mut writer = self.folder.lock()?;
        let Some(issued) = writer.index().find(&serial) else {
            return usage(format!(
                "no certificate of serial number {serial} was issued by `{}`",
                self.certificate.subject()
            ));
        };
        if let Some(revocation) = issued.revocation {
            return usage(format!(
                "the certificate {serial} is revoked since {}: {}",
                revocation.date, revocation.reason
            ));
        }
        writer.record(&Event::Revoked {
            serial: serial.clone(),
            date: now.to_string(),
            reason: reason.to_string(),
            invalid_since: invalid_since.map(|time| time.to_string()),
        })?;
        writer.index().find(&serial).cloned().ok_or_else(|| {
            Error::new(ErrorKind::SelfCheck, "the index does not have what was put into it")
        })
    }

    fn serial_of(&self, which: &WhichCertificate) -> Result<String, Error> {
        let usage = |message: String| Error::new(ErrorKind::Usage, message);
        match which {
            WhichCertificate::Serial(serial) => Ok(serial.to_string()),
            WhichCertificate::Certificate(certificate) => {
                if certificate.verify_signature(self.certificate.public_key()).is_err() {
                    return Err(usage(format!(
                        "`{}` was not issued by `{}`",
                        certificate.subject(),
                        self.certificate.subject()
                    )));
                }
                let serial = SerialNumber::from_contents(certificate.serial());
                serial.map(|serial| serial.to_string()).ok_or_else(|| {
                    usage(format!("`{}` has no serial number of ours", certificate.subject()))
                })
            }
        }
    }

    /// Signs the list of everything revoked so far, valid for `days`, into the file `crl.pem`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the certificate does not allow it or for no days; [`ErrorKind::Key`],
    /// [`ErrorKind::Io`].
    pub fn sign_crl(&self, keyring: &Keyring, days: u32, now: Time) -> Result<SignedList, Error> {
        let failed = |error| Error::of_certificate("sign the revocation list", error);
        let (identity, scheme) = self.identity(keyring)?;
        let next_update = now.plus_days(days).map_err(failed)?;
        let mut writer = self.folder.lock()?;
        let number = writer.index().next_crl().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "there are no more numbers for revocation lists")
        })?;
        let mut entries = Vec::new();
        for issued in writer.index().issued() {
            let Some(revocation) = issued.revocation else { continue };
            let serial: SerialNumber = issued.serial.parse().map_err(|error| {
                Error::new(ErrorKind::Malformed, "cannot read the index").with_source(error)
            })?;
            let entry =
                RevokedCertificate::of_serial(&serial, revocation.date).reason(revocation.reason);
            entries.push(match revocation.invalid_since {
                Some(since) => entry.invalid_since(since),
                None => entry,
            });
        }
        let revoked = entries.len();
        let builder = CrlBuilder::new(number, now, next_update).map_err(failed)?;
        let signed = builder.revoke_all(entries).sign(&identity, scheme).map_err(failed)?;
        let read = Crl::from_der(signed.as_der()).map_err(failed)?;
        if read.len() != revoked {
            let message = "the revocation list does not have what was put into it";
            return Err(Error::new(ErrorKind::SelfCheck, message));
        }
        // The number is spent before the list is seen: no two lists ever have the same.
        writer.record(&Event::Crl {
            number,
            this_update: now.to_string(),
            next_update: next_update.to_string(),
        })?;
        let file = self.folder.crl();
        writer.replace(&file, signed.to_pem().as_bytes())?;
        Ok(SignedList { file, number, this_update: now, next_update, revoked })
    }
}
