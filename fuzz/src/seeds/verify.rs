//! Signatures for the program that the target puts them into. Signed files are those of `sign_verify`.

use chancery_authenticode::{nest, oid};
use chancery_cms::{SignedData, add_unsigned_value};

use super::Seeds;
use super::pe::program;
use super::sign_verify::signature;
use super::timestamp::{info_over, token};

pub(super) fn seeds() -> Seeds {
    let one = signature(&program(), false);
    let read = SignedData::from_der(&one).expect("our own");
    let value = read.signers.first().expect("it has one signer").signature;
    let token = token(&info_over(value));
    let stamped = add_unsigned_value(&one, oid::RFC3161_COUNTER_SIGNATURE, &token);
    Seeds::from([
        ("signature-nested", nest(&one, &one).expect("the signature has one signer")),
        ("signature-page-hashes", signature(&program(), true)),
        ("signature-stamped", stamped.expect("the signature has one signer")),
        ("signature", one),
    ])
}
