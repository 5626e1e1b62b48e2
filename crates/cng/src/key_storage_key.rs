//! A key of a key storage provider.

use core::fmt;
use std::sync::{Mutex, PoisonError};

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, SchemeFamily, Signature,
    SignatureScheme, SigningKey, ecdsa_der_from_fixed,
};

use crate::digest::{check_len, digest, unsupported};
use crate::ffi::{CngKey, Padding, Provider};
use crate::{Address, CngError, SOFTWARE_PROVIDER, Service, blob};

/// A key of a key storage provider (CNG): RSA by PKCS#1 v1.5 and PSS, and ECDSA.
///
/// The scheme that is asked for is the one that the provider is asked for; what it cannot do, it refuses. One
/// call at a time reaches the provider.
pub struct KeyStorageKey {
    name: String,
    public_key: PublicKey,
    schemes: Vec<SignatureScheme>,
    key: Mutex<CngKey>,
}

impl KeyStorageKey {
    /// Opens the key at an address.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where the provider has no such key, [`KeyErrorKind::Malformed`] for the address
    /// of a key in a service provider.
    pub fn open(address: &Address) -> Result<Self, KeyError> {
        if address.service != Service::KeyStorage {
            let message = format!("`{address}` names a key of a service provider");
            return Err(KeyError::new(KeyErrorKind::Malformed, message));
        }
        let container = crate::open::container(address)?;
        let key = Provider::open(&address.provider)
            .and_then(|provider| provider.open_key(container, address.machine))
            .map_err(|error| error.at(format!("cannot open {address}")))?;
        Self::new(address.to_string(), key)
    }

    /// Makes a key that is gone when it is dropped, in the memory of Windows' own provider.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotPermitted`] for a type that the provider does not make.
    pub fn ephemeral(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let name = format!("of a new {algorithm}");
        let failed = |error: CngError| error.at(format!("cannot make a key {name}"));
        let provider = Provider::open(SOFTWARE_PROVIDER).map_err(failed)?;
        let key = generate(&provider, algorithm, None, false)?;
        Self::new(name, key)
    }

    /// Takes over an open key.
    pub(crate) fn new(name: String, key: CngKey) -> Result<Self, KeyError> {
        let public_key = read_public_key(&key, &name)?;
        let algorithm = public_key.algorithm();
        let schemes =
            SignatureScheme::ALL.into_iter().filter(|scheme| scheme.fits(algorithm)).collect();
        Ok(Self { name, public_key, schemes, key: Mutex::new(key) })
    }
}

/// Reads the public half of a key.
pub(crate) fn read_public_key(key: &CngKey, name: &str) -> Result<PublicKey, KeyError> {
    let message = || format!("cannot read the public half of {name}");
    let is_rsa = key.algorithm_group().map_err(|error| error.at(message()))? == "RSA";
    let read = key.public_blob(is_rsa).map_err(|error| error.at(message()))?;
    blob::public_key_from_cng_blob(&read)
        .map_err(|error| KeyError::new(KeyErrorKind::Malformed, message()).with_source(error))
}

/// Makes a key that signs and cannot be exported.
pub(crate) fn generate(
    provider: &Provider,
    algorithm: KeyAlgorithm,
    name: Option<&str>,
    machine: bool,
) -> Result<CngKey, KeyError> {
    // Algorithm identifiers of bcrypt.h.
    let (identifier, bits) = match algorithm {
        KeyAlgorithm::Rsa { bits } => ("RSA", Some(bits)),
        KeyAlgorithm::Ec(EcCurve::P256) => ("ECDSA_P256", None),
        KeyAlgorithm::Ec(EcCurve::P384) => ("ECDSA_P384", None),
        KeyAlgorithm::Ec(EcCurve::P521) => ("ECDSA_P521", None),
        other => {
            let message = format!("key storage providers make no key of {other}");
            return Err(KeyError::new(KeyErrorKind::NotPermitted, message));
        }
    };
    let failed = |error: CngError| {
        let name = name.unwrap_or("without a name");
        error.at(format!("cannot make the key {name} of {algorithm}"))
    };
    let key = provider.create_key(identifier, name, machine).map_err(failed)?;
    if let Some(bits) = bits {
        key.set_length(bits).map_err(failed)?;
    }
    key.allow_signing_alone().map_err(failed)?;
    key.finalize().map_err(failed)?;
    Ok(key)
}

impl SigningKey for KeyStorageKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        self.sign_digest(scheme, &digest(scheme.digest(), message))
    }
}

impl DigestSigner for KeyStorageKey {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        if !self.schemes.contains(&scheme) {
            return Err(unsupported(&self.name, scheme));
        }
        check_len(scheme, digest)?;
        let padding = match scheme.family() {
            SchemeFamily::RsaPkcs1 => Padding::Pkcs1(scheme.digest()),
            SchemeFamily::RsaPss => Padding::Pss(scheme.digest()),
            SchemeFamily::Ecdsa => Padding::None,
            // No provider has such a key, so none shows it either.
            SchemeFamily::EdDsa => return Err(unsupported(&self.name, scheme)),
        };
        let key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let signature = key
            .sign(padding, digest)
            .map_err(|error| error.at(format!("cannot sign with {}", self.name)))?;
        let signature = match padding {
            Padding::None => ecdsa_der_from_fixed(&signature)?,
            Padding::Pkcs1(_) | Padding::Pss(_) => signature,
        };
        Ok(Signature::from_x509_bytes(signature))
    }
}

impl fmt::Debug for KeyStorageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyStorageKey({})", self.name)
    }
}
