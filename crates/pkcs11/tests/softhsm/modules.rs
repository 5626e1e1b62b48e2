//! Loading modules and selecting tokens.

use std::error::Error;
use std::fs;
#[cfg(unix)]
use std::sync::Arc;

use chancery_key::KeyErrorKind;
use chancery_pkcs11::{Module, Token, Uri};
use chancery_testkit::softhsm::isolated;

use crate::PIN;

#[test]
#[cfg(unix)]
fn a_module_is_loaded_once_by_whatever_path() {
    isolated(|hsm| {
        let module = Module::load(hsm.module()).unwrap();
        assert_eq!(module.info().manufacturer, "SoftHSM");
        let link = hsm.dir().join("link.so");
        std::os::unix::fs::symlink(hsm.module(), &link).unwrap();
        assert!(Arc::ptr_eq(&module, &Module::load(&link).unwrap()));

        assert!(Module::known_places().iter().any(|place| {
            place.canonicalize().unwrap() == hsm.module().canonicalize().unwrap()
        }));
        let named = "pkcs11:?module-name=softhsm2".parse().unwrap();
        assert!(Arc::ptr_eq(&module, &Module::for_uri(&named).unwrap().unwrap()));
        let at = format!("pkcs11:?module-path={}", link.display()).parse().unwrap();
        assert!(Arc::ptr_eq(&module, &Module::for_uri(&at).unwrap().unwrap()));
        assert!(Module::for_uri(&Uri::new()).unwrap().is_none());
    });
}

#[test]
fn a_path_without_a_module_is_unavailable_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    fs::write(&text, "no library at all\n").unwrap();
    let missing = dir.path().join("missing.so");
    for (path, says) in [(&missing, "is not there"), (&text, "cannot be loaded as a library")] {
        let error = Module::load(path).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unavailable);
        let message = error.to_string();
        assert!(message.contains(says) && message.contains(path.to_str().unwrap()), "{message}");
        assert!(error.source().is_some(), "{message} says why");
    }
    let unknown = "pkcs11:?module-name=nobody-makes-this".parse().unwrap();
    assert_eq!(Module::for_uri(&unknown).unwrap_err().kind(), KeyErrorKind::Unavailable);
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_that_is_no_module_is_unavailable() {
    let error = Module::load(c_library()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Unavailable);
    assert!(error.to_string().contains("no C_GetFunctionList"), "{error}");
}

/// The C library this process runs on: a good library, and no PKCS#11 module.
#[cfg(target_os = "linux")]
fn c_library() -> std::path::PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let line = maps.lines().find(|line| line.contains("/libc.so") || line.contains("/libc-"));
    line.unwrap().split_whitespace().last().unwrap().into()
}

#[test]
fn tokens_are_described_and_selected() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        hsm.init_token("my token", PIN);
        let module = Module::load(hsm.module()).unwrap();
        let tokens = module.tokens().unwrap();
        // SoftHSM always offers one more slot, with a token not initialised.
        assert_eq!(tokens.len(), 3);
        let build = tokens.iter().find(|token| token.label == "build").unwrap();
        assert!(build.initialized && build.login_required && build.user_pin_initialized);
        assert!(!build.pin_locked && !build.pin_final_try && !build.write_protected);
        assert!(!build.serial.is_empty() && !build.serial.ends_with(' '));
        assert_eq!(tokens.iter().filter(|token| !token.initialized).count(), 1);

        let mechanisms = module.mechanisms(build.slot_id).unwrap();
        let rsa = mechanisms.iter().find(|m| m.name == Some("CKM_RSA_PKCS")).unwrap();
        assert!(rsa.signs && !rsa.generates_pairs);
        assert!(mechanisms.iter().any(|m| m.generates_pairs && m.name.is_some()));
        assert_eq!(module.mechanisms(1 << 30).unwrap_err().kind(), KeyErrorKind::Unavailable);

        let uri = "pkcs11:token=my%20token".parse().unwrap();
        let token = Token::open(&module, &uri).unwrap();
        assert_eq!(token.info().label, "my token");
        assert_eq!(token.address(), &uri);
        let by_slot = format!("pkcs11:slot-id={}", build.slot_id).parse().unwrap();
        assert_eq!(Token::open(&module, &by_slot).unwrap().info(), build);
    });
}

#[test]
fn a_token_that_is_not_there_names_those_that_are() {
    isolated(|hsm| {
        hsm.init_token("build", PIN);
        let module = Module::load(hsm.module()).unwrap();
        let error = Token::open(&module, &Uri::new().with_token("biuld")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::NotFound);
        let message = error.to_string();
        assert!(message.contains("pkcs11:token=biuld") && message.contains("`build`"), "{message}");
    });
}

#[test]
fn two_tokens_of_one_label_are_told_apart_by_serial_number() {
    isolated(|hsm| {
        hsm.init_token("twin", PIN);
        hsm.init_token("twin", PIN);
        let module = Module::load(hsm.module()).unwrap();
        let error = Token::open(&module, &Uri::new().with_token("twin")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Ambiguous);
        assert_eq!(error.candidates().len(), 2);
        for candidate in error.candidates() {
            let uri: Uri = candidate.parse().unwrap();
            let token = Token::open(&module, &uri).unwrap();
            assert_eq!(token.address(), &uri, "the label alone would not do");
        }
        assert_eq!(Token::open(&module, &Uri::new()).unwrap_err().kind(), KeyErrorKind::Ambiguous);
    });
}
