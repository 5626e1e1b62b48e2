//! Reading headers.

use std::error::Error as _;

use chancery_pe::{BaseDigest, CertificateTable, Error, Layout, Patch, SeekSource, TableFault};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use proptest::prelude::*;

use crate::{any_tiny_pe, layout, outcome, sha256};

fn parse(file: &[u8]) -> Result<Layout, Error> {
    Layout::parse(&mut &file[..])
}

fn with_directory(offset: u32, size: u32) -> Vec<u8> {
    let mut file = tiny_pe(&TinyPe::default());
    let at = layout(&file).certificate_directory().unwrap().entry_offset as usize;
    file[at..at + 4].copy_from_slice(&offset.to_le_bytes());
    file[at + 4..at + 8].copy_from_slice(&size.to_le_bytes());
    file
}

#[test]
fn reads_both_word_sizes() {
    for (pe32_plus, machine, entry) in [(false, 0x14C, 64 + 152), (true, 0x8664, 64 + 168)] {
        let sections = vec![vec![1; 600], vec![], vec![2; 3]];
        let file = tiny_pe(&TinyPe { pe32_plus, sections, ..TinyPe::default() });
        let layout = layout(&file);
        assert_eq!(layout.is_pe32_plus(), pe32_plus);
        assert_eq!(layout.machine(), machine);
        assert_eq!(layout.file_len(), file.len() as u64);
        assert_eq!(layout.subsystem(), 3);
        assert!(!layout.is_efi());
        assert_eq!((layout.section_alignment(), layout.file_alignment()), (4096, 512));
        assert_eq!(layout.number_of_directories(), 16);
        assert_eq!(layout.checksum_offset(), 64 + 88);
        assert_eq!(layout.certificate_directory().unwrap().entry_offset, entry);
        assert_eq!(*layout.certificate_table(), CertificateTable::Absent);
        let sections: Vec<_> = layout
            .sections()
            .iter()
            .map(|section| (section.name(), section.virtual_size(), section.raw_range()))
            .collect();
        let expected: [(&[u8], u32, _); 3] =
            [(b".s0", 600, 512..1536), (b".s1", 0, 0..0), (b".s2", 3, 1536..2048)];
        assert_eq!(sections, expected);
        assert!(layout.readings_agree());
    }
}

#[test]
fn knows_firmware_programs() {
    for subsystem in 0..20 {
        let file = tiny_pe(&TinyPe { subsystem, ..TinyPe::default() });
        assert_eq!(layout(&file).is_efi(), (10..=13).contains(&subsystem), "{subsystem}");
    }
}

#[test]
fn names_what_is_no_executable() {
    let file = tiny_pe(&TinyPe::default());
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = file.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        parse(&bytes).unwrap_err()
    };
    assert!(matches!(parse(b""), Err(Error::NotPe)));
    assert!(matches!(parse(b"\x7fELF"), Err(Error::NotPe)));
    assert!(matches!(parse(b"MZ"), Err(Error::Truncated { header: "DOS header", offset: 0 })));
    let outside = changed(0x3C, &[0xFF; 4]);
    assert!(matches!(outside, Error::PeHeaderOutside { offset: 0xFFFF_FFFF }));
    assert!(matches!(changed(64, b"NE"), Error::NoPeSignature { offset: 64 }));
    let rom = changed(64 + 24, &[0x07, 0x01]);
    assert!(matches!(rom, Error::UnknownMagic { offset: 88, magic: 0x107 }));
    assert_eq!(rom.to_string(), "unknown optional header magic 0x107 (a ROM image) at offset 0x58");
    let sections = changed(64 + 6, &[0xFF; 2]);
    assert!(matches!(sections, Error::Truncated { header: "section table", offset: 328 }));
}

#[test]
fn fewer_than_five_directories_leave_no_slot_and_no_hole() {
    for directories in 0..=6 {
        let file = tiny_pe(&TinyPe { directories, ..TinyPe::default() });
        let layout = layout(&file);
        let has_slot = directories >= 5;
        assert_eq!(layout.certificate_directory().is_some(), has_slot);
        assert_eq!(*layout.certificate_table() == CertificateTable::NoSlot, !has_slot);
        assert_eq!(layout.flat_ranges().len(), if has_slot { 3 } else { 2 });
        assert!(layout.readings_agree());
    }
}

#[test]
fn a_malformed_directory_is_named_and_the_file_still_read() {
    for (offset, size, expected) in [
        (0, 8, TableFault::ZeroOffset),
        (512, 0, TableFault::ZeroSize),
        (1024, 8, TableFault::OutsideFile),
        (300, 8, TableFault::InsideHeaders),
        (1016, 9, TableFault::PastEndOfFile),
        (1000, 8, TableFault::DataAfterTable),
        (1017, 7, TableFault::Misaligned),
        (1016, 8, TableFault::OverlapsSection),
    ] {
        let file = with_directory(offset, size);
        let table = layout(&file).certificate_table().clone();
        let malformed = CertificateTable::Malformed { reason: expected, offset, size };
        assert_eq!(table, malformed, "{}", expected.name());
        sha256(&file);
    }
}

