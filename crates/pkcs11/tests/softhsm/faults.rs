//! What goes wrong between us and a token, and what is made of it.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyQuery, KeyStore, KeyTemplate, RememberedPins,
    SignatureScheme, SigningKey,
};
use chancery_pkcs11::{Module, Pkcs11Error, Pkcs11Key, Token, TokenStore, Uri, watch_calls};
use chancery_sigverify::Verified;
use chancery_testkit::faulty::{FaultyToken, isolated};

use crate::finding::certificate_for;
use crate::pins::Pins;
use crate::{PIN, make, sign_and_verify};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);
const SCHEME: SignatureScheme = SignatureScheme::EcdsaSha256;

fn module(token: &FaultyToken<'_>) -> Arc<Module> {
    Module::load(token.module()).unwrap()
}

fn open(token: &FaultyToken<'_>) -> Token {
    Token::open(&module(token), &Uri::new().with_token("build")).unwrap()
}

/// A store over a new token that does not go wrong yet.
fn new_store(token: &FaultyToken<'_>) -> (TokenStore, Arc<Pins>) {
    token.hsm().init_token("build", PIN);
    let pins = Pins::of(PIN);
    (TokenStore::new(open(token), Arc::clone(&pins)), pins)
}

fn retries(token: &FaultyToken<'_>) -> BTreeMap<&'static str, u64> {
    let mut retries = module(token).statistics().retries;
    // An empty token is looked at again, since SoftHSM may hide what is in it.
    retries.remove("no-private-keys");
    retries
}

fn sign(key: &Pkcs11Key) -> Result<(), chancery_key::KeyError> {
    key.sign(SCHEME, b"message").map(|signature| {
        chancery_sigverify::verify(key.public_key(), SCHEME, b"message", signature.as_bytes())
            .unwrap();
    })
}

#[test]
fn a_device_that_fails_for_a_while_is_asked_again_and_counted() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        let key = make(&store, "release", P256);
        for (function, code) in [
            ("C_Sign", "CKR_DEVICE_ERROR"),
            ("C_SignInit", "CKR_HOST_MEMORY"),
            ("C_Sign", "CKR_GENERAL_ERROR"),
        ] {
            token.follow(&format!("fail {function} {code} times 3"));
            sign(&key).unwrap();
            assert_eq!(retries(token).get(code), Some(&3), "{code}");
        }
        assert_eq!(pins.requests().len(), 1);
    });
}

#[test]
fn a_device_that_fails_for_good_is_given_up() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        token.forget_calls();
        token.follow("fail C_Sign CKR_DEVICE_ERROR");
        let error = sign(&key).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Device);
        assert_eq!(token.count("C_Sign"), 5, "one try and four more");
        token.follow("");
        sign(&key).unwrap();
    });
}

#[test]
fn what_is_about_data_or_mechanisms_is_not_tried_again() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        for code in
            ["CKR_DATA_LEN_RANGE", "CKR_MECHANISM_INVALID", "CKR_ARGUMENTS_BAD", "0x80000001"]
        {
            token.forget_calls();
            token.follow(&format!("fail C_Sign {code}"));
            sign(&key).unwrap_err();
            assert_eq!(token.count("C_Sign"), 1, "{code}");
        }
    });
}

#[test]
fn a_login_that_fails_without_a_reason_is_not_repeated_but_for_softhsms_own() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        for code in ["CKR_DEVICE_ERROR", "CKR_FUNCTION_FAILED", "CKR_PIN_EXPIRED"] {
            token.forget_calls();
            token.follow(&format!("fail C_Login {code}"));
            store.find(&KeyQuery::any()).unwrap_err();
            assert_eq!(token.count("C_Login"), 1, "{code}");
        }
        token.forget_calls();
        token.follow("fail C_Login CKR_GENERAL_ERROR times 2");
        store.find(&KeyQuery::any()).unwrap();
        assert_eq!(token.count("C_Login"), 3);
        assert_eq!(pins.requests().len(), 1, "the PIN is not asked for again");
    });
}

