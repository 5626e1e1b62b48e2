//! Adding, finding, changing and removing, the same in every store.

use chancery_certstore::{
    Added, CertificateQuery, CertificateStore, Element, Entry, IfPresent, MemoryStore, Properties,
    PropertyId, SstFile, StoreErrorKind, write_sst,
};
use chancery_key::Match;

use crate::support::{bound, certificates};

/// Runs a test over each kind of store, empty.
fn each_store(test: impl Fn(&mut dyn CertificateStore)) {
    test(&mut MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    test(&mut SstFile::new(folder.path().join("store.sst")));
}

#[test]
fn a_certificate_is_added_once_and_then_by_choice() {
    each_store(|store| {
        assert_eq!(store.add(bound(0), IfPresent::Refuse).unwrap(), Added::New);
        let refused = store.add(bound(0), IfPresent::Refuse).unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::AlreadyExists);
        assert!(refused.to_string().contains(&bound(0).thumbprint().to_string()));

        let mut other = Entry::new(certificates()[0].clone());
        other.properties_mut().set_text(PropertyId::FRIENDLY_NAME, "new");
        assert_eq!(store.add(other.clone(), IfPresent::Keep).unwrap(), Added::Kept);
        assert_eq!(store.entries().unwrap(), [bound(0)]);

        assert_eq!(store.add(other.clone(), IfPresent::Inherit).unwrap(), Added::Replaced);
        let entry = store.entries().unwrap().remove(0);
        assert_eq!(entry.friendly_name().unwrap().as_deref(), Some("new"));
        assert_eq!(entry.key_binding().unwrap(), bound(0).key_binding().unwrap());

        assert_eq!(store.add(other.clone(), IfPresent::Replace).unwrap(), Added::Replaced);
        assert_eq!(store.entries().unwrap(), [other]);
    });
}

#[test]
fn hashes_that_come_with_a_certificate_are_not_believed() {
    each_store(|store| {
        let mut entry = bound(0);
        for id in [PropertyId::SHA1_HASH, PropertyId::MD5_HASH, PropertyId::SHA256_HASH] {
            entry.properties_mut().set(id, bound(1).thumbprint().as_bytes().as_slice());
        }
        store.add(entry, IfPresent::Refuse).unwrap();
        let query = |entry: &Entry| CertificateQuery::any().with_sha1(entry.thumbprint());
        assert_eq!(store.find(&query(&bound(0))).unwrap().one(), Some(bound(0)));
        assert_eq!(store.find(&query(&bound(1))).unwrap(), Match::None);
    });
}

#[test]
fn a_certificate_is_found_by_everything_that_names_it() {
    each_store(|store| {
        for index in 0..4 {
            store.add(bound(index), IfPresent::Refuse).unwrap();
        }
        let certificate = &certificates()[2];
        let hex = |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
        let sha256 = certificate.thumbprint_sha256();
        let any = CertificateQuery::any;
        for query in [
            any().with_sha1(bound(2).thumbprint()),
            any().with_sha256(sha256),
            any().with_serial(certificate.serial()),
            any().with_serial(&[&[0, 0], certificate.serial()].concat()),
            any().with_subject("SIGNER 3"),
            any().with_subject("cn=signer 3"),
            any().with_issuer("signer 3"),
            any().with_public_key(certificate.public_key().clone()),
            any().with_subject("signer").with_serial(certificate.serial()),
            any().with_id(&bound(2).thumbprint().to_string()),
            any().with_id(&format!("\u{200e}{:#}", bound(2).thumbprint())),
            any().with_id(&hex(&sha256)),
            any().with_id(&hex(certificate.serial())),
            any().with_id("signer 3"),
        ] {
            assert_eq!(store.find(&query).unwrap().one(), Some(bound(2)), "{query:?}");
        }
        for query in [
            any().with_subject("signer 5"),
            any().with_subject("signer 1").with_serial(certificate.serial()),
            any().with_id(&hex(&[0xab; 20])),
            any().with_id(""),
        ] {
            assert_eq!(store.find(&query).unwrap(), Match::None, "{query:?}");
        }
        for query in [any(), any().with_subject("SIGNER"), any().with_issuer("EXÄMPLE")] {
            let found = store.find(&query).unwrap();
            assert!(matches!(found, Match::Many(all) if all.len() == 4), "{query:?}");
        }
    });
}

