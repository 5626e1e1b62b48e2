//! PSS with parameters that a scheme does not name.

use chancery_key::SignatureScheme::RsaPssSha256;
use chancery_sigverify::{VerifyError, verify};

use super::support::{data, message, public_key};

#[test]
fn refuses_salts_of_other_lengths_and_another_mask_hash() {
    for variant in ["salt0", "salt20", "mgf-sha1"] {
        let signature = data(&format!("rsa2048.rsa-pss-sha256.{variant}.sig"));
        assert_eq!(
            verify(&public_key("rsa2048"), RsaPssSha256, &message(), &signature),
            Err(VerifyError::BadSignature),
            "{variant}"
        );
    }
}
