//! Digest algorithms and signature schemes.

use core::fmt;
use core::str::FromStr;

use const_oid::ObjectIdentifier;

use crate::{EcCurve, KeyAlgorithm};

/// A hash function used in a signature scheme or a file digest.
///
/// SHA-1 is here because files signed with it exist; nothing in Chancery chooses it by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who maps a hash to something else must not compile with one missing"
)]
pub enum DigestAlgorithm {
    /// SHA-1 (FIPS 180-4), 20 bytes. Collisions are practical: for reading old signatures only.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-384 (FIPS 180-4), 48 bytes.
    Sha384,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    /// Every algorithm, weakest first.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// Returns the stable lower-case name: `sha1`, `sha256`, `sha384`, `sha512`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Returns the length of a digest in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Returns the object identifier of the hash function (RFC 8017 appendix B.1).
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        // Constants, so that the text is read when this is compiled: every signature is asked for its hash many times.
        const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
        const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
        const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
        const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
        match self {
            Self::Sha1 => SHA_1,
            Self::Sha256 => SHA_256,
            Self::Sha384 => SHA_384,
            Self::Sha512 => SHA_512,
        }
    }

    /// Finds the algorithm an object identifier names, if it is one we know.
    #[must_use]
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == oid)
    }

    /// Returns the DER of everything in a PKCS#1 `DigestInfo` before the digest itself
    /// (RFC 8017 section 9.2, note 1).
    ///
    /// `prefix ‖ digest` is what a raw PKCS#1 v1.5 mechanism such as `CKM_RSA_PKCS` pads and signs.
    #[must_use]
    pub const fn digest_info_prefix(self) -> &'static [u8] {
        match self {
            Self::Sha1 => &[
                0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04,
                0x14,
            ],
            Self::Sha256 => &[
                0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x01, 0x05, 0x00, 0x04, 0x20,
            ],
            Self::Sha384 => &[
                0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x02, 0x05, 0x00, 0x04, 0x30,
            ],
            Self::Sha512 => &[
                0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                0x03, 0x05, 0x00, 0x04, 0x40,
            ],
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is none of those this crate knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownName {
    /// The name as it was given.
    pub given: String,
    /// Every name that would have been accepted.
    pub known: Vec<&'static str>,
}

impl UnknownName {
    /// Makes the error for a name, with every name that would have been accepted.
    #[must_use]
    pub fn new(given: &str, known: Vec<&'static str>) -> Self {
        Self { given: given.to_owned(), known }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of {}", self.given, self.known.join(", "))
    }
}

impl core::error::Error for UnknownName {}

impl FromStr for DigestAlgorithm {
    type Err = UnknownName;

    /// Reads a name as people write it: `SHA-256`, `sha256`, `Sha_256`.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let plain: String =
            text.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_lowercase();
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == plain).ok_or_else(|| {
            UnknownName { given: text.into(), known: Self::ALL.map(Self::name).to_vec() }
        })
    }
}

/// The padding or signature construction of a scheme, without its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "who maps a family to something else must not compile with one missing"
)]
pub enum SchemeFamily {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    RsaPkcs1,
    /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the hash (RFC 8017 section 8.1).
    RsaPss,
    /// ECDSA over a named curve (FIPS 186-5), in X.509 form: DER `SEQUENCE { r, s }`.
    Ecdsa,
    /// PureEdDSA (RFC 8032), in X.509 form: the octets `R ‖ S` as they are (RFC 8410 section 6).
    EdDsa,
}

/// Key type, padding, salt length and hash, named together.
///
/// A caller asks for one scheme and gets that one or an error; no backend replaces it by another.
/// ECDSA schemes do not name the curve: X.509 and CMS bind it to the key, not to the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-1. For reading old signatures only.
    RsaPkcs1Sha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1-SHA-256 and a 32-byte salt.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1-SHA-384 and a 48-byte salt.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1-SHA-512 and a 64-byte salt.
    RsaPssSha512,
    /// ECDSA with SHA-1. For reading old signatures only.
    EcdsaSha1,
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// ECDSA with SHA-512.
    EcdsaSha512,
    /// Ed25519 over the message itself, without a context (RFC 8032 section 5.1).
    Ed25519,
}

impl SignatureScheme {
    /// Every scheme.
    pub const ALL: [Self; 12] = [
        Self::RsaPkcs1Sha1,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::EcdsaSha1,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::Ed25519,
    ];

