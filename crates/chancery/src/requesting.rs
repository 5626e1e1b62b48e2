//! Requests for certificates: as an INF asks for them, or like a certificate there is.

use std::path::Path;

use chancery_inf::Document;
use chancery_key::{KeyAlgorithm, KeyErrorKind, KeyTemplate, SigningKey};
use chancery_x509::{
    Certificate, CertificationRequest, Extension, Notice, RequestBuilder, RequestKind,
    RequestPolicy, SerialNumber, Time, oid, read_certificates,
};

use crate::{Error, ErrorKind, KeyAddress, Keyring, ProviderKeys, read_small_file};

/// What came of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Requested {
    /// What was asked for.
    pub product: Product,
    /// Whether the key was made for it.
    pub made_key: bool,
    /// What a person should know about the INF.
    pub notices: Vec<Notice>,
}

/// What an INF can ask for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Product {
    /// A certification request.
    Request(Box<CertificationRequest>),
    /// A certificate signed with its own key.
    SelfSigned(Box<Certificate>),
}

/// Makes what an INF for certreq asks for, with the key at an address: the one that is there, or a new one of the
/// kind the INF names.
///
/// # Errors
/// [`ErrorKind::Malformed`] with the line and column for an INF that is not in order; [`ErrorKind::Usage`] where
/// the key there is of another kind; [`ErrorKind::Key`].
pub fn request_from_inf(
    path: &Path,
    address: &KeyAddress,
    keyring: &Keyring,
    now: Time,
) -> Result<Requested, Error> {
    let (policy, notices) = read_request_inf(path)?;
    let wish = policy.key();
    let template = wish.template();
    let (key, made_key) = open_or_make(address, keyring, wish.algorithm, template)?;
    Ok(Requested { product: product(&policy, &*key, now)?, made_key, notices })
}

fn product(policy: &RequestPolicy, key: &dyn SigningKey, now: Time) -> Result<Product, Error> {
    let failed = |error| Error::of_certificate("make the request", error);
    Ok(match policy.kind() {
        RequestKind::SelfSigned(_) => {
            let serial = SerialNumber::random().map_err(failed)?;
            let certificate = policy.self_sign(key, now, serial).map_err(failed)?;
            Product::SelfSigned(Box::new(certificate))
        }
        _ => Product::Request(Box::new(policy.sign(key).map_err(failed)?)),
    })
}

/// What an INF says of the key it is for, and of who is to have it.
///
/// # Errors
/// [`ErrorKind::Malformed`] with the line and column for an INF that is not in order, [`ErrorKind::Io`].
pub fn read_request_inf(path: &Path) -> Result<(RequestPolicy, Vec<Notice>), Error> {
    let inf = Document::from_bytes(&read_small_file(path)?)
        .map_err(|error| Error::malformed(path, error))?;
    RequestPolicy::from_inf(&inf).map_err(|error| Error::malformed(path, error))
}

/// Makes what an INF asks for with a key in a container of a provider, as [`request_from_inf`] does at an address. The
/// key comes back too, so that the request can be remembered.
///
/// # Errors
/// As [`request_from_inf`].
pub fn request_in_container(
    policy: &RequestPolicy,
    container: &str,
    provider: &ProviderKeys,
    now: Time,
) -> Result<(Product, Box<dyn SigningKey>), Error> {
    let wish = policy.key();
    let address = provider.address_of(container);
    let (key, _) = open_or_make(&address, provider.keyring(), wish.algorithm, wish.template())?;
    Ok((product(policy, &*key, now)?, key))
}

/// Extensions that the certificate authority adds, whatever the request says.
const ISSUERS: [&str; 6] = [
    // authorityInfoAccess, certificatePolicies, cRLDistributionPoints, signed certificate timestamps, and the
    // template's name and number of a Windows authority.
    "1.3.6.1.5.5.7.1.1",
    "2.5.29.32",
    "2.5.29.31",
    "1.3.6.1.4.1.11129.2.4.2",
    "1.3.6.1.4.1.311.20.2",
    "1.3.6.1.4.1.311.21.7",
];

fn is_issuers(extension: &Extension) -> bool {
    matches!(extension.oid, oid::SUBJECT_KEY_IDENTIFIER | oid::AUTHORITY_KEY_IDENTIFIER)
        || ISSUERS.contains(&extension.oid.to_string().as_str())
}

/// Makes a request like an old certificate, for the key at an address: its subject and extensions, under a key of
/// its kind, which is made where there is none.
///
/// # Errors
/// [`ErrorKind::Malformed`] for a file that is no certificate; [`ErrorKind::Usage`] where the key there is of
/// another kind; [`ErrorKind::Key`].
pub fn request_like(
    path: &Path,
    address: &KeyAddress,
    keyring: &Keyring,
) -> Result<Requested, Error> {
    let certificates = read_certificates(&read_small_file(path)?)
        .map_err(|error| Error::malformed(path, error))?;
    let Some(old) = certificates.first() else {
        return Err(Error::new(ErrorKind::Malformed, format!("{} is empty", path.display())));
    };
    let algorithm = old.public_key().algorithm();
    let template = Some(KeyTemplate::new(algorithm));
    let (key, made_key) = open_or_make(address, keyring, algorithm, template)?;
    let mut builder = RequestBuilder::new(old.subject().clone());
    for extension in old.extensions().iter().filter(|extension| !is_issuers(extension)) {
        builder = builder.extension(extension.oid, extension.critical, extension.value.clone());
    }
    let scheme = crate::keys::conventional_scheme(&*key)?;
    let request = builder
        .sign(&*key, scheme)
        .map_err(|error| Error::of_certificate("make the request", error))?;
    Ok(Requested { product: Product::Request(Box::new(request)), made_key, notices: Vec::new() })
}

/// Opens the key at an address if it is of the kind wanted, or makes it by the template.
fn open_or_make(
    address: &KeyAddress,
    keyring: &Keyring,
    algorithm: KeyAlgorithm,
    template: Option<KeyTemplate>,
) -> Result<(Box<dyn SigningKey>, bool), Error> {
    match (keyring.open(address), template) {
        (Ok(key), _) if key.public_key().algorithm() == algorithm => Ok((key, false)),
        (Ok(key), _) => Err(Error::new(
            ErrorKind::Usage,
            format!(
                "the key at {address} is of type {}, where {algorithm} is asked for",
                key.public_key().algorithm()
            ),
        )),
        (Err(error), Some(template)) if error.kind() == ErrorKind::Key(KeyErrorKind::NotFound) => {
            Ok((keyring.generate(address, template)?.1, true))
        }
        (Err(error), _) => Err(error),
    }
}
