//! Sets of certificates, requests and keys, and which of them belong together.

use std::collections::HashMap;

use chancery_key::{KeyInfo, Match, PublicKey, SigningKey};
use chancery_x509::{Certificate, CertificationRequest};

/// Something whose public key may be known.
pub trait HasPublicKey {
    /// Returns the public key; `None` where it cannot be told, as for a token that shows none.
    fn known_public_key(&self) -> Option<&PublicKey>;
}

impl HasPublicKey for PublicKey {
    fn known_public_key(&self) -> Option<&PublicKey> {
        Some(self)
    }
}

impl HasPublicKey for Certificate {
    fn known_public_key(&self) -> Option<&PublicKey> {
        Some(self.public_key())
    }
}

impl HasPublicKey for CertificationRequest {
    fn known_public_key(&self) -> Option<&PublicKey> {
        Some(self.public_key())
    }
}

impl HasPublicKey for KeyInfo {
    fn known_public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }
}

impl HasPublicKey for dyn SigningKey + '_ {
    fn known_public_key(&self) -> Option<&PublicKey> {
        Some(self.public_key())
    }
}

impl<T: HasPublicKey + ?Sized> HasPublicKey for &T {
    fn known_public_key(&self) -> Option<&PublicKey> {
        (**self).known_public_key()
    }
}

impl<T: HasPublicKey + ?Sized> HasPublicKey for Box<T> {
    fn known_public_key(&self) -> Option<&PublicKey> {
        (**self).known_public_key()
    }
}

/// Finds for each of `these` which of `those` have its public key, in the order of `those`.
///
/// Keys are compared as numbers. What has no known public key matches nothing. Takes time linear in both.
pub fn pair<'t, A: HasPublicKey, B: HasPublicKey>(
    these: &[A],
    those: &'t [B],
) -> Vec<Match<&'t B>> {
    let mut by_key: HashMap<&PublicKey, Vec<&'t B>> = HashMap::new();
    for one in those {
        if let Some(key) = one.known_public_key() {
            by_key.entry(key).or_default().push(one);
        }
    }
    let fitting = |one: &A| {
        let found = one.known_public_key().and_then(|key| by_key.get(key));
        Match::from(found.cloned().unwrap_or_default())
    };
    these.iter().map(fitting).collect()
}
