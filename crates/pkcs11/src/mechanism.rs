//! Which mechanism makes which signature.

use chancery_key::{DigestAlgorithm, KeyAlgorithm, SchemeFamily, SignatureScheme};
use cryptoki_sys::*;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::raw::Mechanism;

/// A hash function over a whole message.
type Hash = fn(&[u8]) -> Vec<u8>;

/// How a token makes signatures of one scheme.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) scheme: SignatureScheme,
    pub(crate) mechanism: Mechanism,
    pub(crate) input: Input,
    hash: Hash,
}

/// What the mechanism signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The digest in a DER `DigestInfo` (RFC 8017 section 9.2).
    DigestInfo,
    /// The digest, cut to as many octets where the curve's order is shorter (FIPS 186-5 section 6.4.1).
    Digest { at_most: usize },
    /// The message itself; the token hashes.
    Message,
}

impl Plan {
    /// Makes the mechanism's input from a digest, where that is what it takes.
    pub(crate) fn input_from_digest(&self, digest: &[u8]) -> Option<Vec<u8>> {
        match self.input {
            Input::DigestInfo => Some([self.scheme.digest().digest_info_prefix(), digest].concat()),
            Input::Digest { at_most } => Some(digest.get(..at_most).unwrap_or(digest).to_vec()),
            Input::Message => None,
        }
    }

    /// Makes the mechanism's input from a message.
    pub(crate) fn input_from_message(&self, message: &[u8]) -> Vec<u8> {
        match self.input {
            Input::Message => message.to_vec(),
            Input::DigestInfo | Input::Digest { .. } => {
                self.input_from_digest(&(self.hash)(message)).unwrap_or_default()
            }
        }
    }
}

/// Plans every scheme that a key of this type has on a token with these mechanisms.
///
/// Hashing here and signing the digest comes first: it is what all tokens have in common, and one call for
/// any length. A scheme is never served by another one's mechanism.
pub(crate) fn plans(key: KeyAlgorithm, available: &[CK_MECHANISM_TYPE]) -> Vec<Plan> {
    SignatureScheme::ALL
        .into_iter()
        .filter(|scheme| scheme.fits(key) && has_room(*scheme, key))
        .filter_map(|scheme| plan(scheme, key, available))
        .collect()
}

/// Tells whether a mechanism is one that a plan could use.
pub(crate) fn is_candidate(mechanism: CK_MECHANISM_TYPE) -> bool {
    [CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_ECDSA, CKM_EDDSA].contains(&mechanism)
        || SignatureScheme::ALL.into_iter().any(|scheme| hashing(scheme) == Some(mechanism))
}

fn plan(
    scheme: SignatureScheme,
    key: KeyAlgorithm,
    available: &[CK_MECHANISM_TYPE],
) -> Option<Plan> {
    let bare = match (scheme.family(), key) {
        (SchemeFamily::RsaPkcs1, _) => (CKM_RSA_PKCS, Input::DigestInfo),
        (SchemeFamily::RsaPss, _) => {
            (CKM_RSA_PKCS_PSS, Input::Digest { at_most: scheme.digest().output_len() })
        }
        (SchemeFamily::Ecdsa, KeyAlgorithm::Ec(curve)) => {
            (CKM_ECDSA, Input::Digest { at_most: curve.field_len() })
        }
        (SchemeFamily::Ecdsa, _) => return None,
        // Without parameters it is PureEdDSA (PKCS#11 v3.1 section 6.3.14).
        (SchemeFamily::EdDsa, _) => (CKM_EDDSA, Input::Message),
    };
    let hash = hash(scheme.digest());
    let whole = hashing(scheme).map(|kind| (kind, Input::Message));
    let (kind, input) =
        [Some(bare), whole].into_iter().flatten().find(|(kind, _)| available.contains(kind))?;
    let mechanism = match scheme.family() {
        SchemeFamily::RsaPss => {
            let (hash, mgf) = hash_and_mgf(scheme.digest())?;
            Mechanism::pss(kind, hash, mgf, scheme.digest().output_len())
        }
        SchemeFamily::RsaPkcs1 | SchemeFamily::Ecdsa | SchemeFamily::EdDsa => {
            Mechanism::plain(kind)
        }
    };
    Some(Plan { scheme, mechanism, input, hash })
}

