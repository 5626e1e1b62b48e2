//! Private keys in files.

use std::sync::atomic::{AtomicBool, Ordering};

use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, Pin, PinRequest, PinSource, SignatureScheme, SigningKey,
};
use chancery_sigverify::Verified;
use chancery_softkey::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, MAX_SCRYPT_WORK, SoftKey};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::read_documents;

/// What opens the encrypted seeds.
pub(crate) const PASSPHRASE: &[u8] = b"fuzz";

/// The most PBKDF2 iterations that are waited for, and the most bytes that scrypt may mix.
const MAX_WAIT: u64 = 1 << 18;

/// Reads the bytes as a key file. What is read signs, and is written and read again.
pub fn key_file(data: &[u8]) {
    let cost = Cost::declared_in(data);
    let pins =
        Passphrase { given: cost.is_some_and(Cost::is_small), asked: AtomicBool::new(false) };
    let key = SoftKey::from_bytes(data, &pins, "fuzz");
    if let (true, Some(cost)) = (pins.asked.into_inner(), cost) {
        assert!(cost.is_within_limits(), "asked before the cost was looked at: {cost:?}");
    }
    match key {
        Ok(key) => check_key(key),
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.is_empty() && !shown.contains('\n'), "{shown}");
        }
    }
}

/// What was read signs, and is written and read again.
pub(crate) fn check_key(key: SoftKey) {
    let plain = key.danger_to_plain_pem().expect("what was read is written");
    let again =
        SoftKey::from_pem(&plain, &Passphrase::none(), "plain").expect("what we write is read");
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(*again.danger_to_plain_pem().expect("once more"), *plain);
    assert!(!format!("{key:?}").contains("PRIVATE"));

    let is_rsa = matches!(key.public_key().algorithm(), KeyAlgorithm::Rsa { .. });
    let scheme = match key.public_key().algorithm() {
        KeyAlgorithm::Ec(_) => SignatureScheme::EcdsaSha256,
        KeyAlgorithm::Ed25519 => SignatureScheme::Ed25519,
        _ => SignatureScheme::RsaPkcs1Sha256,
    };
    let signed = Verified::new(key).sign(scheme, b"message");
    // Numbers that fit together and are no RSA key, as with a factor that is no prime, show here alone.
    assert!(signed.is_ok() || is_rsa, "{signed:?}");
}

/// What the key derivation of an encrypted key says it costs.
#[derive(Clone, Copy, Debug)]
enum Cost {
    Pbkdf2 { iterations: u64 },
    Scrypt { memory: u64, work: u64 },
}

impl Cost {
    /// Reads it from a file with one encrypted key. None where that is not plain to see.
    fn declared_in(data: &[u8]) -> Option<Self> {
        let documents = read_documents(data).ok()?;
        let [document] = documents.as_slice() else { return None };
        // EncryptedPrivateKeyInfo > AlgorithmIdentifier > PBES2-params > keyDerivationFunc > parameters.
        let mut at = Tlv::parse(&document.der).ok()?;
        for index in [0, 1, 0, 1] {
            at = at.expect(tag::SEQUENCE, "a structure").ok()?.reader().nth(index)?.ok()?;
        }
        let numbers: Vec<u64> = (at.reader().skip(1).map_while(Result::ok))
            .map_while(|number| number.small_integer().ok().map(u64::from))
            .collect();
        match *numbers.as_slice() {
            [n, r, p, ..] => {
                let memory = n.saturating_mul(r).saturating_mul(128);
                Some(Self::Scrypt { memory, work: memory.saturating_mul(p) })
            }
            [iterations, ..] => Some(Self::Pbkdf2 { iterations }),
            [] => None,
        }
    }

    const fn is_small(self) -> bool {
        match self {
            Self::Pbkdf2 { iterations } => iterations <= MAX_WAIT >> 6,
            Self::Scrypt { work, .. } => work <= MAX_WAIT,
        }
    }

    fn is_within_limits(self) -> bool {
        match self {
            Self::Pbkdf2 { iterations } => iterations <= u64::from(MAX_PBKDF2_ITERATIONS),
            Self::Scrypt { memory, work } => memory <= MAX_SCRYPT_MEMORY && work <= MAX_SCRYPT_WORK,
        }
    }
}

/// Gives the one passphrase where the key is cheap to open, and remembers whether it was asked for.
#[derive(Debug)]
struct Passphrase {
    given: bool,
    asked: AtomicBool,
}

impl Passphrase {
    const fn none() -> Self {
        Self { given: false, asked: AtomicBool::new(false) }
    }
}

impl PinSource for Passphrase {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        assert!(!self.asked.swap(true, Ordering::Relaxed), "asked for twice");
        if self.given {
            Ok(Pin::new(PASSPHRASE.to_vec()))
        } else {
            Err(KeyError::new(KeyErrorKind::AuthRequired, "it would take too long"))
        }
    }
}
