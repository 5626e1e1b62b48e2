//! Certificates beside keys.

use std::fs;

use chancery_key::{EcCurve, KeyAlgorithm, KeyErrorKind, SigningKey};
use chancery_pkcs11::{ObjectType, Uri};
use chancery_testkit::softhsm::{SoftHsm, isolated};

use crate::finding::certificate_for;
use crate::{PIN, make, new_token, sign_and_verify};

fn tool(hsm: &SoftHsm, args: &[&str]) -> String {
    hsm.pkcs11_tool(["--token-label", "build", "--login", "--pin", PIN].iter().chain(args))
}

#[test]
fn a_certificate_goes_in_beside_its_key_and_comes_out_as_it_was() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        make(&store, "other", KeyAlgorithm::Ec(EcCurve::P256));
        let der = fs::read(certificate_for(hsm, key.public_key())).unwrap();
        let imported = store.import_certificate(&der, None).unwrap();
        assert_eq!(imported.public_key.as_ref(), Some(key.public_key()));
        assert_eq!(imported.id, key.info().id, "paired by the public key");
        assert_eq!(imported.label.as_deref(), Some("release"));
        assert_eq!(imported.address.object_type, Some(ObjectType::Cert));

        let listed = tool(hsm, &["-O", "--type", "cert"]);
        assert!(listed.contains("DN: CN=Signer") && listed.contains("release"), "{listed}");
        let read = hsm.dir().join("read.der");
        let id: String = imported.id.iter().flatten().map(|octet| format!("{octet:02x}")).collect();
        tool(hsm, &["-r", "--type", "cert", "--id", &id, "-o", read.to_str().unwrap()]);
        assert_eq!(fs::read(read).unwrap(), der);

        let error = store.import_certificate(&der, Some("again")).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::AlreadyExists);
        assert!(error.to_string().contains("object=release"), "{error}");

        assert_eq!(store.certificates(&imported.address).unwrap(), std::slice::from_ref(&imported));
        assert_eq!(store.certificates(&Uri::new().with_object("other")).unwrap(), []);
        let wrong = Uri::new().with_type(ObjectType::Private);
        assert_eq!(store.certificates(&wrong).unwrap_err().kind(), KeyErrorKind::Malformed);

        assert_eq!(store.delete_certificate(&imported).unwrap(), 1);
        assert_eq!(store.certificates(&Uri::new()).unwrap(), []);
        assert_eq!(store.delete_certificate(&imported).unwrap_err().kind(), KeyErrorKind::NotFound);
        assert!(!tool(hsm, &["-O", "--type", "cert"]).contains("CN=Signer"));
        sign_and_verify(&key);
    });
}

#[test]
fn a_certificate_without_its_key_is_kept_under_the_hash_of_its_public_key() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let elsewhere =
            chancery_key::PublicKey::from_rsa_numbers(&[0xc1; 256], &[1, 0, 1]).unwrap();
        let der = fs::read(certificate_for(hsm, &elsewhere)).unwrap();
        let imported = store.import_certificate(&der, Some("guest")).unwrap();
        assert_eq!(imported.id.map(|id| id.len()), Some(20));
        assert_eq!(imported.label.as_deref(), Some("guest"));
    });
}

#[test]
fn what_is_no_certificate_is_not_written() {
    isolated(|hsm| {
        let store = new_token(hsm, "build");
        let key = make(&store, "release", KeyAlgorithm::Ec(EcCurve::P256));
        let der = fs::read(certificate_for(hsm, key.public_key())).unwrap();
        let longer = [&der[..], &[0]].concat();
        for bad in [&der[..der.len() - 1], &longer, b"", key.public_key().spki_der()] {
            let error = store.import_certificate(bad, None).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Malformed);
        }
        assert_eq!(store.certificates(&Uri::new()).unwrap(), []);
    });
}
