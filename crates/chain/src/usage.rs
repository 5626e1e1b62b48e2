//! Whether a certificate may be used for what it is used for.

use chancery_x509::{Certificate, KeyUsage, oid as x509_oid};
use const_oid::ObjectIdentifier;

use crate::{Policy, Purpose, Reason};

impl Purpose {
    const fn key_purpose(self) -> Option<ObjectIdentifier> {
        match self {
            Self::Any => None,
            Self::CodeSigning => Some(x509_oid::CODE_SIGNING),
            Self::TimeStamping => Some(x509_oid::TIME_STAMPING),
        }
    }
}

/// Checks the leaf: extKeyUsage, keyUsage, and that it is no CA.
pub(crate) fn check_leaf(
    certificate: &Certificate,
    policy: &Policy,
    mut report: impl FnMut(Reason),
) {
    let extensions = certificate.extensions();
    match extensions.ca() {
        Ok(Some(_)) if !policy.allow_ca_leaf => report(Reason::LeafIsCa),
        Ok(_) => {}
        Err(_) => report(Reason::MalformedExtension(x509_oid::BASIC_CONSTRAINTS)),
    }
    let Some(purpose) = policy.purpose.key_purpose() else { return };
    match extensions.extended_key_usage() {
        Ok(Some(purposes)) if !purposes.contains(&purpose) => report(Reason::WrongPurpose),
        Ok(Some(purposes)) => {
            let critical = !policy.require_critical_purpose
                || extensions
                    .get(x509_oid::EXTENDED_KEY_USAGE)
                    .is_some_and(|extension| extension.critical);
            if policy.purpose == Purpose::TimeStamping && (purposes.len() != 1 || !critical) {
                report(Reason::PurposeNotExclusive);
            }
            // Such a certificate is made for trying things out; its signatures end with it.
            if policy.purpose == Purpose::CodeSigning
                && purposes.contains(&x509_oid::LIFETIME_SIGNING)
                && policy.now > certificate.not_after()
            {
                report(Reason::LifetimeSigningExpired { not_after: certificate.not_after() });
            }
        }
        Ok(None) if policy.require_extended_key_usage => report(Reason::ExtendedKeyUsageMissing),
        Ok(None) => {}
        Err(_) => report(Reason::MalformedExtension(x509_oid::EXTENDED_KEY_USAGE)),
    }
    match extensions.key_usage() {
        Ok(Some(usage)) if !may_sign(usage, policy.purpose) => report(Reason::SigningNotAllowed),
        Ok(None) if policy.require_key_usage => report(Reason::KeyUsageMissing),
        Ok(_) => {}
        Err(_) => report(Reason::MalformedExtension(x509_oid::KEY_USAGE)),
    }
}

/// Timestamps may also be signed with nonRepudiation alone (RFC 5280 section 4.2.1.12).
fn may_sign(usage: KeyUsage, purpose: Purpose) -> bool {
    usage.allows(KeyUsage::DIGITAL_SIGNATURE)
        || purpose == Purpose::TimeStamping && usage.names().contains(&"nonRepudiation")
}

/// Checks that a certificate may issue others for the purpose (RFC 5280 section 6.1.4 (k), (n)).
///
/// Where a CA has an extKeyUsage it limits what may be below, as Windows and browsers read it.
pub(crate) fn check_issuer(
    certificate: &Certificate,
    policy: &Policy,
    mut report: impl FnMut(Reason),
) {
    let extensions = certificate.extensions();
    match extensions.ca() {
        Ok(Some(_)) => {}
        Ok(None) => report(Reason::NotACa),
        Err(_) => report(Reason::MalformedExtension(x509_oid::BASIC_CONSTRAINTS)),
    }
    match extensions.key_usage() {
        Ok(Some(usage)) if !usage.allows(KeyUsage::KEY_CERT_SIGN) => {
            report(Reason::CertSignNotAllowed);
        }
        Ok(None) if policy.require_key_usage => report(Reason::KeyUsageMissing),
        Ok(_) => {}
        Err(_) => report(Reason::MalformedExtension(x509_oid::KEY_USAGE)),
    }
    let Some(purpose) = policy.purpose.key_purpose() else { return };
    match extensions.extended_key_usage() {
        Ok(Some(purposes))
            if !purposes.contains(&purpose)
                && !purposes.contains(&x509_oid::ANY_EXTENDED_KEY_USAGE) =>
        {
            report(Reason::IssuerWrongPurpose);
        }
        Ok(_) => {}
        Err(_) => report(Reason::MalformedExtension(x509_oid::EXTENDED_KEY_USAGE)),
    }
}
