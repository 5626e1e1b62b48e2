//! Real and malformed files, against what others say of them.

use std::fs;

use chancery_pe::{
    BaseDigest, CertificateTable, Pass, Patch, Removal, RemovedChecksum, TableFault, TableFinding,
    WinCertificate, certificates,
};
use chancery_testkit::corpus::{CorpusFile, corpus};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::page_hashes::table;
use crate::{hex, layout, outcome, sha256};

fn read(file: &CorpusFile) -> Vec<u8> {
    fs::read(&file.path).unwrap()
}

/// The digest of a file as it stands, without the padding a signer will add: what the manifest has.
fn as_it_stands(file: &[u8]) -> String {
    let mut hash = Sha256::new();
    let mut pass = Pass::new(&layout(file)).without_padding().hash_into(&mut hash);
    pass.update(file).unwrap();
    pass.finish().unwrap();
    hex(&hash.finalize())
}

#[test]
fn digests_are_those_of_the_manifest() {
    let Some(corpus) = corpus() else { return };
    let (mut count, mut padded) = (0, 0);
    let mut differing = Vec::new();
    for file in &corpus.files {
        let Some(expected) = &file.authentihash_sha256 else { continue };
        let bytes = read(file);
        count += 1;
        if as_it_stands(&bytes) != *expected {
            differing.push(&file.name);
        }
        // Padding is the one thing that the manifest's digests leave out.
        let is_padded = hex(&sha256(&bytes)) != *expected;
        assert_eq!(
            is_padded,
            !bytes.len().is_multiple_of(8) && layout(&bytes).table_range().is_none(),
            "{}",
            file.name
        );
        padded += usize::from(is_padded);
    }
    println!(
        "{} of {count} digests agree, {padded} of them before padding",
        count - differing.len()
    );
    assert_eq!(differing, [""; 0]);
    assert!(count >= 90, "the manifest has digests");
}

#[test]
fn padding_gives_the_digest_that_signatures_of_the_file_carry() {
    let Some(corpus) = corpus() else { return };
    let unsigned = read(corpus.named("osslsigncode__unsigned.exe").unwrap());
    let signed = corpus.named("gen-ossl__p256-sha256.exe").unwrap();
    assert!(!unsigned.len().is_multiple_of(8));
    assert_eq!(Some(hex(&sha256(&unsigned))), signed.authentihash_sha256);
}

#[test]
fn real_files_read_the_same_in_section_order() {
    let Some(corpus) = corpus() else { return };
    let mut agreeing = 0;
    for file in corpus.of_kind("pe") {
        let bytes = read(file);
        let layout = layout(&bytes);
        let mut hash = Sha256::new();
        let defined = layout.feed_section_order(&mut bytes.as_slice(), &mut hash).unwrap();
        let same = defined && hash.finalize()[..] == sha256(&bytes);
        assert_eq!(layout.readings_agree(), same, "{}", file.name);
        if file.column("own_bysection_match").is_some_and(|all| all.starts_with("True")) {
            assert!(same, "{}", file.name);
            agreeing += 1;
        }
    }
    println!("{agreeing} signed files read the same in section order");
    assert!(agreeing > 50);
}

#[test]
fn checksums_are_those_that_linkers_and_signers_wrote() {
    let Some(corpus) = corpus() else { return };
    let (mut right, mut wrong) = (0, Vec::new());
    for file in corpus.of_kind("pe") {
        let bytes = read(file);
        let stored = layout(&bytes).stored_checksum();
        if stored == 0 {
            continue;
        }
        if outcome(&bytes).checksum.value() == stored {
            right += 1;
        } else {
            wrong.push(file.name.as_str());
        }
    }
    println!("{right} checksums agree; these do not: {wrong:?}");
    assert!(right >= 60);
    // Files changed after their checksum was written. Wine writes it before its last changes.
    let changed = ["gen-mut__", "PeNet__", "pocs__", "libwine__", "wintrustpadded", "duplicated"];
    assert!(wrong.iter().all(|name| changed.iter().any(|part| name.contains(part))));
    let odd = corpus.named("systemd-boot-efi__linuxx64.efi.stub").unwrap();
    assert!(odd.column("size").unwrap().ends_with('7'), "an odd length, and a right checksum");
    assert!(!wrong.contains(&odd.name.as_str()));
}