#[test]
fn a_batch_survives_a_token_that_is_taken_out_and_put_back() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        let key = make(&store, "release", P256);
        token.forget_calls();
        token.follow("remove C_Sign for 12 from 10 times 1");
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..30).for_each(|_| sign(&key).unwrap()));
            }
        });
        assert_eq!(pins.requests().len(), 1, "nobody is asked again");
        let logins = token.calls().into_iter().filter(|call| call.function == "C_Login");
        assert_eq!(logins.count(), 1, "one after the loss");
        assert!(retries(token).contains_key("CKR_DEVICE_REMOVED"), "{:?}", retries(token));
    });
}

#[test]
fn a_token_that_stays_away_is_waited_for_once() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        drop(store.token().clone().with_patience(Duration::from_millis(300)));
        token.follow("remove C_SignInit");
        let error = sign(&key).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unavailable);
        let looks = token.count("C_GetSlotList");
        assert_eq!(sign(&key).unwrap_err().kind(), KeyErrorKind::Unavailable);
        assert!(token.count("C_GetSlotList") - looks <= 2, "the next does not wait again");
    });
}

#[test]
fn lost_sessions_are_renewed_in_the_middle_of_a_batch() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        let key = make(&store, "release", P256);
        token.follow("lose-sessions C_SignInit every 7");
        (0..40).for_each(|_| sign(&key).unwrap());
        assert_eq!(pins.requests().len(), 1);
        assert!(retries(token).values().sum::<u64>() >= 5, "{:?}", retries(token));
    });
}

#[test]
fn a_token_with_three_sessions_serves_six_threads() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        token.follow("sessions 3");
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| (0..10).for_each(|_| sign(&key).unwrap()));
            }
        });
    });
}

#[test]
fn a_token_without_read_only_sessions_is_used_with_others() {
    isolated(|token| {
        token.hsm().init_token("build", PIN);
        token.follow("read-write-only CKR_FUNCTION_FAILED");
        let store = TokenStore::new(open(token), Pins::of(PIN));
        sign(&make(&store, "release", P256)).unwrap();
        assert_eq!(retries(token).len(), 0, "{:?}", retries(token));
    });
}

#[test]
fn a_token_like_aws_cloudhsm_makes_keys_and_signs() {
    isolated(|token| {
        token.hsm().init_token("build", PIN);
        token.follow("profile cloudhsm");
        let store = TokenStore::new(open(token), Pins::of(&format!("user:{PIN}")));
        for (label, algorithm) in [("rsa", KeyAlgorithm::Rsa { bits: 2048 }), ("ec", P256)] {
            let made = make(&store, label, algorithm);
            assert_eq!(made.info().id, None, "it sets no identifiers");
            let found = store.open_key(&Uri::new().with_object(label)).unwrap();
            assert_eq!(found.public_key(), made.public_key());
            (0..4).for_each(|_| sign_and_verify(&found));
        }
        let asked = KeyTemplate::new(P256).with_id(vec![1]);
        assert_eq!(store.generate_key(&asked).unwrap_err().kind(), KeyErrorKind::NotPermitted);
    });
}

#[test]
fn a_token_that_refuses_to_hear_of_other_uses_makes_keys_that_do_not_leave_it() {
    isolated(|token| {
        let (store, _) = new_store(token);
        for (label, algorithm) in [("rsa", KeyAlgorithm::Rsa { bits: 2048 }), ("ec", P256)] {
            token.follow("");
            let made = make(&store, &format!("{label}-strict"), algorithm);
            assert_eq!(made.info().can_decrypt, Some(false));
            token.follow("refuse CKA_DECRYPT CKR_TEMPLATE_INCONSISTENT");
            let made = make(&store, label, algorithm);
            assert_eq!(made.info().never_extractable, Some(true));
            assert_eq!(made.info().can_decrypt, Some(true), "and says so");
            sign_and_verify(&made);
        }
        token.forget_calls();
        token.follow("refuse CKA_SENSITIVE CKR_TEMPLATE_INCONSISTENT");
        let template = KeyTemplate::new(P256).with_label("open");
        let refused = store.generate_key(&template).unwrap_err();
        assert!(refused.to_string().contains("cannot be made"), "{refused}");
        assert_eq!(token.count("C_GenerateKeyPair"), 4, "every form says that it stays inside");
    });
}

