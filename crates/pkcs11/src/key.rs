//! A private key in a token.

use core::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, KeyInfo, KeyQuery, PublicKey, Signature, SignatureScheme,
    SigningKey, ecdsa_der_from_fixed,
};

use crate::mechanism::{Plan, plans};
use crate::raw::{ObjectHandle, Session};
use crate::retry::loses_handles;
use crate::store::KeyObject;
use crate::token::Credential;
use crate::{TokenStore, Uri};

/// The length of `R ‖ S` in bytes (RFC 8032 section 5.1.6).
const ED25519_SIGNATURE_LEN: usize = 64;

/// A private key that a token signs with and never gives away.
///
/// It may be used from many threads; each signature takes a session of the token's pool. Where the key wants
/// its PIN before every signature (`CKA_ALWAYS_AUTHENTICATE`), the PIN source is asked every time.
pub struct Pkcs11Key {
    store: TokenStore,
    info: KeyInfo,
    address: Uri,
    public_key: PublicKey,
    plans: Vec<Plan>,
    schemes: Vec<SignatureScheme>,
    always_authenticate: bool,
    /// The object in the sessions of one login, forgotten when the token does not know it any more.
    handle: Mutex<Option<Found>>,
}

/// A handle, and the login it was found in: after another one the number may mean another object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    handle: ObjectHandle,
    epoch: u64,
}

