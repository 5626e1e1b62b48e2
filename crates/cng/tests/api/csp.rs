//! Keys of cryptographic service providers: they persist, so each test has containers of its own and
//! removes them.

use chancery_cng::{Address, CspKey, CspStore, KeySpec, open, service_providers};
use chancery_key::{
    KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyQuery, KeyStore, KeyTemplate, Match,
    SignatureScheme,
};
use chancery_testkit::conformance::{self, Check};

const PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";
const PROV_RSA_AES: u32 = 24;

fn store() -> CspStore {
    CspStore::new(PROVIDER, PROV_RSA_AES)
}

fn rsa() -> KeyTemplate {
    KeyTemplate::new(KeyAlgorithm::Rsa { bits: 2048 })
}

/// A container that is gone when the test is.
struct Container(String);

impl Container {
    fn new(test: &str) -> Self {
        let container = Self(format!("chancery {test} {}", std::process::id()));
        let _ = store().delete(&container.0);
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = store().delete(&self.0);
    }
}

#[test]
fn a_service_provider_conforms_as_store_and_generator() {
    let container = Container::new("conformance");
    let template = rsa().with_label(&container.0);
    let report = conformance::check_store(&store(), &template).unwrap_or_else(|failures| {
        let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    });
    assert!(report.passed[&Check::FindsGenerated] >= 5, "{report}");
    // Seven messages by PKCS#1 v1.5 with SHA-1, SHA-256, SHA-384 and SHA-512.
    assert_eq!(report.passed[&Check::Verifies], 28, "{report}");
}

#[test]
fn a_service_provider_signs_digests() {
    let container = Container::new("digests");
    store().generate(&rsa().with_label(&container.0)).unwrap();
    let address = Address::csp(PROVIDER, PROV_RSA_AES, &container.0, KeySpec::Signature);
    let key = CspKey::open(&address).unwrap();
    let report = conformance::check_digest_signer(&key).unwrap();
    assert_eq!(report.passed[&Check::SignsDigest], 4, "{report}");
}

#[test]
fn the_providers_that_every_windows_has_are_listed() {
    let found = service_providers().unwrap();
    assert!(
        found.iter().any(|provider| provider.name == PROVIDER && provider.kind == PROV_RSA_AES),
        "{found:?}"
    );
}

#[test]
fn what_is_not_there_is_said_to_be_missing() {
    let address = |text: &str| text.parse::<Address>().unwrap();
    let missing = open(&address(&format!("cng:provider={PROVIDER};type=24;container=none such")));
    assert_eq!(missing.unwrap_err().kind(), KeyErrorKind::NotFound);
    let nobody = open(&address("cng:provider=No Such Provider;type=24;container=none such"));
    assert_eq!(nobody.unwrap_err().kind(), KeyErrorKind::Unavailable);
    let other = CspKey::open(&address("cng:container=none such"));
    assert_eq!(other.unwrap_err().kind(), KeyErrorKind::Malformed);
}

#[test]
fn a_container_has_two_places_and_the_address_says_which() {
    let container = Container::new("places");
    let (made, _) = store().generate(&rsa().with_label(&container.0)).unwrap();
    let signature = Address::csp(PROVIDER, PROV_RSA_AES, &container.0, KeySpec::Signature);
    assert_eq!(made.address, signature.to_string());
    let exchange = Address::csp(PROVIDER, PROV_RSA_AES, &container.0, KeySpec::Exchange);
    assert_eq!(open(&exchange).unwrap_err().kind(), KeyErrorKind::NotFound);
}

#[test]
fn what_a_service_provider_does_not_do_is_refused() {
    let container = Container::new("refusals");
    let (_, key) = store().generate(&rsa().with_label(&container.0)).unwrap();
    let refused = key.sign(SignatureScheme::RsaPssSha256, b"message").unwrap_err();
    assert_eq!(refused.kind(), KeyErrorKind::UnsupportedScheme);
    let curve = KeyTemplate::new(KeyAlgorithm::Ec(chancery_key::EcCurve::P256));
    let refused = store().generate(&curve.with_label("a curve")).unwrap_err();
    assert_eq!(refused.kind(), KeyErrorKind::NotPermitted);
    let unnamed = store().generate(&rsa()).unwrap_err();
    assert_eq!(unnamed.kind(), KeyErrorKind::NotPermitted);
}

#[test]
fn a_container_named_outside_the_code_page_keeps_its_key() {
    let container = Container::new("Schlüssel");
    let (made, _) = store().generate(&rsa().with_label(&container.0)).unwrap();
    assert_eq!(
        open(&made.address.parse().unwrap()).unwrap().public_key(),
        &made.public_key.unwrap()
    );
}

#[test]
fn a_removed_container_is_gone() {
    let container = Container::new("removal");
    let (made, key) = store().generate(&rsa().with_label(&container.0)).unwrap();
    drop(key);
    store().delete(&container.0).unwrap();
    assert_eq!(store().find(&KeyQuery::any().with_label(&container.0)).unwrap(), Match::None);
    assert_eq!(store().open(&made).unwrap_err().kind(), KeyErrorKind::NotFound);
    assert!(store().delete(&container.0).is_err());
}
