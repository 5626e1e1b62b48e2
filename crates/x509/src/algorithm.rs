//! Signature schemes as `AlgorithmIdentifier`s.

use core::fmt;

use chancery_key::{DigestAlgorithm, SchemeFamily, SignatureScheme, algorithm_name};
use const_oid::ObjectIdentifier;

use crate::asn1::{self, Tlv, tag};
use crate::{Error, oid};

/// Writes the `AlgorithmIdentifier` that X.509 uses for a scheme.
///
/// RSA PKCS#1 v1.5 has NULL parameters (RFC 4055 section 5), ECDSA none (RFC 5758 section 3.2) and
/// Ed25519 none (RFC 8410 section 3), PSS always the full parameters (RFC 4055 section 3.1).
#[must_use]
pub fn algorithm_identifier(scheme: SignatureScheme) -> Vec<u8> {
    use DigestAlgorithm as D;
    let digest = scheme.digest();
    match scheme.family() {
        SchemeFamily::RsaPkcs1 => asn1::algorithm_with_null(match digest {
            D::Sha1 => &oid::SHA1_WITH_RSA,
            D::Sha384 => &oid::SHA384_WITH_RSA,
            D::Sha512 => &oid::SHA512_WITH_RSA,
            D::Sha256 => &oid::SHA256_WITH_RSA,
        }),
        SchemeFamily::RsaPss => {
            let hash = asn1::algorithm_with_null(&digest.oid());
            let mgf = asn1::sequence(&[&asn1::object_identifier(&oid::MGF1), &hash]);
            let salt_len = digest.output_len().to_be_bytes();
            asn1::sequence(&[
                &asn1::object_identifier(&oid::RSASSA_PSS),
                &asn1::sequence(&[
                    &asn1::tlv(tag::context_constructed(0), &[&hash]),
                    &asn1::tlv(tag::context_constructed(1), &[&mgf]),
                    &asn1::tlv(tag::context_constructed(2), &[&asn1::unsigned_integer(&salt_len)]),
                ]),
            ])
        }
        SchemeFamily::Ecdsa => asn1::sequence(&[&asn1::object_identifier(match digest {
            D::Sha1 => &oid::ECDSA_WITH_SHA1,
            D::Sha384 => &oid::ECDSA_WITH_SHA384,
            D::Sha512 => &oid::ECDSA_WITH_SHA512,
            D::Sha256 => &oid::ECDSA_WITH_SHA256,
        })]),
        SchemeFamily::EdDsa => asn1::sequence(&[&asn1::object_identifier(&oid::ED25519)]),
    }
}

/// The algorithm of a signature, as far as it is known: its scheme where we can verify it, its name where we cannot,
/// its object identifier in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// `None` where not even the identifier can be read.
    oid: Option<ObjectIdentifier>,
    scheme: Option<SignatureScheme>,
}

impl SignatureAlgorithm {
    pub(crate) fn from_tlv(algorithm: Tlv<'_>) -> Self {
        Self {
            oid: parts(algorithm).ok().map(|(oid, _)| oid),
            scheme: scheme_from_algorithm(algorithm).ok(),
        }
    }

    /// Returns the object identifier, where it is one.
    #[must_use]
    pub const fn oid(&self) -> Option<ObjectIdentifier> {
        self.oid
    }

    /// Returns the scheme, where it is one that can be verified here.
    #[must_use]
    pub const fn scheme(&self) -> Option<SignatureScheme> {
        self.scheme
    }
}

impl fmt::Display for SignatureAlgorithm {
    /// Writes `rsa-pss-sha256`, `ML-DSA-65`, or the object identifier of what has no name here.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scheme, self.oid) {
            (Some(scheme), _) => scheme.fmt(f),
            (None, Some(oid)) => match algorithm_name(oid) {
                Some(name) => f.pad(name),
                None => oid.fmt(f),
            },
            (None, None) => f.pad("unreadable"),
        }
    }
}