impl Pkcs11Key {
    /// Takes an object that was found in the login of that epoch.
    pub(crate) fn new(store: TokenStore, object: KeyObject, epoch: u64) -> Result<Self, KeyError> {
        let address = store.address_of(&object);
        let info = object.info(store.token().address());
        if !object.can_sign {
            return Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("key `{address}` is not for signing (CKA_SIGN is false)"),
            ));
        }
        let public_key = object.public_key.ok_or_else(|| {
            KeyError::new(
                KeyErrorKind::Malformed,
                format!("the token does not tell the public half of key `{address}`"),
            )
        })?;
        let mut available = store.token().signing_mechanisms()?.to_vec();
        if let Some(allowed) = &object.allowed_mechanisms {
            available.retain(|mechanism| allowed.contains(mechanism));
        }
        let plans = plans(public_key.algorithm(), &available);
        Ok(Self {
            schemes: plans.iter().map(|plan| plan.scheme).collect(),
            plans,
            public_key,
            info,
            address,
            always_authenticate: object.always_authenticate,
            handle: Mutex::new(Some(Found { handle: object.handle, epoch })),
            store,
        })
    }

    /// Returns the address that opens this key again.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.address
    }

    /// Returns what the token said of the key when it was opened.
    #[must_use]
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }

    /// Tells whether the key wants its PIN before every signature (`CKA_ALWAYS_AUTHENTICATE`).
    #[must_use]
    pub const fn asks_every_time(&self) -> bool {
        self.always_authenticate
    }

    fn plan(&self, scheme: SignatureScheme) -> Result<&Plan, KeyError> {
        self.plans.iter().find(|plan| plan.scheme == scheme).ok_or_else(|| {
            self.error(KeyErrorKind::UnsupportedScheme, &format!("does not sign with {scheme}"))
        })
    }

    fn make(&self, plan: &Plan, input: &[u8]) -> Result<Signature, KeyError> {
        // Asked for before a session is taken, and once even where the signature is tried twice.
        let credential = if self.always_authenticate {
            let pins = &**self.store.pins();
            self.store.token().login(pins)?;
            let name = self.info.label.as_deref().unwrap_or(&self.info.address);
            Some(self.store.token().credential_for_key(name, pins)?)
        } else {
            None
        };
        let made = self.store.run(|session| {
            let handle = self.look_up(session)?;
            let made = self.sign_in(session, handle, plan, input, credential.as_ref());
            if made.as_ref().is_err_and(loses_handles) {
                self.forget(handle);
            }
            made
        })?;
        self.in_x509_form(made)
    }

    /// The calls of one signature: start, log in for it where the key wants that, finish.
    fn sign_in(
        &self,
        session: &mut Session,
        handle: ObjectHandle,
        plan: &Plan,
        input: &[u8],
        credential: Option<&Credential>,
    ) -> Result<Vec<u8>, KeyError> {
        let failed = |error: crate::Pkcs11Error| {
            error.at(format!("key `{}` made no {} signature", self.address, plan.scheme))
        };
        session.sign_init(plan.mechanism, handle).map_err(failed)?;
        if let Some(credential) = credential {
            self.store.token().login_for_key(session, credential)?;
        }
        session.sign(input, self.signature_len()).map_err(failed)
    }

    /// Returns the object's handle, found afresh where the last one is no good any more.
    fn look_up(&self, session: &mut Session) -> Result<ObjectHandle, KeyError> {
        let epoch = self.store.token().epoch();
        if let Some(found) = *self.handle()
            && found.epoch == epoch
        {
            return Ok(found.handle);
        }
        let mut query = KeyQuery::any().with_public_key(self.public_key.clone());
        query.label.clone_from(&self.info.label);
        query.id.clone_from(&self.info.id);
        let mut found = self.store.search_in(session, &query)?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => {
                *self.handle() = Some(Found { handle: only.handle, epoch });
                Ok(only.handle)
            }
            (None, _) => Err(self.error(KeyErrorKind::NotFound, "is not in the token any more")),
            (Some(_), false) => {
                Err(self.error(KeyErrorKind::Ambiguous, "is in the token more than once by now"))
            }
        }
    }

    /// Forgets a handle, unless another thread has found the object again already.
    fn forget(&self, stale: ObjectHandle) {
        self.handle().take_if(|found| found.handle == stale);
    }

    fn handle(&self) -> MutexGuard<'_, Option<Found>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The length of what the mechanism gives, in bytes: of the modulus, of `r ‖ s`, or of `R ‖ S`.
    fn signature_len(&self) -> usize {
        match (self.public_key.algorithm(), self.public_key.modulus()) {
            (KeyAlgorithm::Ec(curve), _) => 2 * curve.field_len(),
            (KeyAlgorithm::Ed25519, _) => ED25519_SIGNATURE_LEN,
            (_, modulus) => modulus.map_or(0, <[u8]>::len),
        }
    }

    fn in_x509_form(&self, made: Vec<u8>) -> Result<Signature, KeyError> {
        let no_signature = || {
            let what = format!("gave {} bytes that are no signature by it", made.len());
            self.error(KeyErrorKind::Device, &what)
        };
        if made.len() != self.signature_len() {
            return Err(no_signature());
        }
        let bytes = match self.public_key.algorithm() {
            KeyAlgorithm::Ec(_) => {
                ecdsa_der_from_fixed(&made).map_err(|error| no_signature().with_source(error))?
            }
            _ => made,
        };
        Ok(Signature::from_x509_bytes(bytes))
    }

    fn error(&self, kind: KeyErrorKind, what: &str) -> KeyError {
        KeyError::new(kind, format!("key `{}` {what}", self.address))
    }
}

impl SigningKey for Pkcs11Key {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        let plan = self.plan(scheme)?;
        self.make(plan, &plan.input_from_message(message))
    }
}

impl DigestSigner for Pkcs11Key {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        let plan = self.plan(scheme)?;
        if digest.len() != scheme.digest().output_len() {
            let what = format!("was given {} bytes as a {} digest", digest.len(), scheme.digest());
            return Err(self.error(KeyErrorKind::Malformed, &what));
        }
        let input = plan.input_from_digest(digest).ok_or_else(|| {
            let what = format!("signs {scheme} over messages alone, not over digests");
            self.error(KeyErrorKind::UnsupportedScheme, &what)
        })?;
        self.make(plan, &input)
    }
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pkcs11Key")
            .field("address", &format_args!("{}", self.address))
            .field("public_key", &self.public_key)
            .field("schemes", &self.schemes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