#[test]
fn a_pair_that_came_out_extractable_is_deleted() {
    isolated(|token| {
        let (store, _) = new_store(token);
        for rule in ["answer CKA_EXTRACTABLE true", "answer CKA_SENSITIVE false"] {
            token.follow(rule);
            let template = KeyTemplate::new(P256).with_label("open");
            let error = store.generate_key(&template).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::NotPermitted);
            assert!(error.to_string().contains("was deleted"), "{error}");
            token.follow("");
            assert_eq!(store.find(&KeyQuery::any()).unwrap(), chancery_key::Match::None);
            let listed = token.hsm().pkcs11_tool(["-O", "--token-label", "build"]);
            assert!(!listed.contains("Public Key"), "{listed}");
        }
    });
}

#[test]
fn a_modulus_that_is_not_told_is_taken_from_the_certificate() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", KeyAlgorithm::Rsa { bits: 2048 });
        let der = std::fs::read(certificate_for(token.hsm(), key.public_key())).unwrap();
        store.import_certificate(&der, None).unwrap();
        token.follow("hide CKA_MODULUS");
        let query = KeyQuery::any().with_public_key(key.public_key().clone());
        let found = store.find(&query).unwrap().one().unwrap();
        sign_and_verify(&store.open(&found).unwrap());
    });
}

#[test]
fn a_token_that_hashes_itself_is_given_messages() {
    isolated(|token| {
        let (store, _) = new_store(token);
        // What it can do is asked once, when the first key is opened.
        token.follow("no-mechanism CKM_RSA_PKCS\nno-mechanism CKM_RSA_PKCS_PSS");
        let module = module(token);
        let slot = store.token().info().slot_id;
        assert!(module.mechanisms(slot).unwrap().iter().all(|m| m.name != Some("CKM_RSA_PKCS")));
        let key = make(&store, "release", KeyAlgorithm::Rsa { bits: 2048 });
        assert!(key.schemes().contains(&SignatureScheme::RsaPkcs1Sha256));
        assert!(key.schemes().contains(&SignatureScheme::RsaPssSha256));
        sign_and_verify(&key);
    });
}

#[test]
fn a_damaged_signature_is_not_handed_out() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        token.follow("shorten C_Sign");
        assert_eq!(sign(&key).unwrap_err().kind(), KeyErrorKind::Device);
        token.follow("corrupt C_Sign");
        for (kind, label) in [(P256, "release"), (KeyAlgorithm::Ed25519, "edwards")] {
            token.follow("");
            let key = match label {
                "release" => store.open_key(&Uri::new().with_object(label)).unwrap(),
                _ => make(&store, label, kind),
            };
            token.follow("corrupt C_Sign");
            let verified = Verified::new(&key).with_name(key.uri().to_string());
            let error = verified.sign(key.schemes()[0], b"message").unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Device);
            let named = format!("key `pkcs11:token=build;object={label};");
            assert!(error.to_string().starts_with(&named), "{error}");
        }
    });
}

#[test]
fn the_last_try_a_locked_and_an_unset_pin_are_told_apart_before_anything_is_asked() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        for (rule, says) in [
            ("set-flag CKF_USER_PIN_LOCKED", "is locked"),
            ("clear-flag CKF_USER_PIN_INITIALIZED", "has never been set"),
            ("set-flag CKF_USER_PIN_FINAL_TRY", "one try left"),
        ] {
            token.follow(rule);
            let error = store.find(&KeyQuery::any()).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::AuthLocked);
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(pins.requests().len(), 0);
        assert_eq!(token.count("C_Login"), 0);
        let daring = TokenStore::new(store.token().clone().allow_final_try(), Arc::clone(&pins));
        daring.find(&KeyQuery::any()).unwrap();
        assert!(pins.requests()[0].warning.as_ref().unwrap().contains("last try"));
    });
}

