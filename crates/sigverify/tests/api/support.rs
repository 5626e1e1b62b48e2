//! Reading the vectors.

use std::path::Path;

use chancery_key::{KeyAlgorithm, PublicKey, SignatureScheme};
use chancery_softkey::SoftKey;

pub(crate) fn data(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn message() -> Vec<u8> {
    data("message.bin")
}

pub(crate) fn public_key(name: &str) -> PublicKey {
    PublicKey::from_spki_der(&data(&format!("{name}.spki.der"))).unwrap()
}

/// Returns the signature that OpenSSL made by the key of that name in that scheme.
pub(crate) fn signature(name: &str, scheme: SignatureScheme) -> Vec<u8> {
    data(&format!("{name}.{scheme}.sig"))
}

pub(crate) fn soft_key(algorithm: KeyAlgorithm) -> SoftKey {
    SoftKey::generate(algorithm).unwrap()
}
