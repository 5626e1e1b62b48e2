//! Certificates without a signature: the degenerate SignedData of `.p7b` files.

use chancery_x509::Certificate;
use chancery_x509::asn1::{self, tag};

use crate::oid;

/// Writes certificates as a SignedData without content and without signers, in DER: "certs-only" (RFC 5652
/// section 5.1, RFC 8551 section 3.2.2). A set has no order, and DER sorts it.
#[must_use]
pub fn certificate_bundle<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> Vec<u8> {
    let certificates = certificates.into_iter().map(|one| one.as_der().to_vec()).collect();
    let signed_data = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &asn1::set_of(tag::SET, Vec::new()),
        &asn1::sequence(&[&asn1::object_identifier(&oid::DATA)]),
        &asn1::set_of(tag::context_constructed(0), certificates),
        &asn1::set_of(tag::SET, Vec::new()),
    ]);
    asn1::sequence(&[
        &asn1::object_identifier(&oid::SIGNED_DATA),
        &asn1::tlv(tag::context_constructed(0), &[&signed_data]),
    ])
}
