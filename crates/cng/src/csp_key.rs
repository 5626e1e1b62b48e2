//! A key of a cryptographic service provider.

use core::fmt;
use std::sync::{Mutex, PoisonError};

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    KeyError, KeyErrorKind, PublicKey, SchemeFamily, Signature, SignatureScheme, SigningKey,
};

use crate::digest::{check_len, unsupported};
use crate::ffi::Context;
use crate::{Address, CngError, KeySpec, Service, blob};

/// An RSA key in a container of a cryptographic service provider.
///
/// It signs by PKCS#1 v1.5, which is all that these providers do, with the hash functions that its provider has.
/// The provider hashes the message. One call at a time reaches the provider: `CryptoAPI` leaves it open
/// whether a handle may be used by two threads at once.
pub struct CspKey {
    name: String,
    spec: KeySpec,
    public_key: PublicKey,
    schemes: Vec<SignatureScheme>,
    context: Mutex<Context>,
}

impl CspKey {
    /// Opens the key at an address.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotFound`] where there is no such container or no such key in it,
    /// [`KeyErrorKind::Unavailable`] where there is no such provider, [`KeyErrorKind::Malformed`] for the address
    /// of a key that is in no service provider.
    pub fn open(address: &Address) -> Result<Self, KeyError> {
        let Service::Csp { kind, spec } = address.service else {
            let message = format!("`{address}` has no `type=` of a service provider");
            return Err(KeyError::new(KeyErrorKind::Malformed, message));
        };
        let container = crate::open::container(address)?;
        let context = Context::open(&address.provider, kind, container, address.machine)
            .map_err(|error| error.at(format!("cannot open {address}")))?;
        Self::new(address.to_string(), context, spec)
    }

    /// Takes over an open container.
    pub(crate) fn new(name: String, context: Context, spec: KeySpec) -> Result<Self, KeyError> {
        let public_key = read_public_key(&context, spec, &name)?;
        let schemes = SignatureScheme::ALL
            .into_iter()
            .filter(|scheme| scheme.family() == SchemeFamily::RsaPkcs1)
            .filter(|scheme| context.hashes(scheme.digest()))
            .collect();
        Ok(Self { name, spec, public_key, schemes, context: Mutex::new(context) })
    }

    fn check_scheme(&self, scheme: SignatureScheme) -> Result<(), KeyError> {
        let is_ours = self.schemes.contains(&scheme);
        if is_ours { Ok(()) } else { Err(unsupported(&self.name, scheme)) }
    }

    fn sign_in_turn(
        &self,
        scheme: SignatureScheme,
        sign: impl FnOnce(&Context) -> Result<Vec<u8>, CngError>,
    ) -> Result<Signature, KeyError> {
        self.check_scheme(scheme)?;
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        sign(&context)
            .map(Signature::from_x509_bytes)
            .map_err(|error| error.at(format!("cannot sign with {}", self.name)))
    }
}

/// Reads the public half of a container's key.
pub(crate) fn read_public_key(
    context: &Context,
    spec: KeySpec,
    name: &str,
) -> Result<PublicKey, KeyError> {
    let read = context
        .public_key_blob(spec)
        .map_err(|error| error.at(format!("cannot read the public half of {name}")))?;
    blob::public_key_from_csp_blob(&read).map_err(|error| {
        let message = format!("cannot read the public half of {name}");
        KeyError::new(KeyErrorKind::Malformed, message).with_source(error)
    })
}

impl SigningKey for CspKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        self.sign_in_turn(scheme, |context| context.sign(self.spec, scheme.digest(), message))
    }
}

impl DigestSigner for CspKey {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        self.check_scheme(scheme)?;
        check_len(scheme, digest)?;
        self.sign_in_turn(scheme, |context| context.sign_digest(self.spec, scheme.digest(), digest))
    }
}

impl fmt::Debug for CspKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CspKey({})", self.name)
    }
}
