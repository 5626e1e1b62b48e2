//! Tokens, each with one thing wrong.

use chancery_chain::{Policy, TrustAnchors};
use chancery_key::{DigestAlgorithm, KeyAlgorithm, SignatureScheme};
use chancery_timestamp::tsa::{Authority, AuthorityError};
use chancery_timestamp::{MessageImprint, Reason, TimestampKind, TimestampVerifier, Token, oid};
use chancery_x509::oid as x509_oid;

use super::forge::{
    Maker, NOW, TokenMaker, VALUE, World, ed25519, ess_v1, ess_v2, info, stamped, time,
};

#[test]
fn a_token_proves_its_time() {
    let world = World::new();
    let token = TokenMaker::new(&world).sign(&world.server);
    assert_eq!(world.judge(&token), Vec::<&str>::new());
    let report = world.verifier().token(&token, VALUE, &[]);
    assert_eq!((report.kind, report.time), (TimestampKind::Rfc3161, Some(stamped())));
    assert_eq!(report.digest_algorithm, Some(DigestAlgorithm::Sha256));
    assert_eq!(report.signer.as_ref(), Some(&world.server.certificate));
}

#[test]
fn eddsa_makes_no_timestamp_and_proves_no_time() {
    let root = Maker::root().self_signed();
    let server = Maker::server().issued_for(ed25519(), &root);
    let world = World { root, server };
    let refused = Authority::new(world.identity()).unwrap_err();
    assert!(matches!(refused, AuthorityError::Key { key: KeyAlgorithm::Ed25519 }), "{refused}");

    let mut maker = TokenMaker::new(&world);
    maker.scheme = SignatureScheme::Ed25519;
    assert_eq!(world.judge(&maker.sign(&world.server)), ["unsupported-signature-algorithm"]);
}

#[test]
fn a_token_over_another_signature_proves_nothing() {
    let world = World::new();
    let token = TokenMaker::new(&world).sign(&world.server);
    let report = world.verifier().token(&token, b"another", &[]);
    assert_eq!(report.reasons, [Reason::ImprintMismatch]);
    assert!(!report.holds());
}

#[test]
fn no_byte_of_a_token_changes_unnoticed() {
    let world = World::new();
    let token = TokenMaker::new(&world).sign(&world.server);
    // What no signature covers: lengths apart, versions and the list of hash functions.
    let mut unnoticed = Vec::new();
    for position in 0..token.len() {
        let mut changed = token.clone();
        changed[position] ^= 1;
        if world.judge(&changed).is_empty() {
            unnoticed.push(position);
        }
    }
    let signed_data = Token::from_der(&token).unwrap().signed_data;
    let algorithms = signed_data.digest_algorithms[0].offset;
    let free = |position: &usize| {
        // The version, just before the hash functions; these; the version of the signer.
        (algorithms - 5..algorithms + 17).contains(position)
            || *position
                > signed_data.certificates[0].offset + signed_data.certificates[0].raw.len()
    };
    assert!(unnoticed.iter().all(free), "{unnoticed:?}");
    assert!(unnoticed.len() <= 16, "{unnoticed:?}");
}

#[test]
fn the_certificate_is_bound_by_either_kind_of_attribute() {
    let world = World::new();
    let own = &world.server.certificate;
    let other = &world.root.certificate;
    let (v1, v2) = (oid::SIGNING_CERTIFICATE, oid::SIGNING_CERTIFICATE_V2);
    let judge = |attributes: &[_]| {
        world.judge(&TokenMaker::new(&world).attributes(attributes).sign(&world.server))
    };
    let nothing: [&str; 0] = [];
    assert_eq!(judge(&[(v1, ess_v1(own))]), nothing);
    assert_eq!(judge(&[(v2, ess_v2(own, Some(own)))]), nothing);
    assert_eq!(judge(&[(v1, ess_v1(own)), (v2, ess_v2(own, None))]), nothing);
    let another = ["signing-certificate-mismatch"];
    assert_eq!(judge(&[(v1, ess_v1(other))]), another);
    assert_eq!(judge(&[(v2, ess_v2(other, None))]), another);
    assert_eq!(judge(&[(v2, ess_v2(own, Some(other)))]), another, "another issuer and serial");
    assert_eq!(judge(&[(v1, ess_v1(own)), (v2, ess_v2(other, None))]), another, "v2 counts");
    let missing = ["signing-certificate-attribute-missing"];
    assert_eq!(judge(&[]), missing);
    assert_eq!(judge(&[(v2, vec![0x30, 0])]), missing);
    assert_eq!(judge(&[(v2, ess_v2(own, None)), (v2, ess_v2(own, None))]), missing, "twice");
}

#[test]
fn another_certificate_of_the_same_key_cannot_stand_in() {
    let world = World::new();
    let mut twin = world.server.clone();
    twin.certificate =
        Maker { subject: "CN=Twin", ..Maker::server() }.again(&world.root, &world.server);
    let mut maker = TokenMaker::new(&world);
    maker.certificates = vec![twin.certificate.clone()];
    assert_eq!(world.judge(&maker.sign(&twin)), ["signing-certificate-mismatch"]);
}

