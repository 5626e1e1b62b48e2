//! Keys in memory of the key storage provider that every Windows has.

use chancery_cng::KeyStorageKey;
use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, SchemeFamily, Signature, SignatureScheme,
    SigningKey,
};
use chancery_testkit::conformance::{self, Check};

/// A key that does one family of schemes alone. Wine keeps a key to the padding of its first PSS signature, so no
/// one key can show both.
#[derive(Debug)]
struct OneFamily {
    key: KeyStorageKey,
    schemes: Vec<SignatureScheme>,
}

impl OneFamily {
    fn new(family: SchemeFamily) -> Self {
        let key = KeyStorageKey::ephemeral(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
        let schemes =
            key.schemes().iter().copied().filter(|scheme| scheme.family() == family).collect();
        Self { key, schemes }
    }
}

impl SigningKey for OneFamily {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        if !self.schemes.contains(&scheme) {
            return Err(KeyError::new(KeyErrorKind::UnsupportedScheme, "another family"));
        }
        self.key.sign(scheme, message)
    }
}

fn conforms(family: SchemeFamily, signatures: usize) {
    let report = conformance::check(&OneFamily::new(family)).unwrap_or_else(|failures| {
        let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    });
    assert_eq!(report.passed[&Check::Verifies], signatures, "{report}");
}

#[test]
fn an_rsa_key_in_memory_conforms_by_pkcs1() {
    // Seven messages with four hash functions.
    conforms(SchemeFamily::RsaPkcs1, 28);
}

#[test]
fn an_rsa_key_in_memory_conforms_by_pss() {
    // Seven messages with three hash functions.
    conforms(SchemeFamily::RsaPss, 21);
}

#[test]
fn what_no_rsa_key_does_is_refused() {
    let key = KeyStorageKey::ephemeral(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
    let refused = key.sign(SignatureScheme::EcdsaSha256, b"message").unwrap_err();
    assert_eq!(refused.kind(), KeyErrorKind::UnsupportedScheme);
}

#[test]
fn two_keys_in_memory_differ() {
    let make = || KeyStorageKey::ephemeral(KeyAlgorithm::Rsa { bits: 1024 }).unwrap();
    assert_ne!(make().public_key(), make().public_key());
}
