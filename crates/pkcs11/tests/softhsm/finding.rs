//! Finding and opening keys.

use std::path::{Path, PathBuf};

use chancery_key::hazmat::DigestSigner;
use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match,
    PublicKey, SignatureScheme, SigningKey,
};
use chancery_pkcs11::{TokenStore, Uri};
use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::{SoftHsm, isolated};

use crate::pins::Pins;
use crate::{PIN, make, new_token, sign_and_verify, store};

fn one(store: &TokenStore, query: &KeyQuery) -> KeyInfo {
    match store.find(query).unwrap() {
        Match::One(info) => info,
        other => panic!("{query:?} gave {other:?}"),
    }
}

#[test]
fn one_key_is_found_among_two_hundred() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        for number in 0..196 {
            let algorithm = KeyAlgorithm::Ec(EcCurve::P256);
            let template = KeyTemplate::new(algorithm).with_id(vec![0x10, number]);
            store.generate_key(&template).unwrap();
        }
        let rsa = make(&store, "rsa", KeyAlgorithm::Rsa { bits: 2048 });
        make(&store, "other-rsa", KeyAlgorithm::Rsa { bits: 2048 });
        let ec = make(&store, "ec", KeyAlgorithm::Ec(EcCurve::P256));
        make(&store, "other-ec", KeyAlgorithm::Ec(EcCurve::P384));

        let Match::Many(all) = store.find(&KeyQuery::any()).unwrap() else { panic!("two hundred") };
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|info| info.public_key.is_some()));

        let modulus = rsa.public_key().modulus().unwrap();
        let padded = [&[0, 0], modulus].concat();
        for (query, key) in [
            (KeyQuery::any().with_label("rsa"), &rsa),
            (KeyQuery::any().with_id(rsa.info().id.clone().unwrap()), &rsa),
            (KeyQuery::any().with_modulus(modulus), &rsa),
            (KeyQuery::any().with_modulus(&padded), &rsa),
            (KeyQuery::any().with_public_key(rsa.public_key().clone()), &rsa),
            (KeyQuery::any().with_public_key(ec.public_key().clone()), &ec),
            (KeyQuery::any().with_label("ec").with_public_key(ec.public_key().clone()), &ec),
        ] {
            let found = one(&store, &query);
            assert_eq!(found, *key.info());
            sign_and_verify(&store.open(&found).unwrap());
        }
        assert_eq!(one(&store, &KeyQuery::any().with_id(vec![0x10, 7])).id, Some(vec![0x10, 7]));

        let mut other = modulus.to_vec();
        other[5] ^= 1;
        for query in [
            KeyQuery::any().with_modulus(&other),
            KeyQuery::any().with_label("RSA"),
            KeyQuery::any().with_label("ec").with_public_key(rsa.public_key().clone()),
            KeyQuery::any().with_id(vec![0x10, 7, 0]),
        ] {
            assert_eq!(store.find(&query).unwrap(), Match::None, "{query:?}");
        }
    });
}

#[test]
fn a_key_is_opened_by_any_address_that_fits_it_alone() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "my key", KeyAlgorithm::Ec(EcCurve::P256));
        make(&store, "other", KeyAlgorithm::Ec(EcCurve::P256));
        assert!(key.uri().to_string().starts_with("pkcs11:token=build;object=my%20key;id=%"));
        let by_id = Uri::new().with_id(key.info().id.clone().unwrap());
        for uri in [key.uri(), &"pkcs11:object=my%20key".parse().unwrap(), &by_id] {
            assert_eq!(store.open_key(uri).unwrap().public_key(), key.public_key());
        }

        let kind = |uri: &str| store.open_key(&uri.parse().unwrap()).unwrap_err().kind();
        assert_eq!(kind("pkcs11:object=nobody"), KeyErrorKind::NotFound);
        assert_eq!(kind("pkcs11:object="), KeyErrorKind::NotFound);
        assert_eq!(kind("pkcs11:object=my%20key;type=public"), KeyErrorKind::Malformed);
        let error = store.open_key(&Uri::new()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Ambiguous);
        assert!(error.candidates().contains(&key.uri().to_string()), "{:?}", error.candidates());
        let elsewhere = KeyInfo::new("file:key.pem");
        assert_eq!(store.open(&elsewhere).unwrap_err().kind(), KeyErrorKind::Malformed);
    });
}

#[test]
fn an_address_with_another_public_key_opens_nothing() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "one", KeyAlgorithm::Ec(EcCurve::P256));
        let other = make(&store, "two", KeyAlgorithm::Ec(EcCurve::P256));
        let mut info = key.info().clone();
        info.public_key = Some(other.public_key().clone());
        assert_eq!(store.open(&info).unwrap_err().kind(), KeyErrorKind::NotFound);
    });
}

