//! What is left when signatures go: padding, checksum, and every other byte.

use chancery_pe::{BaseDigest, Patch, Removal, RemovedChecksum};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use proptest::prelude::*;

use crate::{any_tiny_pe, layout, outcome, sha256};

const CHECKSUM_AT: usize = 64 + 88;

fn signed(file: &[u8]) -> Vec<u8> {
    let edits = layout(file).embed(&[b"signature"], &outcome(file).checksum).unwrap();
    let digest = BaseDigest::new("sha256", sha256(file));
    Patch::new(file.len() as u64, digest, edits).unwrap().apply(file).unwrap()
}

/// Takes the signatures out with all padding that is provably a signer's.
fn unsigned(file: &[u8], checksum: RemovedChecksum) -> Vec<u8> {
    let layout = layout(file);
    let padding = layout.signer_padding(&mut { file }).unwrap();
    let removal = Removal::default().with_padding(padding).with_checksum(checksum);
    let edits = layout.remove(&outcome(file).checksum, &removal).unwrap();
    let digest = BaseDigest::new("sha256", sha256(file));
    Patch::new(file.len() as u64, digest, edits).unwrap().apply(file).unwrap()
}

fn with_checksum(mut file: Vec<u8>, value: u32) -> Vec<u8> {
    file[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&value.to_le_bytes());
    file
}

fn with_right_checksum(file: Vec<u8>) -> Vec<u8> {
    let value = outcome(&file).checksum.value();
    with_checksum(file, value)
}

/// Cuts the data of the only section, and the file with it.
fn with_section_of(len: u32) -> Vec<u8> {
    let mut file = tiny_pe(&TinyPe { sections: vec![vec![0xCC; 512]], ..TinyPe::default() });
    let section_table = 64 + 24 + 112 + 8 * 16;
    file[section_table + 16..section_table + 20].copy_from_slice(&len.to_le_bytes());
    file.truncate(512 + len as usize);
    file
}

#[test]
fn padding_behind_the_last_section_goes() {
    for len in 505..=512 {
        let file = with_right_checksum(with_section_of(len));
        assert_eq!(unsigned(&signed(&file), RemovedChecksum::Restored), file, "{len}");
    }
}

#[test]
fn padding_behind_an_overlay_stays() {
    for len in 0..8 {
        let overlay = [vec![7; 9], vec![0; len]].concat();
        let file = tiny_pe(&TinyPe { overlay, ..TinyPe::default() });
        let mut padded = file.clone();
        padded.resize(file.len().next_multiple_of(8), 0);
        let found = unsigned(&signed(&file), RemovedChecksum::Zero);
        assert_eq!(found, padded, "nothing tells {len} zeros of its own from padding");
    }
}

#[test]
fn padding_behind_the_string_table_goes() {
    // Two symbols, and a string table of 4 and `text` octets, as linkers leave them behind the sections.
    for (text, claimed) in [(0, 4), (1, 5), (5, 9), (5, 0)] {
        let overlay =
            [vec![b'S'; 36], u32::to_le_bytes(claimed).to_vec(), vec![b'x'; text]].concat();
        let mut file = tiny_pe(&TinyPe { overlay, ..TinyPe::default() });
        file[64 + 12..64 + 16].copy_from_slice(&1024_u32.to_le_bytes());
        file[64 + 16..64 + 20].copy_from_slice(&2_u32.to_le_bytes());
        let exact = claimed as usize == text + 4;
        let back = unsigned(&signed(&file), RemovedChecksum::Zero);
        assert_eq!(back == file, exact || file.len().is_multiple_of(8), "{text} {claimed}");
        // A table that claims to reach beyond the file accounts for nothing.
        let at = file.len() - text - 4;
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let back = unsigned(&signed(&file), RemovedChecksum::Zero);
        assert_eq!(back.len(), file.len().next_multiple_of(8));
    }
}

#[test]
fn padding_that_is_not_zero_is_nobodys() {
    let file = with_section_of(509);
    let mut signed = signed(&file);
    signed[512 + 510] = 1;
    let length = unsigned(&signed, RemovedChecksum::Restored).len();
    assert_eq!(length, 1024, "all of it stays");
}

#[test]
fn a_checksum_that_no_signer_wrote_stays() {
    let file = tiny_pe(&TinyPe::default());
    for stale in [0, 1, 0xdead_beef] {
        let file = with_checksum(file.clone(), stale);
        let by_us = signed(&file);
        let untouched = with_checksum(by_us.clone(), stale);
        assert_eq!(unsigned(&untouched, RemovedChecksum::Restored), file);
        let restored = unsigned(&by_us, RemovedChecksum::Restored);
        assert_eq!(
            restored,
            with_right_checksum(file.clone()),
            "ours was right, so it stays right"
        );
        let zero = unsigned(&by_us, RemovedChecksum::Zero);
        assert_eq!(zero, with_checksum(file, 0));
    }
}

proptest! {
    #[test]
    fn a_right_checksum_comes_back_with_every_byte(file in any_tiny_pe()) {
        let file = with_right_checksum(file);
        let back = unsigned(&signed(&file), RemovedChecksum::Restored);
        let mut padded = file.clone();
        padded.resize(file.len().next_multiple_of(8), 0);
        prop_assert_eq!(sha256(&back), sha256(&file));
        prop_assert!(back == file || back == with_right_checksum(padded));
    }
}
