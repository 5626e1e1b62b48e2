//! Requests, responses, tokens and counter-signatures of timestamp servers.

use chancery_chain::TrustAnchors;
use chancery_timestamp::{
    LegacyRequest, LegacyResponse, TimeStampRequest, TimeStampResponse, TimestampReport,
    TimestampVerifier, Token, TstInfo, accept_response,
};
use chancery_x509::{Certificate, Extensions};

use crate::identity::{now, stamper};

/// The signature value that the seeds are over.
pub(crate) const STAMPED: &[u8] = b"fuzzed signature value";

/// Reads the bytes as everything that a server or a file may hand us.
pub fn timestamp(data: &[u8]) {
    request(data);
    response(data);
    info(data);
    token(data);
    counter_signature(data, &[stamper().certificate().clone()]);
    legacy(data);
}

fn request(data: &[u8]) {
    let Ok(mut read) = TimeStampRequest::from_der(data) else { return };
    // The writer asks for nothing in extensions.
    read.extensions = Extensions::default();
    let again = TimeStampRequest::from_der(&read.to_der()).expect("what we write is read");
    assert_eq!(again, read);
}

fn response(data: &[u8]) {
    let Ok(read) = TimeStampResponse::from_der(data) else { return };
    if read.failures.len() < 2 {
        let again = TimeStampResponse::from_der(&read.to_der()).expect("what we write is read");
        assert_eq!(again, read);
    }
    let Some(inside) = &read.token else { return };
    token(inside);
    let Ok(parsed) = Token::from_der(inside) else { return };
    // The request this answers, and the same with another number.
    let mut request = TimeStampRequest::from_der(&request_for(&parsed.info)).expect("ours");
    let verifier = nobody();
    if let Ok((stamp, report)) = accept_response(data, &request, STAMPED, &verifier) {
        assert!(read.status.is_granted() && report.holds());
        assert_eq!(stamp.attribute().1, inside.as_slice());
        let other = chancery_timestamp::Nonce::from_unsigned(&[1; 30]);
        assert_ne!(parsed.info.nonce.as_ref(), Some(&other));
        request.nonce = Some(other);
        assert!(accept_response(data, &request, STAMPED, &verifier).is_err());
    }
}

/// Writes the request that a token answers.
fn request_for(info: &TstInfo) -> Vec<u8> {
    let digest = info.imprint.digest().unwrap_or(chancery_key::DigestAlgorithm::Sha256);
    let mut request = TimeStampRequest::new(digest, STAMPED).expect("there is randomness");
    request.nonce = info.nonce.clone();
    request.to_der()
}

fn info(data: &[u8]) {
    let Ok(mut read) = TstInfo::from_der(data) else { return };
    read.extensions = Extensions::default();
    let again = TstInfo::from_der(&read.to_der()).expect("what we write is read");
    assert_eq!(again, read);
}

fn token(data: &[u8]) {
    if let Ok(read) = Token::from_der(data) {
        assert_eq!(read.signed_data.raw, data);
        info(read.content);
    }
    check(|value| nobody().token(data, value, &[]));
}

fn counter_signature(data: &[u8], certificates: &[Certificate]) {
    check(|value| nobody().tolerating_bare_hash().counter_signature(data, certificates, value));
}

/// What holds over one signature does not hold over another.
fn check(judge: impl Fn(&[u8]) -> TimestampReport) {
    let report = judge(STAMPED);
    assert!(!report.is_valid(), "nobody is trusted");
    if report.holds() {
        assert!(report.time.is_some() && report.signer.is_some());
        assert!(!judge(b"another").holds());
    }
}

fn legacy(data: &[u8]) {
    if let Ok(read) = LegacyRequest::from_base64(data) {
        let again = LegacyRequest::from_base64(read.to_base64().as_bytes());
        assert_eq!(again.expect("what we write is read"), read);
    }
    if let Ok(read) = LegacyResponse::from_base64(data) {
        counter_signature(&read.counter_signature, &read.certificates);
    }
}

fn nobody() -> TimestampVerifier {
    TimestampVerifier::new(TrustAnchors::none(), now())
}