/// Makes a private key outside the token.
fn pem(hsm: &SoftHsm, name: &str, options: &[&str]) -> PathBuf {
    let file = hsm.dir().join(name);
    let made = openssl(
        ["genpkey"].iter().chain(options).chain(&["-out", file.to_str().unwrap()]).copied(),
    );
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    file
}

/// What openssl says the public half is.
fn public_half(hsm: &SoftHsm, pem: &Path) -> PublicKey {
    let file = hsm.dir().join("public.der");
    let made = openssl([
        "pkey".as_ref(),
        "-in".as_ref(),
        pem.as_os_str(),
        "-pubout".as_ref(),
        "-outform".as_ref(),
        "DER".as_ref(),
        "-out".as_ref(),
        file.as_os_str(),
    ]);
    assert!(made.status.success());
    PublicKey::from_spki_der(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn edwards_keys_that_others_made_are_found_and_those_of_ed448_named() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        // The curve by its name, the point in an OCTET STRING, and no identifier: the key proves itself.
        let login = ["--token-label", "build", "--login", "--pin", PIN];
        let make = ["--keypairgen", "--key-type", "EC:edwards25519", "--label", "named"];
        hsm.pkcs11_tool(login.iter().chain(&make));
        // The curve by its identifier, the point bare.
        let ed25519 = pem(hsm, "ed25519.pem", &["-algorithm", "ED25519"]);
        hsm.import_key("build", PIN, &ed25519, "imported", "01");
        let ed448 = pem(hsm, "ed448.pem", &["-algorithm", "ED448"]);
        hsm.import_key("build", PIN, &ed448, "longer", "02");
        let store = store(hsm, "build", Pins::of(PIN));

        for label in ["named", "imported"] {
            let key = store.open_key(&Uri::new().with_object(label)).unwrap();
            assert_eq!(key.public_key().algorithm(), KeyAlgorithm::Ed25519);
            assert_eq!(key.schemes(), [SignatureScheme::Ed25519]);
            sign_and_verify(&key);
            let query = KeyQuery::any().with_public_key(key.public_key().clone());
            assert_eq!(one(&store, &query), *key.info());
            let error = key.sign_digest(SignatureScheme::Ed25519, &[0; 64]).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
            assert!(error.to_string().contains("over messages alone"), "{error}");
        }
        let query = KeyQuery::any().with_public_key(public_half(hsm, &ed25519));
        assert_eq!(one(&store, &query).label.as_deref(), Some("imported"));

        let query = KeyQuery::any().with_public_key(public_half(hsm, &ed448));
        let key = store.open(&one(&store, &query)).unwrap();
        assert_eq!(key.public_key().algorithm().to_string(), "Ed448");
        assert!(key.schemes().is_empty());
        let error = key.sign(SignatureScheme::Ed25519, b"message").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
    });
}

#[test]
fn two_objects_of_one_key_are_many_and_told_apart_by_address() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = pem(hsm, "key.pem", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        hsm.import_key("build", PIN, &key, "first", "01");
        hsm.import_key("build", PIN, &key, "second", "02");
        let public_key = public_half(hsm, &key);
        let modulus = public_key.modulus().unwrap();
        let Match::Many(found) = store.find(&KeyQuery::any().with_modulus(modulus)).unwrap() else {
            panic!("both")
        };
        assert_eq!(found.len(), 2);
        for info in &found {
            assert_eq!(info.never_extractable, Some(false), "an imported key was outside");
            let opened = store.open(info).unwrap();
            assert_eq!(opened.public_key(), &public_key);
            sign_and_verify(&opened);
        }
        let narrowed = KeyQuery::any().with_modulus(modulus).with_label("second");
        assert_eq!(one(&store, &narrowed).id, Some(vec![2]));
    });
}

#[test]
fn keys_of_one_label_are_ambiguous_and_each_candidate_opens() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        for id in ["0a", "0b"] {
            let name = format!("{id}.pem");
            let key = pem(hsm, &name, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
            hsm.import_key("build", PIN, &key, "same", id);
        }
        let error = store.open_key(&Uri::new().with_object("same")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Ambiguous);
        let mut opened: Vec<_> = error
            .candidates()
            .iter()
            .map(|uri| store.open_key(&uri.parse().unwrap()).unwrap())
            .collect();
        assert_eq!(opened.len(), 2);
        let last = opened.pop().unwrap();
        assert_ne!(last.public_key(), opened[0].public_key());
    });
}

