//! Key storage providers before a **test double** of `ncrypt.dll`, which was written from Microsoft's documentation:
//! what is proved is that we call as we think it says, and nothing about Windows.
//!
//! `cargo xtask windows` builds the double, puts it in the place of wine's own, and runs these.

#![cfg(windows)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

use chancery_cng::{Address, KeyStorage, KeyStorageKey, key_storage_providers};
use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyQuery, KeyStore, KeyTemplate, Match,
    SigningKey,
};
use chancery_testkit::conformance::{self, Check};

const DOUBLE: &str = "Chancery Test Double";

fn passed(template: &KeyTemplate) -> conformance::Report {
    let store = KeyStorage::new(DOUBLE);
    conformance::check_store(&store, template).unwrap_or_else(|failures| {
        let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

#[test]
#[ignore = "needs the double of ncrypt.dll: cargo xtask windows"]
fn the_double_is_what_answers() {
    assert_eq!(key_storage_providers().unwrap(), [DOUBLE]);
}

#[test]
#[ignore = "needs the double of ncrypt.dll: cargo xtask windows"]
fn keys_on_curves_conform_as_store_and_generator() {
    for curve in [EcCurve::P256, EcCurve::P384] {
        let label = format!("conformance {curve}");
        let report = passed(&KeyTemplate::new(KeyAlgorithm::Ec(curve)).with_label(label));
        // Seven messages with four hash functions.
        assert_eq!(report.passed[&Check::Verifies], 28, "{report}");
    }
}

#[test]
#[ignore = "needs the double of ncrypt.dll: cargo xtask windows"]
fn an_rsa_key_is_made_found_opened_and_removed() {
    let store = KeyStorage::new(DOUBLE);
    let template = KeyTemplate::new(KeyAlgorithm::Rsa { bits: 2048 }).with_label("release ✓");
    let (made, key) = store.generate(&template).unwrap();
    let public_key = key.public_key().clone();
    drop(key);
    let address = Address::key_storage(DOUBLE, "release ✓");
    assert_eq!(made.address, address.to_string());
    let query = KeyQuery::any().with_public_key(public_key.clone());
    assert_eq!(store.find(&query).unwrap().one().unwrap().address, made.address);
    let opened = KeyStorageKey::open(&address).unwrap();
    assert_eq!(opened.public_key(), &public_key);
    let again = store.generate(&template).unwrap_err();
    assert_eq!(again.kind(), KeyErrorKind::AlreadyExists);
    drop(opened);
    store.delete("release ✓").unwrap();
    assert_eq!(store.find(&query).unwrap(), Match::None);
    assert_eq!(KeyStorageKey::open(&address).unwrap_err().kind(), KeyErrorKind::NotFound);
    assert_eq!(store.delete("release ✓").unwrap_err().kind(), KeyErrorKind::NotFound);
}

#[test]
#[ignore = "needs the double of ncrypt.dll: cargo xtask windows"]
fn a_provider_that_is_not_there_is_unavailable() {
    let address = Address::key_storage("No Such Provider", "release");
    let missing = KeyStorageKey::open(&address).unwrap_err();
    assert_eq!(missing.kind(), KeyErrorKind::Unavailable);
}
