//! Certificates, and software keys with theirs, in the forms other tools want.

use chancery_cms::certificate_bundle;
use chancery_key::Pin;
use chancery_key::SigningKey as _;
use chancery_softkey::SoftKey;
use chancery_x509::{Certificate, to_pem};

use crate::{Error, ErrorKind};

/// How certificates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateForm {
    /// One PEM block after the other (RFC 7468 section 5).
    Pem,
    /// The DER of one certificate.
    Der,
    /// A PKCS#7 bundle in PEM (RFC 7468 section 8), as in `.p7b`.
    Pkcs7Pem,
    /// A PKCS#7 bundle in DER.
    Pkcs7Der,
}

/// Writes certificates.
///
/// # Errors
/// [`ErrorKind::Usage`] where there are several and the form is for one.
pub fn export_certificates(
    certificates: &[Certificate],
    form: CertificateForm,
) -> Result<Vec<u8>, Error> {
    Ok(match (form, certificates) {
        (CertificateForm::Pem, all) => {
            all.iter().map(|one| to_pem("CERTIFICATE", one.as_der())).collect::<String>().into()
        }
        (CertificateForm::Der, [one]) => one.as_der().to_vec(),
        (CertificateForm::Der, all) => {
            let message = format!("DER is for one certificate, and there are {}", all.len());
            return Err(Error::new(ErrorKind::Usage, message));
        }
        (CertificateForm::Pkcs7Pem, all) => to_pem("PKCS7", &certificate_bundle(all)).into(),
        (CertificateForm::Pkcs7Der, all) => certificate_bundle(all),
    })
}

/// Writes a software key and its certificates as a PKCS#12 file under a password. The key's own certificate
/// comes first, wherever it stands.
///
/// # Errors
/// [`ErrorKind::CertificateMismatch`] where none is the key's; [`ErrorKind::Key`] where the file cannot be
/// made.
pub fn export_pkcs12(
    key: &SoftKey,
    certificates: &[Certificate],
    password: &Pin,
) -> Result<Vec<u8>, Error> {
    let (own, others): (Vec<_>, Vec<_>) =
        certificates.iter().partition(|one| one.public_key() == key.public_key());
    let Some(first) = own.first() else {
        return Err(Error::new(
            ErrorKind::CertificateMismatch,
            "none of the certificates belongs to the key",
        ));
    };
    let der: Vec<&[u8]> = own.iter().chain(&others).map(|one| one.as_der()).collect();
    Ok(key.to_pkcs12(&der, &first.subject().to_string(), password)?)
}
