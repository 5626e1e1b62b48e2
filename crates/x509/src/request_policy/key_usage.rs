//! KeyUsage: which uses of the key the certificate should allow.

use super::error::PolicyErrorKind as Kind;
use super::value::{Symbol, bits};
use crate::KeyUsage;

/// The names of wincrypt.h with their bits; the low byte is the first octet of the BIT STRING.
const SYMBOLS: [Symbol; 10] = [
    ("CERT_DIGITAL_SIGNATURE_KEY_USAGE", 0x80),
    ("CERT_NON_REPUDIATION_KEY_USAGE", 0x40),
    ("CERT_KEY_ENCIPHERMENT_KEY_USAGE", 0x20),
    ("CERT_DATA_ENCIPHERMENT_KEY_USAGE", 0x10),
    ("CERT_KEY_AGREEMENT_KEY_USAGE", 0x08),
    ("CERT_KEY_CERT_SIGN_KEY_USAGE", 0x04),
    ("CERT_OFFLINE_CRL_SIGN_KEY_USAGE", 0x02),
    ("CERT_CRL_SIGN_KEY_USAGE", 0x02),
    ("CERT_ENCIPHER_ONLY_KEY_USAGE", 0x01),
    ("CERT_DECIPHER_ONLY_KEY_USAGE", 0x8000),
];

const BITS: [(u32, KeyUsage); 9] = [
    (0x80, KeyUsage::DIGITAL_SIGNATURE),
    (0x40, KeyUsage::NON_REPUDIATION),
    (0x20, KeyUsage::KEY_ENCIPHERMENT),
    (0x10, KeyUsage::DATA_ENCIPHERMENT),
    (0x08, KeyUsage::KEY_AGREEMENT),
    (0x04, KeyUsage::KEY_CERT_SIGN),
    (0x02, KeyUsage::CRL_SIGN),
    (0x01, KeyUsage::ENCIPHER_ONLY),
    (0x8000, KeyUsage::DECIPHER_ONLY),
];

/// Reads numbers and symbols joined by `|`, at least one bit (RFC 5280 section 4.2.1.3).
pub(crate) fn key_usage(text: &str) -> Result<KeyUsage, Kind> {
    const WHAT: &str = "key usage";
    let number = bits(text, &SYMBOLS, WHAT)?;
    let chosen = BITS.iter().filter(|(bit, _)| number & bit != 0);
    let known = chosen.clone().fold(0, |known, (bit, _)| known | bit);
    let union = chosen.map(|(_, usage)| *usage).reduce(KeyUsage::union);
    union.filter(|_| known == number).ok_or_else(|| Kind::Value {
        value: text.to_owned(),
        what: WHAT,
        suggestion: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_the_same_bits() {
        let names = |text| key_usage(text).unwrap().names();
        assert_eq!(names("0x80"), ["digitalSignature"]);
        assert_eq!(names("CERT_DIGITAL_SIGNATURE_KEY_USAGE"), ["digitalSignature"]);
        assert_eq!(names("0xa0"), ["digitalSignature", "keyEncipherment"]);
        assert_eq!(
            names("CERT_KEY_CERT_SIGN_KEY_USAGE | CERT_CRL_SIGN_KEY_USAGE | 0x80"),
            ["digitalSignature", "keyCertSign", "cRLSign"]
        );
        assert_eq!(names("0x8008"), ["keyAgreement", "decipherOnly"]);
        for (name, bit) in SYMBOLS {
            assert_eq!(key_usage(name).unwrap(), key_usage(&format!("{bit:#x}")).unwrap());
        }
    }

    #[test]
    fn no_bits_and_bits_without_meaning_are_refused() {
        for text in ["0", "0x100", "0x10080", "CERT_SIGN", "CERT_DIGITAL_SIGNATURE_KEY_USAGE|"] {
            assert!(matches!(key_usage(text), Err(Kind::Value { .. })), "{text}");
        }
        assert!(matches!(key_usage(""), Err(Kind::Value { .. })));
    }
}
