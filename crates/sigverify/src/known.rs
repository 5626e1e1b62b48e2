//! Signatures that were verified a moment ago.
//!
//! Whoever signs a thousand files verifies each signature twice, when the key made it and when it is in the file, and
//! whoever verifies a thousand meets the same certificates in each. Verifying is a function of its input: what held
//! holds, so inputs that did are known again by their hash. Failures are not remembered.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use chancery_key::{PublicKey, SignatureScheme};
use sha2::{Digest, Sha256};

/// How many are remembered before the older ones are forgotten, twice this at most: 64 KiB in all.
const GENERATION: usize = 1024;

static KNOWN: LazyLock<Mutex<Generations>> = LazyLock::new(Mutex::default);

/// The inputs of one verification, by their SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inputs([u8; 32]);

impl Inputs {
    pub(crate) fn of(
        key: &PublicKey,
        scheme: SignatureScheme,
        digest: &[u8],
        signature: &[u8],
    ) -> Self {
        let mut hash = Sha256::new();
        for part in [scheme.name().as_bytes(), key.spki_der(), digest, signature] {
            // Lengths first, so that no two inputs are one text.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// Tells whether these were verified, and the signature held.
    pub(crate) fn held(self) -> bool {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).recall(self)
    }

    /// Notes that the signature held.
    pub(crate) fn remember(self) {
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(self);
    }
}

/// What was used since about the last thousand new ones, and what was before.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Inputs>,
    old: HashSet<Inputs>,
}

impl Generations {
    fn recall(&mut self, inputs: Inputs) -> bool {
        if self.young.contains(&inputs) {
            return true;
        }
        let found = self.old.contains(&inputs);
        if found {
            self.insert(inputs);
        }
        found
    }

    fn insert(&mut self, inputs: Inputs) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(inputs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: usize) -> Inputs {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Inputs(bytes)
    }

    #[test]
    fn what_is_used_stays_known_and_what_is_not_is_forgotten() {
        let mut known = Generations::default();
        let (used, unused) = (numbered(0), numbered(1));
        known.insert(used);
        known.insert(unused);
        for number in 2..GENERATION * 5 {
            known.insert(numbered(number));
            assert!(known.recall(used));
            assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
        }
        assert!(!known.recall(unused));
    }

    #[test]
    fn inputs_that_differ_anywhere_are_others() {
        let key = |last| PublicKey::from_rsa_numbers(&[0xC5, 7, last], &[1, 0, 1]).unwrap();
        let scheme = SignatureScheme::RsaPkcs1Sha256;
        let one = Inputs::of(&key(1), scheme, b"digest", b"signature");
        assert_eq!(one, Inputs::of(&key(1), scheme, b"digest", b"signature"));
        for other in [
            Inputs::of(&key(3), scheme, b"digest", b"signature"),
            Inputs::of(&key(1), SignatureScheme::RsaPssSha256, b"digest", b"signature"),
            Inputs::of(&key(1), scheme, b"digesT", b"signature"),
            Inputs::of(&key(1), scheme, b"digest", b"signaturE"),
            Inputs::of(&key(1), scheme, b"digests", b"ignature"),
        ] {
            assert_ne!(one, other);
        }
    }
}
