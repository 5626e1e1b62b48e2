//! Page hashes of made files.

use chancery_pe::{Error, PageHashObstacle, PageHashes, Pass};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::layout;

pub(crate) fn table<D: Digest>(file: &[u8], chunk: usize) -> Result<Vec<u8>, Error> {
    let layout = layout(file);
    let mut pages = PageHashes::<D>::new(&layout)?;
    let mut pass = Pass::new(&layout).page_hashes_into(&mut pages);
    for part in file.chunks(chunk) {
        pass.update(part).unwrap();
    }
    pass.finish().unwrap();
    pages.into_table()
}

/// The table as it is specified, from slices.
fn expected<D: Digest>(file: &[u8], page: usize) -> Vec<u8> {
    let layout = layout(file);
    let mut out = Vec::new();
    let mut push = |offset: usize, digest: &[u8]| {
        out.extend((offset as u32).to_le_bytes());
        out.extend(digest);
    };
    let entry = layout.certificate_directory().unwrap().entry_offset as usize;
    let check = layout.checksum_offset() as usize;
    let headers = layout.size_of_headers() as usize;
    let mut first = [&file[..check], &file[check + 4..entry], &file[entry + 8..headers]].concat();
    first.resize(page - 12, 0);
    push(0, &D::digest(&first));
    let mut end = 0;
    for section in layout.sections() {
        let raw = section.raw_range();
        if raw.is_empty() {
            continue;
        }
        end = raw.end as usize;
        for start in (raw.start as usize..end).step_by(page) {
            let mut data = file[start..(start + page).min(end)].to_vec();
            data.resize(page, 0);
            push(start, &D::digest(&data));
        }
    }
    push(end, &vec![0; <D as Digest>::output_size()]);
    out
}

fn pages_and_a_bit() -> TinyPe {
    let bytes = |len: usize, seed: usize| (0..len).map(|i| (i * 7 + seed) as u8).collect();
    TinyPe {
        sections: vec![bytes(10_000, 1), vec![], bytes(4096, 2), bytes(3, 3)],
        overlay: vec![1, 2, 3],
        ..TinyPe::default()
    }
}

#[test]
fn the_table_is_as_specified_in_any_chunks() {
    for pe32_plus in [false, true] {
        let file = tiny_pe(&TinyPe { pe32_plus, ..pages_and_a_bit() });
        for chunk in [1, 7, 512, 4096, 5000, usize::MAX] {
            assert_eq!(table::<Sha256>(&file, chunk).unwrap(), expected::<Sha256>(&file, 4096));
        }
        assert_eq!(table::<Sha1>(&file, 1000).unwrap(), expected::<Sha1>(&file, 4096));
    }
}

#[test]
fn itanium_and_alpha_have_pages_of_8192() {
    for machine in [0x200, 0x184, 0x284] {
        let file = tiny_pe(&TinyPe { machine: Some(machine), ..pages_and_a_bit() });
        assert_eq!(table::<Sha256>(&file, 999).unwrap(), expected::<Sha256>(&file, 8192));
    }
}

#[test]
fn sections_need_not_be_in_file_order() {
    let mut file = tiny_pe(&pages_and_a_bit());
    // Swap the first and the third section header; the table follows the headers.
    let header = |index: usize| 64 + 24 + 240 + 40 * index..64 + 24 + 240 + 40 * (index + 1);
    let (first, third) = (file[header(0)].to_vec(), file[header(2)].to_vec());
    file[header(0)].copy_from_slice(&third);
    file[header(2)].copy_from_slice(&first);
    let starts: Vec<_> = layout(&file).sections().iter().map(|s| s.raw_range().start).collect();
    assert!(!starts.is_sorted());
    assert_eq!(table::<Sha256>(&file, 100).unwrap(), expected::<Sha256>(&file, 4096));
}

#[test]
fn refuses_files_whose_pages_cannot_be_told_apart() {
    let obstacle = |file: &[u8]| match PageHashes::<Sha1>::new(&layout(file)) {
        Err(Error::PageHashes(obstacle)) => obstacle,
        other => panic!("{other:?}"),
    };
    let file = tiny_pe(&pages_and_a_bit());
    let changed = |at: usize, to: u32| {
        let mut bytes = file.clone();
        bytes[at..at + 4].copy_from_slice(&to.to_le_bytes());
        obstacle(&bytes)
    };
    let section = 64 + 24 + 240;
    assert_eq!(changed(64 + 60, 4), PageHashObstacle::Alignment);
    assert_eq!(changed(64 + 56, 8 << 20), PageHashObstacle::Alignment);
    assert_eq!(changed(64 + 84, 8192), PageHashObstacle::Headers);
    assert_eq!(changed(64 + 84, 300), PageHashObstacle::Headers);
    assert_eq!(changed(64 + 84, 1024), PageHashObstacle::Overlap);
    assert_eq!(changed(section + 16, 12_000), PageHashObstacle::Overlap);
    assert_eq!(changed(section + 20, u32::MAX), PageHashObstacle::SectionOutside);
    let empty = tiny_pe(&TinyPe { sections: vec![vec![]], ..TinyPe::default() });
    assert_eq!(obstacle(&empty), PageHashObstacle::NoSections);
}

#[test]
fn a_table_that_no_pass_has_filled_is_refused() {
    let file = tiny_pe(&TinyPe::default());
    let pages = PageHashes::<Sha256>::new(&layout(&file)).unwrap();
    assert!(matches!(pages.into_table(), Err(Error::LengthMismatch { found: 0, .. })));
}
