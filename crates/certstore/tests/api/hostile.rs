//! Bytes that are no store.

use chancery_certstore::{Element, FormatError, read_blob, read_sst, write_blob, write_sst};

use crate::support::{Random, bound};

fn record(number: u32, data: &[u8]) -> Vec<u8> {
    let len = u32::try_from(data.len()).unwrap();
    let mut bytes: Vec<u8> = [number, 1, len].iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend_from_slice(data);
    bytes
}

fn sst(records: &[Vec<u8>]) -> Vec<u8> {
    [b"\0\0\0\0CERT".to_vec(), records.concat(), vec![0; 12]].concat()
}

#[test]
fn another_magic_is_no_store() {
    for bytes in [&b"\0\0\0\0CERR"[..], b"CERT\0\0\0\0", b"MZ", b"\x30\x82\x01\x00", b"\0\0\0\0CER"]
    {
        assert_eq!(read_sst(bytes), Err(FormatError::Magic));
    }
}

#[test]
fn a_length_past_the_end_is_named_with_its_place() {
    let mut file = sst(&[record(11, b"ab"), record(32, b"certificate")]);
    file[16..20].copy_from_slice(&1000_u32.to_le_bytes());
    let left = file.len() - 20;
    assert_eq!(read_sst(&file), Err(FormatError::Length { offset: 8, claimed: 1000, left }));
    // Four GiB are neither allocated nor waited for.
    file[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read_sst(&file), Err(FormatError::Length { offset: 8, claimed: u32::MAX, left }));
    let mut blob = record(32, b"certificate");
    blob[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        read_blob(&blob),
        Err(FormatError::Length { offset: 0, claimed: u32::MAX, left: 11 })
    );
}

#[test]
fn a_store_that_is_cut_off_anywhere_is_refused() {
    let file =
        write_sst(&[Element::Certificate(bound(0)), Element::Certificate(bound(1))]).unwrap();
    for len in 1..file.len() {
        assert!(read_sst(&file[..len]).is_err(), "{len} of {} bytes", file.len());
    }
    let blob = write_blob(&Element::Certificate(bound(0))).unwrap();
    for len in 0..blob.len() {
        assert!(read_blob(&blob[..len]).is_err(), "{len} of {} bytes", blob.len());
    }
}

#[test]
fn bytes_behind_the_end_are_refused() {
    let mut file = sst(&[record(32, b"certificate")]);
    let offset = file.len();
    file.extend(record(32, b"hidden"));
    assert_eq!(read_sst(&file), Err(FormatError::Trailing { offset, len: 18 }));
    let blob = [record(32, b"certificate"), vec![0; 12], vec![1]].concat();
    assert!(matches!(read_blob(&blob), Err(FormatError::Trailing { len: 1, .. })));
    let ended = [record(32, b"certificate"), vec![0; 12]].concat();
    assert!(read_blob(&ended).is_ok());
}

#[test]
fn two_certificates_in_one_element_are_refused() {
    let blob = [record(32, b"one"), record(32, b"two")].concat();
    assert_eq!(read_blob(&blob), Err(FormatError::SecondContext { offset: 15 }));
    let blob = [record(32, b"one"), record(33, b"list")].concat();
    assert_eq!(read_blob(&blob), Err(FormatError::SecondContext { offset: 15 }));
    // In a store they are two elements.
    assert_eq!(read_sst(&sst(&[record(32, b"one"), record(32, b"two")])).unwrap().len(), 2);
}

#[test]
fn a_property_that_belongs_to_nothing_is_refused() {
    let blob = [record(32, b"one"), record(11, b"")].concat();
    assert_eq!(read_blob(&blob), Err(FormatError::PropertyAfterContext { offset: 15 }));
    assert_eq!(read_blob(&record(11, b"")), Err(FormatError::NoContext));
    assert_eq!(read_blob(&[]), Err(FormatError::NoContext));
    let both = sst(&[record(11, b""), record(32, b"one"), record(11, b"")]);
    assert_eq!(read_sst(&both), Err(FormatError::PropertyAfterContext { offset: 35 }));
    assert_eq!(
        read_sst(&sst(&[record(11, b"")])),
        Err(FormatError::PropertyAfterContext { offset: 8 })
    );
}

#[test]
fn one_property_has_one_value() {
    let file = sst(&[record(11, b"a"), record(11, b"b"), record(32, b"one")]);
    let Err(FormatError::DuplicateProperty { offset: 21, id }) = read_sst(&file) else {
        panic!("{:?}", read_sst(&file));
    };
    assert_eq!(id.number(), 11);
    // With another certificate between them they are two.
    let file = sst(&[record(11, b"a"), record(32, b"one"), record(11, b"b"), record(32, b"two")]);
    assert_eq!(read_sst(&file).unwrap().len(), 2);
}

#[test]
fn numbers_and_encodings_that_nothing_has_are_refused() {
    let file = sst(&[record(0x1_0000, b""), record(32, b"one")]);
    assert_eq!(read_sst(&file), Err(FormatError::PropertyId { offset: 8, found: 0x1_0000 }));
    let mut file = sst(&[record(32, b"one")]);
    file[12] = 2;
    assert_eq!(read_sst(&file), Err(FormatError::Encoding { offset: 8, found: 2 }));
    let mut file = sst(&[]);
    file[12] = 1;
    assert_eq!(read_sst(&file), Err(FormatError::Encoding { offset: 8, found: 1 }));
}

#[test]
fn more_properties_than_anything_has_are_refused() {
    let many: Vec<_> = (100..400).map(|number| record(number, b"")).collect();
    let file = sst(&[many.concat(), record(32, b"one")]);
    assert_eq!(read_sst(&file), Err(FormatError::TooManyProperties { offset: 8 + 256 * 12 }));
}

#[test]
fn more_than_the_limit_is_neither_read_nor_written() {
    let huge = vec![0; (64 << 20) + 1];
    assert_eq!(read_sst(&huge), Err(FormatError::TooLong));
    assert_eq!(read_blob(&huge), Err(FormatError::TooLong));
    let element = read_blob(&record(32, &huge[..64 << 20])).map(|_| ());
    assert_eq!(element, Err(FormatError::TooLong));
}

#[test]
fn a_changed_byte_never_panics_and_what_is_read_is_written() {
    let file =
        write_sst(&[Element::Certificate(bound(0)), Element::Certificate(bound(1))]).unwrap();
    let mut random = Random::new(7);
    let mut read_anyway = 0;
    for _ in 0..5_000 {
        let mut changed = file.clone();
        for _ in 0..=random.below(3) {
            let at = usize::try_from(random.below(u64::try_from(file.len()).unwrap())).unwrap();
            changed[at] = random.next().to_le_bytes()[0];
        }
        if let Ok(store) = read_sst(&changed) {
            read_anyway += 1;
            assert_eq!(write_sst(&store).unwrap(), changed);
            for element in &store {
                if let Element::Certificate(entry) = element {
                    let _ = (entry.key_binding(), entry.friendly_name(), entry.certificate());
                }
            }
        }
    }
    assert!(read_anyway > 1_000, "{read_anyway}");
}
