#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod attach;
mod certificate;
mod certstore;
mod chain;
mod digest_file;
mod ecdsa_encoding;
mod identity;
mod inf;
mod key_file;
mod modulus;
mod pe;
mod pkcs11_uri;
pub mod seeds;
mod sign_verify;
mod signed_data;
mod timestamp;

pub use attach::attach;
pub use certificate::certificate;
pub use certstore::{registry_blob, registry_file, store};
pub use chain::chain;
pub use digest_file::digest_file;
pub use ecdsa_encoding::ecdsa_encoding;
pub use inf::inf;
pub use key_file::key_file;
pub use modulus::modulus;
pub use pe::pe;
pub use pkcs11_uri::pkcs11_uri;
pub use sign_verify::sign_verify;
pub use signed_data::signed_data;
pub use timestamp::timestamp;

/// A function over bytes of any origin that panics where an invariant does not hold.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name, which is also that of its program and of its folder of seeds.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
}

/// Every target, by name.
pub const TARGETS: [Target; 16] = [
    Target { name: "attach", run: attach },
    Target { name: "certificate", run: certificate },
    Target { name: "chain", run: chain },
    Target { name: "digest_file", run: digest_file },
    Target { name: "ecdsa_encoding", run: ecdsa_encoding },
    Target { name: "inf", run: inf },
    Target { name: "key_file", run: key_file },
    Target { name: "modulus", run: modulus },
    Target { name: "pe", run: pe },
    Target { name: "pkcs11_uri", run: pkcs11_uri },
    Target { name: "registry_blob", run: registry_blob },
    Target { name: "registry_file", run: registry_file },
    Target { name: "sign_verify", run: sign_verify },
    Target { name: "signed_data", run: signed_data },
    Target { name: "store", run: store },
    Target { name: "timestamp", run: timestamp },
];
