//! The decorator that checks a key's work.

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, PublicKey, Signature, SignatureScheme,
    SigningKey,
};
use chancery_sigverify::{Verified, VerifyError, digest};
use chancery_softkey::SoftKey;

use super::support::soft_key;

const SCHEME: SignatureScheme = SignatureScheme::EcdsaSha256;

/// A key that flips one bit of each signature.
#[derive(Debug)]
struct Faulty(SoftKey);

impl Faulty {
    fn spoil(signature: Signature) -> Signature {
        let mut bytes = signature.into_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        Signature::from_x509_bytes(bytes)
    }
}

impl SigningKey for Faulty {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn schemes(&self) -> &[SignatureScheme] {
        self.0.schemes()
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Signature, KeyError> {
        self.0.sign(scheme, message).map(Self::spoil)
    }
}

impl DigestSigner for Faulty {
    fn sign_digest(&self, scheme: SignatureScheme, digest: &[u8]) -> Result<Signature, KeyError> {
        self.0.sign_digest(scheme, digest).map(Self::spoil)
    }
}

fn assert_withheld(outcome: Result<Signature, KeyError>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Device);
    assert_eq!(
        error.to_string(),
        "the device gave back something that is no ecdsa-sha256 signature by its own key"
    );
    let source = core::error::Error::source(&error).unwrap();
    assert_eq!(source.downcast_ref(), Some(&VerifyError::BadSignature));
}

#[test]
fn withholds_a_signature_that_does_not_verify() {
    let key = Verified::new(Faulty(soft_key(KeyAlgorithm::Ec(EcCurve::P256))));
    let digest = digest(SCHEME.digest(), b"message");
    assert!(key.get_ref().sign(SCHEME, b"message").is_ok(), "the key itself hands it out");
    assert_withheld(key.sign(SCHEME, b"message"));
    assert_withheld(key.sign_digest(SCHEME, &digest));
}

#[test]
fn says_which_key_it_was() {
    let address = "pkcs11:token=build;object=release";
    let key = Verified::new(Faulty(soft_key(KeyAlgorithm::Ed25519))).with_name(address);
    let error = key.sign(SignatureScheme::Ed25519, b"message").unwrap_err();
    assert_eq!(
        error.to_string(),
        "key `pkcs11:token=build;object=release` gave back something that is no ed25519 signature by it"
    );
}

#[test]
fn hands_out_what_verifies_and_is_the_key_inside_otherwise() {
    let inner = soft_key(KeyAlgorithm::Ec(EcCurve::P256));
    let expected = inner.sign(SCHEME, b"message").unwrap();
    let key = Verified::new(inner);
    assert_eq!(key.sign(SCHEME, b"message").unwrap(), expected);
    let digest = digest(SCHEME.digest(), b"message");
    assert_eq!(key.sign_digest(SCHEME, &digest).unwrap(), expected);
    assert_eq!(key.public_key(), key.get_ref().public_key());
    assert_eq!(key.schemes(), key.get_ref().schemes());
    let error = key.sign(SignatureScheme::RsaPkcs1Sha256, b"message").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
}

#[test]
fn wraps_a_key_behind_a_trait_object() {
    let boxed: Box<dyn SigningKey> = Box::new(soft_key(KeyAlgorithm::Ec(EcCurve::P384)));
    let key: Box<dyn SigningKey> = Box::new(Verified::new(boxed));
    assert!(key.sign(SignatureScheme::EcdsaSha384, b"message").is_ok());
}
