//! A directory of key files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate,
    Match, Pin, PinPurpose, SigningKey,
};
use chancery_softkey::SoftKeyDirectory;

use super::support::{Passphrase, ec};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

fn store(dir: &Path) -> (SoftKeyDirectory, Arc<Passphrase>) {
    let pins = Arc::new(Passphrase::new("x"));
    (SoftKeyDirectory::new(dir, pins.clone()), pins)
}

fn all(store: &SoftKeyDirectory) -> Vec<KeyInfo> {
    match store.find(&KeyQuery::any()).unwrap() {
        Match::None => Vec::new(),
        Match::One(info) => vec![info],
        Match::Many(infos) => infos,
    }
}

#[test]
fn finds_keys_of_every_extension_and_passes_over_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let keys = [0; 4].map(|_| ec(EcCurve::P256));
    let der = |index: usize| {
        let pem = keys[index].danger_to_plain_pem().unwrap();
        pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1
    };
    fs::write(at("a.pem"), &*keys[0].danger_to_plain_pem().unwrap()).unwrap();
    fs::write(at("b.KEY"), &*keys[1].danger_to_plain_pem().unwrap()).unwrap();
    fs::write(at("c.der"), der(2)).unwrap();
    fs::write(at("d.p8"), der(3)).unwrap();
    fs::write(at("e.txt"), &*keys[0].danger_to_plain_pem().unwrap()).unwrap();
    fs::write(at("f.pem"), "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
        .unwrap();
    fs::write(at("g.der"), [0x30, 0x03, 0x02, 0x01, 0x00]).unwrap();
    fs::write(at("h.pem"), "-----BEGIN CERTIFICATE-----\nbroken").unwrap();
    fs::write(at("i.der"), vec![0x30; 2 * 1024 * 1024]).unwrap();
    fs::create_dir(at("j.pem")).unwrap();

    let (store, pins) = store(dir.path());
    let found = all(&store);
    let labels: Vec<_> = found.iter().map(|info| info.label.as_deref().unwrap()).collect();
    assert_eq!(labels, ["a", "b", "c", "d"]);
    for (info, key) in found.iter().zip(&keys) {
        assert_eq!(info.public_key.as_ref(), Some(key.public_key()));
        assert!(info.can_sign);
        assert_eq!(info.never_extractable, Some(false));
        assert_eq!(store.open(info).unwrap().public_key(), key.public_key());
    }
    assert_eq!(found[0].address, format!("file:{}", at("a.pem").display()));
    assert_eq!(pins.asked(), [], "plain keys need no passphrase");
}

#[test]
fn two_copies_of_a_key_are_many() {
    let dir = tempfile::tempdir().unwrap();
    let key = ec(EcCurve::P256);
    for name in ["a.pem", "b.pem"] {
        fs::write(dir.path().join(name), &*key.danger_to_plain_pem().unwrap()).unwrap();
    }
    let query = KeyQuery::any().with_public_key(key.public_key().clone());
    let error = store(dir.path()).0.find(&query).unwrap().require_one("it").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Ambiguous);
    assert_eq!(error.candidates().len(), 2);
}

#[test]
fn an_encrypted_key_tells_its_public_half_by_the_file_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, pins) = store(dir.path());
    let (made, key) = store.generate(&KeyTemplate::new(P256).with_label("release")).unwrap();
    let pem = dir.path().join("release.pem");
    assert_eq!(pins.asked(), [PinPurpose::ProtectFile { file: pem.display().to_string() }]);
    assert!(fs::read_to_string(&pem).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));

    assert_eq!(all(&store), std::slice::from_ref(&made));
    let opened = store.open(&made).unwrap();
    assert_eq!(opened.public_key(), key.public_key());
    assert_eq!(pins.asked()[1..], [PinPurpose::OpenFile { file: pem.display().to_string() }]);

    fs::remove_file(dir.path().join("release.pub")).unwrap();
    let found = all(&store);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].public_key, None);
    assert_eq!(found[0].id, None);
    assert!(found[0].can_sign);
    let query = KeyQuery::any().with_public_key(key.public_key().clone());
    assert_eq!(store.find(&query).unwrap(), Match::None);
}

#[test]
fn a_public_half_that_lies_is_found_out_on_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = store(dir.path());
    store.generate(&KeyTemplate::new(P256).with_label("a")).unwrap();
    store.generate(&KeyTemplate::new(P256).with_label("b")).unwrap();
    fs::copy(dir.path().join("b.pub"), dir.path().join("a.pub")).unwrap();
    let info = store.find(&KeyQuery::any().with_label("a")).unwrap().one().unwrap();
    assert_eq!(store.open(&info).unwrap_err().kind(), KeyErrorKind::Mismatch);
}

#[test]
fn a_key_that_cannot_be_used_is_listed_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMAA=\n\
                  -----END RSA PRIVATE KEY-----\n";
    fs::write(dir.path().join("old.pem"), legacy).unwrap();
    let (store, _) = store(dir.path());
    let found = all(&store);
    assert_eq!(found.len(), 1);
    assert!(!found[0].can_sign);
    assert_eq!(store.open(&found[0]).unwrap_err().kind(), KeyErrorKind::Malformed);
}

#[test]
fn a_key_that_has_gone_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = store(dir.path());
    let info = KeyInfo::new(format!("file:{}", dir.path().join("gone.pem").display()));
    assert_eq!(store.open(&info).unwrap_err().kind(), KeyErrorKind::NotFound);
    let elsewhere = KeyInfo::new("pkcs11:token=build");
    assert_eq!(store.open(&elsewhere).unwrap_err().kind(), KeyErrorKind::Malformed);
    let nowhere = self::store(&dir.path().join("gone")).0;
    assert_eq!(nowhere.find(&KeyQuery::any()).unwrap_err().kind(), KeyErrorKind::NotFound);
}

#[test]
fn generating_overwrites_nothing_and_asks_nothing_in_vain() {
    let dir = tempfile::tempdir().unwrap();
    for taken in ["a.pem", "b.pub"] {
        fs::write(dir.path().join(taken), "precious").unwrap();
    }
    let (store, pins) = store(dir.path());
    for label in ["a", "b"] {
        let error = store.generate(&KeyTemplate::new(P256).with_label(label)).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AlreadyExists, "{label}");
    }
    for label in ["", ".", "..", "../a", "a/b", "a\\b", " a", "a\0", "a:b", "a\nb"] {
        let error = store.generate(&KeyTemplate::new(P256).with_label(label)).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotPermitted, "{label:?}");
    }
    let template = KeyTemplate::new(P256).with_label("c").with_id(vec![1]);
    assert_eq!(store.generate(&template).unwrap_err().kind(), KeyErrorKind::NotPermitted);
    assert_eq!(pins.asked(), []);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn without_a_label_the_identifier_is_the_name() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = store(dir.path());
    let (info, _) = store.generate(&KeyTemplate::new(P256)).unwrap();
    let id: String = info.id.unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id.len(), 40);
    assert_eq!(info.label.as_deref(), Some(id.as_str()));
    assert!(dir.path().join(format!("{id}.pem")).is_file());
}

#[test]
fn a_passphrase_that_is_refused_is_not_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.pem");
    ec(EcCurve::P256).create_file(&path, &Pin::new(b"another".to_vec())).unwrap();
    let (store, pins) = store(dir.path());
    let info = store.find(&KeyQuery::any()).unwrap().one().unwrap();
    assert_eq!(store.open(&info).unwrap_err().kind(), KeyErrorKind::AuthRefused);
    assert_eq!(pins.asked().len(), 1);
}
