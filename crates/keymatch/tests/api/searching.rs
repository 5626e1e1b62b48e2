//! Keys in several stores.

use std::fs;
use std::sync::Arc;

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, KeyStore, Match, Pin, PinRequest, PinSource,
    SigningKey,
};
use chancery_keymatch::{Modulus, Wanted, find_in_stores};
use chancery_softkey::{SoftKey, SoftKeyDirectory};
use tempfile::TempDir;

#[derive(Debug)]
struct NoPin;

impl PinSource for NoPin {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        Err(KeyError::new(KeyErrorKind::AuthRequired, request.to_string()))
    }
}

fn store(keys: &[(&str, &SoftKey)]) -> (TempDir, Box<dyn KeyStore>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in keys {
        fs::write(folder.path().join(name), key.danger_to_plain_pem().unwrap().as_bytes()).unwrap();
    }
    let store =
        Box::new(SoftKeyDirectory::new(folder.path(), Arc::new(NoPin) as Arc<dyn PinSource>));
    (folder, store)
}

#[test]
fn a_key_is_found_wherever_it_is_and_opens_there() {
    let rsa = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
    let ec = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
    let stranger = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
    let (_first, one) = store(&[("stranger.pem", &stranger)]);
    let (_second, two) = store(&[("ec.pem", &ec), ("rsa.pem", &rsa)]);
    let (_third, three) = store(&[("copy.pem", &ec)]);
    let missing: Box<dyn KeyStore> =
        Box::new(SoftKeyDirectory::new("no/such/folder", Arc::new(NoPin) as Arc<dyn PinSource>));
    let stores = [one, two, three, missing];

    let modulus = Wanted::Modulus(Modulus::of(rsa.public_key()).unwrap());
    assert!(modulus.fits(rsa.public_key()) && !modulus.fits(ec.public_key()));
    let search = find_in_stores(&stores, &modulus.query());
    assert_eq!(search.failures.iter().map(|(store, _)| *store).collect::<Vec<_>>(), [3]);
    let found = search.found.one().unwrap();
    assert_eq!(found.store, 1);
    assert_eq!(found.open(&stores).unwrap().public_key(), rsa.public_key());
    assert_eq!(found.open(&stores[..1]).unwrap_err().kind(), KeyErrorKind::NotFound);

    let search = find_in_stores(&stores, &Wanted::PublicKey(ec.public_key().clone()).query());
    let Match::Many(all) = search.found else { panic!("{search:?}") };
    assert_eq!(all.iter().map(|found| found.store).collect::<Vec<_>>(), [1, 2]);

    let nobody = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
    let wanted = Wanted::PublicKey(nobody.public_key().clone());
    assert!(matches!(find_in_stores(&stores, &wanted.query()).found, Match::None));
}
