//! Executables.

use core::ops::Range;

use chancery_pe::{
    BaseDigest, CertificateTable, ChecksumState, Edit, Layout, PageHashes, Pass, Patch, Removal,
    certificates,
};
use sha2::{Digest, Sha256};

/// Stands for a signature.
const BLOB: &[u8] = b"not a signature, and none is needed";

/// Reads the bytes as an executable: measures it, signs it with anything, and takes that out again.
pub fn pe(data: &[u8]) {
    let Ok(layout) = Layout::parse(&mut &*data) else { return };
    check_table(&layout, data);
    let measured = Measured::of(&layout, data, data.len().max(1));
    assert_eq!(measured.digest, plain_digest(&layout, data));
    assert_eq!(measured.checksum.value(), plain_checksum(&layout, data));
    check_chunks(&layout, data, &measured);
    check_section_order(&layout, data, &measured);
    if let Some(pages) = &measured.pages {
        assert_eq!(*pages, plain_page_hashes(&layout, data));
    }

    let padding = layout.signer_padding(&mut { data }).expect("bytes in memory can be read");
    assert!(padding.len() < 8);
    let removal = Removal::default().with_padding(padding);
    let removed = layout.remove(&measured.checksum, &removal);
    match layout.embed(&[BLOB], &measured.checksum) {
        Ok(edits) => {
            layout.check_embeddable().expect("what is embedded is embeddable");
            let signed = apply(&layout, data, &measured, edits);
            check_signed(data, &layout, &measured, &signed);
        }
        Err(error) => assert_eq!(layout.check_embeddable(), Err(error)),
    }
    if let Ok(edits) = removed {
        let unsigned = apply(&layout, data, &measured, edits);
        assert_eq!(parse(&unsigned).certificate_table(), &CertificateTable::Absent);
    }
}

/// What one pass gives.
struct Measured {
    digest: [u8; 32],
    checksum: ChecksumState,
    pages: Option<Vec<u8>>,
}

impl Measured {
    fn of(layout: &Layout, data: &[u8], chunk: usize) -> Self {
        let mut sha256 = Sha256::new();
        let mut pages = PageHashes::<Sha256>::new(layout).ok();
        let mut pass = Pass::new(layout).hash_into(&mut sha256);
        if let Some(pages) = &mut pages {
            pass = pass.page_hashes_into(pages);
        }
        for chunk in data.chunks(chunk) {
            pass.update(chunk).expect("no more than the file has");
        }
        pass.update(b"").expect("nothing is never too much");
        assert!(pass.update(b"!").is_err(), "more than the file has");
        let outcome = pass.finish().expect("no less than the file has");
        Self {
            digest: sha256.finalize().into(),
            checksum: outcome.checksum,
            pages: pages.map(|pages| pages.into_table().expect("every page was fed")),
        }
    }
}

fn parse(data: &[u8]) -> Layout {
    Layout::parse(&mut &*data).expect("what we wrote is an executable")
}

fn apply(layout: &Layout, data: &[u8], measured: &Measured, edits: Vec<Edit>) -> Vec<u8> {
    let base = BaseDigest::new("sha256", measured.digest);
    let patch = Patch::new(layout.file_len(), base, edits).expect("edits are in order");
    assert!(patch.is_in_place());
    let applied = patch.apply(data).expect("it is the file the patch is for");
    assert_eq!(u64::try_from(applied.len()), Ok(patch.final_len()));
    let mut written = Vec::new();
    patch.write_to(&mut &*data, &mut written).expect("memory takes everything");
    assert!(written == applied, "in memory and as a stream are one");
    let carried = Patch::from_bytes(&patch.to_bytes()).expect("what we wrote");
    assert_eq!(carried, patch, "another process reads the same patch");
    applied
}

/// The table and its entries are bytes of the file.
fn check_table(layout: &Layout, data: &[u8]) {
    let table = layout.read_table(&mut &*data).expect("small, and inside the file");
    let range = layout.table_range().unwrap_or(0..0);
    assert_eq!(table, slice(data, &range));
    if let CertificateTable::Present(present) = layout.certificate_table() {
        assert_eq!((present.clone(), present.end), (range, layout.file_len()));
    }
    let (entries, _) = certificates(&table);
    let mut end = 0;
    for entry in entries {
        assert!(entry.offset >= end && entry.offset.is_multiple_of(8), "entries do not overlap");
        let len = u64::try_from(entry.bytes.len()).expect("a length");
        end = entry.offset + len;
        assert_eq!(entry.bytes, slice(&table, &(entry.offset..end)));
        assert_eq!(entry.body, &entry.bytes[8..]);
        assert!(len <= u64::from(entry.length));
    }
}