#[test]
fn only_what_can_be_read_of_a_malformed_table_is_left_out() {
    let plain = sha256(&with_directory(0, 0));
    for (offset, size) in [(0, 8), (512, 0), (1024, 8), (300, 8)] {
        assert_eq!(sha256(&with_directory(offset, size)), plain, "{offset} {size}");
    }
    let data_after = layout(&with_directory(1000, 8));
    assert_eq!(data_after.flat_ranges().last(), Some(&(1008..1024)));
    let past_end = layout(&with_directory(1000, 800));
    assert_eq!(past_end.flat_ranges().last(), Some(&(240..1000)));
}

#[test]
fn the_section_reading_differs_over_a_gap() {
    let mut file = tiny_pe(&TinyPe { sections: vec![vec![1; 512]; 2], ..TinyPe::default() });
    let second = layout(&file).sections()[1].raw_range();
    let header_at = 64 + 24 + 240 + 40;
    // Move the second section 512 bytes back, over new bytes that belong to nothing.
    file.splice(second.start as usize..second.start as usize, [7; 512]);
    file[header_at + 20..header_at + 24]
        .copy_from_slice(&(second.start as u32 + 512).to_le_bytes());
    let layout = layout(&file);
    assert!(!layout.readings_agree());
    let ranges = layout.section_order_ranges().unwrap();
    let tail = layout.file_len() - 512..layout.file_len();
    assert_eq!(ranges.last(), Some(&tail), "counted, the gap is at the end");
}

#[test]
fn the_section_reading_of_overlapping_sections_is_none() {
    let mut file = tiny_pe(&TinyPe { sections: vec![vec![1; 512]; 8], ..TinyPe::default() });
    for index in 0..8 {
        let at = 64 + 24 + 240 + 40 * index;
        file[at + 16..at + 20].copy_from_slice(&4096u32.to_le_bytes());
        file[at + 20..at + 24].copy_from_slice(&512u32.to_le_bytes());
    }
    assert_eq!(layout(&file).section_order_ranges(), None);
    assert!(!layout(&file).readings_agree());
}

#[test]
fn an_io_error_comes_through() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    impl std::io::Seek for Broken {
        fn seek(&mut self, _: std::io::SeekFrom) -> std::io::Result<u64> {
            Ok(1000)
        }
    }
    let error = Layout::parse(&mut SeekSource::new(Broken).unwrap()).unwrap_err();
    let Error::Source(source) = &error else { panic!("{error}") };
    assert_eq!(source.io_error().unwrap().to_string(), "the disk is gone");
    assert_eq!(error.source().unwrap().source().unwrap().to_string(), "the disk is gone");
}

#[test]
fn truncated_anywhere_a_file_gives_an_error_or_a_layout() {
    let file = tiny_pe(&TinyPe { overlay: vec![7; 5], ..TinyPe::default() });
    let headers_end = 64 + 24 + 240 + 40;
    for len in 0..file.len() {
        let part = &file[..len];
        let parsed = parse(part);
        assert_eq!(parsed.is_ok(), len >= headers_end, "{len}");
        if parsed.is_ok() {
            outcome(part);
            sha256(part);
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_changes_of_the_headers_never_panic(
        file in any_tiny_pe(),
        changes in proptest::collection::vec((0usize..400, any::<u8>()), 1..8),
    ) {
        let mut file = file;
        for (at, to) in changes {
            if let Some(byte) = file.get_mut(at) {
                *byte = to;
            }
        }
        if let Ok(layout) = parse(&file) {
            let mut source = SeekSource::new(std::io::Cursor::new(&file)).unwrap();
            let seeking = chancery_pe::authentihash::<sha2::Sha256>(&mut source).unwrap();
            prop_assert_eq!(&*seeking, &sha256(&file));
            let state = outcome(&file).checksum;
            let base = || BaseDigest::new("sha256", sha256(&file));
            if let Ok(edits) = layout.embed(&[b"der"], &state) {
                let patch = Patch::new(file.len() as u64, base(), edits).unwrap();
                let signed = patch.apply(&file).unwrap();
                prop_assert_eq!(sha256(&signed), sha256(&file));
                let layout = parse(&signed).unwrap();
                let table = layout.certificate_table();
                prop_assert!(matches!(table, CertificateTable::Present(_)), "{:?}", table);
                prop_assert_eq!(layout.stored_checksum(), outcome(&signed).checksum.value());
            }
            if let Ok(edits) = layout.remove(&state, &chancery_pe::Removal::default()) {
                let patch = Patch::new(file.len() as u64, base(), edits).unwrap();
                prop_assert_eq!(sha256(&patch.apply(&file).unwrap()), sha256(&file));
            }
            if let Ok(mut pages) = chancery_pe::PageHashes::<sha1::Sha1>::new(&layout) {
                let mut pass = chancery_pe::Pass::new(&layout).page_hashes_into(&mut pages);
                pass.update(&file).unwrap();
                pass.finish().unwrap();
                prop_assert!(pages.into_table().is_ok());
            }
            let mut sink = sha1::Sha1::default();
            let fed = layout.feed_section_order(&mut file.as_slice(), &mut sink).unwrap();
            prop_assert_eq!(fed, layout.section_order_ranges().is_some());
            let table = layout.read_table(&mut file.as_slice()).unwrap();
            let _ = chancery_pe::certificates(&table);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&tail);
        let mut file = vec![0; 64];
        file[..2].copy_from_slice(b"MZ");
        file[0x3C] = 64;
        file.extend(b"PE\0\0");
        file.extend(tail);
        if parse(&file).is_ok() {
            sha256(&file);
        }
    }
}