#[test]
fn malformed_tables_are_named_and_their_signatures_read() {
    let Some(corpus) = corpus() else { return };
    let good = read(corpus.named("debugpy__run_code_on_dllmain_x86.dll").unwrap());
    let good_range = layout(&good).table_range().unwrap();
    let good_body = good[good_range.start as usize + 8..].to_vec();

    for (name, fault, findings, readable) in [
        ("gen-mut__dir-beyond-eof.dll", Some(TableFault::PastEndOfFile), &[][..], true),
        ("gen-mut__dir-in-header.dll", Some(TableFault::InsideHeaders), &[], false),
        ("gen-mut__dir-offset0.dll", Some(TableFault::ZeroOffset), &[], false),
        ("gen-mut__trailing24.dll", Some(TableFault::DataAfterTable), &[], true),
        ("gen-mut__dwLength-0.dll", None, &["bad-length"], false),
        ("gen-mut__dwLength-ffffffff.dll", None, &["beyond-end"], true),
        ("gen-mut__cert-padding64.dll", None, &[], true),
    ] {
        let bytes = read(corpus.named(name).unwrap());
        let layout = layout(&bytes);
        match layout.certificate_table() {
            CertificateTable::Present(_) => assert_eq!(fault, None, "{name}"),
            CertificateTable::Malformed { reason, .. } => {
                assert_eq!(fault, Some(*reason), "{name}")
            }
            other => panic!("{name}: {other:?}"),
        }
        let table = layout.read_table(&mut bytes.as_slice()).unwrap();
        let (entries, found) = certificates(&table);
        assert_eq!(found.iter().map(TableFinding::name).collect::<Vec<_>>(), findings, "{name}");
        assert_eq!(entries.len(), usize::from(readable), "{name}");
        if let [WinCertificate { body, .. }] = entries[..] {
            assert!(body.starts_with(&good_body), "{name}");
        }
    }
    let outside = read(corpus.named("PeNet__pidgin_without_groupIconDirectory.exe").unwrap());
    let reason = TableFault::OutsideFile;
    let malformed = CertificateTable::Malformed { reason, offset: 54_000, size: 6176 };
    assert_eq!(*layout(&outside).certificate_table(), malformed);
}

#[test]
fn real_tables_have_no_findings_and_several_entries_are_read() {
    let Some(corpus) = corpus() else { return };
    for file in corpus.of_kind("pe").filter(|file| !file.name.starts_with("gen-mut")) {
        let bytes = read(file);
        let layout = layout(&bytes);
        let table = layout.read_table(&mut bytes.as_slice()).unwrap();
        let (entries, findings) = certificates(&table);
        assert_eq!(findings, [], "{}", file.name);
        let present = matches!(layout.certificate_table(), CertificateTable::Present(_));
        assert_eq!(present, !entries.is_empty(), "{}", file.name);
        if file.has_feature("wincerts:2") {
            assert_eq!(entries.len(), 2, "{}", file.name);
        }
    }
}

#[test]
fn signing_again_and_taking_out_keep_the_digest_of_every_file() {
    let Some(corpus) = corpus() else { return };
    let mut done = 0;
    for file in corpus.of_kind("pe") {
        let bytes = read(file);
        let layout_before = layout(&bytes);
        let state = outcome(&bytes).checksum;
        let edits = match layout_before.embed(&[b"signature"], &state) {
            Ok(edits) => edits,
            Err(error) => {
                println!("{}: {error}", file.name);
                continue;
            }
        };
        let base = BaseDigest::new("sha256", sha256(&bytes));
        let patch = Patch::new(layout_before.file_len(), base, edits).unwrap();
        let signed = patch.apply(&bytes).unwrap();
        assert_eq!(sha256(&signed), sha256(&bytes), "{}", file.name);
        let layout_signed = layout(&signed);
        let state = outcome(&signed).checksum;
        assert_eq!(layout_signed.stored_checksum(), state.value(), "{}", file.name);
        let edits = layout_signed.remove(&state, &Removal::default()).unwrap();
        let base = BaseDigest::new("sha256", sha256(&signed));
        let patch = Patch::new(layout_signed.file_len(), base, edits).unwrap();
        let plain = patch.apply(&signed).unwrap();
        assert_eq!(sha256(&plain), sha256(&bytes), "{}", file.name);
        assert_eq!(layout(&plain).stored_checksum(), outcome(&plain).checksum.value());
        done += 1;
    }
    println!("{done} files signed again");
    assert!(done > 80);
}

