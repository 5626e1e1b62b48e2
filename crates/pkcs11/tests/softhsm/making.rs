//! Making key pairs.

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyQuery, KeyStore, KeyTemplate, SigningKey,
};
use chancery_testkit::conformance;
use chancery_testkit::softhsm::{SoftHsm, isolated};

use crate::{PIN, make, new_token, sign_and_verify};

const KINDS: [(&str, KeyAlgorithm); 6] = [
    ("rsa-2048", KeyAlgorithm::Rsa { bits: 2048 }),
    ("rsa-3072", KeyAlgorithm::Rsa { bits: 3072 }),
    ("p256", KeyAlgorithm::Ec(EcCurve::P256)),
    ("p384", KeyAlgorithm::Ec(EcCurve::P384)),
    ("p521", KeyAlgorithm::Ec(EcCurve::P521)),
    ("ed25519", KeyAlgorithm::Ed25519),
];

#[test]
fn keys_of_every_type_sign_and_do_not_leave() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        for (label, algorithm) in KINDS {
            let (info, key) =
                store.generate(&KeyTemplate::new(algorithm).with_label(label)).unwrap();
            assert_eq!(key.public_key().algorithm(), algorithm);
            assert_eq!(info.public_key.as_ref(), Some(key.public_key()));
            assert_eq!(info.label.as_deref(), Some(label));
            assert_eq!(info.never_extractable, Some(true));
            assert!(info.can_sign);
            sign_and_verify(&key);
        }
        let listed = list_private(hsm);
        assert_eq!(listed.matches("Private Key Object").count(), KINDS.len(), "{listed}");
        assert_eq!(
            listed
                .matches("Access:     sensitive, always sensitive, never extractable, local")
                .count(),
            KINDS.len(),
            "{listed}"
        );
        assert_eq!(listed.matches("Usage:      sign").count(), KINDS.len(), "{listed}");
        for forbidden in ["decrypt", "unwrap", "derive"] {
            assert!(!listed.contains(forbidden), "{forbidden}: {listed}");
        }
    });
}

fn list_private(hsm: &SoftHsm) -> String {
    hsm.pkcs11_tool(["--token-label", "build", "--login", "--pin", PIN, "-O", "--type", "privkey"])
}

#[test]
fn the_identifier_is_the_hash_of_the_public_key_on_both_halves() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        let id = key.info().id.clone().unwrap();
        assert_eq!(id, sha1_by_openssl(hsm, key.public_key().subject_public_key()));
        let hex: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
        let listed = hsm.pkcs11_tool(["--token-label", "build", "--login", "--pin", PIN, "-O"]);
        assert_eq!(listed.matches(&hex).count(), 2, "{listed}");
    });
}

fn sha1_by_openssl(hsm: &SoftHsm, bytes: &[u8]) -> Vec<u8> {
    let file = hsm.dir().join("bits");
    std::fs::write(&file, bytes).unwrap();
    let output = chancery_testkit::openssl::openssl([
        "dgst".as_ref(),
        "-sha1".as_ref(),
        "-binary".as_ref(),
        file.as_os_str(),
    ]);
    assert!(output.status.success());
    output.stdout
}

#[test]
fn a_label_or_identifier_is_given_to_one_key() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let algorithm = KeyAlgorithm::Ec(EcCurve::P256);
        let template = KeyTemplate::new(algorithm).with_label("release").with_id(vec![1, 0, 255]);
        let key = store.generate_key(&template).unwrap();
        assert_eq!(key.info().id, Some(vec![1, 0, 255]));
        assert_eq!(
            key.uri().to_string(),
            "pkcs11:token=build;object=release;id=%01%00%FF;type=private"
        );
        for taken in [
            KeyTemplate::new(algorithm).with_label("release"),
            KeyTemplate::new(algorithm).with_id(vec![1, 0, 255]),
        ] {
            let error = store.generate_key(&taken).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::AlreadyExists);
            assert!(error.to_string().contains("object=release"), "{error}");
        }
        assert!(store.find(&KeyQuery::any()).unwrap().one().is_some(), "nothing was made");
    });
}

#[test]
fn a_type_that_is_not_made_leaves_nothing_behind() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let error =
            store.generate_key(&KeyTemplate::new(KeyAlgorithm::Rsa { bits: 1024 })).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotPermitted);
        assert_eq!(store.find(&KeyQuery::any()).unwrap(), chancery_key::Match::None);
    });
}

#[test]
fn keys_and_store_conform_to_the_seam() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let kinds = ["rsa-2048", "p256", "p384", "ed25519"];
        for (label, algorithm) in KINDS.into_iter().filter(|(label, _)| kinds.contains(label)) {
            let template = KeyTemplate::new(algorithm).with_label(label);
            let report = conformance::check_store(&store, &template)
                .unwrap_or_else(|failures| panic!("{label}: {failures:#?}"));
            assert!(report.total() > 0);
            let key = store.open_key(&chancery_pkcs11::Uri::new().with_object(label)).unwrap();
            conformance::check(&key).unwrap_or_else(|failures| panic!("{label}: {failures:#?}"));
            conformance::check_digest_signer(&key)
                .unwrap_or_else(|failures| panic!("{label}: {failures:#?}"));
        }
    });
}