#[test]
fn what_is_out_of_use_is_found_by_number_alone() {
    each_store(|store| {
        let mut archived = bound(1);
        archived.properties_mut().set(PropertyId::ARCHIVED, []);
        store.add(bound(0), IfPresent::Refuse).unwrap();
        store.add(archived.clone(), IfPresent::Refuse).unwrap();
        let any = CertificateQuery::any;
        assert_eq!(store.find(&any()).unwrap().one(), Some(bound(0)));
        assert_eq!(store.find(&any().with_subject("signer 2")).unwrap(), Match::None);
        let thumbprint = archived.thumbprint();
        for query in [
            any().with_sha1(thumbprint),
            any().with_id(&thumbprint.to_string()),
            any().with_serial(certificates()[1].serial()),
            any().with_subject("signer 2").with_archived(),
        ] {
            assert_eq!(store.find(&query).unwrap().one(), Some(archived.clone()), "{query:?}");
        }
    });
}

#[test]
fn properties_change_together_and_certificates_go() {
    each_store(|store| {
        store.add(bound(0), IfPresent::Refuse).unwrap();
        let thumbprint = bound(0).thumbprint();
        let changes =
            [(PropertyId::KEY_PROVIDER_INFO, None), (PropertyId::ARCHIVED, Some(Vec::new()))];
        store.update(&thumbprint, &changes).unwrap();
        let entry = store.entries().unwrap().remove(0);
        assert!(entry.is_archived());
        assert_eq!(entry.key_binding().unwrap(), None);
        let stranger = bound(3).thumbprint();
        let missing = store.update(&stranger, &changes).unwrap_err();
        assert_eq!(missing.kind(), StoreErrorKind::NotFound);
        assert_eq!(store.remove(&stranger).unwrap_err().kind(), StoreErrorKind::NotFound);
        assert_eq!(store.remove(&thumbprint).unwrap(), entry);
        assert_eq!(store.entries().unwrap(), []);
    });
}

#[test]
fn a_certificate_twice_with_different_properties_is_two_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.sst");
    let mut other = bound(0);
    other.properties_mut().set_text(PropertyId::FRIENDLY_NAME, "another");
    let write = |entries: &[Entry]| {
        let elements: Vec<_> = entries.iter().cloned().map(Element::Certificate).collect();
        std::fs::write(&path, write_sst(&elements).unwrap()).unwrap();
    };
    let thumbprint = bound(0).thumbprint();
    let query = CertificateQuery::any().with_sha1(thumbprint);
    let mut store = SstFile::new(&path);

    // Twice the same is one, in whatever order its properties are.
    let mut turned = Properties::new();
    let properties: Vec<_> = bound(0).properties().iter().map(|(id, v)| (id, v.to_vec())).collect();
    properties.into_iter().rev().for_each(|(id, value)| turned.set(id, value));
    write(&[bound(0), Entry::from_parts(bound(0).der().to_vec(), turned)]);
    assert_eq!(store.find(&query).unwrap().one(), Some(bound(0)));

    write(&[bound(0), bound(1), other]);
    assert!(matches!(store.find(&query).unwrap(), Match::Many(all) if all.len() == 2));
    let changes = [(PropertyId::ARCHIVED, None)];
    let ambiguous = store.update(&thumbprint, &changes).unwrap_err();
    assert_eq!(ambiguous.kind(), StoreErrorKind::Ambiguous);
    // Adding it once more makes it one again.
    store.add(bound(0), IfPresent::Replace).unwrap();
    assert_eq!(store.entries().unwrap(), [bound(0), bound(1)]);
}

#[test]
fn what_is_no_certificate_stays_and_is_found_by_its_hash() {
    each_store(|store| {
        let odd = Entry::from_parts(b"not a certificate".to_vec(), Properties::new());
        store.add(odd.clone(), IfPresent::Refuse).unwrap();
        store.add(bound(0), IfPresent::Refuse).unwrap();
        assert!(odd.certificate().is_err());
        let query = CertificateQuery::any().with_sha1(odd.thumbprint());
        assert_eq!(store.find(&query).unwrap().one(), Some(odd));
        let named = CertificateQuery::any().with_subject("signer");
        assert_eq!(store.find(&named).unwrap().one(), Some(bound(0)));
    });
}