#[test]
fn the_server_may_sign_timestamps_and_nothing_else() {
    let purposes = |critical, list: &[_]| Some((critical, list.to_vec()));
    let stamping = x509_oid::TIME_STAMPING;
    for (server, expected) in [
        (Maker::server(), None),
        (Maker { key_usage: 0x40, ..Maker::server() }, None),
        (Maker { key_usage: 0x20, ..Maker::server() }, Some("chain-wrong-usage")),
        (Maker { purposes: None, ..Maker::server() }, Some("chain-wrong-usage")),
        (
            Maker { purposes: purposes(false, &[stamping]), ..Maker::server() },
            Some("purpose-not-critical"),
        ),
        (
            Maker {
                purposes: purposes(true, &[stamping, x509_oid::CODE_SIGNING]),
                ..Maker::server()
            },
            Some("chain-wrong-usage"),
        ),
        (
            Maker { purposes: purposes(true, &[x509_oid::CODE_SIGNING]), ..Maker::server() },
            Some("chain-wrong-usage"),
        ),
        (Maker { is_ca: true, ..Maker::server() }, Some("chain-wrong-usage")),
        (
            Maker { times: ("270101000000Z", "290101000000Z"), ..Maker::server() },
            Some("chain-expired"),
        ),
        (
            Maker { times: ("200101000000Z", "260101000000Z"), ..Maker::server() },
            Some("chain-expired"),
        ),
    ] {
        let world = World::with(&server);
        let token = TokenMaker::new(&world).sign(&world.server);
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(world.judge(&token), expected, "{server:?}");
        // Nobody trusted: what is wrong with the certificate itself is said all the same.
        let nobody = TimestampVerifier::new(TrustAnchors::none(), time(NOW));
        let found: Vec<&str> =
            nobody.token(&token, VALUE, &[]).reasons.iter().map(|reason| reason.name()).collect();
        assert_eq!(found, [expected, vec!["no-trust-anchors"]].concat(), "{server:?}");
    }
}

#[test]
fn a_purpose_that_is_not_critical_can_be_tolerated_where_it_is_alone() {
    let with = |list: &[_]| {
        let purposes = Some((false, list.to_vec()));
        let world = World::with(&Maker { purposes, ..Maker::server() });
        let token = TokenMaker::new(&world).sign(&world.server);
        world.verifier().tolerating_purpose_not_critical().token(&token, VALUE, &[])
    };
    let alone = with(&[x509_oid::TIME_STAMPING]);
    assert_eq!((alone.reasons, alone.tolerated), (vec![], vec![Reason::PurposeNotCritical]));
    let two = with(&[x509_oid::TIME_STAMPING, x509_oid::CODE_SIGNING]);
    assert_eq!(two.reasons, [Reason::Chain(chancery_chain::Status::WrongUsage)]);
}

#[test]
fn the_path_is_judged_at_the_time_of_the_token() {
    // In 2030 the server's certificate has expired: the token made in 2026 counts.
    let world = World::new();
    let token = TokenMaker::new(&world).sign(&world.server);
    assert_eq!(world.judge(&token), Vec::<&str>::new());
    let strict = world.verifier().demanding_unexpired_signer();
    assert_eq!(strict.token(&token, VALUE, &[]).reasons, [Reason::SignerCertificateExpiredSince]);
    let stranger = World::new();
    assert_eq!(stranger.judge(&token), ["chain-untrusted"]);
    let mut late = info();
    late.gen_time = time("2030-01-01T00:10:01Z").into();
    let found = world.judge(&TokenMaker::new(&world).info(&late).sign(&world.server));
    assert_eq!(found, ["time-in-the-future", "chain-expired"]);
}

#[test]
fn sha1_is_weak_unless_allowed() {
    let world = World::new();
    let mut imprinted = info();
    imprinted.imprint = MessageImprint::of(DigestAlgorithm::Sha1, VALUE);
    let weak_imprint = TokenMaker::new(&world).info(&imprinted).sign(&world.server);
    let mut lenient = Policy::time_stamping(time(NOW));
    lenient.allow_sha1 = true;
    assert_eq!(world.judge(&weak_imprint), ["weak-imprint"]);
    assert!(world.verifier().token(&weak_imprint, VALUE, &[]).holds());
    let verifier = world.verifier().with_policy(lenient);
    assert!(verifier.token(&weak_imprint, VALUE, &[]).is_valid());
    let mut unknown = info();
    unknown.imprint.algorithm = "1.2.840.113549.2.5".parse().unwrap();
    let token = TokenMaker::new(&world).info(&unknown).sign(&world.server);
    assert_eq!(world.judge(&token), ["unsupported-imprint-algorithm"]);
}

#[test]
fn what_is_no_token_is_malformed() {
    let world = World::new();
    let token = TokenMaker::new(&world).sign(&world.server);
    let mut longer = token.clone();
    longer.push(0);
    let mut data = TokenMaker::new(&world);
    data.content_type = chancery_cms::oid::DATA;
    let mut broken = TokenMaker::new(&world);
    broken.info.truncate(20);
    let mut version_2 = TokenMaker::new(&world);
    version_2.info[4] = 2;
    for bytes in [
        Vec::new(),
        b"<html>".to_vec(),
        token[..token.len() - 1].to_vec(),
        longer,
        data.sign(&world.server),
        broken.sign(&world.server),
        version_2.sign(&world.server),
    ] {
        assert_eq!(world.judge(&bytes), ["malformed"]);
    }
}

#[test]
fn the_certificate_has_to_be_in_the_token() {
    let world = World::new();
    let mut maker = TokenMaker::new(&world);
    maker.certificates.clear();
    assert_eq!(world.judge(&maker.sign(&world.server)), ["signer-certificate-missing"]);
}