/// Takes an `AlgorithmIdentifier` apart: its object identifier and its parameters.
fn parts(algorithm: Tlv<'_>) -> Result<(ObjectIdentifier, Option<Tlv<'_>>), Error> {
    let mut reader = algorithm.expect(tag::SEQUENCE, "algorithm identifier")?.reader();
    let oid = reader.read()?.oid()?;
    let parameters = if reader.is_empty() { None } else { Some(reader.read()?) };
    reader.finish()?;
    Ok((oid, parameters))
}

fn no_parameters(parameters: Option<Tlv<'_>>) -> Option<()> {
    parameters.is_none_or(|tlv| tlv.tag == tag::NULL && tlv.contents.is_empty()).then_some(())
}

/// Reads which hash a digest `AlgorithmIdentifier` names. NULL and absent parameters are one.
///
/// # Errors
/// [`Error::Der`] for what is no `AlgorithmIdentifier`, [`Error::UnknownAlgorithm`] for a hash we do not
/// know.
pub fn digest_from_algorithm(algorithm: Tlv<'_>) -> Result<DigestAlgorithm, Error> {
    let (oid, parameters) = parts(algorithm)?;
    no_parameters(parameters)
        .and_then(|()| DigestAlgorithm::from_oid(oid))
        .ok_or(Error::UnknownAlgorithm)
}

/// Reads which scheme an X.509 signature `AlgorithmIdentifier` names.
///
/// # Errors
/// [`Error::Der`] for what is no `AlgorithmIdentifier`, [`Error::UnknownAlgorithm`] for a scheme we do not
/// know: MD5, DSA, PSS with a salt of other length than its hash.
pub fn scheme_from_algorithm(algorithm: Tlv<'_>) -> Result<SignatureScheme, Error> {
    use SignatureScheme as S;
    let (oid, parameters) = parts(algorithm)?;
    let scheme = match oid {
        oid::RSASSA_PSS => return pss_scheme(parameters),
        oid::SHA1_WITH_RSA | oid::SHA1_WITH_RSA_OIW => S::RsaPkcs1Sha1,
        oid::SHA256_WITH_RSA => S::RsaPkcs1Sha256,
        oid::SHA384_WITH_RSA => S::RsaPkcs1Sha384,
        oid::SHA512_WITH_RSA => S::RsaPkcs1Sha512,
        oid::ECDSA_WITH_SHA1 => S::EcdsaSha1,
        oid::ECDSA_WITH_SHA256 => S::EcdsaSha256,
        oid::ECDSA_WITH_SHA384 => S::EcdsaSha384,
        oid::ECDSA_WITH_SHA512 => S::EcdsaSha512,
        // RFC 8410 section 3: no parameters, not even NULL.
        oid::ED25519 if parameters.is_none() => S::Ed25519,
        _ => return Err(Error::UnknownAlgorithm),
    };
    no_parameters(parameters).map(|()| scheme).ok_or(Error::UnknownAlgorithm)
}

/// Reads the scheme of a PKCS#7 or CMS signer, whose `signatureAlgorithm` may name only the key type
/// and leave the hash to `digestAlgorithm` (RFC 3370 section 3.2, RFC 5753 section 2.1.1).
///
/// # Errors
/// As [`scheme_from_algorithm`]; [`Error::AlgorithmMismatch`] where both name a hash and not the same.
pub fn signer_scheme(
    algorithm: Tlv<'_>,
    digest: DigestAlgorithm,
) -> Result<SignatureScheme, Error> {
    let (oid, parameters) = parts(algorithm)?;
    let family = match oid {
        oid::RSA_ENCRYPTION => SchemeFamily::RsaPkcs1,
        oid::EC_PUBLIC_KEY => SchemeFamily::Ecdsa,
        _ => {
            let scheme = scheme_from_algorithm(algorithm)?;
            return if scheme.digest() == digest {
                Ok(scheme)
            } else {
                Err(Error::AlgorithmMismatch)
            };
        }
    };
    // With id-ecPublicKey some signers leave the curve in the parameters: the key has the last word.
    if family == SchemeFamily::RsaPkcs1 && no_parameters(parameters).is_none() {
        return Err(Error::UnknownAlgorithm);
    }
    SignatureScheme::new(family, digest).ok_or(Error::UnknownAlgorithm)
}

