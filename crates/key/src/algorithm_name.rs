//! Names of the algorithms that keys and signatures can have, verified here or not.

use const_oid::ObjectIdentifier;

/// Object identifiers and names: of RFC 8017, RFC 3279, RFC 5758, RFC 8692, RFC 8410, RFC 9881 (ML-DSA), RFC 9909
/// (SLH-DSA), RFC 9935 (ML-KEM) and NIST's register.
const NAMES: [(&str, &str); 62] = [
    ("1.2.840.113549.1.1.1", "RSA"),
    ("1.2.840.113549.1.1.2", "MD2 with RSA"),
    ("1.2.840.113549.1.1.3", "MD4 with RSA"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.3.14.3.2.29", "SHA-1 with RSA"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "SHA-256 with RSA"),
    ("1.2.840.113549.1.1.12", "SHA-384 with RSA"),
    ("1.2.840.113549.1.1.13", "SHA-512 with RSA"),
    ("1.2.840.113549.1.1.14", "SHA-224 with RSA"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
    ("2.16.840.1.101.3.4.3.1", "SHA-224 with DSA"),
    ("2.16.840.1.101.3.4.3.2", "SHA-256 with DSA"),
    ("1.2.840.10045.2.1", "EC"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10045.4.3.1", "SHA-224 with ECDSA"),
    ("1.2.840.10045.4.3.2", "SHA-256 with ECDSA"),
    ("1.2.840.10045.4.3.3", "SHA-384 with ECDSA"),
    ("1.2.840.10045.4.3.4", "SHA-512 with ECDSA"),
    ("2.16.840.1.101.3.4.3.10", "SHA3-256 with ECDSA"),
    ("2.16.840.1.101.3.4.3.11", "SHA3-384 with ECDSA"),
    ("2.16.840.1.101.3.4.3.12", "SHA3-512 with ECDSA"),
    ("2.16.840.1.101.3.4.3.14", "SHA3-256 with RSA"),
    ("2.16.840.1.101.3.4.3.15", "SHA3-384 with RSA"),
    ("2.16.840.1.101.3.4.3.16", "SHA3-512 with RSA"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s"),
    ("2.16.840.1.101.3.4.3.21", "SLH-DSA-SHA2-128f"),
    ("2.16.840.1.101.3.4.3.22", "SLH-DSA-SHA2-192s"),
    ("2.16.840.1.101.3.4.3.23", "SLH-DSA-SHA2-192f"),
    ("2.16.840.1.101.3.4.3.24", "SLH-DSA-SHA2-256s"),
    ("2.16.840.1.101.3.4.3.25", "SLH-DSA-SHA2-256f"),
    ("2.16.840.1.101.3.4.3.26", "SLH-DSA-SHAKE-128s"),
    ("2.16.840.1.101.3.4.3.27", "SLH-DSA-SHAKE-128f"),
    ("2.16.840.1.101.3.4.3.28", "SLH-DSA-SHAKE-192s"),
    ("2.16.840.1.101.3.4.3.29", "SLH-DSA-SHAKE-192f"),
    ("2.16.840.1.101.3.4.3.30", "SLH-DSA-SHAKE-256s"),
    ("2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f"),
    ("2.16.840.1.101.3.4.3.32", "HashML-DSA-44 with SHA-512"),
    ("2.16.840.1.101.3.4.3.33", "HashML-DSA-65 with SHA-512"),
    ("2.16.840.1.101.3.4.3.34", "HashML-DSA-87 with SHA-512"),
    ("2.16.840.1.101.3.4.3.35", "HashSLH-DSA-SHA2-128s with SHA-256"),
    ("2.16.840.1.101.3.4.3.36", "HashSLH-DSA-SHA2-128f with SHA-256"),
    ("2.16.840.1.101.3.4.3.37", "HashSLH-DSA-SHA2-192s with SHA-512"),
    ("2.16.840.1.101.3.4.3.38", "HashSLH-DSA-SHA2-192f with SHA-512"),
    ("2.16.840.1.101.3.4.3.39", "HashSLH-DSA-SHA2-256s with SHA-512"),
    ("2.16.840.1.101.3.4.3.40", "HashSLH-DSA-SHA2-256f with SHA-512"),
    ("2.16.840.1.101.3.4.3.41", "HashSLH-DSA-SHAKE-128s with SHAKE128"),
    ("2.16.840.1.101.3.4.3.42", "HashSLH-DSA-SHAKE-128f with SHAKE128"),
    ("2.16.840.1.101.3.4.3.43", "HashSLH-DSA-SHAKE-192s with SHAKE256"),
    ("2.16.840.1.101.3.4.3.44", "HashSLH-DSA-SHAKE-192f with SHAKE256"),
    ("2.16.840.1.101.3.4.3.45", "HashSLH-DSA-SHAKE-256s with SHAKE256"),
    ("2.16.840.1.101.3.4.3.46", "HashSLH-DSA-SHAKE-256f with SHAKE256"),
    ("1.2.156.10197.1.501", "SM3 with SM2"),
];

/// Returns the name of a key's or a signature's algorithm, as in `Ed25519`, `ML-DSA-65` or `SHA-256 with RSA`,
/// whether or not anything here can use it.
#[must_use]
pub fn algorithm_name(oid: ObjectIdentifier) -> Option<&'static str> {
    let arcs = oid.to_string();
    NAMES.iter().find(|(known, _)| *known == arcs).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_is_one_and_named_once() {
        for (index, (arcs, name)) in NAMES.iter().enumerate() {
            let oid = ObjectIdentifier::new(arcs).unwrap();
            assert_eq!(algorithm_name(oid), Some(*name));
            assert!(NAMES[..index].iter().all(|(other, _)| other != arcs), "{arcs}");
        }
        assert_eq!(algorithm_name(ObjectIdentifier::new_unwrap("1.2.3")), None);
    }
}