    /// Combines a family and a hash, where such a scheme exists: there is no PSS with SHA-1 here, and EdDSA
    /// goes with SHA-512 alone.
    #[must_use]
    pub const fn new(family: SchemeFamily, digest: DigestAlgorithm) -> Option<Self> {
        use DigestAlgorithm as D;
        Some(match (family, digest) {
            (SchemeFamily::RsaPkcs1, D::Sha1) => Self::RsaPkcs1Sha1,
            (SchemeFamily::RsaPkcs1, D::Sha256) => Self::RsaPkcs1Sha256,
            (SchemeFamily::RsaPkcs1, D::Sha384) => Self::RsaPkcs1Sha384,
            (SchemeFamily::RsaPkcs1, D::Sha512) => Self::RsaPkcs1Sha512,
            (SchemeFamily::RsaPss, D::Sha1) => return None,
            (SchemeFamily::RsaPss, D::Sha256) => Self::RsaPssSha256,
            (SchemeFamily::RsaPss, D::Sha384) => Self::RsaPssSha384,
            (SchemeFamily::RsaPss, D::Sha512) => Self::RsaPssSha512,
            (SchemeFamily::Ecdsa, D::Sha1) => Self::EcdsaSha1,
            (SchemeFamily::Ecdsa, D::Sha256) => Self::EcdsaSha256,
            (SchemeFamily::Ecdsa, D::Sha384) => Self::EcdsaSha384,
            (SchemeFamily::Ecdsa, D::Sha512) => Self::EcdsaSha512,
            (SchemeFamily::EdDsa, D::Sha512) => Self::Ed25519,
            (SchemeFamily::EdDsa, D::Sha1 | D::Sha256 | D::Sha384) => return None,
        })
    }

    /// Returns the scheme that formats use with a key of this type when the caller asked for no
    /// other: PKCS#1 v1.5 for RSA, ECDSA for elliptic curves, Ed25519 with SHA-512 for its keys; nothing for
    /// keys we cannot sign with.
    #[must_use]
    pub const fn conventional(key: KeyAlgorithm, digest: DigestAlgorithm) -> Option<Self> {
        match key {
            KeyAlgorithm::Rsa { .. } => Self::new(SchemeFamily::RsaPkcs1, digest),
            KeyAlgorithm::Ec(_) => Self::new(SchemeFamily::Ecdsa, digest),
            KeyAlgorithm::Ed25519 => Self::new(SchemeFamily::EdDsa, digest),
            KeyAlgorithm::Other(_) => None,
        }
    }

    /// Returns the hash that fits a key when nobody asked for one: as strong as the curve,
    /// SHA-256 for RSA, and for Ed25519 the one there is.
    #[must_use]
    pub const fn conventional_digest(key: KeyAlgorithm) -> DigestAlgorithm {
        match key {
            KeyAlgorithm::Ec(EcCurve::P384) => DigestAlgorithm::Sha384,
            KeyAlgorithm::Ec(EcCurve::P521) | KeyAlgorithm::Ed25519 => DigestAlgorithm::Sha512,
            _ => DigestAlgorithm::Sha256,
        }
    }

    /// Returns the padding or construction.
    #[must_use]
    pub const fn family(self) -> SchemeFamily {
        match self {
            Self::RsaPkcs1Sha1
            | Self::RsaPkcs1Sha256
            | Self::RsaPkcs1Sha384
            | Self::RsaPkcs1Sha512 => SchemeFamily::RsaPkcs1,
            Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512 => SchemeFamily::RsaPss,
            Self::EcdsaSha1 | Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => {
                SchemeFamily::Ecdsa
            }
            Self::Ed25519 => SchemeFamily::EdDsa,
        }
    }

