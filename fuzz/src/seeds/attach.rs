//! Signatures, each with a file behind it.

use chancery_authenticode::nest;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use super::Seeds;
use super::pe::{embedded, program};
use super::sign_verify::signature;

pub(super) fn seeds() -> Seeds {
    let file = program();
    let other = tiny_pe(&TinyPe { pe32_plus: false, overlay: vec![9; 3], ..TinyPe::default() });
    let plain = signature(&file, false);
    let pages = signature(&file, true);
    let twice = nest(&plain, &pages).expect("one signer");
    let thrice = nest(&twice, &plain).expect("one signer");
    let with = |signature: &[u8], file: &[u8]| [signature, file].concat();
    Seeds::from([
        ("nested", with(&thrice, &file)),
        ("of-another-file", with(&plain, &other)),
        ("of-this-file", with(&plain, &file)),
        ("page-hashes", with(&pages, &file)),
        ("signed-already", with(&plain, &embedded(&file, &[&twice]))),
        ("without-a-file", plain),
    ])
}
