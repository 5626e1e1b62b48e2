//! Signatures by keys and of shapes that the others read, or do not. The rest is that of `verify`.

use super::{Seeds, signed_data};

pub(super) fn seeds() -> Seeds {
    let names = ["certificate-broken", "no-signed-attributes", "rsa-sha512", "signers-two"];
    let mut all = signed_data::seeds();
    names.iter().filter_map(|name| all.remove_entry(name)).collect()
}
