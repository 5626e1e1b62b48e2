//! Signatures in and out.

use chancery_pe::{
    BaseDigest, CertificateTable, Edit, EmbedError, Patch, Removal, TYPE_PKCS_SIGNED_DATA,
    TableFault, certificates,
};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use proptest::prelude::*;

use crate::{any_tiny_pe, layout, outcome, sha256};

fn applied(file: &[u8], edits: Vec<Edit>) -> Vec<u8> {
    let digest = BaseDigest::new("sha256", sha256(file));
    let patch = Patch::new(file.len() as u64, digest, edits).unwrap();
    assert!(patch.is_in_place());
    let applied = patch.apply(file).unwrap();
    assert_eq!(applied.len() as u64, patch.final_len());
    applied
}

fn embedded(file: &[u8], blobs: &[&[u8]]) -> Vec<u8> {
    applied(file, layout(file).embed(blobs, &outcome(file).checksum).unwrap())
}

fn removed(file: &[u8]) -> Vec<u8> {
    applied(file, layout(file).remove(&outcome(file).checksum, &Removal::default()).unwrap())
}

fn refused(file: &[u8]) -> EmbedError {
    let (layout, state) = (layout(file), outcome(file).checksum);
    let error = layout.embed(&[b"der"], &state).unwrap_err();
    assert_eq!(layout.remove(&state, &Removal::default()).unwrap_err(), error);
    assert_eq!(layout.check_embeddable(), Err(error.clone()));
    error
}

/// Sets the checksum to what it should be.
fn with_checksum(mut file: Vec<u8>) -> Vec<u8> {
    let at = layout(&file).checksum_offset() as usize;
    let value = outcome(&file).checksum.value();
    file[at..at + 4].copy_from_slice(&value.to_le_bytes());
    file
}

proptest! {
    #[test]
    fn a_signed_file_has_the_unsigned_files_digest(
        file in any_tiny_pe(),
        blobs in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..4),
    ) {
        let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
        let signed = embedded(&file, &blobs);
        prop_assert_eq!(sha256(&signed), sha256(&file));
        let layout = layout(&signed);
        let range = layout.table_range().unwrap();
        prop_assert_eq!(layout.certificate_table(), &CertificateTable::Present(range.clone()));
        prop_assert_eq!(range.end, signed.len() as u64);
        prop_assert_eq!(layout.stored_checksum(), outcome(&signed).checksum.value());

        let table = layout.read_table(&mut signed.as_slice()).unwrap();
        let (entries, findings) = certificates(&table);
        prop_assert_eq!(findings, []);
        prop_assert_eq!(entries.len(), blobs.len());
        for (entry, blob) in entries.iter().zip(&blobs) {
            prop_assert_eq!(entry.certificate_type, TYPE_PKCS_SIGNED_DATA);
            prop_assert_eq!(entry.length % 8, 0);
            let (body, padding) = entry.body.split_at(blob.len());
            prop_assert_eq!(&body, blob);
            prop_assert!(padding.len() < 8 && padding.iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn taking_out_gives_the_file_back_up_to_padding_and_checksum(file in any_tiny_pe()) {
        let mut padded = file.clone();
        padded.resize(file.len().next_multiple_of(8), 0);
        prop_assert_eq!(removed(&embedded(&file, &[b"signature"])), with_checksum(padded));
    }

    #[test]
    fn a_new_signature_replaces_the_old(file in any_tiny_pe()) {
        let first = embedded(&file, &[b"a long first signature", b"and another"]);
        prop_assert_eq!(embedded(&first, &[b"second"]), embedded(&file, &[b"second"]));
    }
}

#[test]
fn every_length_modulo_eight_is_padded_with_zeros() {
    for overlay in 0..8 {
        let file = tiny_pe(&TinyPe { overlay: vec![0xFF; overlay], ..TinyPe::default() });
        let signed = embedded(&file, &[b"der"]);
        let table = layout(&signed).table_range().unwrap();
        let start = file.len().next_multiple_of(8);
        assert_eq!(table.start, start as u64);
        assert!(signed[file.len()..start].iter().all(|byte| *byte == 0));
        let entry = b"\x10\0\0\0\x00\x02\x02\0der\0\0\0\0\0";
        assert_eq!(signed[start..], *entry, "length, revision, type, signature, padding");
    }
}

#[test]
fn refuses_a_file_without_a_slot() {
    let file = tiny_pe(&TinyPe { directories: 4, ..TinyPe::default() });
    assert_eq!(refused(&file), EmbedError::NoSlot);
}

#[test]
fn refuses_a_slot_inside_the_section_table() {
    let mut file = tiny_pe(&TinyPe { sections: vec![], ..TinyPe::default() });
    // Five directories by count, four by the length of the optional header, and one section.
    file[64 + 6] = 1;
    file[64 + 20..64 + 22].copy_from_slice(&(112u16 + 32).to_le_bytes());
    assert_eq!(refused(&file), EmbedError::SlotInSectionTable);
    // Not even the checksum can be written.
    file[64 + 20..64 + 22].copy_from_slice(&56u16.to_le_bytes());
    assert_eq!(refused(&file), EmbedError::SlotInSectionTable);
}

#[test]
fn refuses_a_malformed_table() {
    let mut file = embedded(&tiny_pe(&TinyPe::default()), &[b"der"]);
    file.extend([0; 8]);
    let reason = TableFault::DataAfterTable;
    let expected = EmbedError::MalformedTable { reason, offset: 1024, size: 16 };
    assert_eq!(refused(&file), expected);
    assert_eq!(
        expected.to_string(),
        "the certificate table at offset 0x400 of 16 bytes is malformed: data follows it"
    );
}

#[test]
fn refuses_a_section_beyond_the_end() {
    let file = tiny_pe(&TinyPe::default());
    let cut = &file[..file.len() - 8];
    let embed = layout(cut).embed(&[b"der"], &outcome(cut).checksum);
    assert_eq!(embed, Err(EmbedError::SectionPastEnd));
    assert_eq!(layout(cut).check_embeddable(), Err(EmbedError::SectionPastEnd));
    assert_eq!(layout(&file).check_embeddable(), Ok(()));
}

#[test]
fn refuses_another_files_checksum_and_empty_requests() {
    let file = tiny_pe(&TinyPe::default());
    let other = tiny_pe(&TinyPe { overlay: vec![1], ..TinyPe::default() });
    let (layout, state) = (layout(&file), outcome(&file).checksum);
    let foreign = layout.embed(&[b"der"], &outcome(&other).checksum);
    assert_eq!(foreign, Err(EmbedError::ForeignChecksum));
    assert_eq!(layout.embed(&[], &state), Err(EmbedError::NoCertificates));
    assert_eq!(layout.embed(&[&b""[..]; 257], &state), Err(EmbedError::TooManyCertificates));
    assert_eq!(layout.remove(&state, &Removal::default()), Err(EmbedError::NotSigned));
}
