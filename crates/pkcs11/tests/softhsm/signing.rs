//! Using keys: what they may do, from how many threads, and what is survived.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use chancery_key::hazmat::DigestSigner;
use chancery_key::{EcCurve, KeyAlgorithm, KeyErrorKind, PinPurpose, SignatureScheme, SigningKey};
use chancery_pkcs11::Uri;
use chancery_testkit::softhsm::isolated;

use crate::pins::Pins;
use crate::{PIN, make, new_token, sign_and_verify, store};

#[test]
fn four_threads_make_two_hundred_signatures() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Rsa { bits: 2048 });
        let signatures: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|worker: u8| {
                    let key = &key;
                    scope.spawn(move || {
                        (0..50)
                            .map(|n: u8| {
                                let message = [worker, n];
                                let signature =
                                    key.sign(SignatureScheme::RsaPkcs1Sha256, &message).unwrap();
                                (message, signature)
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let scheme = SignatureScheme::RsaPkcs1Sha256;
        for (message, signature) in &signatures {
            chancery_sigverify::verify(key.public_key(), scheme, message, signature.as_bytes())
                .unwrap();
        }
        let different: BTreeSet<_> =
            signatures.iter().map(|(_, signature)| signature.as_bytes()).collect();
        assert_eq!(different.len(), 200);
    });
}

#[test]
fn a_signature_is_two_calls_and_five_hundred_are_one_login() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        let module = chancery_pkcs11::Module::load(hsm.module()).unwrap();
        let sign = || key.sign(SignatureScheme::EcdsaSha256, b"message").unwrap();
        sign();
        let before = module.statistics();
        for _ in 0..499 {
            sign();
        }
        let after = module.statistics();
        assert_eq!(after.calls_of("C_Login"), 1);
        assert_eq!(after.calls_of("C_Sign"), 500);
        assert_eq!(after.calls_of("C_SignInit"), 500);
        assert_eq!(after.retries, before.retries);
        let total =
            |statistics: &chancery_pkcs11::Statistics| -> u64 { statistics.calls.values().sum() };
        assert_eq!(total(&after) - total(&before), 2 * 499, "{before:?} {after:?}");
    });
}

#[test]
fn more_threads_than_sessions_take_turns() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let store = store(hsm, "build", Pins::of(PIN));
        let narrow = chancery_pkcs11::TokenStore::new(
            store.token().clone().with_max_sessions(1),
            Pins::of(PIN),
        );
        let key = make(&narrow, "release", KeyAlgorithm::Ec(EcCurve::P256));
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| sign_and_verify(&key));
            }
        });
    });
}

#[test]
fn a_digest_is_signed_as_the_message_is() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Rsa { bits: 2048 });
        let scheme = SignatureScheme::RsaPkcs1Sha256;
        let digest = chancery_sigverify::digest(scheme.digest(), b"message");
        assert_eq!(
            key.sign_digest(scheme, &digest).unwrap(),
            key.sign(scheme, b"message").unwrap(),
            "PKCS#1 v1.5 is deterministic"
        );
        let error = key.sign_digest(scheme, &digest[1..]).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed);
        let error = key.sign(SignatureScheme::EcdsaSha256, b"message").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
        assert!(error.to_string().contains("ecdsa-sha256"), "{error}");
    });
}

#[test]
fn a_key_deleted_meanwhile_is_looked_for_and_missed() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        sign_and_verify(&key);
        let id: String =
            key.info().id.iter().flatten().map(|octet| format!("{octet:02x}")).collect();
        for kind in ["privkey", "pubkey"] {
            hsm.pkcs11_tool([
                "--token-label",
                "build",
                "--login",
                "--pin",
                PIN,
                "-b",
                "--type",
                kind,
                "--id",
                &id,
            ]);
        }
        let error = key.sign(SignatureScheme::EcdsaSha256, b"message").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotFound, "{error:?}");
        assert!(error.to_string().contains("object=release"), "{error}");
    });
}

#[test]
fn a_key_that_wants_its_pin_every_time_gets_it_before_each_signature() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        for (kind, label) in [("rsa:2048", "rsa"), ("EC:prime256v1", "ec")] {
            hsm.pkcs11_tool([
                "--token-label",
                "build",
                "--login",
                "--pin",
                PIN,
                "--keypairgen",
                "--key-type",
                kind,
                "--usage-sign",
                "--always-auth",
                "--label",
                label,
                "--id",
                if label == "ec" { "02" } else { "01" },
            ]);
        }
        let pins = Pins::of(PIN);
        let store = store(hsm, "build", Arc::clone(&pins));
        let mut asked = 1;
        for label in ["rsa", "ec"] {
            let key = store.open_key(&Uri::new().with_object(label)).unwrap();
            assert!(key.asks_every_time());
            sign_and_verify(&key);
            asked += key.schemes().len();
            let requests = pins.requests();
            assert_eq!(requests.len(), asked, "once for the token, once a signature");
            let purpose = PinPurpose::KeyUse { token: "build".into(), key: label.into() };
            assert_eq!(requests.last().unwrap().purpose, purpose);
        }
    });
}

/// Gives the right PIN to the token and a wrong one to its keys.
#[derive(Debug)]
struct RightThenWrong(Arc<Pins>, Arc<Pins>);

impl chancery_key::PinSource for RightThenWrong {
    fn pin(
        &self,
        request: &chancery_key::PinRequest,
    ) -> Result<chancery_key::Pin, chancery_key::KeyError> {
        match request.purpose {
            PinPurpose::TokenUser { .. } => self.0.pin(request),
            _ => self.1.pin(request),
        }
    }
}

#[test]
fn a_wrong_pin_for_one_signature_is_the_last_one_given() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        hsm.pkcs11_tool([
            "--token-label",
            "build",
            "--login",
            "--pin",
            PIN,
            "--keypairgen",
            "--key-type",
            "EC:prime256v1",
            "--usage-sign",
            "--always-auth",
            "--label",
            "ec",
            "--id",
            "02",
        ]);
        let module = chancery_pkcs11::Module::load(hsm.module()).unwrap();
        let token = chancery_pkcs11::Token::open(&module, &Uri::new()).unwrap();
        let wrong = Pins::of("0815");
        let pins = RightThenWrong(Pins::of(PIN), Arc::clone(&wrong));
        let store = chancery_pkcs11::TokenStore::new(token, pins);
        let key = store.open_key(&Uri::new().with_object("ec")).unwrap();
        for _ in 0..2 {
            let error = key.sign(SignatureScheme::EcdsaSha256, b"message").unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::AuthRefused);
        }
        assert_eq!(wrong.requests().len(), 1);
    });
}