/// The mechanism that hashes and signs, where there is one beside that for digests.
const fn hashing(scheme: SignatureScheme) -> Option<CK_MECHANISM_TYPE> {
    Some(match scheme {
        SignatureScheme::RsaPkcs1Sha1 => CKM_SHA1_RSA_PKCS,
        SignatureScheme::RsaPkcs1Sha256 => CKM_SHA256_RSA_PKCS,
        SignatureScheme::RsaPkcs1Sha384 => CKM_SHA384_RSA_PKCS,
        SignatureScheme::RsaPkcs1Sha512 => CKM_SHA512_RSA_PKCS,
        SignatureScheme::RsaPssSha256 => CKM_SHA256_RSA_PKCS_PSS,
        SignatureScheme::RsaPssSha384 => CKM_SHA384_RSA_PKCS_PSS,
        SignatureScheme::RsaPssSha512 => CKM_SHA512_RSA_PKCS_PSS,
        SignatureScheme::EcdsaSha1 => CKM_ECDSA_SHA1,
        SignatureScheme::EcdsaSha256 => CKM_ECDSA_SHA256,
        SignatureScheme::EcdsaSha384 => CKM_ECDSA_SHA384,
        SignatureScheme::EcdsaSha512 => CKM_ECDSA_SHA512,
        _ => return None,
    })
}

const fn hash_and_mgf(
    digest: DigestAlgorithm,
) -> Option<(CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE)> {
    match digest {
        DigestAlgorithm::Sha256 => Some((CKM_SHA256, CKG_MGF1_SHA256)),
        DigestAlgorithm::Sha384 => Some((CKM_SHA384, CKG_MGF1_SHA384)),
        DigestAlgorithm::Sha512 => Some((CKM_SHA512, CKG_MGF1_SHA512)),
        DigestAlgorithm::Sha1 => None,
    }
}

/// Tells whether an RSA modulus is long enough for what the scheme pads into it.
fn has_room(scheme: SignatureScheme, key: KeyAlgorithm) -> bool {
    let KeyAlgorithm::Rsa { bits } = key else { return true };
    let hash = scheme.digest().output_len();
    let needed = match scheme.family() {
        // RFC 8017 section 9.2 step 3: the DigestInfo and eleven octets.
        SchemeFamily::RsaPkcs1 => scheme.digest().digest_info_prefix().len() + hash + 11,
        // RFC 8017 section 9.1.1 step 3, with one bit less than the modulus: hash, salt and two octets.
        SchemeFamily::RsaPss | SchemeFamily::Ecdsa | SchemeFamily::EdDsa => 2 * hash + 2,
    };
    usize::try_from(bits.saturating_sub(1).div_ceil(8)).is_ok_and(|len| len >= needed)
}