#[test]
fn a_search_says_of_every_object_why_it_is_not_the_one() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let one = make(&store, "one", KeyAlgorithm::Ec(EcCurve::P256));
        make(&store, "two", KeyAlgorithm::Ec(EcCurve::P256));
        let reasons = |query: &KeyQuery| {
            let mut reasons: Vec<_> = store
                .explain(query)
                .unwrap()
                .into_iter()
                .map(|seen| (seen.address.object.unwrap(), seen.rejection.map(|why| why.name())))
                .collect();
            reasons.sort();
            reasons
        };
        let expect = |of_one, of_two| vec![("one".to_owned(), of_one), ("two".to_owned(), of_two)];
        let by_key = KeyQuery::any().with_public_key(one.public_key().clone());
        assert_eq!(reasons(&by_key), expect(None, Some("other-public-key")));
        assert_eq!(
            reasons(&by_key.clone().with_label("two")),
            expect(Some("other-label"), Some("other-public-key"))
        );
        let other_id = KeyQuery::any().with_id(vec![9]);
        assert_eq!(reasons(&other_id), expect(Some("other-id"), Some("other-id")));

        // The private half goes; what is left says that it was there.
        let id: String =
            one.info().id.iter().flatten().map(|octet| format!("{octet:02x}")).collect();
        hsm.pkcs11_tool([
            "--token-label",
            "build",
            "--login",
            "--pin",
            PIN,
            "-b",
            "--type",
            "privkey",
            "--id",
            &id,
        ]);
        assert_eq!(reasons(&by_key), expect(Some("no-private-key"), Some("other-public-key")));
    });
}

#[test]
fn keys_that_share_an_identifier_are_told_apart_by_what_they_sign() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        // SoftHSM's elliptic private keys do not tell their point, and nothing but the identifier links them.
        for (name, label) in [("a.pem", "one"), ("b.pem", "two"), ("c.pem", "three")] {
            let key = pem(hsm, name, &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
            hsm.import_key("build", PIN, &key, label, "07");
            let wanted = public_half(hsm, &key);
            let info = one(&store, &KeyQuery::any().with_public_key(wanted.clone()));
            assert_eq!(info.label.as_deref(), Some(label));
            let opened = store.open(&info).unwrap();
            assert_eq!(opened.public_key(), &wanted);
            sign_and_verify(&opened);
        }
    });
}

#[test]
fn the_public_half_is_found_in_a_certificate() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        let made = make(&store, "rival", KeyAlgorithm::Ec(EcCurve::P256));
        let in_token = ["--token-label", "build", "--login", "--pin", PIN];
        let id: String =
            key.info().id.iter().flatten().map(|octet| format!("{octet:02x}")).collect();

        // Without its public object, a P-256 private key tells SoftHSM's callers nothing of its point.
        hsm.pkcs11_tool(in_token.iter().chain(&["-b", "--type", "pubkey", "--id", &id]));
        assert_eq!(one(&store, &KeyQuery::any().with_label("release")).public_key, None);
        let error = store.open_key(&Uri::new().with_object("release")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed);

        let certificate = certificate_for(hsm, key.public_key());
        hsm.pkcs11_tool(in_token.iter().chain(&[
            "--write-object",
            certificate.to_str().unwrap(),
            "--type",
            "cert",
            "--id",
            &id,
        ]));
        let query = KeyQuery::any().with_public_key(key.public_key().clone());
        assert_eq!(one(&store, &query).label.as_deref(), Some("release"));
        sign_and_verify(&store.open_key(&Uri::new().with_object("release")).unwrap());
        sign_and_verify(&made);
    });
}

/// A certificate over a public key whose private half signed nothing for it.
pub(crate) fn certificate_for(hsm: &SoftHsm, key: &PublicKey) -> PathBuf {
    let at = |name: &str| hsm.dir().join(name);
    std::fs::write(at("subject.der"), key.spki_der()).unwrap();
    let issuer = pem(hsm, "ca.pem", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    for args in [
        vec![
            "req",
            "-x509",
            "-new",
            "-key",
            issuer.to_str().unwrap(),
            "-subj",
            "/CN=CA",
            "-out",
            &path("ca.crt"),
        ],
        vec![
            "req",
            "-new",
            "-key",
            issuer.to_str().unwrap(),
            "-subj",
            "/CN=Signer",
            "-out",
            &path("r.csr"),
        ],
        vec![
            "pkey",
            "-pubin",
            "-inform",
            "DER",
            "-in",
            &path("subject.der"),
            "-out",
            &path("subject.pem"),
        ],
        vec![
            "x509",
            "-req",
            "-in",
            &path("r.csr"),
            "-force_pubkey",
            &path("subject.pem"),
            "-CA",
            &path("ca.crt"),
            "-CAkey",
            issuer.to_str().unwrap(),
            "-CAcreateserial",
            "-outform",
            "DER",
            "-out",
            &path("cert.der"),
        ],
    ] {
        let made = openssl(&args);
        assert!(made.status.success(), "{args:?}: {}", String::from_utf8_lossy(&made.stderr));
    }
    at("cert.der")
}
