//! Counter-signatures from before RFC 3161.

use chancery_cms::{NewAttribute, SignedData, oid as cms_oid};
use chancery_key::{KeyAlgorithm, SigningKey};
use chancery_softkey::SoftKey;
use chancery_timestamp::tsa::Authority;
use chancery_timestamp::{
    GenTime, LegacyRequest, LegacyResponse, Stamp, TimestampKind, accept_legacy_response,
};
use chancery_x509::asn1::{self, tag};

use super::forge::{Maker, VALUE, World, counter_signed, stamped, time};

fn signing_time() -> NewAttribute {
    NewAttribute::new(cms_oid::SIGNING_TIME, asn1::tlv(tag::UTC_TIME, &[b"260601120000Z"]))
}

/// Judges a server's answer, a SignedData, over [`VALUE`].
fn judge(world: &World, signed_data: &[u8]) -> Vec<&'static str> {
    let response = LegacyResponse::from_base64(LegacyResponse::to_base64(signed_data).as_bytes());
    let LegacyResponse { counter_signature, certificates, .. } = response.unwrap();
    let report = world.verifier().counter_signature(&counter_signature, &certificates, VALUE);
    assert_eq!(report.kind, TimestampKind::Legacy);
    report.reasons.iter().map(|reason| reason.name()).collect()
}

#[test]
fn the_authority_counter_signs() {
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let request = LegacyRequest::new(VALUE.to_vec()).to_base64();
    let response = authority.respond_legacy(request.as_bytes(), stamped()).unwrap();
    let verifier = world.verifier();
    let (stamp, report) = accept_legacy_response(response.as_bytes(), VALUE, &verifier).unwrap();
    assert_eq!((report.time, report.is_valid()), (Some(stamped()), true));
    assert_eq!(stamp.certificates(), std::slice::from_ref(&world.server.certificate));
    assert_eq!(stamp.attribute().0, cms_oid::COUNTER_SIGNATURE);
    assert!(matches!(stamp, Stamp::Legacy(_)));
    // Line breaks of other widths, or none, are one.
    let one_line = response.replace("\r\n", "");
    accept_legacy_response(one_line.as_bytes(), VALUE, &verifier).unwrap();
    for (value, response) in [
        (&b"other"[..], response.as_str()),
        (VALUE, "<html>busy</html>"),
        (VALUE, ""),
        (VALUE, &response[..response.len() / 2]),
    ] {
        assert!(accept_legacy_response(response.as_bytes(), value, &verifier).is_err());
    }
}

#[test]
fn requests_are_read_back() {
    let request = LegacyRequest::new(VALUE.to_vec());
    let text = request.to_base64();
    assert_eq!(LegacyRequest::from_base64(text.as_bytes()).unwrap(), request);
    for junk in [&b"!"[..], b"", b"MAA=", &text.as_bytes()[..20]] {
        assert!(LegacyRequest::from_base64(junk).is_err());
    }
}

#[test]
fn each_thing_wrong_with_a_counter_signature_has_a_name() {
    let world = World::new();
    let server = &world.server;
    assert_eq!(
        judge(&world, &counter_signed(server, VALUE, &[signing_time()])),
        Vec::<&str>::new()
    );
    let other = counter_signed(server, b"other", &[signing_time()]);
    assert_eq!(judge(&world, &other), ["message-digest-mismatch"]);
    assert_eq!(judge(&world, &counter_signed(server, VALUE, &[])), ["signing-time-missing"]);
    let twice = counter_signed(server, VALUE, &[signing_time(), signing_time()]);
    assert_eq!(judge(&world, &twice), ["signing-time-missing"]);
    let unfit = World::with(&Maker { purposes: None, ..Maker::server() });
    let by_unfit = counter_signed(&unfit.server, VALUE, &[signing_time()]);
    assert_eq!(judge(&unfit, &by_unfit), ["chain-wrong-usage"]);
    assert_eq!(judge(&world, &by_unfit), ["chain-untrusted"]);

    let signed_data = counter_signed(server, VALUE, &[signing_time()]);
    let parsed = SignedData::from_der(&signed_data).unwrap();
    let signer = parsed.signers[0].raw;
    let nobody = world.verifier().counter_signature(signer, &[], VALUE);
    assert_eq!(nobody.reasons[0].name(), "signer-certificate-missing");
    let mut changed = signer.to_vec();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let certificates = [server.certificate.clone()];
    let report = world.verifier().counter_signature(&changed, &certificates, VALUE);
    assert_eq!(report.reasons[0].name(), "signature-mismatch");
    let report = world.verifier().counter_signature(b"junk", &certificates, VALUE);
    assert_eq!(report.reasons[0].name(), "malformed");
    assert_eq!(report.time.map(GenTime::time), None);
    let report = world.verifier().counter_signature(signer, &certificates, VALUE);
    assert_eq!(report.time.map(GenTime::time), Some(time("2026-06-01T12:00:00Z")));
}

#[test]
fn no_key_of_ours_signs_a_bare_hash() {
    // That such signatures are told apart is seen on the real ones of the corpus.
    let key = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
    let digest = chancery_sigverify::digest(chancery_key::DigestAlgorithm::Sha256, VALUE);
    let signature = key.sign(chancery_key::SignatureScheme::RsaPkcs1Sha256, VALUE).unwrap();
    let bare = chancery_sigverify::hazmat::verify_bare_hash(
        key.public_key(),
        chancery_key::DigestAlgorithm::Sha256,
        &digest,
        signature.as_bytes(),
    );
    assert!(bare.is_err());
}