/// The hash function in software.
const fn hash(algorithm: DigestAlgorithm) -> Hash {
    match algorithm {
        DigestAlgorithm::Sha1 => |message| Sha1::digest(message).to_vec(),
        DigestAlgorithm::Sha256 => |message| Sha256::digest(message).to_vec(),
        DigestAlgorithm::Sha384 => |message| Sha384::digest(message).to_vec(),
        DigestAlgorithm::Sha512 => |message| Sha512::digest(message).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use chancery_key::EcCurve;

    use super::*;

    const RSA: KeyAlgorithm = KeyAlgorithm::Rsa { bits: 3072 };

    fn schemes(key: KeyAlgorithm, available: &[CK_MECHANISM_TYPE]) -> Vec<SignatureScheme> {
        plans(key, available).into_iter().map(|plan| plan.scheme).collect()
    }

    fn input(key: KeyAlgorithm, scheme: SignatureScheme, available: &[CK_MECHANISM_TYPE]) -> Input {
        plans(key, available).into_iter().find(|plan| plan.scheme == scheme).unwrap().input
    }

    #[test]
    fn the_digest_is_signed_where_the_token_can() {
        let both = [CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS];
        assert_eq!(input(RSA, SignatureScheme::RsaPkcs1Sha256, &both), Input::DigestInfo);
        assert_eq!(
            input(RSA, SignatureScheme::RsaPkcs1Sha256, &[CKM_SHA256_RSA_PKCS]),
            Input::Message
        );
    }

    #[test]
    fn no_scheme_is_served_by_anothers_mechanism() {
        assert_eq!(schemes(RSA, &[CKM_SHA384_RSA_PKCS]), [SignatureScheme::RsaPkcs1Sha384]);
        assert_eq!(schemes(RSA, &[CKM_SHA512_RSA_PKCS_PSS]), [SignatureScheme::RsaPssSha512]);
        assert!(schemes(RSA, &[CKM_ECDSA, CKM_RSA_X_509]).is_empty());
        assert!(schemes(KeyAlgorithm::Ec(EcCurve::P256), &[CKM_RSA_PKCS]).is_empty());
        assert_eq!(schemes(RSA, &[CKM_RSA_PKCS]).len(), 4);
    }

    #[test]
    fn a_digest_longer_than_the_curve_is_cut() {
        let ec = |curve, scheme| input(KeyAlgorithm::Ec(curve), scheme, &[CKM_ECDSA]);
        let plan = plans(KeyAlgorithm::Ec(EcCurve::P256), &[CKM_ECDSA])
            .into_iter()
            .find(|plan| plan.scheme == SignatureScheme::EcdsaSha384)
            .unwrap();
        assert_eq!(plan.input_from_digest(&[7; 48]).unwrap(), [7; 32]);
        assert_eq!(
            ec(EcCurve::P521, SignatureScheme::EcdsaSha512),
            Input::Digest { at_most: 66 },
            "the whole digest"
        );
    }

    #[test]
    fn ed25519_signs_the_message_and_only_by_its_own_mechanism() {
        let key = KeyAlgorithm::Ed25519;
        let scheme = SignatureScheme::Ed25519;
        assert_eq!(schemes(key, &[CKM_ECDSA, CKM_EDDSA]), [scheme]);
        assert_eq!(input(key, scheme, &[CKM_EDDSA]), Input::Message);
        assert!(schemes(key, &[CKM_ECDSA, CKM_ECDSA_SHA512]).is_empty());
        assert!(schemes(KeyAlgorithm::Ec(EcCurve::P256), &[CKM_EDDSA]).is_empty());
        let plan = plans(key, &[CKM_EDDSA]).remove(0);
        assert_eq!(plan.input_from_message(b"message"), b"message");
        assert_eq!(plan.input_from_digest(&[7; 64]), None);
    }

    #[test]
    fn a_message_is_hashed_into_its_digest_info() {
        let plan = plans(RSA, &[CKM_RSA_PKCS])
            .into_iter()
            .find(|plan| plan.scheme == SignatureScheme::RsaPkcs1Sha1)
            .unwrap();
        let input = plan.input_from_message(b"abc");
        // FIPS 180-4 example: SHA-1 of "abc".
        assert_eq!(input[..15], *DigestAlgorithm::Sha1.digest_info_prefix());
        assert_eq!(input[15..19], [0xa9, 0x99, 0x3e, 0x36]);
        assert_eq!(input.len(), 35);
    }

    #[test]
    fn a_modulus_too_short_for_the_padding_has_no_such_scheme() {
        let all = [CKM_RSA_PKCS, CKM_RSA_PKCS_PSS];
        let small = schemes(KeyAlgorithm::Rsa { bits: 1024 }, &all);
        assert!(!small.contains(&SignatureScheme::RsaPssSha512));
        assert!(small.contains(&SignatureScheme::RsaPkcs1Sha512));
        let tiny = schemes(KeyAlgorithm::Rsa { bits: 512 }, &all);
        assert!(!tiny.contains(&SignatureScheme::RsaPkcs1Sha512), "{tiny:?}");
    }

    #[test]
    fn every_planned_mechanism_is_a_candidate() {
        for mechanism in [CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_ECDSA, CKM_ECDSA_SHA384, CKM_EDDSA] {
            assert!(is_candidate(mechanism));
        }
        assert!(!is_candidate(CKM_RSA_X_509));
        assert!(!is_candidate(CKM_AES_GCM));
    }
}