/// A signed file has the digest of the unsigned one, and gives it back.
fn check_signed(data: &[u8], before: &Layout, measured: &Measured, signed: &[u8]) {
    let layout = parse(signed);
    let again = Measured::of(&layout, signed, 4099);
    assert_eq!(again.digest, measured.digest, "signing changes no hashed byte");
    assert_eq!(again.pages, measured.pages, "nor a page");
    assert_eq!(layout.stored_checksum(), plain_checksum(&layout, signed));
    assert!(matches!(layout.certificate_table(), CertificateTable::Present(_)));
    let table = layout.read_table(&mut &*signed).expect("small, and inside the file");
    let (entries, findings) = certificates(&table);
    assert_eq!(findings, []);
    let [entry] = entries.as_slice() else { panic!("{} entries", entries.len()) };
    let (body, padding) = entry.body.split_at(BLOB.len());
    assert!(body == BLOB && padding.len() < 8 && padding.iter().all(|byte| *byte == 0));

    let edits = layout.embed(&[BLOB], &again.checksum).expect("what is signed can be signed");
    assert!(apply(&layout, signed, &again, edits) == signed, "signing again changes nothing");

    let edits = layout
        .remove(&again.checksum, &Removal::default())
        .expect("what is signed can be unsigned");
    let unsigned = apply(&layout, signed, &again, edits);
    let content_end = before.table_range().map_or(before.file_len(), |table| table.start);
    let mut expected = slice(data, &(0..content_end)).to_vec();
    expected.resize(expected.len().next_multiple_of(8), 0);
    let entry = before.certificate_directory().expect("it was written").entry_offset;
    overwrite(&mut expected, entry, &[0; 8]);
    let checksum = plain_checksum(before, &expected);
    overwrite(&mut expected, before.checksum_offset(), &checksum.to_le_bytes());
    assert!(unsigned == expected, "up to padding and checksum the file is back");
    let layout = parse(&unsigned);
    assert_eq!(Measured::of(&layout, &unsigned, 61).digest, measured.digest);
}

/// The chunks in which a file comes make no difference.
fn check_chunks(layout: &Layout, data: &[u8], whole: &Measured) {
    for chunk in [1, 7, 4096] {
        let pieces = Measured::of(layout, data, chunk);
        assert_eq!(pieces.digest, whole.digest, "chunks of {chunk}");
        assert_eq!(pieces.pages, whole.pages, "chunks of {chunk}");
        assert_eq!(pieces.checksum.value(), whole.checksum.value(), "chunks of {chunk}");
    }
}

/// Where both readings are said to agree they give one digest.
fn check_section_order(layout: &Layout, data: &[u8], measured: &Measured) {
    let mut hash = Sha256::new();
    let defined = layout.feed_section_order(&mut &*data, &mut hash).expect("inside the file");
    if layout.readings_agree() {
        assert!(defined);
        assert_eq!(measured.digest, <[u8; 32]>::from(hash.finalize()));
    }
}

fn plain_digest(layout: &Layout, data: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for range in layout.flat_ranges() {
        hash.update(slice(data, &range));
    }
    if layout.table_range().is_none() {
        hash.update(&[0; 7][..data.len().next_multiple_of(8) - data.len()]);
    }
    hash.finalize().into()
}

/// Adds up words as `MapFileAndCheckSum` does: the field counts as zero, and the length is added.
fn plain_checksum(layout: &Layout, data: &[u8]) -> u32 {
    let mut file = data.to_vec();
    overwrite(&mut file, layout.checksum_offset(), &[0; 4]);
    file.resize(file.len().next_multiple_of(2), 0);
    let (words, _) = file.as_chunks::<2>();
    let sum = words.iter().fold(0_u32, |sum, word| {
        let sum = sum + u32::from(u16::from_le_bytes(*word));
        (sum & 0xffff) + (sum >> 16)
    });
    sum.wrapping_add(u32::try_from(data.len()).expect("below 4 GiB"))
}

/// Hashes each page by itself: the headers less their two fields, and every page of every section.
fn plain_page_hashes(layout: &Layout, data: &[u8]) -> Vec<u8> {
    const ITANIUM_AND_ALPHA: [u16; 3] = [0x184, 0x200, 0x284];
    let page: u64 = if ITANIUM_AND_ALPHA.contains(&layout.machine()) { 8192 } else { 4096 };
    let mut table = Vec::new();
    let mut push = |offset: u64, digest: &[u8]| {
        table.extend(u32::try_from(offset).expect("below 4 GiB").to_le_bytes());
        table.extend(digest);
    };
    let padded = |hash: Sha256, len: u64| {
        hash.chain_update(vec![0; usize::try_from(page - len).expect("a page")]).finalize()
    };

    let headers = u64::from(layout.size_of_headers());
    let checksum = layout.checksum_offset();
    let entry = layout.certificate_directory().map(|entry| entry.entry_offset);
    let is_hole = |at: u64| {
        (checksum..checksum + 4).contains(&at)
            || entry.is_some_and(|entry| (entry..entry + 8).contains(&at))
    };
    let kept = (0..headers).filter(|at| !is_hole(*at));
    let kept: Vec<u8> = kept.map(|at| slice(data, &(at..at + 1))[0]).collect();
    push(0, &padded(Sha256::new_with_prefix(kept), headers));
    let mut end = headers;
    for raw in layout.sections().iter().map(|section| section.raw_range()) {
        let mut start = raw.start;
        while start < raw.end {
            let range = start..raw.end.min(start + page);
            let hash = Sha256::new_with_prefix(slice(data, &range));
            push(start, &padded(hash, range.end - start));
            start = range.end;
            end = range.end;
        }
    }
    push(end, &[0; 32]);
    table
}

fn slice<'a>(data: &'a [u8], range: &Range<u64>) -> &'a [u8] {
    let at = |offset: u64| usize::try_from(offset).expect("inside the file");
    &data[at(range.start)..at(range.end)]
}

fn overwrite(data: &mut [u8], offset: u64, bytes: &[u8]) {
    let start = usize::try_from(offset).expect("inside the file");
    data[start..start + bytes.len()].copy_from_slice(bytes);
}
