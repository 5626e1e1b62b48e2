#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attach;
mod certificate;
mod certstore;
mod chain;
mod differential;
mod digest_file;
mod ecdsa_encoding;
mod identity;
mod inf;
mod key_file;
mod modulus;
mod pe;
mod pkcs11_uri;
mod pkcs12;
mod pki_data;
pub mod seeds;
mod sign_verify;
mod signed_data;
mod timestamp;
mod verify;

pub use self::pkcs12::pkcs12;
pub use attach::attach;
pub use certificate::certificate;
pub use certstore::{registry_blob, registry_file, store};
pub use chain::chain;
pub use differential::differential;
pub use digest_file::digest_file;
pub use ecdsa_encoding::ecdsa_encoding;
pub use inf::inf;
pub use key_file::key_file;
pub use modulus::modulus;
pub use pe::pe;
pub use pkcs11_uri::pkcs11_uri;
pub use pki_data::pki_data;
pub use sign_verify::sign_verify;
pub use signed_data::signed_data;
pub use timestamp::timestamp;
pub use verify::verify;

/// A function over bytes of any origin that panics where an invariant does not hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name, which is also that of its program and of its folder of seeds.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// Targets whose seeds are as good for this one.
    pub also: &'static [&'static str],
    /// So are small files of the corpus, and the signatures in all of them.
    pub corpus: bool,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8])) -> Self {
        Self { name, run, also: &[], corpus: false }
    }

    /// Takes signed files for seeds.
    const fn of_signed_files(self) -> Self {
        Self { also: &["sign_verify", "verify"], corpus: true, ..self }
    }
}

/// Every target, by name.
pub const TARGETS: [Target; 20] = [
    Target::new("attach", attach),
    Target::new("certificate", certificate),
    Target::new("chain", chain),
    Target::new("differential", differential).of_signed_files(),
    Target::new("digest_file", digest_file),
    Target::new("ecdsa_encoding", ecdsa_encoding),
    Target::new("inf", inf),
    Target::new("key_file", key_file),
    Target::new("modulus", modulus),
    Target::new("pe", pe),
    Target::new("pkcs11_uri", pkcs11_uri),
    Target::new("pkcs12", pkcs12),
    Target::new("pki_data", pki_data),
    Target::new("registry_blob", registry_blob),
    Target::new("registry_file", registry_file),
    Target::new("sign_verify", sign_verify),
    Target::new("signed_data", signed_data),
    Target::new("store", store),
    Target::new("timestamp", timestamp),
    Target::new("verify", verify).of_signed_files(),
];
