//! Rules a certificate is held against before it is signed.

use core::fmt;

use chancery_key::{DigestAlgorithm, KeyAlgorithm, PublicKey, PublicKeyNumbers, SignatureScheme};
use const_oid::ObjectIdentifier;

use crate::profile::Additions;
use crate::{Certificate, Extensions, Location, Name, Profile, SerialNumber, Time, Validity, oid};

mod finding;

pub use finding::IssuanceFinding;

/// From when on the CA/Browser Forum allows leaf certificates of 460 days and no longer 39 months (ballot CSC-31):
/// 2026-03-01.
const SHORT_LEAVES_SINCE: u64 = 1_772_323_200;

/// The longest leaf since then, in days.
const LEAF_DAYS: u32 = 460;

/// The longest leaf before, in months.
const LEAF_MONTHS: u32 = 39;

/// The longest timestamp certificate, in months.
const TIME_STAMPING_MONTHS: u32 = 135;

/// No RSA modulus has a prime factor below this (CSBR 3.10 section 6.1.6).
const SMALLEST_FACTOR: u32 = 752;

/// Rules for certificates that are about to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IssuancePolicy {
    /// `private`: what makes no sense in any PKI. RSA below 2048 bits, keys that are broken, SHA-1, a validity
    /// outside the issuer's, a purpose the issuer may not hand on.
    Private,
    /// `code-signing-baseline`: besides, the CA/Browser Forum's Baseline Requirements for code-signing certificates,
    /// version 3.10, sections 6.1.5, 6.1.6, 6.3.2, 7.1.2 to 7.1.4. What they ask of organisations and devices cannot
    /// be seen in a certificate.
    CodeSigningBaseline,
}

impl IssuancePolicy {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::CodeSigningBaseline => "code-signing-baseline",
        }
    }
}

impl fmt::Display for IssuancePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A certificate as it would be signed.
pub(crate) struct Plan<'a> {
    /// `None` for one whose extensions somebody else chose.
    pub(crate) profile: Option<Profile>,
    pub(crate) subject: &'a Name,
    pub(crate) public_key: &'a PublicKey,
    pub(crate) validity: &'a Validity,
    pub(crate) serial: &'a SerialNumber,
    pub(crate) extensions: &'a Extensions,
    pub(crate) additions: &'a Additions,
    /// `None` for one that signs itself.
    pub(crate) issuer: Option<&'a Certificate>,
    pub(crate) scheme: SignatureScheme,
}

/// Returns every rule that a plan breaks.
pub(crate) fn findings(policy: IssuancePolicy, plan: &Plan<'_>) -> Vec<IssuanceFinding> {
    let mut all = Vec::new();
    key_is_sound(policy, plan, &mut all);
    if plan.scheme.digest() == DigestAlgorithm::Sha1 {
        all.push(IssuanceFinding::WeakHash);
    }
    if let Some(issuer) = plan.issuer {
        fits_issuer(plan, issuer, &mut all);
    }
    if policy == IssuancePolicy::CodeSigningBaseline {
        is_as_long_as_allowed(plan, &mut all);
        names_are_as_asked(plan, &mut all);
        purposes_are_as_asked(plan, &mut all);
        can_be_looked_up(plan, &mut all);
        if plan.serial.bits() < 64 {
            all.push(IssuanceFinding::SerialTooShort);
        }
    }
    all
}

impl Plan<'_> {
    fn is_ca(&self) -> bool {
        matches!(self.extensions.ca(), Ok(Some(_)))
    }

    fn is_root(&self) -> bool {
        self.is_ca() && self.issuer.is_none()
    }

    fn purposes(&self) -> Vec<ObjectIdentifier> {
        self.extensions.extended_key_usage().ok().flatten().unwrap_or_default()
    }
}

fn key_is_sound(policy: IssuancePolicy, plan: &Plan<'_>, all: &mut Vec<IssuanceFinding>) {
    match plan.public_key.algorithm() {
        KeyAlgorithm::Rsa { bits } => {
            let least = match policy {
                IssuancePolicy::Private => 2048,
                IssuancePolicy::CodeSigningBaseline if plan.is_ca() => 4096,
                IssuancePolicy::CodeSigningBaseline => 3072,
            };
            if bits < least {
                all.push(IssuanceFinding::RsaKeyTooShort { bits, least });
            }
        }
        KeyAlgorithm::Ec(_) => {}
        // The CA/Browser Forum's baseline has RSA and the NIST curves alone (section 6.1.5).
        KeyAlgorithm::Ed25519 if policy == IssuancePolicy::Private => {}
        other => all.push(IssuanceFinding::KeyType { algorithm: other }),
    }
    if let PublicKeyNumbers::Rsa { modulus, exponent } = plan.public_key.numbers() {
        if let Some(factor) = small_factor(modulus) {
            all.push(IssuanceFinding::ModulusFactor { factor });
        }
        // 65537 is the least the Forum recommends; 3 is allowed, and asked for by nobody.
        let small = exponent.len() < 3 && policy == IssuancePolicy::CodeSigningBaseline;
        if small {
            all.push(IssuanceFinding::SmallExponent);
        }
    }
}

/// Finds a factor below 752: such a modulus is broken, or no modulus at all.
fn small_factor(modulus: &[u8]) -> Option<u32> {
    let remainder = |divisor: u32| {
        let step = |rest: u32, octet: &u8| (rest << 8 | u32::from(*octet)).checked_rem(divisor);
        modulus.iter().try_fold(0, step)
    };
    (2..SMALLEST_FACTOR).find(|divisor| remainder(*divisor) == Some(0))
}

