//! Executables: small ones, and ones with headers or tables that no linker or signer writes.

use chancery_pe::{Layout, Pass, PatchError};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use super::Seeds;

/// Makes a PE32+ program of one section, 1024 bytes.
pub(super) fn program() -> Vec<u8> {
    tiny_pe(&TinyPe::default())
}

/// Puts these in as signatures, whatever they are.
pub(crate) fn embedded(file: &[u8], blobs: &[&[u8]]) -> Vec<u8> {
    let apply = || -> Result<Vec<u8>, PatchError> {
        let layout = Layout::parse(&mut &*file).expect("an executable");
        let mut pass = Pass::new(&layout);
        pass.update(file).expect("as long as it is");
        let checksum = pass.finish().expect("as long as it is").checksum;
        let edits = layout.embed(blobs, &checksum).expect("it has a slot");
        let base = chancery_pe::BaseDigest::new("none", []);
        chancery_pe::Patch::new(layout.file_len(), base, edits)?.apply(file)
    };
    apply().expect("the patch is for this file")
}

/// Writes a number over the four bytes at an offset.
pub(super) fn with_u32(mut file: Vec<u8>, offset: usize, value: u32) -> Vec<u8> {
    file[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    file
}

/// Where the PE header begins in what the maker makes.
const PE: usize = 64;
/// The directory entry of the certificate table in a PE32+ file.
const ENTRY: usize = PE + 168;
/// The header of the first section in a PE32+ file with sixteen directories.
const SECTION: usize = PE + 24 + 240;

pub(super) fn seeds() -> Seeds {
    let file = program();
    let signed = embedded(&file, &[b"signature"]);
    let two_sections =
        tiny_pe(&TinyPe { sections: vec![vec![1; 600], vec![], vec![2; 5]], ..TinyPe::default() });
    let table = file.len();
    let many: Vec<&[u8]> = vec![b""; 256];
    let entries = [&embedded(&file, &many)[..], &[8, 0, 0, 0, 0, 2, 2, 0]].concat();
    Seeds::from([
        ("directories-4", tiny_pe(&TinyPe { directories: 4, ..TinyPe::default() })),
        ("directories-5", tiny_pe(&TinyPe { directories: 5, ..TinyPe::default() })),
        ("dos-program", b"MZ\x90\0".repeat(32)),
        ("efi", tiny_pe(&TinyPe { subsystem: 10, ..TinyPe::default() })),
        ("header-offset-outside", with_u32(file.clone(), 0x3c, 0xffff_fff0)),
        (
            "header-offset-odd",
            [&with_u32(file[..64].to_vec(), 0x3c, 65), &[0][..], &file[64..]].concat(),
        ),
        ("itanium", tiny_pe(&TinyPe { machine: Some(0x200), ..TinyPe::default() })),
        ("no-sections", tiny_pe(&TinyPe { sections: vec![], ..TinyPe::default() })),
        ("overlay-odd", tiny_pe(&TinyPe { overlay: vec![7; 13], ..TinyPe::default() })),
        (
            "page-hashes-of-two-pages",
            tiny_pe(&TinyPe { sections: vec![vec![3; 4100]], ..TinyPe::default() }),
        ),
        ("pe32", tiny_pe(&TinyPe { pe32_plus: false, ..TinyPe::default() })),
        ("pe32-plus", file.clone()),
        ("rom-image", with_u32(file.clone(), PE + 24, 0x107)),
        ("section-in-the-headers", with_u32(file.clone(), SECTION + 20, 0x10)),
        (
            "section-of-all-ones",
            with_u32(with_u32(file.clone(), SECTION + 16, !0), SECTION + 20, !0),
        ),
        ("section-past-the-end", file[..file.len() - 8].to_vec()),
        ("sections-65535", with_u32(file.clone(), PE + 4, 0xffff_8664)),
        ("sections-overlap", with_u32(two_sections.clone(), SECTION + 16, 2048)),
        ("sections-three-one-empty", two_sections),
        ("signed-twice", embedded(&file, &[b"one", b"another signature"])),
        ("size-of-headers-0", with_u32(file.clone(), PE + 84, 0)),
        ("size-of-optional-header-56", with_u32(file.clone(), PE + 20, 0x0022_0038)),
        ("table", signed.clone()),
        ("table-data-after", [&signed[..], &[0; 8]].concat()),
        ("table-dwlength-0", with_u32(signed.clone(), table, 0)),
        ("table-dwlength-7", with_u32(signed.clone(), table, 7)),
        ("table-dwlength-ffffffff", with_u32(signed.clone(), table, !0)),
        ("table-in-the-headers", with_u32(signed.clone(), ENTRY, 64)),
        ("table-misaligned", with_u32(signed.clone(), ENTRY, 1028)),
        ("table-of-257-entries", with_u32(entries, ENTRY + 4, 257 * 8)),
        ("table-outside", with_u32(signed.clone(), ENTRY, !0)),
        ("table-over-a-section", with_u32(with_u32(signed.clone(), ENTRY, 1016), ENTRY + 4, 32)),
        ("table-past-the-end", with_u32(signed.clone(), ENTRY + 4, !0)),
        ("table-size-0", with_u32(signed.clone(), ENTRY + 4, 0)),
        ("table-unknown-type", with_u32(signed.clone(), table + 4, 0x0ef1_0200)),
        ("table-zero-offset", with_u32(signed, ENTRY, 0)),
        ("truncated-dos-header", file[..40].to_vec()),
        ("truncated-pe-header", file[..PE + 100].to_vec()),
        ("truncated-section-table", file[..SECTION + 39].to_vec()),
    ])
}
