//! The place of the signatures in the file, and the file itself.

use chancery_authenticode::{PeSubject, SignOptions};
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use super::Pitfall;
use super::world::{World, embed, plain};

/// Offsets in the PE32+ files of the testkit: headers at 64, optional header at 88.
const E_LFANEW: usize = 0x3c;
const OPTIONAL_LEN: usize = 64 + 20;
const MAGIC: usize = 88;
const CHECKSUM: usize = 64 + 88;
const DIRECTORY: usize = 64 + 168;
/// The first entry of the section table.
const SECTIONS: usize = 88 + 112 + 16 * 8;

fn put(file: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file.get_mut(offset..offset + bytes.len()).unwrap().copy_from_slice(bytes);
    file
}

fn put32(file: &[u8], offset: usize, value: u32) -> Vec<u8> {
    put(file, offset, &value.to_le_bytes())
}

fn get32(file: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(file.get(offset..offset + 4).unwrap().try_into().unwrap())
}

pub(super) fn pitfalls(world: &World) -> Vec<Pitfall> {
    let signature = world.signature();
    let file = world.with(&signature);
    let table = usize::try_from(get32(&file, DIRECTORY)).unwrap();
    let followed_by = |rest: &[u8]| world.with(&[&signature, rest].concat());
    // Signatures of these keys differ by a byte or two in length; this one leaves room for padding.
    let padded = std::iter::repeat_with(|| world.signature())
        .find(|signature| signature.len() % 8 != 0)
        .unwrap();
    let mut overlay = file.clone();
    overlay.extend([0x20; 24]);
    let mut all = vec![
        Pitfall::new("T0-honest", file.clone(), "valid", None),
        Pitfall::new(
            "T1-data-after-signature",
            followed_by(&[0x41; 64]),
            "invalid",
            Some("data-after-signature"),
        ),
        Pitfall::new(
            "T1-zeros-after-signature",
            followed_by(&[0; 64]),
            "invalid",
            Some("excess-padding"),
        ),
        Pitfall::new(
            "T2-padding-not-zero",
            world.with(&[&padded[..], &[0x41]].concat()),
            "invalid",
            Some("data-after-signature"),
        ),
        Pitfall::new("T3-data-after-table", overlay, "malformed", Some("data-after-table")),
        Pitfall::new(
            "T9-table-at-zero",
            put32(&file, DIRECTORY, 0),
            "unsigned",
            Some("table-at-zero-offset"),
        ),
        Pitfall::new(
            "T9-table-beyond-4-gib",
            put32(&put32(&file, DIRECTORY, 0xffff_fff8), DIRECTORY + 4, 0x10),
            "malformed",
            Some("table-outside-file"),
        ),
        Pitfall::new(
            "T9-table-in-headers",
            put32(&file, DIRECTORY, 8),
            "malformed",
            Some("table-inside-headers"),
        ),
        Pitfall::new(
            "T9-entry-of-length-0",
            put32(&file, table, 0),
            "malformed",
            Some("bad-length"),
        ),
        Pitfall::new(
            "T9-entry-of-length-7",
            put32(&file, table, 7),
            "malformed",
            Some("bad-length"),
        ),
        Pitfall::new(
            "T9-entry-longer-than-table",
            put32(&file, table, 0xffff_ffff),
            "malformed",
            Some("beyond-end"),
        ),
        Pitfall::new("T10-headers-outside", put32(&file, E_LFANEW, 0x7fff_ffff), "malformed", None),
        Pitfall::new(
            "T10-short-optional-header",
            put(&file, OPTIONAL_LEN, &[8, 0]),
            "malformed",
            None,
        ),
        Pitfall::new("T10-rom-image", put(&file, MAGIC, &[0x07, 0x01]), "malformed", None),
        Pitfall::new(
            "T10-four-directories",
            tiny_pe(&TinyPe { directories: 4, ..TinyPe::default() }),
            "unsigned",
            None,
        ),
        Pitfall::new("T27-stale-checksum", put32(&file, CHECKSUM, 0xdead_beef), "valid", None),
    ];
    all.extend(pages(world));
    all.extend(sections(world));
    all
}

/// Page hashes over sections that are not where they should be (T11).
fn pages(world: &World) -> Vec<Pitfall> {
    let mut options = SignOptions::new(SignatureScheme::EcdsaSha256);
    options.page_hashes = Some(DigestAlgorithm::Sha256);
    let file = embed(&world.program, &plain(&world.program, &world.signer, &options));
    vec![
        Pitfall::new("T11-page-hashes", file.clone(), "valid", None),
        Pitfall::new(
            "T11-section-outside",
            put32(&file, SECTIONS + 16, 0x7fff_0000),
            "malformed",
            Some("page-hash-mismatch"),
        ),
        Pitfall::new(
            "T11-no-alignment",
            put32(&file, MAGIC + 32, 0),
            "invalid",
            Some("page-hash-mismatch"),
        ),
    ]
}

/// Files that are one thing read from front to back and another section by section (T22).
fn sections(world: &World) -> Vec<Pitfall> {
    let two = TinyPe { sections: vec![vec![0xc3; 600], vec![0x90; 600]], ..TinyPe::default() };
    let program = tiny_pe(&two);
    let (first, second) = (SECTIONS + 20, SECTIONS + 60);
    let (at_first, at_second) = (get32(&program, first), get32(&program, second));
    let swapped = put32(&put32(&program, first, at_second), second, at_first);
    // The first section shrinks: the bytes it leaves belong to none, and are signed all the same.
    let gap = put32(&program, SECTIONS + 16, 512);
    let sign = |program: &[u8]| embed(program, &world.forged(program).by(&world.signer));
    let signed = sign(&gap);
    let inside = usize::try_from(at_first).unwrap() + 512;
    assert!(PeSubject::parse(signed.as_slice()).is_ok_and(|one| !one.layout().readings_agree()));
    vec![
        Pitfall::new("T22-sections-out-of-order", sign(&swapped), "valid", None),
        Pitfall::new(
            "T22-sections-overlap",
            sign(&put32(&program, second, at_first)),
            "valid",
            Some("section-order-digest-differs"),
        ),
        Pitfall::new(
            "T22-bytes-between-sections",
            put(&signed, inside, &[0xcc]),
            "invalid",
            Some("digest-mismatch"),
        ),
    ]
}
