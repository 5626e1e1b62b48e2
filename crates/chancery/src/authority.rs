//! A certificate authority in a folder: its certificate, the address of its key, and what it issued and revoked.
//!
//! | file | what it is |
//! |---|---|
//! | `ca.pem` | the certificate, and after it those above |
//! | `key` | the address of the key, a line; never a PIN |
//! | `index.jsonl` | what happened, a JSON object a line, only ever appended to |
//! | `issued/SERIAL.pem` | each certificate |
//! | `crl.pem` | the last revocation list |
//! | `lock` | held by whoever writes |

mod folder;
mod index;
mod issuing;
mod revoking;

use std::path::{Path, PathBuf};

use chancery_key::SignatureScheme;
use chancery_x509::{
    Certificate, CertificateBuilder, Identity, IssuanceFinding, IssuancePolicy, Name, Profile,
    SerialNumber, Time, Validity,
};

use crate::keys::conventional_scheme;
use crate::{Error, ErrorKind, KeyAddress, Keyring, read_identity_certificates};

use folder::Folder;
pub use index::{Issued, Revocation};
pub use issuing::Terms;
pub use revoking::{SignedList, WhichCertificate};

/// A certificate authority in a folder.
#[derive(Debug)]
pub struct Authority {
    folder: Folder,
    certificate: Certificate,
    chain: Vec<Certificate>,
    address: KeyAddress,
}

/// Where the certificate of a new authority comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthorityCertificate {
    /// A new root, signed with its own key.
    Root {
        /// Whom it is about.
        subject: Name,
        /// How many days it is valid.
        days: u32,
    },
    /// A certificate that another authority issued.
    Issued {
        /// The file it is in; others in it may be the chain.
        certificate: PathBuf,
        /// More files with certificates above it.
        chain: Vec<PathBuf>,
    },
}

impl Authority {
    /// Makes an authority in a folder that is empty or not there yet, with the key at an address.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where there are files in the folder, or the certificate is no authority's;
    /// [`ErrorKind::CertificateMismatch`] where the certificate belongs to another key; [`ErrorKind::Refused`] where a
    /// root breaks a rule of [`IssuancePolicy::Private`]; [`ErrorKind::Key`], [`ErrorKind::Io`].
    pub fn create(
        path: &Path,
        from: &AuthorityCertificate,
        address: &KeyAddress,
        keyring: &Keyring,
        now: Time,
    ) -> Result<Self, Error> {
        Folder::check_empty(path)?;
        let address = absolute(address)?;
        let key = keyring.open(&address)?;
        let (certificate, chain) = match from {
            AuthorityCertificate::Root { subject, days } => {
                let failed = |error| Error::of_certificate("make the root", error);
                let scheme = conventional_scheme(&*key)?;
                let builder = CertificateBuilder::new(
                    Profile::RootCa,
                    subject.clone(),
                    key.public_key().clone(),
                    Validity::from_now(now, *days).map_err(failed)?,
                    SerialNumber::random().map_err(failed)?,
                );
                refuse_findings(&builder.findings(IssuancePolicy::Private, None, scheme))?;
                (builder.self_signed(&*key, scheme).map_err(failed)?, Vec::new())
            }
            AuthorityCertificate::Issued { certificate, chain } => {
                read_identity_certificates(key.public_key(), certificate, chain)?
            }
        };
        if !certificate.is_ca() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("`{}` is no certificate authority", certificate.subject()),
            ));
        }
        // That the key signs what the certificate verifies is proved now, and not by the first customer.
        crate::proved(&*key, &address.to_string())?;
        let folder = Folder::create(path, &certificate, &chain, &address)?;
        Ok(Self { folder, certificate, chain, address })
    }

    /// Opens the authority in a folder; its key is not touched.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where there is none, [`ErrorKind::Malformed`] where a file of it is broken,
    /// [`ErrorKind::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (folder, certificates, address) = Folder::open(path)?;
        let mut certificates = certificates.into_iter();
        let certificate = certificates.next().ok_or_else(|| folder::no_authority(path))?;
        Ok(Self { folder, certificate, chain: certificates.collect(), address })
    }

    /// Returns the certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns the certificates above it, as far as they were at hand.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Returns where its key is.
    #[must_use]
    pub const fn key_address(&self) -> &KeyAddress {
        &self.address
    }

    /// Returns the file with its certificate and those above.
    #[must_use]
    pub fn certificate_file(&self) -> PathBuf {
        self.folder.certificate()
    }

    /// Lists everything it issued, in that order, with what became of it.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] naming the line of the index that is broken, [`ErrorKind::Io`].
    pub fn issued(&self) -> Result<Vec<Issued>, Error> {
        Ok(self.folder.read_index()?.issued().to_vec())
    }

    /// Reads a certificate that it issued.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where there is none of this serial number, [`ErrorKind::Malformed`].
    pub fn issued_certificate(&self, issued: &Issued) -> Result<Certificate, Error> {
        let file = self.folder.issued(&issued.serial);
        let mut all = crate::read_certificate_file(&file)?;
        if all.is_empty() {
            return Err(Error::new(ErrorKind::Malformed, format!("{} is empty", file.display())));
        }
        Ok(all.swap_remove(0))
    }

    /// Opens the key, and proves that it is that of the certificate.
    fn identity(&self, keyring: &Keyring) -> Result<(Identity, SignatureScheme), Error> {
        let key = keyring.open(&self.address)?;
        let scheme = conventional_scheme(&*key)?;
        let identity =
            Identity::new(key, self.certificate.clone(), &self.chain).map_err(|error| {
                let message = format!("the key at {} is not the authority's", self.address);
                Error::new(ErrorKind::CertificateMismatch, message).with_source(error)
            })?;
        Ok((identity.with_key_name(self.address.to_string()), scheme))
    }
}

/// Makes the path of a key file independent of the working directory, since the authority is used from others too.
fn absolute(address: &KeyAddress) -> Result<KeyAddress, Error> {
    match address {
        KeyAddress::File(path) => std::path::absolute(path)
            .map(KeyAddress::File)
            .map_err(|error| Error::io("find", path, error)),
        other => Ok(other.clone()),
    }
}

/// Stops where a certificate would break a rule, with every rule it breaks.
///
/// # Errors
/// [`ErrorKind::Refused`] naming all of them.
pub fn refuse_findings(findings: &[IssuanceFinding]) -> Result<(), Error> {
    if findings.is_empty() {
        return Ok(());
    }
    let list: Vec<String> =
        findings.iter().map(|finding| format!("{finding} ({})", finding.name())).collect();
    let message = format!("the certificate is not signed: {}", list.join("; "));
    Err(Error::new(ErrorKind::Refused, message))
}
