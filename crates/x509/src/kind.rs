//! What DER without a label is most likely: its outermost elements tell.

use crate::asn1::{Reader, Tlv, tag};

/// Guesses which kind of document this is, in words that fit behind "what it has is".
///
/// Reads tags and the numbers of versions, and nothing deeper: a document that is broken further in is still told.
pub(crate) fn guess(der: &[u8]) -> Option<&'static str> {
    let mut elements = inside(Tlv::parse(der).ok()?)?;
    let first = elements.read().ok()?;
    match first.tag {
        // ContentInfo (RFC 5652 section 3).
        tag::OID => Some("a PKCS#7 signature or bundle"),
        tag::INTEGER => of_version(first.contents, &elements.read().ok()?),
        tag::SEQUENCE => of_sequence(first, &elements.read().ok()?),
        _ => None,
    }
}

/// Keys and containers, which begin with their version; and RSA public keys, which begin with the modulus.
fn of_version(version: &[u8], second: &Tlv<'_>) -> Option<&'static str> {
    match (version, second.tag) {
        // PFX (RFC 7292 section 4).
        ([3], tag::SEQUENCE) => Some("a PKCS#12 file"),
        // OneAsymmetricKey (RFC 5958 section 2), RSAPrivateKey (RFC 8017 A.1.2), ECPrivateKey (RFC 5915 section 3).
        ([0 | 1], tag::SEQUENCE) | ([0], tag::INTEGER) | ([1], tag::OCTET_STRING) => {
            Some("a private key")
        }
        // RSAPublicKey (RFC 8017 A.1.1).
        ([_, _, ..], tag::INTEGER) => Some("a public key"),
        _ => None,
    }
}

fn of_sequence(first: Tlv<'_>, second: &Tlv<'_>) -> Option<&'static str> {
    let mut elements = inside(first)?;
    let mut element = elements.read().ok()?;
    match (element.tag, second.tag) {
        // EncryptedPrivateKeyInfo (RFC 5958 section 3), SubjectPublicKeyInfo (RFC 5280 section 4.1).
        (tag::OID, tag::OCTET_STRING) => return Some("a private key"),
        (tag::OID, tag::BIT_STRING) => return Some("a public key"),
        // TBSCertificate (RFC 5280 section 4.1), of any version but the first.
        (CONTEXT_0, tag::SEQUENCE) => return Some("a certificate"),
        (tag::INTEGER, tag::SEQUENCE) => element = elements.read().ok()?,
        (tag::SEQUENCE, tag::SEQUENCE) => {}
        _ => return None,
    }
    // Behind a version or serial number is an algorithm's identifier, or the name that a request begins with.
    if inside(element)?.read().map_or(true, |inner| inner.tag != tag::OID) {
        return Some("a certification request");
    }
    elements.expect(tag::SEQUENCE, "issuer").ok()?;
    match elements.read().ok()?.tag {
        // TBSCertificate of version 1: a validity; TBSCertList (RFC 5280 section 5.1): the time it was issued.
        tag::SEQUENCE => Some("a certificate"),
        tag::UTC_TIME | tag::GENERALIZED_TIME => Some("a revocation list"),
        _ => None,
    }
}

const CONTEXT_0: u8 = 0xa0;

fn inside(tlv: Tlv<'_>) -> Option<Reader<'_>> {
    Some(tlv.expect(tag::SEQUENCE, "sequence").ok()?.reader())
}
