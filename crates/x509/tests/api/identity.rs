//! A key joined with its certificate and the path above it.

use std::sync::Arc;

use chancery_key::{KeyErrorKind, SignatureScheme as S, SigningKey};
use chancery_softkey::SoftKey;
use chancery_testkit::broken_keys::{BrokenKey, Fault};
use chancery_x509::{Certificate, Identity, IdentityError, Profile, oid};

use super::forge::{Forge, extension};
use super::support::{issue, p256, root, root_identity};

/// Writes a CA certificate without key identifiers, so that nothing but the signature tells look-alikes apart.
fn plain_ca(issuer: &str, subject: &str, key: &SoftKey, by: &SoftKey) -> Certificate {
    let ca = extension(oid::BASIC_CONSTRAINTS, &[1, 1, 0xff], &[0x30, 3, 1, 1, 0xff]);
    let forge = Forge::new(key.public_key()).names(issuer, subject).extensions(&[ca]);
    Certificate::from_der(&forge.sign(by)).unwrap()
}

fn plain_leaf(issuer: &str, subject: &str, key: &SoftKey, by: &SoftKey) -> Certificate {
    let forge = Forge::new(key.public_key()).names(issuer, subject);
    Certificate::from_der(&forge.sign(by)).unwrap()
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let certificate = root("CN=Root", &p256(), S::EcdsaSha256);
    let refused = Identity::new(p256(), certificate, &[]);
    assert_eq!(refused.unwrap_err(), IdentityError::KeyMismatch { subject: "CN=Root".into() });
}

#[test]
fn the_path_is_found_in_any_order_among_look_alikes() {
    let (root_key, ca_key, key) = (p256(), p256(), p256());
    let root = plain_ca("CN=Root", "CN=Root", &root_key, &root_key);
    let ca = plain_ca("CN=Root", "CN=CA", &ca_key, &root_key);
    let leaf = plain_leaf("CN=CA", "CN=Leaf", &key, &ca_key);

    let mut bag = vec![root.clone(), ca.clone(), leaf.clone()];
    for _ in 0..3 {
        let (other_root, other_ca) = (p256(), p256());
        bag.push(plain_ca("CN=Root", "CN=Root", &other_root, &other_root));
        bag.push(plain_ca("CN=Root", "CN=CA", &other_ca, &other_root));
    }
    let key = Arc::new(key);
    for _ in 0..bag.len() {
        bag.rotate_left(1);
        for _ in 0..2 {
            bag.reverse();
            let identity = Identity::new(Arc::clone(&key), leaf.clone(), &bag).unwrap();
            assert_eq!(identity.chain(), [ca.clone(), root.clone()]);
            assert_eq!(identity.root(), Some(&root));
            let embedded: Vec<_> = identity.certificates_to_embed().collect();
            assert_eq!(embedded, [&leaf, &ca]);
        }
    }

    let without_ca: Vec<_> = bag.into_iter().filter(|other| *other != ca).collect();
    let identity = Identity::new(key, leaf.clone(), &without_ca).unwrap();
    assert_eq!((identity.chain(), identity.root()), (&[][..], None));
    assert_eq!(identity.certificates_to_embed().collect::<Vec<_>>(), [&leaf]);
}

#[test]
fn authorities_that_certify_each_other_end_the_path() {
    let (one, other, key) = (p256(), p256(), p256());
    let one_by_other = plain_ca("CN=Other", "CN=One", &one, &other);
    let other_by_one = plain_ca("CN=One", "CN=Other", &other, &one);
    let leaf = plain_leaf("CN=One", "CN=Leaf", &key, &one);
    let bag = [one_by_other.clone(), other_by_one.clone()];
    let identity = Identity::new(key, leaf, &bag).unwrap();
    assert_eq!(identity.chain(), [one_by_other, other_by_one]);
    assert_eq!(identity.root(), None);
    assert_eq!(identity.certificates_to_embed().count(), 3);
}

#[test]
fn a_self_signed_certificate_is_its_own_root_and_embedded() {
    let key = p256();
    let certificate = root("CN=Root", &key, S::EcdsaSha256);
    let others = [root("CN=Root", &p256(), S::EcdsaSha256), certificate.clone()];
    let identity = Identity::new(key, certificate.clone(), &others).unwrap();
    assert_eq!(identity.root(), Some(&certificate));
    assert!(identity.chain().is_empty());
    assert_eq!(identity.certificates_to_embed().collect::<Vec<_>>(), [&certificate]);
}

#[test]
fn a_ca_that_changed_its_key_is_no_root() {
    let (old, new, key) = (p256(), p256(), p256());
    let root = plain_ca("CN=CA", "CN=CA", &old, &old);
    let rollover = plain_ca("CN=CA", "CN=CA", &new, &old);
    assert!(rollover.is_self_issued() && !rollover.is_self_signed());
    let leaf = plain_leaf("CN=CA", "CN=Leaf", &key, &new);
    let identity = Identity::new(key, leaf.clone(), &[rollover.clone(), root.clone()]).unwrap();
    assert_eq!(identity.chain(), [rollover.clone(), root.clone()]);
    assert_eq!(identity.root(), Some(&root));
    assert_eq!(identity.certificates_to_embed().collect::<Vec<_>>(), [&leaf, &rollover]);
}

#[test]
fn a_signer_named_as_its_ca_is_no_root() {
    let (ca_key, key) = (p256(), p256());
    let ca = plain_ca("CN=Example", "CN=Example", &ca_key, &ca_key);
    let leaf = plain_leaf("CN=Example", "CN=Example", &key, &ca_key);
    let identity = Identity::new(key, leaf.clone(), std::slice::from_ref(&ca)).unwrap();
    assert_eq!(identity.root(), Some(&ca));
    assert_eq!(identity.certificates_to_embed().collect::<Vec<_>>(), [&leaf]);
}

#[test]
fn no_wrong_signature_comes_out() {
    let ca = root_identity("CN=Root");
    let key = p256();
    let certificate = issue(&ca, Profile::CodeSigning, "CN=Leaf", &key).unwrap();
    let broken = BrokenKey::new(key, Fault::FlipsOneBit);
    let identity = Identity::new(broken, certificate, &[]).unwrap();
    let error = identity.key().sign(S::EcdsaSha256, b"message").unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Device);
    assert!(ca.key().sign(S::EcdsaSha256, b"message").is_ok());
    assert_eq!(ca.conventional_scheme(), Some(S::EcdsaSha256));
}