/// Reads `RSASSA-PSS-params` (RFC 4055 section 3.1). The defaults are all SHA-1, which no scheme of ours is.
fn pss_scheme(parameters: Option<Tlv<'_>>) -> Result<SignatureScheme, Error> {
    let sequence = parameters.ok_or(Error::UnknownAlgorithm)?;
    let mut reader = sequence.expect(tag::SEQUENCE, "RSASSA-PSS parameters")?.reader();
    let mut field = |number| -> Result<Option<Tlv<'_>>, Error> {
        match reader.optional(tag::context_constructed(number))? {
            Some(explicit) => explicit.only().map(Some),
            None => Ok(None),
        }
    };
    let hash = field(0)?.ok_or(Error::UnknownAlgorithm).and_then(digest_from_algorithm)?;
    let mgf = field(1)?.ok_or(Error::UnknownAlgorithm)?;
    let salt_len = field(2)?.map_or(Ok(20), |tlv| tlv.small_integer())?;
    let trailer = field(3)?.map_or(Ok(1), |tlv| tlv.small_integer())?;
    reader.finish()?;

    let (mgf, mgf_hash) = parts(mgf)?;
    let mgf_hash = mgf_hash.ok_or(Error::UnknownAlgorithm).and_then(digest_from_algorithm)?;
    let as_ours = mgf == oid::MGF1
        && mgf_hash == hash
        && usize::try_from(salt_len).is_ok_and(|len| len == hash.output_len())
        && trailer == 1;
    SignatureScheme::new(SchemeFamily::RsaPss, hash)
        .filter(|_| as_ours)
        .ok_or(Error::UnknownAlgorithm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_read_back_from_its_identifier() {
        for scheme in SignatureScheme::ALL {
            let der = algorithm_identifier(scheme);
            let tlv = Tlv::parse(&der).unwrap();
            assert_eq!(scheme_from_algorithm(tlv).unwrap(), scheme);
            assert_eq!(signer_scheme(tlv, scheme.digest()).unwrap(), scheme);
        }
    }

    #[test]
    fn a_signer_may_name_the_key_type_only() {
        let rsa = asn1::algorithm_with_null(&oid::RSA_ENCRYPTION);
        let rsa = Tlv::parse(&rsa).unwrap();
        assert_eq!(
            signer_scheme(rsa, DigestAlgorithm::Sha384).unwrap(),
            SignatureScheme::RsaPkcs1Sha384
        );
        assert!(scheme_from_algorithm(rsa).is_err(), "no hash to go with it in a certificate");
    }

    #[test]
    fn ed25519_has_no_parameters_and_goes_with_sha512() {
        let with_null = asn1::algorithm_with_null(&oid::ED25519);
        let read = scheme_from_algorithm(Tlv::parse(&with_null).unwrap());
        assert!(matches!(read, Err(Error::UnknownAlgorithm)));
        let der = algorithm_identifier(SignatureScheme::Ed25519);
        let read = signer_scheme(Tlv::parse(&der).unwrap(), DigestAlgorithm::Sha256);
        assert!(matches!(read, Err(Error::AlgorithmMismatch)));
    }

    #[test]
    fn two_hashes_that_disagree_are_refused() {
        let der = algorithm_identifier(SignatureScheme::RsaPkcs1Sha256);
        assert!(matches!(
            signer_scheme(Tlv::parse(&der).unwrap(), DigestAlgorithm::Sha512),
            Err(Error::AlgorithmMismatch)
        ));
    }

    #[test]
    fn pss_with_another_salt_is_not_ours() {
        let mut der = algorithm_identifier(SignatureScheme::RsaPssSha256);
        let last = der.len() - 1;
        der[last] = 20;
        assert!(matches!(
            scheme_from_algorithm(Tlv::parse(&der).unwrap()),
            Err(Error::UnknownAlgorithm)
        ));
    }
}