#[test]
fn every_unsigned_file_comes_back_from_signing_byte_for_byte() {
    let Some(corpus) = corpus() else { return };
    let (mut all, mut same) = (0, 0);
    let mut exceptions = Vec::new();
    for file in corpus.of_kind("pe") {
        let bytes = read(file);
        let before = layout(&bytes);
        if *before.certificate_table() != CertificateTable::Absent {
            continue;
        }
        all += 1;
        let state = outcome(&bytes).checksum;
        let edits = before.embed(&[b"signature"], &state).unwrap();
        let base = || BaseDigest::new("sha256", sha256(&bytes));
        let signed = Patch::new(before.file_len(), base(), edits).unwrap().apply(&bytes).unwrap();
        let after = layout(&signed);
        let checksum = match before.stored_checksum() {
            0 => RemovedChecksum::Zero,
            _ => RemovedChecksum::Restored,
        };
        let padding = after.signer_padding(&mut signed.as_slice()).unwrap();
        let removal = Removal::default().with_padding(padding).with_checksum(checksum);
        let edits = after.remove(&outcome(&signed).checksum, &removal).unwrap();
        let back = Patch::new(after.file_len(), base(), edits).unwrap().apply(&signed).unwrap();
        if back == bytes {
            same += 1;
            continue;
        }
        let stale = ![0, state.value()].contains(&before.stored_checksum());
        let padded = back.len() - bytes.len();
        exceptions.push((file.name.as_str(), padded, stale));
        assert!(padded < 8 && back[bytes.len()..].iter().all(|byte| *byte == 0), "{}", file.name);
        let at = before.checksum_offset() as usize;
        let differing = |range: core::ops::Range<usize>| back[range.clone()] != bytes[range];
        assert!(!differing(0..at) && !differing(at + 4..bytes.len()), "{}", file.name);
        assert!(padded > 0 || stale, "{}", file.name);
    }
    println!(
        "{same} of {all} are the same; zeros behind an overlay, or a wrong checksum before: {exceptions:?}"
    );
    assert!(all >= 10 && same + exceptions.len() == all);
}

#[test]
fn page_hashes_are_those_that_microsofts_and_other_signers_wrote() {
    let Some(corpus) = corpus() else { return };
    let mut tables = 0;
    for file in corpus.of_kind("pe") {
        let bytes = read(file);
        // Only in the signature: some files carry other signed files among their resources.
        let signature = layout(&bytes).read_table(&mut bytes.as_slice()).unwrap();
        let Some((oid_end, expected)) = stored_page_hashes(&signature) else { continue };
        let ours = match oid_end {
            1 => table::<Sha1>(&bytes, 1 << 16),
            2 => table::<Sha256>(&bytes, 1 << 16),
            other => panic!("{}: page hashes of version {other}", file.name),
        };
        assert!(ours.unwrap() == expected, "{}: {} bytes differ", file.name, expected.len());
        println!("{}: {} bytes agree", file.name, expected.len());
        tables += 1;
    }
    println!("{tables} tables of page hashes agree");
    assert!(tables >= 10);
}

/// The first page hash moniker of a signature: the last arc of its OID and the table.
fn stored_page_hashes(signature: &[u8]) -> Option<(u8, &[u8])> {
    const CLASS_ID: [u8; 16] = [
        0xA6, 0xB5, 0x86, 0xD5, 0xB4, 0xA1, 0x24, 0x66, 0xAE, 0x05, 0xA2, 0x17, 0xDA, 0x8E, 0x60,
        0xD6,
    ];
    let at = signature.windows(16).position(|bytes| bytes == CLASS_ID)?;
    // serializedData OCTET STRING { SET { SEQUENCE { OID, SET { OCTET STRING table } } } }
    let (serialized, _) = der_value(&signature[at + 16..], 0x04);
    let (set, _) = der_value(serialized, 0x31);
    let (attribute, _) = der_value(set, 0x30);
    let (oid, rest) = der_value(attribute, 0x06);
    let (values, _) = der_value(rest, 0x31);
    let (table, _) = der_value(values, 0x04);
    Some((*oid.last().unwrap(), table))
}

/// Splits a DER value of this tag, with a length in the definite form, off the front.
fn der_value(bytes: &[u8], tag: u8) -> (&[u8], &[u8]) {
    assert_eq!(bytes[0], tag);
    let (len, header) = match bytes[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let count = usize::from(long & 0x7F);
            let len = bytes[2..2 + count].iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            (len, 2 + count)
        }
    };
    bytes[header..].split_at(len)
}
