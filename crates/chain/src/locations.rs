//! Where a certificate says that its issuer's certificate and its revocation lists are.

use chancery_x509::Certificate;
use chancery_x509::asn1::{Tlv, tag};

use crate::crl::DistributionPoint;
use crate::general_name::GeneralName;
use crate::normal_name::NormalName;
use crate::oid;

/// The most locations of one kind taken from one certificate. Real ones have one or two.
const MAX_LOCATIONS: usize = 16;

/// Returns the URIs of caIssuers in authorityInfoAccess (RFC 5280 section 4.2.2.1), where the certificate of whoever
/// issued this one may be had. None where the extension is missing or broken: it is a hint.
#[must_use]
pub fn issuer_locations(certificate: &Certificate) -> Vec<String> {
    let Some(extension) = certificate.extensions().get(oid::AUTHORITY_INFO_ACCESS) else {
        return Vec::new();
    };
    let Ok(list) = Tlv::parse(&extension.value) else { return Vec::new() };
    if list.tag != tag::SEQUENCE {
        return Vec::new();
    }
    let issuers = list.reader().take(MAX_LOCATIONS).filter_map(|access| {
        let mut parts = access.ok()?.reader();
        let method = parts.read().ok()?.oid().ok()?;
        let location = GeneralName::from_tlv(parts.read().ok()?).ok()?;
        (method == oid::CA_ISSUERS).then_some(location)
    });
    issuers.filter_map(uri).collect()
}

/// Returns the URIs of the distribution points of its revocation lists (RFC 5280 section 4.2.1.13). None where the
/// extension is missing or broken.
#[must_use]
pub fn crl_locations(certificate: &Certificate) -> Vec<String> {
    let issuer = NormalName::of(certificate.issuer());
    let points = DistributionPoint::of(certificate, &issuer).unwrap_or_default();
    let names = points.into_iter().flat_map(DistributionPoint::into_names);
    names.filter_map(uri).take(MAX_LOCATIONS).collect()
}

fn uri(name: GeneralName) -> Option<String> {
    match name {
        GeneralName::Uri(uri) => Some(uri),
        _ => None,
    }
}
