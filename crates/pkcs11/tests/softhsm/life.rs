//! Renaming and deleting keys.

use std::fs;

use chancery_key::{EcCurve, KeyAlgorithm, KeyErrorKind, KeyQuery, KeyStore, SigningKey};
use chancery_pkcs11::Uri;
use chancery_testkit::softhsm::isolated;

use crate::finding::certificate_for;
use crate::{PIN, make, new_token, sign_and_verify};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

#[test]
fn a_renamed_key_takes_its_public_half_and_certificate_along() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "old", P256);
        make(&store, "taken", P256);
        let der = fs::read(certificate_for(hsm, key.public_key())).unwrap();
        store.import_certificate(&der, None).unwrap();

        let error = store.rename_key(key.uri(), Some("taken"), None).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AlreadyExists);

        let renamed = store.rename_key(key.uri(), Some("new"), Some(&[7, 8])).unwrap();
        assert_eq!(renamed.label.as_deref(), Some("new"));
        assert_eq!(renamed.id, Some(vec![7, 8]));
        assert_eq!(renamed.public_key.as_ref(), Some(key.public_key()));
        let listed = hsm.pkcs11_tool(["--token-label", "build", "--login", "--pin", PIN, "-O"]);
        assert_eq!(listed.matches("ID:         0708").count(), 3, "{listed}");
        assert_eq!(listed.matches("label:      new").count(), 3, "{listed}");
        assert_eq!(listed.matches("label:      old").count(), 0, "{listed}");
        sign_and_verify(&store.open_key(&Uri::new().with_object("new")).unwrap());
        assert_eq!(
            store.open_key(&Uri::new().with_object("old")).unwrap_err().kind(),
            KeyErrorKind::NotFound
        );
    });
}

#[test]
fn a_deleted_key_is_gone_with_its_public_half_and_nothing_else_is() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", P256);
        let other = make(&store, "other", P256);
        let der = fs::read(certificate_for(hsm, key.public_key())).unwrap();
        store.import_certificate(&der, None).unwrap();

        assert_eq!(store.delete_key(&Uri::new()).unwrap_err().kind(), KeyErrorKind::Ambiguous);
        assert_eq!(store.delete_key(key.uri()).unwrap(), *key.info());
        assert_eq!(store.delete_key(key.uri()).unwrap_err().kind(), KeyErrorKind::NotFound);
        assert_eq!(
            store.find(&KeyQuery::any()).unwrap().one().as_ref(),
            Some(other.info()),
            "the other one stays"
        );
        let listed = hsm.pkcs11_tool(["--token-label", "build", "--login", "--pin", PIN, "-O"]);
        assert_eq!(listed.matches("Key Object").count(), 2, "{listed}");
        assert_eq!(listed.matches("Certificate Object").count(), 1, "{listed}");
        sign_and_verify(&other);
    });
}
