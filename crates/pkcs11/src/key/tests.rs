//! What only the calls of the standard itself can bring about.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chancery_key::{EcCurve, KeyStore, KeyTemplate, Match, Pin, PinRequest, PinSource};
use chancery_testkit::softhsm::{SoftHsm, isolated};
use cryptoki_sys::{
    CK_MECHANISM_TYPE, CKA_ALLOWED_MECHANISMS, CKA_EC_PARAMS, CKA_ID, CKA_LABEL, CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT, CKA_SIGN, CKA_TOKEN, CKM_EC_KEY_PAIR_GEN, CKM_RSA_PKCS_KEY_PAIR_GEN,
    CKM_SHA256_RSA_PKCS,
};

use super::*;
use crate::raw::{Attribute, Mechanism};
use crate::store::ec_parameters;
use crate::{Module, Token};

#[derive(Debug, Default)]
struct Counted(AtomicUsize);

impl PinSource for Counted {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Pin::new(b"4711".to_vec()))
    }
}

fn new_token(hsm: &SoftHsm) -> (TokenStore, Arc<Counted>) {
    hsm.init_token("build", "4711");
    let module = Module::load(hsm.module()).unwrap();
    let pins = Arc::new(Counted::default());
    (TokenStore::new(Token::open(&module, &Uri::new()).unwrap(), Arc::clone(&pins)), pins)
}

fn p256(store: &TokenStore) -> Pkcs11Key {
    let template = KeyTemplate::new(KeyAlgorithm::Ec(EcCurve::P256)).with_label("release");
    store.generate_key(&template).unwrap()
}

fn sign_and_verify(key: &Pkcs11Key, scheme: SignatureScheme) {
    let signature = key.sign(scheme, b"message").unwrap();
    chancery_sigverify::verify(key.public_key(), scheme, b"message", signature.as_bytes()).unwrap();
}

/// Makes a pair whose private half has these attributes too.
fn generate(store: &TokenStore, mechanism: CK_MECHANISM_TYPE, public: Attribute, own: Attribute) {
    let common = [
        Attribute::flag(CKA_TOKEN, true),
        Attribute::bytes(CKA_LABEL, "special"),
        Attribute::bytes(CKA_ID, [7]),
    ];
    let mut public = [&common[..], &[public]].concat();
    if mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN {
        public.push(Attribute::bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1]));
    }
    let private = [&common[..], &[own]].concat();
    let made = store.token().write(&**store.pins(), |session| {
        session
            .generate_key_pair(Mechanism::plain(mechanism), &public, &private)
            .map_err(|error| error.at("no pair"))
    });
    made.unwrap();
}

#[test]
fn a_key_that_is_not_for_signing_is_found_and_not_opened() {
    isolated(|hsm| {
        let (store, _) = new_token(hsm);
        generate(
            &store,
            CKM_EC_KEY_PAIR_GEN,
            Attribute::bytes(CKA_EC_PARAMS, ec_parameters(EcCurve::P256)),
            Attribute::flag(CKA_SIGN, false),
        );
        let Match::One(info) = store.find(&KeyQuery::any()).unwrap() else { panic!("one key") };
        assert!(!info.can_sign);
        for error in [store.open(&info).err(), store.open_key(&Uri::new()).err()] {
            assert_eq!(error.unwrap().kind(), KeyErrorKind::NotPermitted);
        }
    });
}

#[test]
fn a_key_has_no_more_schemes_than_it_is_allowed() {
    isolated(|hsm| {
        let (store, _) = new_token(hsm);
        generate(
            &store,
            CKM_RSA_PKCS_KEY_PAIR_GEN,
            Attribute::number(CKA_MODULUS_BITS, 2048),
            Attribute::bytes(CKA_ALLOWED_MECHANISMS, CKM_SHA256_RSA_PKCS.to_ne_bytes()),
        );
        let key = store.open_key(&Uri::new()).unwrap();
        assert_eq!(key.schemes(), [SignatureScheme::RsaPkcs1Sha256]);
        sign_and_verify(&key, SignatureScheme::RsaPkcs1Sha256);
        // The token hashes, so a digest is nothing it could sign.
        let error = key.sign_digest(SignatureScheme::RsaPkcs1Sha256, &[0; 32]).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::UnsupportedScheme);
    });
}

#[test]
fn lost_sessions_are_survived_and_the_pin_is_not_asked_for_again() {
    isolated(|hsm| {
        let (store, pins) = new_token(hsm);
        let key = p256(&store);
        sign_and_verify(&key, SignatureScheme::EcdsaSha256);
        store.token().lose_sessions();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| sign_and_verify(&key, SignatureScheme::EcdsaSha256));
            }
        });
        assert_eq!(pins.0.load(Ordering::Relaxed), 1);

        store.token().lose_sessions();
        assert!(store.find(&KeyQuery::any()).unwrap().one().is_some());
        assert_eq!(pins.0.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_key_that_hides_because_the_login_was_just_lost_is_not_taken_for_gone() {
    isolated(|hsm| {
        let (store, pins) = new_token(hsm);
        let key = p256(&store);
        // As between two steps of a thread, while others lose everything and start again.
        *key.handle() = None;
        store.token().lose_sessions();
        store.token().drop_sessions();
        sign_and_verify(&key, SignatureScheme::EcdsaSha256);

        store.token().lose_sessions();
        store.token().drop_sessions();
        assert!(store.find(&KeyQuery::any()).unwrap().one().is_some());
        assert_eq!(pins.0.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_lost_handle_is_found_again_without_a_login() {
    isolated(|hsm| {
        let (store, pins) = new_token(hsm);
        let key = p256(&store);
        let good = key.handle().unwrap();
        *key.handle() = Some(Found { handle: 0xdead, ..good });
        sign_and_verify(&key, SignatureScheme::EcdsaSha256);
        assert_eq!(*key.handle(), Some(good));
        assert_eq!(pins.0.load(Ordering::Relaxed), 1);
    });
}
