//! PINs: asked for once, refused once, never twice.

use std::error::Error;
use std::sync::Arc;

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, KeyQuery, KeyStore, Pin, PinPurpose, PinRequest,
    PinSource,
};
use chancery_pkcs11::{Module, Pkcs11Error, Token, TokenStore, Uri};
use chancery_testkit::softhsm::isolated;

use crate::pins::Pins;
use crate::{PIN, make, new_token, store};

#[test]
fn the_pin_is_asked_for_once_in_a_process() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let pins = Pins::of(PIN);
        let first = store(hsm, "build", Arc::clone(&pins));
        make(&first, "one", KeyAlgorithm::Ec(EcCurve::P256));
        drop(first);
        let second = store(hsm, "build", Arc::clone(&pins));
        assert!(second.find(&KeyQuery::any()).unwrap().one().is_some());
        second.token().login(&pins).unwrap();
        let asked = pins.requests();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].purpose, PinPurpose::TokenUser { token: "build".into() });
        assert_eq!(asked[0].warning, None);
    });
}

#[test]
fn threads_that_log_in_at_once_ask_once() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let pins = Pins::of(PIN);
        let store = store(hsm, "build", Arc::clone(&pins));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| store.find(&KeyQuery::any()).unwrap());
            }
        });
        assert_eq!(pins.requests().len(), 1);
    });
}

#[test]
fn a_wrong_pin_is_the_last_one_given() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let wrong = Pins::of("0815");
        let with_wrong = store(hsm, "build", Arc::clone(&wrong));
        let error = with_wrong.find(&KeyQuery::any()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRefused);
        assert!(error.to_string().contains("`build`"), "{error}");
        let source = error.source().unwrap().downcast_ref::<Pkcs11Error>().unwrap();
        assert_eq!(source.to_string(), "C_Login: CKR_PIN_INCORRECT (0xa0)");
        assert!(!format!("{error:?}").contains("0815"));

        // Not even the right one, from anybody, and nobody is asked.
        let right = Pins::of(PIN);
        let with_right = store(hsm, "build", Arc::clone(&right));
        let error = with_right.find(&KeyQuery::any()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRefused);
        assert!(error.source().is_none(), "C_Login was not called");
        assert_eq!((wrong.requests().len(), right.requests().len()), (1, 0));
    });
}

#[test]
fn a_refusal_by_one_token_is_no_refusal_by_another() {
    isolated(|hsm| {
        hsm.init_token("other", PIN);
        hsm.init_token("build", PIN);
        assert!(store(hsm, "other", Pins::of("0815")).find(&KeyQuery::any()).is_err());
        store(hsm, "build", Pins::of(PIN)).find(&KeyQuery::any()).unwrap();
    });
}

#[test]
fn the_line_ending_of_a_pin_file_is_not_part_of_the_pin() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let pins = Pins::of(&format!("{PIN}\n"));
        store(hsm, "build", pins).find(&KeyQuery::any()).unwrap();
    });
}

#[test]
fn an_empty_pin_is_not_spent_as_a_try() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let error = store(hsm, "build", Pins::of("\n")).find(&KeyQuery::any()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
        store(hsm, "build", Pins::of(PIN)).find(&KeyQuery::any()).unwrap();
    });
}

/// A source with no PIN to give.
#[derive(Debug)]
struct NoPin;

impl PinSource for NoPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        Err(KeyError::new(KeyErrorKind::AuthRequired, format!("no {request} here")))
    }
}

#[test]
fn a_source_without_a_pin_is_heard() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let module = Module::load(hsm.module()).unwrap();
        let token = Token::open(&module, &Uri::new()).unwrap();
        let error = TokenStore::new(token, NoPin).find(&KeyQuery::any()).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AuthRequired);
        assert_eq!(error.to_string(), "no PIN of token `build` here");
    });
}

#[test]
fn debug_shows_no_pin() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        let shown = format!("{:?} {key:?} {:?}", store.token(), store.find(&KeyQuery::any()));
        assert!(!shown.contains(PIN), "{shown}");
        assert!(shown.contains("pkcs11:token=build;object=release"), "{shown}");
    });
}
