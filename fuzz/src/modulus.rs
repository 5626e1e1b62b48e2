//! Files with a modulus, or with anything that has a public key.

use chancery_keymatch::{
    MAX_MODULUS_BITS, MIN_MODULUS_BITS, Modulus, openssl_modulus, read_key_documents,
};

/// Reads the bytes as a modulus, which displayed must be read as the same number, and as documents with a public key,
/// whose modulus line must be read as theirs.
pub fn modulus(data: &[u8]) {
    if let Ok(modulus) = Modulus::from_file_contents(data) {
        assert!((MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&modulus.bits()));
        assert_eq!(modulus.to_string().parse().as_ref(), Ok(&modulus));
        assert_eq!(Modulus::from_bytes(modulus.as_bytes()).as_ref(), Ok(&modulus));
    }
    for document in read_key_documents(data).unwrap_or_default() {
        let key = document.public_key();
        let line = openssl_modulus(key).parse::<Modulus>();
        if let Ok(modulus) = line {
            assert_eq!(Some(modulus), Modulus::of(key));
        }
    }
}
