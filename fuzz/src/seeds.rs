//! The inputs that fuzzing begins with, made by our own code and the same bytes each time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod attach;
mod certificate;
mod certstore;
mod chain;
mod differential;
mod digest_file;
mod ecdsa_encoding;
mod inf;
mod key_file;
mod modulus;
pub(crate) mod pe;
mod pkcs11_uri;
mod pkcs12;
mod pki_data;
mod sign_verify;
mod signed_data;
mod timestamp;
mod verify;

/// The inputs of one target by the names of their files.
pub type Seeds = BTreeMap<&'static str, Vec<u8>>;

/// Makes the inputs of a target; none for one that is not there.
#[must_use]
pub fn of(target: &str) -> Seeds {
    match target {
        "attach" => attach::seeds(),
        "certificate" => certificate::seeds(),
        "chain" => chain::seeds(),
        "differential" => differential::seeds(),
        "digest_file" => digest_file::seeds(),
        "ecdsa_encoding" => ecdsa_encoding::seeds(),
        "inf" => inf::seeds(),
        "key_file" => key_file::seeds(),
        "modulus" => modulus::seeds(),
        "pe" => pe::seeds(),
        "pkcs11_uri" => pkcs11_uri::seeds(),
        "pkcs12" => pkcs12::seeds(),
        "pki_data" => pki_data::seeds(),
        "registry_blob" => certstore::registry_blob(),
        "registry_file" => certstore::registry_file(),
        "sign_verify" => sign_verify::seeds(),
        "signed_data" => signed_data::seeds(),
        "store" => certstore::store(),
        "timestamp" => timestamp::seeds(),
        "verify" => verify::seeds(),
        _ => Seeds::new(),
    }
}

/// Returns the folder that keeps the inputs of a target.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}
