#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a benchmark ends where anything fails"
)]

use std::fs;
use std::path::Path;

use chancery_authenticode::{PeSubject, Subject};
use chancery_key::PublicKey;
use chancery_testkit::openssl::CodeSigningCa;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_x509::{Certificate, read_certificates};

/// A program signed by osslsigncode with a P-256 key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Signed {
    /// The whole file.
    pub file: Vec<u8>,
    /// Its signature, a `ContentInfo` and what pads it.
    pub signature: Vec<u8>,
    /// The root above the signer.
    pub root: Certificate,
    /// The signer's certificate.
    pub signer: Certificate,
}

/// Makes a program of about 1 MiB, no two pages of which are alike.
#[must_use]
pub fn program() -> Vec<u8> {
    let noise = |at: u32| at.wrapping_mul(at).to_le_bytes()[2];
    let section = (0..1 << 20).map(noise).collect();
    tiny_pe(&TinyPe { sections: vec![section], ..TinyPe::default() })
}

/// Has the [`program`] signed.
#[must_use]
pub fn signed() -> Signed {
    let folder = tempfile::tempdir().unwrap();
    let (plain, signed) = (folder.path().join("plain.exe"), folder.path().join("signed.exe"));
    let ca = CodeSigningCa::create_in(folder.path());
    fs::write(&plain, program()).unwrap();
    ca.sign_pe(&plain, &signed);
    let file = fs::read(signed).unwrap();
    let mut subject = PeSubject::parse(file.as_slice()).unwrap();
    let signature = subject.embedded().unwrap().signatures.remove(0).bytes;
    Signed { file, signature, root: certificate(&ca.root), signer: certificate(&ca.signer) }
}

fn certificate(path: &Path) -> Certificate {
    read_certificates(&fs::read(path).unwrap()).unwrap().remove(0)
}

/// Makes a public key with an odd modulus of 2048 bits, that is nobody's.
#[must_use]
pub fn rsa_key(number: u64) -> PublicKey {
    let mut modulus = [0xC5; 256];
    for (to, from) in modulus.iter_mut().skip(100).zip(number.to_le_bytes()) {
        *to = from;
    }
    PublicKey::from_rsa_numbers(&modulus, &[1, 0, 1]).unwrap()
}
