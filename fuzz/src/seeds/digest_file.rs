//! Prepared signatures, and the files that carry them.

use chancery_authenticode::{DigestFile, PeSubject, PreparedSignature, SignOptions, Subject};

use super::Seeds;
use super::pe::program;
use crate::identity::{SCHEME, SIGNER};

fn prepared(page_hashes: bool) -> PreparedSignature {
    let file = program();
    let mut options = SignOptions::new(SCHEME);
    if page_hashes {
        options = options.with_page_hashes();
    }
    let mut subject = PeSubject::parse(file.as_slice()).expect("an executable");
    let measured = subject.measure(&options.request(), &mut |_| Ok(()));
    let measurement = measured.expect("bytes in memory");
    let certificates = [SIGNER.certificate()];
    PreparedSignature::new(&subject, &measurement, &certificates, &options).expect("it fits")
}

pub(super) fn seeds() -> Seeds {
    let plain = DigestFile::new("pe", "setup.exe", 1024, prepared(false)).to_der();
    let pages = DigestFile::new("pe", "", u64::MAX, prepared(true)).to_der();
    let mut version = plain.clone();
    let at = version.windows(3).position(|octets| octets == [2, 1, 1]).expect("the version");
    version[at + 2] = 9;
    Seeds::from([
        ("another-version", version),
        ("page-hashes", pages),
        ("plain", plain.clone()),
        ("prepared", prepared(false).content_info().to_vec()),
        ("truncated", plain[..plain.len() / 2].to_vec()),
    ])
}
