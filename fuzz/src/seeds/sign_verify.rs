//! Executables with signatures of ours, whole and tampered with.

use chancery_authenticode::{PeSubject, SignOptions, Subject, nest, sign};
use chancery_key::DigestAlgorithm;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use super::Seeds;
use super::pe::{embedded, program, with_u32};
use crate::identity::{SCHEME, SIGNER};

/// Signs a file, and returns the signature alone.
pub(super) fn signature(file: &[u8], page_hashes: bool) -> Vec<u8> {
    let mut subject = PeSubject::parse(file).expect("an executable");
    let mut options = SignOptions::new(SCHEME);
    options.page_hashes = page_hashes.then_some(DigestAlgorithm::Sha256);
    let measurement =
        subject.measure(&options.request(), &mut |_| Ok(())).expect("bytes in memory");
    options.description = Some("Fuzzed".into());
    options.url = Some("https://example.com".into());
    sign(&subject, &measurement, &SIGNER, &options).expect("our own key signs")
}

pub(super) fn seeds() -> Seeds {
    let file = program();
    let small = tiny_pe(&TinyPe { pe32_plus: false, overlay: vec![9; 3], ..TinyPe::default() });
    let efi = tiny_pe(&TinyPe { subsystem: 10, ..TinyPe::default() });
    let one = signature(&file, false);
    let signed = embedded(&file, &[&one]);
    let nested = nest(&one, &one).expect("the signature has one signer");
    let changed = |at: usize| {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        changed
    };
    Seeds::from([
        ("data-after-signature", embedded(&file, &[&[&one[..], b"payload"].concat()])),
        ("efi-two-entries", embedded(&efi, &[&signature(&efi, false), &signature(&efi, false)])),
        ("excess-padding", embedded(&file, &[&[&one[..], &[0; 24]].concat()])),
        ("flipped-code", changed(512)),
        ("flipped-signature", changed(signed.len() - 20)),
        ("flipped-table-length", with_u32(signed.clone(), file.len(), 0x7fff_ffff)),
        ("nested", embedded(&file, &[&nested])),
        ("nested-in-itself", embedded(&file, &[&nest(&one, &nested).expect("one signer")])),
        ("no-slot", tiny_pe(&TinyPe { directories: 4, ..TinyPe::default() })),
        ("of-another-file", embedded(&small, &[&one])),
        ("page-hashes", embedded(&file, &[&signature(&file, true)])),
        ("pe32", embedded(&small, &[&signature(&small, false)])),
        ("signed", signed),
        ("unsigned", file),
        ("unsigned-pe32", small),
    ])
}
