//! Keys that are broken in one known way each, to prove that whoever should notice does.

use core::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, PublicKeyNumbers, Signature, SignatureScheme,
    SigningKey, ecdsa_fixed_from_der,
};

/// How a key is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Signs with another scheme of its own than the one asked for.
    SignsWithAnotherScheme,
    /// Signs with a scheme of its own when asked for one it does not do.
    SubstitutesScheme,
    /// Gives ECDSA signatures as `r ‖ s`, as tokens do.
    RawEcdsa,
    /// Leaves the last byte of every signature out.
    Truncates,
    /// Changes one bit in the middle of every signature, as a faulty device may.
    FlipsOneBit,
    /// Shows this public key, which is not its own.
    ShowsPublicKey(PublicKey),
    /// Shows this public key every other time.
    WaversPublicKey(PublicKey),
    /// Advertises this scheme, which it does not do.
    Overclaims(SignatureScheme),
    /// Refuses a scheme it does not do with an error of another kind.
    WrongErrorKind,
    /// Fails whenever two threads sign at once.
    OneAtATime,
}

/// A key with one fault. It is as good as the key inside in every other respect.
pub struct BrokenKey<K> {
    key: K,
    fault: Fault,
    schemes: Vec<SignatureScheme>,
    shown: AtomicUsize,
    busy: AtomicBool,
}

impl<K: SigningKey> BrokenKey<K> {
    /// Breaks a key.
    pub fn new(key: K, fault: Fault) -> Self {
        let mut schemes = key.schemes().to_vec();
        if let Fault::Overclaims(scheme) = fault {
            schemes.push(scheme);
        }
        Self { key, fault, schemes, shown: AtomicUsize::new(0), busy: AtomicBool::new(false) }
    }

    /// Returns a scheme the key really does, other than `scheme`.
    fn other_scheme(&self, scheme: SignatureScheme) -> SignatureScheme {
        *self.key.schemes().iter().find(|other| **other != scheme).unwrap()
    }

    /// Does to a request what the fault does, and has `sign` do the rest.
    fn sign_faultily(
        &self,
        scheme: SignatureScheme,
        sign: impl Fn(SignatureScheme) -> Result<Signature, KeyError>,
    ) -> Result<Signature, KeyError> {
        let does = self.key.schemes().contains(&scheme);
        match &self.fault {
            Fault::SignsWithAnotherScheme if does => sign(self.other_scheme(scheme)),
            Fault::SubstitutesScheme if !does => sign(self.other_scheme(scheme)),
            Fault::WrongErrorKind if !does => {
                Err(KeyError::new(KeyErrorKind::Device, "the device returned an error"))
            }
            Fault::RawEcdsa => {
                let signature = sign(scheme)?;
                let PublicKeyNumbers::Ec { curve, .. } = self.key.public_key().numbers() else {
                    return Ok(signature);
                };
                ecdsa_fixed_from_der(signature.as_bytes(), curve.field_len())
                    .map(Signature::from_x509_bytes)
            }
            Fault::Truncates => sign(scheme).map(|signature| {
                let mut bytes = signature.into_bytes();
                bytes.pop();
                Signature::from_x509_bytes(bytes)
            }),
            Fault::FlipsOneBit => sign(scheme).map(|signature| {
                let mut bytes = signature.into_bytes();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                Signature::from_x509_bytes(bytes)
            }),
            Fault::OneAtATime => {
                if self.busy.swap(true, Ordering::SeqCst) {
                    return Err(KeyError::new(KeyErrorKind::Unavailable, "the device is busy"));
                }
                // Long enough that threads started together meet.
                thread::sleep(Duration::from_millis(2));
                let signed = sign(scheme);
                self.busy.store(false, Ordering::SeqCst);
                signed
            }
            _ => sign(scheme),
        }
    }
}

impl<K: SigningKey> SigningKey for BrokenKey<K> {
    fn public_key(&self) -> &PublicKey {
        match &self.fault {
            Fault::ShowsPublicKey(shown) => shown,
            Fault::WaversPublicKey(shown)
                if !self.shown.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) =>
            {
                shown
            }
            _ => self.key.public_key(),
        }
    }

    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        self.sign_faultily(scheme, |scheme| self.key.sign(scheme, message))
    }
}

impl<K: DigestSigner> DigestSigner for BrokenKey<K> {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        self.sign_faultily(scheme, |scheme| self.key.sign_digest(scheme, digest))
    }
}

impl<K: SigningKey> fmt::Debug for BrokenKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm: KeyAlgorithm = self.key.public_key().algorithm();
        write!(f, "BrokenKey({algorithm}, {:?})", self.fault)
    }
}