fn fits_issuer(plan: &Plan<'_>, issuer: &Certificate, all: &mut Vec<IssuanceFinding>) {
    let inside = issuer.not_before() <= plan.validity.not_before()
        && plan.validity.not_after() <= issuer.not_after();
    if !inside {
        all.push(IssuanceFinding::OutsideIssuerValidity {
            from: issuer.not_before(),
            until: issuer.not_after(),
        });
    }
    // A CA with an extKeyUsage hands on what is in it, to Windows and to browsers.
    let Ok(Some(handed_on)) = issuer.extensions().extended_key_usage() else { return };
    if handed_on.contains(&oid::ANY_EXTENDED_KEY_USAGE) {
        return;
    }
    let missing = plan.purposes().into_iter().filter(|purpose| !handed_on.contains(purpose));
    all.extend(missing.map(|purpose| IssuanceFinding::PurposeNotOfIssuer { purpose }));
}

fn is_as_long_as_allowed(plan: &Plan<'_>, all: &mut Vec<IssuanceFinding>) {
    if plan.is_ca() {
        return;
    }
    let from = plan.validity.not_before();
    let (limit, text) = if plan.profile == Some(Profile::TimeStamping) {
        (from.plus_months(TIME_STAMPING_MONTHS), "135 months")
    } else if from.unix() < SHORT_LEAVES_SINCE {
        (from.plus_months(LEAF_MONTHS), "39 months")
    } else {
        (from.plus_days(LEAF_DAYS), "460 days")
    };
    // The last second counts: one that ends a day after it began, to the second, lasts a second more.
    if limit.is_ok_and(|limit: Time| plan.validity.not_after() >= limit) {
        all.push(IssuanceFinding::ValidityTooLong { most: text });
    }
}

fn names_are_as_asked(plan: &Plan<'_>, all: &mut Vec<IssuanceFinding>) {
    if plan.subject.common_name().is_none() {
        all.push(IssuanceFinding::NoCommonName);
    }
    if plan.subject.has(oid::DOMAIN_COMPONENT) && !plan.is_ca() {
        all.push(IssuanceFinding::DomainComponent);
    }
}

fn purposes_are_as_asked(plan: &Plan<'_>, all: &mut Vec<IssuanceFinding>) {
    let purposes = plan.purposes();
    let forbidden = [
        oid::ANY_EXTENDED_KEY_USAGE,
        oid::SERVER_AUTHENTICATION,
        // In a leaf it is allowed beside codeSigning.
        oid::EMAIL_PROTECTION,
    ];
    let forbidden = if plan.is_ca() { &forbidden[..] } else { &forbidden[..2] };
    for purpose in purposes.iter().filter(|purpose| forbidden.contains(purpose)) {
        all.push(IssuanceFinding::ForbiddenPurpose { purpose: *purpose });
    }
    let code = purposes.contains(&oid::CODE_SIGNING);
    let time = purposes.contains(&oid::TIME_STAMPING);
    if plan.is_root() {
        if !purposes.is_empty() {
            all.push(IssuanceFinding::PurposeInRoot);
        }
    } else if code == time {
        all.push(IssuanceFinding::CodeOrTime);
    }
}

fn can_be_looked_up(plan: &Plan<'_>, all: &mut Vec<IssuanceFinding>) {
    let has = |oid| plan.extensions.get(oid).is_some();
    if plan.is_root() {
        if has(oid::CERTIFICATE_POLICIES) {
            all.push(IssuanceFinding::PoliciesInRoot);
        }
        return;
    }
    if !has(oid::CERTIFICATE_POLICIES) {
        all.push(IssuanceFinding::NoPolicies);
    } else if !plan.is_ca() && !plan.additions.policies.iter().any(is_forum_policy) {
        all.push(IssuanceFinding::NoForumPolicy);
    }
    if !has(oid::CRL_DISTRIBUTION_POINTS) {
        all.push(IssuanceFinding::NoCrlLocation);
    }
    if plan.additions.ca_issuers.is_empty() {
        all.push(IssuanceFinding::NoCaIssuers);
    }
    let additions = plan.additions;
    let locations = additions.crl.iter().chain(&additions.ca_issuers).chain(&additions.ocsp);
    for location in locations.filter(|location| !is_http(location)) {
        all.push(IssuanceFinding::LocationNotHttp { location: location.to_string() });
    }
}

fn is_forum_policy(policy: &ObjectIdentifier) -> bool {
    let known = [oid::CABF_CODE_SIGNING, oid::CABF_EV_CODE_SIGNING, oid::CABF_TIME_STAMPING];
    known.contains(policy)
}

/// `http`, and not `https`: whoever checks the server's certificate would have to ask it first.
fn is_http(location: &Location) -> bool {
    location
        .as_str()
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("http"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_factors_are_found() {
        assert_eq!(small_factor(&[0x01, 0x01]), Some(257));
        assert_eq!(small_factor(&(751_u32 * 1_000_003).to_be_bytes()), Some(751));
        assert_eq!(small_factor(&(757_u32 * 1_000_003).to_be_bytes()), None);
        assert_eq!(small_factor(&[0x10, 0]), Some(2));
    }

    #[test]
    fn the_date_of_the_ballot_is_the_first_of_march() {
        let time = Time::from_unix(SHORT_LEAVES_SINCE).unwrap();
        assert_eq!(time.to_string(), "2026-03-01T00:00:00Z");
    }
}