#[test]
fn an_expired_pin_and_one_locked_meanwhile_say_who_can_help() {
    isolated(|token| {
        let (store, _) = new_store(token);
        for (code, says) in [
            ("CKR_PIN_EXPIRED", "expired"),
            ("CKR_PIN_LOCKED", "too many wrong PINs"),
            ("CKR_USER_PIN_NOT_INITIALIZED", "must set one"),
        ] {
            token.follow(&format!("fail C_Login {code}"));
            let error = store.find(&KeyQuery::any()).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::AuthLocked);
            assert!(error.to_string().contains(says), "{error}");
        }
    });
}

#[test]
fn a_keypad_is_given_no_pin() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        token.follow("set-flag CKF_PROTECTED_AUTHENTICATION_PATH");
        // SoftHSM has no keypad and refuses the call; that it came without a PIN is what counts.
        let error = store.find(&KeyQuery::any()).unwrap_err();
        let call: &Pkcs11Error = std::error::Error::source(&error).unwrap().downcast_ref().unwrap();
        assert_eq!((call.function(), call.name()), ("C_Login", Some("CKR_ARGUMENTS_BAD")));
        assert_eq!(pins.requests().len(), 0);
    });
}

#[test]
fn a_key_that_wants_its_pin_every_time_may_have_it_remembered() {
    isolated(|token| {
        let (store, _) = new_store(token);
        make(&store, "release", P256);
        token.follow("always-authenticate");
        let pins = Pins::of(PIN);
        let store = TokenStore::new(open(token), RememberedPins::new(Arc::clone(&pins)));
        let key = store.open_key(&Uri::new()).unwrap();
        assert!(key.asks_every_time());
        token.forget_calls();
        (0..5).for_each(|_| sign(&key).unwrap());
        let context = token.calls().into_iter().filter(|call| call.note == "context");
        assert_eq!(context.count(), 5);
        assert_eq!(pins.requests().len(), 1);
    });
}

#[test]
fn a_key_whose_login_is_said_to_be_done_already_signs_where_the_token_lets_it() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        let stored = make(&store, "release", P256);
        token.follow("always-authenticate");
        let key = store.open_key(&stored.info().address.parse().unwrap()).unwrap();
        assert!(key.asks_every_time());
        // NSS softokn keeps the attribute, does not act on it, and answers so.
        let already = "fail C_Login CKR_USER_ALREADY_LOGGED_IN";
        token.follow(already);
        sign(&key).unwrap();
        assert_eq!(pins.requests().len(), 2, "once for the token, once for the signature");
        // A token that says so and does act on it has the last word.
        token.follow(&format!("always-authenticate\n{already}"));
        let error = sign(&key).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
    });
}

#[test]
fn a_session_for_the_login_is_opened_again_and_the_login_is_not() {
    isolated(|token| {
        let (store, pins) = new_store(token);
        token.forget_calls();
        token.follow("fail C_Login CKR_DEVICE_ERROR times 1");
        store.token().login(&pins).unwrap_err();
        assert_eq!(token.count("C_Login"), 1);
        token.forget_calls();
        token.follow("fail C_OpenSession CKR_DEVICE_ERROR times 2");
        store.token().login(&pins).unwrap();
        assert_eq!(token.count("C_Login"), 1);
        assert_eq!(retries(token), BTreeMap::from([("CKR_DEVICE_ERROR", 2)]));
        assert_eq!(pins.requests().len(), 1);
    });
}

#[test]
fn a_call_that_hangs_is_reported_by_name() {
    isolated(|token| {
        let (store, _) = new_store(token);
        let key = make(&store, "release", P256);
        token.follow("hang C_Sign");
        let (report, reported) = mpsc::channel();
        watch_calls(Duration::from_millis(100), move |hung| report.send(hung.clone()).unwrap())
            .unwrap();
        // It never comes back, and ends with the process of this test.
        thread::spawn(move || sign(&key));
        let hung = reported.recv().unwrap();
        assert_eq!(hung.function, "C_Sign");
        assert_eq!(hung.module, token.module().canonicalize().unwrap());
    });
}
