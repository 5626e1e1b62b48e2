//! What is written is what was read.

use std::collections::BTreeMap;

use chancery_certstore::{Element, RegistryFile, read_blob, read_sst, write_blob, write_sst};

use crate::support::{Random, bound};

#[test]
fn ten_thousand_random_stores_come_back_byte_for_byte() {
    for seed in 0..10_000 {
        let mut random = Random::new(seed);
        let store = random.store();
        let bytes = write_sst(&store).unwrap();
        let read = read_sst(&bytes).unwrap();
        assert_eq!(read, store, "seed {seed}");
        assert_eq!(write_sst(&read).unwrap(), bytes, "seed {seed}");
        for element in &store {
            let blob = write_blob(element).unwrap();
            assert_eq!(&read_blob(&blob).unwrap(), element, "seed {seed}");
        }
    }
}

/// The bytes that crypt32 of Wine wrote for a certificate with a key and a friendly name begin like this.
#[test]
fn a_store_file_begins_as_crypt32_writes_it() {
    let bytes = write_sst(&[Element::Certificate(bound(0))]).unwrap();
    assert_eq!(bytes[..8], *b"\0\0\0\0CERT");
    // Property 11, encoding 1; the text with its final zero.
    assert_eq!(bytes[8..16], [11, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(bytes[bytes.len() - 12..], [0; 12]);
    let der = bound(0).der().to_vec();
    let context = bytes.len() - 12 - der.len();
    assert_eq!(bytes[context..bytes.len() - 12], der);
    let length = u32::try_from(der.len()).unwrap().to_le_bytes();
    let mut header = vec![32, 0, 0, 0, 1, 0, 0, 0];
    header.extend(length);
    assert_eq!(bytes[context - 12..context], header);
}

#[test]
fn a_file_of_no_bytes_is_an_empty_store() {
    assert_eq!(read_sst(&[]).unwrap(), []);
    assert_eq!(write_sst(&[]).unwrap().len(), 20);
    assert_eq!(read_sst(&write_sst(&[]).unwrap()).unwrap(), []);
}

#[test]
fn properties_behind_certificates_are_understood() {
    let (one, two) = (Element::Certificate(bound(0)), Element::Certificate(bound(1)));
    let split = |element: &Element| {
        let blob = write_blob(element).unwrap();
        let at = blob.len() - element.der().len() - 12;
        [blob[at..].to_vec(), blob[..at].to_vec()].concat()
    };
    let file = [b"\0\0\0\0CERT".to_vec(), split(&one), split(&two), vec![0; 12]].concat();
    let read = read_sst(&file).unwrap();
    assert_eq!(read, [one, two]);
    // And written in the order of Windows.
    assert_ne!(write_sst(&read).unwrap(), file);
    assert_eq!(read_sst(&write_sst(&read).unwrap()).unwrap(), read);
}

#[test]
fn random_stores_go_through_a_registry_file() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let mut stores = BTreeMap::new();
        for name in ["LocalMachine/My", "CurrentUser/Root", "LocalMachine/Other Store"] {
            let mut elements = random.store();
            // A key of the registry holds one element, and two with the same hash would be one key.
            elements.sort_by(|a, b| a.der().cmp(b.der()));
            elements.dedup_by(|a, b| a.der() == b.der());
            if !elements.is_empty() {
                stores.insert(name.parse().unwrap(), elements);
            }
        }
        let mut file = RegistryFile::default();
        file.stores = stores;
        let bytes = file.to_bytes().unwrap();
        let read = RegistryFile::from_bytes(&bytes).unwrap();
        assert_eq!(read.misnamed, [""; 0]);
        assert_eq!(read.stores.keys().collect::<Vec<_>>(), file.stores.keys().collect::<Vec<_>>());
        for (store, elements) in &file.stores {
            for (element, again) in elements.iter().zip(&read.stores[store]) {
                assert_eq!(element.der(), again.der(), "seed {seed}");
            }
        }
        assert_eq!(read.to_bytes().unwrap(), bytes, "seed {seed}");
    }
}