    /// Returns the hash function that goes with the scheme: the one applied to the message, and the one formats
    /// take a digest of the content by.
    ///
    /// Of Ed25519 it is SHA-512, which CMS hashes content by for it (RFC 8419 section 2.3); the signature itself is
    /// over the message, not over this digest: see [`signs_digests`](Self::signs_digests).
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1Sha1 | Self::EcdsaSha1 => DigestAlgorithm::Sha1,
            Self::RsaPkcs1Sha256 | Self::RsaPssSha256 | Self::EcdsaSha256 => {
                DigestAlgorithm::Sha256
            }
            Self::RsaPkcs1Sha384 | Self::RsaPssSha384 | Self::EcdsaSha384 => {
                DigestAlgorithm::Sha384
            }
            Self::RsaPkcs1Sha512 | Self::RsaPssSha512 | Self::EcdsaSha512 | Self::Ed25519 => {
                DigestAlgorithm::Sha512
            }
        }
    }

    /// Tells whether a signature can be made and verified by the message's digest alone. Not so for Ed25519, which
    /// hashes the message twice, and the first time behind a secret (RFC 8032 section 5.1.6).
    #[must_use]
    pub const fn signs_digests(self) -> bool {
        !matches!(self.family(), SchemeFamily::EdDsa)
    }

    /// Tells whether a key of this type can make signatures of this scheme at all.
    #[must_use]
    pub const fn fits(self, key: KeyAlgorithm) -> bool {
        matches!(
            (self.family(), key),
            (SchemeFamily::RsaPkcs1 | SchemeFamily::RsaPss, KeyAlgorithm::Rsa { .. })
                | (SchemeFamily::Ecdsa, KeyAlgorithm::Ec(_))
                | (SchemeFamily::EdDsa, KeyAlgorithm::Ed25519)
        )
    }

    /// Returns the stable name, as in `rsa-pkcs1-sha256`, `rsa-pss-sha384`, `ecdsa-sha256`, `ed25519`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPkcs1Sha1 => "rsa-pkcs1-sha1",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
            Self::RsaPkcs1Sha384 => "rsa-pkcs1-sha384",
            Self::RsaPkcs1Sha512 => "rsa-pkcs1-sha512",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaPssSha384 => "rsa-pss-sha384",
            Self::RsaPssSha512 => "rsa-pss-sha512",
            Self::EcdsaSha1 => "ecdsa-sha1",
            Self::EcdsaSha256 => "ecdsa-sha256",
            Self::EcdsaSha384 => "ecdsa-sha384",
            Self::EcdsaSha512 => "ecdsa-sha512",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_info_prefixes_are_der_of_their_oid_and_length() {
        for algorithm in DigestAlgorithm::ALL {
            let prefix = algorithm.digest_info_prefix();
            let oid = algorithm.oid();
            let total = prefix.len() + algorithm.output_len();
            assert_eq!(usize::from(prefix[1]), total - 2, "{algorithm}: outer length");
            assert_eq!(usize::from(prefix[prefix.len() - 1]), algorithm.output_len());
            assert!(
                prefix.windows(oid.as_bytes().len()).any(|window| window == oid.as_bytes()),
                "{algorithm}: the prefix holds the algorithm's own OID"
            );
        }
    }

    #[test]
    fn family_and_digest_are_the_parts_of_every_scheme() {
        for scheme in SignatureScheme::ALL {
            assert_eq!(SignatureScheme::new(scheme.family(), scheme.digest()), Some(scheme));
        }
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        assert_eq!("SHA-256".parse(), Ok(DigestAlgorithm::Sha256));
        assert_eq!("sha_512".parse(), Ok(DigestAlgorithm::Sha512));
        let error = "md5".parse::<DigestAlgorithm>().unwrap_err();
        assert_eq!(error.to_string(), "`md5` is none of sha1, sha256, sha384, sha512");
    }

    #[test]
    fn an_rsa_key_fits_no_ecdsa_scheme() {
        assert!(!SignatureScheme::EcdsaSha256.fits(KeyAlgorithm::Rsa { bits: 3072 }));
        assert!(!SignatureScheme::RsaPkcs1Sha256.fits(KeyAlgorithm::Ec(EcCurve::P256)));
    }

    #[test]
    fn an_ed25519_key_has_one_scheme_and_signs_no_digest() {
        let fitting = |key| SignatureScheme::ALL.into_iter().filter(move |one| one.fits(key));
        let fits: Vec<_> = fitting(KeyAlgorithm::Ed25519).collect();
        assert_eq!(fits, [SignatureScheme::Ed25519]);
        assert!(!fitting(KeyAlgorithm::Ec(EcCurve::P521)).any(|one| !one.signs_digests()));
        for digest in DigestAlgorithm::ALL {
            let scheme = SignatureScheme::conventional(KeyAlgorithm::Ed25519, digest);
            assert_eq!(scheme.is_some(), digest == DigestAlgorithm::Sha512, "{digest}");
        }
        assert!(!SignatureScheme::Ed25519.signs_digests());
    }
}
