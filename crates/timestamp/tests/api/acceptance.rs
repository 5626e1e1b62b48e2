//! Answers to requests: which are accepted.

use chancery_chain::TrustAnchors;
use chancery_key::DigestAlgorithm;
use chancery_timestamp::{
    Failure, Nonce, Refusal, Stamp, TimeStampRequest, TimeStampResponse, TimestampVerifier,
    accept_response,
};

use super::forge::{Maker, NOW, TokenMaker, VALUE, World, info, time};

fn request() -> TimeStampRequest {
    TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap()
}

fn refused(world: &World, request: &TimeStampRequest, response: &[u8]) -> Refusal {
    accept_response(response, request, VALUE, &world.verifier()).unwrap_err()
}

/// Answers with a token made of this `TSTInfo`.
fn answer(world: &World, info: &chancery_timestamp::TstInfo) -> Vec<u8> {
    let token = TokenMaker::new(world).info(info).sign(&world.server);
    TimeStampResponse::granted(token).to_der()
}

#[test]
fn an_answer_to_the_request_is_handed_out_as_it_came() {
    let world = World::new();
    let request = request();
    let mut info = info();
    info.nonce = request.nonce.clone();
    let token = TokenMaker::new(&world).info(&info).sign(&world.server);
    let response = TimeStampResponse::granted(token.clone()).to_der();
    let (stamp, report) = accept_response(&response, &request, VALUE, &world.verifier()).unwrap();
    assert_eq!(stamp, Stamp::Rfc3161(token));
    assert!(report.is_valid());
    // Whom to trust may be open; the rest is not.
    let nobody = TimestampVerifier::new(TrustAnchors::none(), time(NOW));
    accept_response(&response, &request, VALUE, &nobody).unwrap();
    let untrusted = accept_response(&response, &request, VALUE, &World::new().verifier());
    assert_eq!(untrusted.unwrap_err().name(), "chain-untrusted");
}

#[test]
fn answers_to_other_requests_are_refused() {
    let world = World::new();
    let request = request();
    let mut other = info();
    other.nonce = request.nonce.clone();
    assert_eq!(refused(&world, &request, &answer(&world, &info())).name(), "nonce-missing");
    other.nonce = Some(Nonce::from_unsigned(&[1]));
    assert_eq!(refused(&world, &request, &answer(&world, &other)).name(), "nonce-mismatch");
    other.nonce = request.nonce.clone();
    other.imprint.hash[0] ^= 1;
    assert_eq!(refused(&world, &request, &answer(&world, &other)).name(), "imprint-mismatch");
    other.imprint = chancery_timestamp::MessageImprint::of(DigestAlgorithm::Sha512, VALUE);
    let refusal = refused(&world, &request, &answer(&world, &other));
    assert_eq!(refusal.name(), "imprint-mismatch", "another hash function than was asked for");
    let mut with_policy = request.clone();
    with_policy.policy = Some("1.2.3.5".parse().unwrap());
    other.imprint = request.imprint.clone();
    assert_eq!(refused(&world, &with_policy, &answer(&world, &other)).name(), "policy-mismatch");
    with_policy.policy = Some("1.2.3.4".parse().unwrap());
    let verifier = world.verifier();
    accept_response(&answer(&world, &other), &with_policy, VALUE, &verifier).unwrap();
    let mut without_nonce = request;
    without_nonce.nonce = None;
    accept_response(&answer(&world, &other), &without_nonce, VALUE, &verifier).unwrap();
}

#[test]
fn what_the_server_says_no_to_stays_no() {
    let world = World::new();
    let (no, later) = (Failure::BadAlgorithm, Failure::TimeNotAvailable);
    for (failure, transient) in [(no, false), (later, true)] {
        let mut response = TimeStampResponse::rejected(failure, "no\u{1b}[2J");
        // A token beside a rejection is none.
        response.token = Some(TokenMaker::new(&world).sign(&world.server));
        let refusal = refused(&world, &request(), &response.to_der());
        assert_eq!((refusal.name(), refusal.is_transient()), ("rejected", transient));
        assert!(refusal.to_string().contains(failure.name()), "{refusal}");
        assert!(!refusal.to_string().contains('\u{1b}'), "{refusal}");
    }
    let mut empty = TimeStampResponse::granted(Vec::new());
    empty.token = None;
    assert_eq!(refused(&world, &request(), &empty.to_der()).name(), "token-missing");
    for junk in [&b"<html>busy</html>"[..], b"", &empty.to_der()[..4]] {
        assert_eq!(refused(&world, &request(), junk).name(), "malformed");
    }
}

#[test]
fn a_server_without_the_purpose_is_refused_before_anybody_is_trusted() {
    let world = World::with(&Maker { purposes: None, ..Maker::server() });
    let mut info = info();
    let request = request();
    info.nonce = request.nonce.clone();
    let nobody = TimestampVerifier::new(TrustAnchors::none(), time(NOW));
    let refusal = accept_response(&answer(&world, &info), &request, VALUE, &nobody).unwrap_err();
    assert_eq!(refusal.name(), "chain-wrong-usage");
}
