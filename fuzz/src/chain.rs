//! Paths to trust anchors, and revocation lists.

use chancery_chain::{Crl, MAX_SIGNATURE_CHECKS, Policy, Status, TrustAnchors, validate};
use chancery_x509::asn1::Reader;
use chancery_x509::{Certificate, Time};

/// Takes the values in the bytes for certificates and revocation lists: the first certificate for the leaf, the
/// last for the anchor.
pub fn chain(data: &[u8]) {
    let (mut certificates, mut crls) = (Vec::new(), Vec::new());
    for value in Reader::new(data).flatten() {
        if let Ok(certificate) = Certificate::from_der(value.raw) {
            certificates.push(certificate);
        } else if let Ok(crl) = Crl::from_der(value.raw) {
            assert_eq!(crl.as_der(), value.raw);
            crls.push(crl);
        }
    }
    let Ok(time) = Time::from_unix(1_770_000_000) else { return };
    let (Some(leaf), Some(anchor)) = (certificates.first(), certificates.last()) else { return };
    for crl in &crls {
        let _ = (crl.find(leaf.issuer(), leaf.serial()), crl.number(), crl.len());
    }
    for policy in [Policy::code_signing(time), Policy::time_stamping(time), Policy::rfc5280(time)] {
        let anchors = TrustAnchors::new(vec![anchor.clone()]);
        let outcome = validate(leaf, &certificates, &anchors, &crls, &policy);
        assert!(outcome.signature_checks <= MAX_SIGNATURE_CHECKS);
        assert_eq!(outcome.findings.is_empty(), outcome.status == Status::Trusted);
        let nobody = validate(leaf, &certificates, &TrustAnchors::none(), &crls, &policy);
        assert_ne!(nobody.status, Status::Trusted);
    }
}
