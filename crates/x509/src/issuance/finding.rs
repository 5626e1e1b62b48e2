//! What a certificate that is about to be signed does wrong, by name.

use core::fmt;

use chancery_key::KeyAlgorithm;
use const_oid::ObjectIdentifier;

use crate::{Time, oid};

/// A rule that a certificate would break.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuanceFinding {
    /// The RSA key is too short for what the certificate is for.
    RsaKeyTooShort {
        /// Its length in bits.
        bits: u32,
        /// The shortest one allowed.
        least: u32,
    },
    /// The key is of a type the rules do not know.
    KeyType {
        /// The type.
        algorithm: KeyAlgorithm,
    },
    /// The RSA modulus can be divided by a small number: the key is broken.
    ModulusFactor {
        /// The number.
        factor: u32,
    },
    /// The RSA exponent is below 65537.
    SmallExponent,
    /// The signature would be made over a SHA-1 hash.
    WeakHash,
    /// The validity begins before or ends after the issuer's.
    OutsideIssuerValidity {
        /// The first second of the issuer's.
        from: Time,
        /// The last second of the issuer's.
        until: Time,
    },
    /// The issuer has an extKeyUsage, and this purpose is not in it.
    PurposeNotOfIssuer {
        /// The purpose.
        purpose: ObjectIdentifier,
    },
    /// The validity is longer than allowed.
    ValidityTooLong {
        /// The longest one allowed, in words.
        most: &'static str,
    },
    /// The subject has no common name.
    NoCommonName,
    /// The subject has a domainComponent.
    DomainComponent,
    /// A purpose that must not be there.
    ForbiddenPurpose {
        /// The purpose.
        purpose: ObjectIdentifier,
    },
    /// A root has an extKeyUsage.
    PurposeInRoot,
    /// Neither codeSigning nor timeStamping is among the purposes, or both are.
    CodeOrTime,
    /// A root has certificatePolicies.
    PoliciesInRoot,
    /// There are no certificatePolicies.
    NoPolicies,
    /// None of the policies of a leaf is one of the CA/Browser Forum's.
    NoForumPolicy,
    /// There is no place to find the revocation list at.
    NoCrlLocation,
    /// There is no place to find the issuer's certificate at.
    NoCaIssuers,
    /// A place that is not reached by plain HTTP.
    LocationNotHttp {
        /// The place.
        location: String,
    },
    /// The serial number has less than 64 bits.
    SerialTooShort,
}

impl IssuanceFinding {
    /// Returns the stable kebab-case name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RsaKeyTooShort { .. } => "rsa-key-too-short",
            Self::KeyType { .. } => "key-type",
            Self::ModulusFactor { .. } => "modulus-factor",
            Self::SmallExponent => "small-exponent",
            Self::WeakHash => "weak-hash",
            Self::OutsideIssuerValidity { .. } => "outside-issuer-validity",
            Self::PurposeNotOfIssuer { .. } => "purpose-not-of-issuer",
            Self::ValidityTooLong { .. } => "validity-too-long",
            Self::NoCommonName => "no-common-name",
            Self::DomainComponent => "domain-component",
            Self::ForbiddenPurpose { .. } => "forbidden-purpose",
            Self::PurposeInRoot => "purpose-in-root",
            Self::CodeOrTime => "code-or-time",
            Self::PoliciesInRoot => "policies-in-root",
            Self::NoPolicies => "no-policies",
            Self::NoForumPolicy => "no-forum-policy",
            Self::NoCrlLocation => "no-crl-location",
            Self::NoCaIssuers => "no-ca-issuers",
            Self::LocationNotHttp { .. } => "location-not-http",
            Self::SerialTooShort => "serial-too-short",
        }
    }
}

impl fmt::Display for IssuanceFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RsaKeyTooShort { bits, least } => {
                write!(f, "the RSA key has {bits} bits, where {least} are the least")
            }
            Self::KeyType { algorithm } => {
                write!(
                    f,
                    "a key of {algorithm}, where RSA, P-256, P-384, P-521 and, in private, Ed25519 are allowed"
                )
            }
            Self::ModulusFactor { factor } => write!(f, "{factor} divides the RSA modulus"),
            Self::SmallExponent => f.write_str("the RSA exponent is below 65537"),
            Self::WeakHash => f.write_str("signed over a SHA-1 hash"),
            Self::OutsideIssuerValidity { from, until } => {
                write!(f, "not within the issuer's validity, {from} to {until}")
            }
            Self::PurposeNotOfIssuer { purpose } => {
                write!(f, "the issuer's own purposes leave {} out", Purpose(purpose))
            }
            Self::ValidityTooLong { most } => write!(f, "valid for longer than {most}"),
            Self::NoCommonName => f.write_str("the subject has no common name"),
            Self::DomainComponent => f.write_str("the subject has a domainComponent"),
            Self::ForbiddenPurpose { purpose } => {
                write!(f, "the purpose {} must not be there", Purpose(purpose))
            }
            Self::PurposeInRoot => f.write_str("a root has purposes"),
            Self::CodeOrTime => {
                f.write_str("the purpose is not one of codeSigning and timeStamping")
            }
            Self::PoliciesInRoot => f.write_str("a root has certificate policies"),
            Self::NoPolicies => f.write_str("there are no certificate policies"),
            Self::NoForumPolicy => f.write_str("no policy is one of the CA/Browser Forum's"),
            Self::NoCrlLocation => f.write_str("it does not say where the revocation list is"),
            Self::NoCaIssuers => f.write_str("it does not say where the issuer's certificate is"),
            Self::LocationNotHttp { location } => write!(f, "{location} is not http://"),
            Self::SerialTooShort => f.write_str("the serial number has less than 64 bits"),
        }
    }
}

/// Shows a purpose by its name where it has one.
struct Purpose<'a>(&'a ObjectIdentifier);

impl fmt::Display for Purpose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match oid::purpose_name(*self.0) {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}
