//! The crate against SoftHSM, every test in a process and a token directory of its own.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::expect_used,
    clippy::panic,
    reason = "the way of a test to fail is a panic"
)]

#[cfg(target_os = "linux")]
mod broken_modules;
mod certificates;
mod faults;
mod finding;
mod life;
mod login;
mod making;
mod modules;
mod pins;
mod processes;
mod signing;

use std::sync::Arc;

use chancery_key::{KeyAlgorithm, KeyTemplate, SigningKey};
use chancery_pkcs11::{Module, Pkcs11Key, Token, TokenStore, Uri};
use chancery_testkit::softhsm::SoftHsm;

use pins::Pins;

const PIN: &str = "4711";

/// A store over a new token of this label.
fn new_token(hsm: &SoftHsm, label: &str) -> TokenStore {
    hsm.init_token(label, PIN);
    store(hsm, label, Pins::of(PIN))
}

fn store(hsm: &SoftHsm, label: &str, pins: Arc<Pins>) -> TokenStore {
    let module = Module::load(hsm.module()).unwrap();
    TokenStore::new(Token::open(&module, &Uri::new().with_token(label)).unwrap(), pins)
}

fn make(store: &TokenStore, label: &str, algorithm: KeyAlgorithm) -> Pkcs11Key {
    store.generate_key(&KeyTemplate::new(algorithm).with_label(label)).unwrap()
}

/// Signs with every scheme the key has, and lets somebody else's mathematics judge.
fn sign_and_verify(key: &dyn SigningKey) {
    assert!(!key.schemes().is_empty());
    for scheme in key.schemes().iter().copied() {
        let signature = key.sign(scheme, b"message").unwrap();
        chancery_sigverify::verify(key.public_key(), scheme, b"message", signature.as_bytes())
            .unwrap_or_else(|error| panic!("{scheme}: {error}"));
    }
}
