//! What timestamps do to a verdict.

use chancery_authenticode::{
    ChainStatus, Crl, PeSubject, Report, Request, SignatureSet, Subject, TimestampVerifier,
    TrustAnchors, Verdict, Verifier, nest, oid, requested_measurement,
};
use chancery_cms::{SignedData, add_unsigned_value, oid as cms_oid};
use chancery_key::{DigestAlgorithm, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_testkit::corpus::corpus;
use chancery_timestamp::tsa::Authority;
use chancery_timestamp::{LegacyRequest, LegacyResponse, Stamp, TimeStampRequest};
use chancery_x509::asn1::{self, tag};
use chancery_x509::{Certificate, Identity, algorithm_identifier, oid as x509_oid};

use super::support::{embed, measure, now, p256, plain_signature, program, reasons, time};
use chancery_examiner::forge::{ForgedCertificate as Forged, ForgedSignature, SIGNS, purposes};

const ECDSA: SignatureScheme = SignatureScheme::EcdsaSha256;

/// A root with a key, a signer whose certificate ends in 2027, and a timestamp server.
struct World {
    root_key: SoftKey,
    root: Certificate,
    signer: Identity,
    server: Identity,
}

impl World {
    fn new() -> Self {
        Self::with(|leaf| leaf)
    }

    fn with(change: impl FnOnce(Forged) -> Forged) -> Self {
        let root_key = p256();
        let usage = [3, 2, 1, 0x06];
        let root = Forged::ca("CN=Root", "CN=Root", &root_key)
            .with(x509_oid::KEY_USAGE, true, &usage)
            .by(&root_key);
        let key = p256();
        let leaf = Forged::leaf("CN=Root", &key).valid("250101000000Z", "270101000000Z");
        let leaf = change(leaf).by(&root_key);
        Self {
            root,
            signer: Identity::new(key, leaf, &[]).unwrap(),
            server: server(&root_key, "CN=Root"),
            root_key,
        }
    }

    /// A signature over the program, without a timestamp.
    fn signature(&self) -> Vec<u8> {
        plain_signature(&program(), &self.signer)
    }

    fn stamped(&self, at: &str) -> Vec<u8> {
        stamp(&self.signature(), &self.server, at)
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(TrustAnchors::new(vec![self.root.clone()]), now())
    }

    fn verify(&self, signature: &[u8]) -> (Verdict, Vec<&'static str>) {
        let report = verify(signature, &self.verifier());
        (report.verdict, reasons(&report))
    }
}

fn server(root_key: &SoftKey, issuer: &'static str) -> Identity {
    let key = p256();
    let certificate = Forged::new(issuer, "CN=Server", &key)
        .with(x509_oid::KEY_USAGE, true, SIGNS)
        .with(x509_oid::EXTENDED_KEY_USAGE, true, &purposes(&[x509_oid::TIME_STAMPING]))
        .valid("250101000000Z", "290101000000Z")
        .by(root_key);
    Identity::new(key, certificate, &[]).unwrap()
}

fn verify(signature: &[u8], verifier: &Verifier) -> Report {
    let file = embed(&program(), &[signature]);
    let mut subject = PeSubject::parse(file.as_slice()).unwrap();
    let embedded = subject.embedded().unwrap();
    let measurement = subject.measure(&requested_measurement(&embedded), &mut |_| Ok(())).unwrap();
    verifier.verify(&embedded, &measurement)
}

fn token(signature_value: &[u8], server: &Identity, at: &str) -> Vec<u8> {
    let request = TimeStampRequest::new(DigestAlgorithm::Sha256, signature_value).unwrap();
    let authority = Authority::new(server.clone()).unwrap();
    authority.respond(&request.to_der(), time(at).into()).token.unwrap()
}

/// Stamps a signature with a token.
fn stamp(signature: &[u8], server: &Identity, at: &str) -> Vec<u8> {
    let value = SignedData::from_der(signature).unwrap().signers[0].signature.to_vec();
    let token = token(&value, server, at);
    add_unsigned_value(signature, oid::RFC3161_COUNTER_SIGNATURE, &token).unwrap()
}

#[test]
fn a_stamped_signature_outlives_its_certificate() {
    let world = World::new();
    let expired = (Verdict::Untrusted, vec!["chain-expired"]);
    assert_eq!(world.verify(&world.signature()), expired);
    let stamped = world.stamped("2026-06-01");
    assert_eq!(world.verify(&stamped), (Verdict::Valid, vec![]));
    let report = verify(&stamped, &world.verifier());
    let signature = &report.signatures[0];
    assert_eq!(signature.judged_at, time("2026-06-01"));
    assert_eq!(signature.timestamps[0].time.unwrap().time(), time("2026-06-01"));
    assert_eq!(signature.timestamps[0].signer.as_ref(), Some(world.server.certificate()));
    // Made too late: the certificate had ended.
    assert_eq!(world.verify(&world.stamped("2027-01-02")), expired);
    assert_eq!(world.verify(&world.stamped("2026-12-31")).0, Verdict::Valid);
}

#[test]
fn lifetime_signing_ends_with_the_certificate() {
    let list = [x509_oid::CODE_SIGNING, x509_oid::LIFETIME_SIGNING];
    let world =
        World::with(|leaf| leaf.with(x509_oid::EXTENDED_KEY_USAGE, false, &purposes(&list)));
    let stamped = world.stamped("2026-06-01");
    assert_eq!(world.verify(&stamped), (Verdict::Untrusted, vec!["chain-expired"]));
    let report = verify(&stamped, &world.verifier());
    assert_eq!(report.signatures[0].chain_findings[0].reason.name(), "lifetime-signing-expired");
    let early = Verifier::new(TrustAnchors::new(vec![world.root.clone()]), time("2026-12-01"));
    assert_eq!(verify(&stamped, &early).verdict, Verdict::Valid);
}

/// Writes a revocation list by the root that names one certificate.
fn list(world: &World, revoked: &Certificate, date: &str) -> Crl {
    let issuer = world.root.subject().as_der();
    let time = |text: &str| asn1::tlv(tag::UTC_TIME, &[text.as_bytes()]);
    let entry = asn1::sequence(&[&asn1::tlv(tag::INTEGER, &[revoked.serial()]), &time(date)]);
    let algorithm = algorithm_identifier(ECDSA);
    let tbs = asn1::sequence(&[
        &asn1::unsigned_integer(&[1]),
        &algorithm,
        issuer,
        &time("291201000000Z"),
        &time("300201000000Z"),
        &asn1::sequence(&[&entry]),
    ]);
    let signature = world.root_key.sign(ECDSA, &tbs).unwrap();
    let parts: [&[u8]; 3] = [&tbs, &algorithm, &asn1::bit_string(signature.as_bytes())];
    Crl::from_der(&asn1::sequence(&parts)).unwrap()
}

#[test]
fn revoked_after_the_timestamp_is_another_matter_than_before() {
    // Every forged certificate has one serial number: the server is trusted by itself.
    let world = World::new();
    let stamped = world.stamped("2026-06-01");
    let server = TrustAnchors::new(vec![world.server.certificate().clone()]);
    let judge = |signature: &[u8], date: &str| {
        let list = list(&world, world.signer.certificate(), date);
        let verifier = world.verifier().with_crls(vec![list]);
        let report = verify(signature, &verifier.with_timestamp_anchors(server.clone()));
        (report.verdict, reasons(&report), report.signatures[0].chain)
    };
    let after = (Verdict::Valid, vec!["revoked-after-timestamp"], ChainStatus::Trusted);
    assert_eq!(judge(&stamped, "260601000001Z"), after);
    let before = (Verdict::Untrusted, vec!["chain-revoked"], ChainStatus::Revoked);
    assert_eq!(judge(&stamped, "260531235959Z"), before);
    assert_eq!(judge(&world.signature(), "260601000001Z"), before, "nothing proves a time");
}

#[test]
fn a_timestamp_over_something_else_makes_the_signature_invalid() {
    let world = World::new();
    let other = token(b"another signature", &world.server, "2026-06-01");
    let signature = world.signature();
    let with = add_unsigned_value(&signature, oid::RFC3161_COUNTER_SIGNATURE, &other).unwrap();
    assert_eq!(world.verify(&with), (Verdict::Invalid, vec!["timestamp-invalid", "chain-expired"]));
    // Beside one that holds it changes nothing, wherever it stands.
    let stamped = world.stamped("2026-06-01");
    let both = add_unsigned_value(&stamped, oid::RFC3161_COUNTER_SIGNATURE, &other).unwrap();
    assert_eq!(world.verify(&both), (Verdict::Valid, vec!["another-timestamp-invalid"]));
    let mut many = stamped;
    for _ in 0..8 {
        many = add_unsigned_value(&many, oid::RFC3161_COUNTER_SIGNATURE, &other).unwrap();
    }
    let found = world.verify(&many);
    assert_eq!(found.0, Verdict::Invalid);
    assert!(found.1.contains(&"too-many-timestamps"), "{:?}", found.1);
}

#[test]
fn the_earliest_of_two_timestamps_counts() {
    let world = World::new();
    let both = stamp(&world.stamped("2027-02-01"), &world.server, "2026-02-01");
    assert_eq!(world.verify(&both), (Verdict::Valid, vec![]));
    let report = verify(&both, &world.verifier());
    assert_eq!(report.signatures[0].judged_at, time("2026-02-01"));
    assert_eq!(report.signatures[0].timestamps.len(), 2);
}

#[test]
fn a_server_nobody_trusts_proves_nothing() {
    let world = World::new();
    let stranger_key = p256();
    let stranger = server(&stranger_key, "CN=Stranger");
    let stamped = stamp(&world.signature(), &stranger, "2026-06-01");
    let found = world.verify(&stamped);
    assert_eq!(found, (Verdict::Untrusted, vec!["timestamp-untrusted", "chain-expired"]));
    // Trusted by itself, by anchors for timestamps alone.
    let anchors = TrustAnchors::new(vec![stranger.certificate().clone()]);
    let verifier = world.verifier().with_timestamp_anchors(anchors.clone());
    assert_eq!(verify(&stamped, &verifier).verdict, Verdict::Valid);
    let own = world.stamped("2026-06-01");
    assert_eq!(verify(&own, &verifier).verdict, Verdict::Untrusted, "in the place of the others");
    let verifier = world.verifier().with_timestamp_verifier(TimestampVerifier::new(anchors, now()));
    assert_eq!(verify(&stamped, &verifier).verdict, Verdict::Valid);
}

#[test]
fn a_counter_signature_needs_its_certificate_in_the_bag() {
    let mut world = World::new();
    // Every forged certificate has one serial number, by which the bag would be ambiguous.
    world.server = server(&world.root_key, "CN=Another");
    let anchors = TrustAnchors::new(vec![world.server.certificate().clone()]);
    let verifier = world.verifier().with_timestamp_anchors(anchors);
    let forged = |bag: &[&Certificate], unsigned: &[(_, Vec<Vec<u8>>)]| {
        let digest = measure(&program(), &Request::digests([DigestAlgorithm::Sha256]));
        let mut forged = ForgedSignature::new(&world.signer, &digest.digests[0].1);
        forged.certificates.extend(bag.iter().map(|one| one.as_der().to_vec()));
        forged.unsigned = unsigned.to_vec();
        forged.by(&world.signer)
    };
    let signature = forged(&[], &[]);
    let value = SignedData::from_der(&signature).unwrap().signers[0].signature.to_vec();
    let authority = Authority::new(world.server.clone()).unwrap();
    let request = LegacyRequest::new(value).to_base64();
    let answer = authority.respond_legacy(request.as_bytes(), time("2026-06-01").into()).unwrap();
    let answer = LegacyResponse::from_base64(answer.as_bytes()).unwrap();
    let stamp = [(cms_oid::COUNTER_SIGNATURE, vec![answer.counter_signature])];
    let stamped = forged(&[world.server.certificate()], &stamp);
    let report = verify(&stamped, &verifier);
    assert_eq!((report.verdict, reasons(&report)), (Verdict::Valid, vec![]));
    let stamped = forged(&[], &stamp);
    let report = verify(&stamped, &verifier);
    assert_eq!(reasons(&report), ["timestamp-invalid", "chain-expired"]);
    let reasons = &report.signatures[0].timestamps[0].reasons;
    assert_eq!(reasons[0].name(), "signer-certificate-missing");
}

#[test]
fn nested_signatures_have_timestamps_of_their_own() {
    let world = World::new();
    let nested = world.stamped("2026-06-01");
    let primary = world.signature();
    let both = nest(&primary, &nested).unwrap();
    let report = verify(&both, &world.verifier());
    let chains: Vec<ChainStatus> = report.signatures.iter().map(|one| one.chain).collect();
    assert_eq!(chains, [ChainStatus::Expired, ChainStatus::Trusted]);
    let both = nest(&world.stamped("2026-06-01"), &nested).unwrap();
    assert_eq!(world.verify(&both), (Verdict::Valid, vec![]));
}

#[test]
fn a_stamp_takes_the_place_of_all_there_are_and_leaves_the_rest_alone() {
    let mut world = World::new();
    world.server = server(&world.root_key, "CN=Another");
    let anchors = TrustAnchors::new(vec![world.server.certificate().clone()]);
    let verifier = world.verifier().with_timestamp_anchors(anchors);
    let authority = Authority::new(world.server.clone()).unwrap();
    let file = embed(&program(), &[&nest(&world.signature(), &world.signature()).unwrap()]);
    let embedded = PeSubject::parse(file.as_slice()).unwrap().embedded().unwrap();
    let mut set = SignatureSet::read(&embedded).unwrap();
    let kinds = |set: &SignatureSet| {
        let report = verify(set.entries()[0], &verifier);
        let kinds = |one: &chancery_authenticode::SignatureReport| {
            assert!(one.timestamps.iter().all(|stamp| stamp.is_valid()));
            one.timestamps.iter().map(|stamp| stamp.kind.name()).collect::<Vec<_>>().join(",")
        };
        report.signatures.iter().map(kinds).collect::<Vec<_>>()
    };
    let token = |set: &SignatureSet, index| {
        Stamp::Rfc3161(token(&set.signature_value(index).unwrap(), &world.server, "2026-06-01"))
    };
    let legacy = |set: &SignatureSet, index| {
        let request = LegacyRequest::new(set.signature_value(index).unwrap()).to_base64();
        let answer = authority.respond_legacy(request.as_bytes(), time("2026-06-01").into());
        Stamp::Legacy(LegacyResponse::from_base64(answer.unwrap().as_bytes()).unwrap())
    };
    assert_eq!(kinds(&set), ["", ""]);
    for (index, stamp, expected) in [
        (1, token(&set, 1), ["", "rfc3161"]),
        (0, legacy(&set, 0), ["legacy", "rfc3161"]),
        (1, legacy(&set, 1), ["legacy", "legacy"]),
        (0, token(&set, 0), ["rfc3161", "legacy"]),
        (0, token(&set, 0), ["rfc3161", "legacy"]),
    ] {
        set.stamp(index, &stamp).unwrap();
        assert_eq!(kinds(&set), expected);
    }
    assert_eq!(verify(set.entries()[0], &verifier).verdict, Verdict::Valid);
    let stamp = token(&set, 0);
    assert!(set.stamp(2, &stamp).is_err());
}

#[test]
fn the_timestamps_of_real_programs_are_judged() {
    let Some(corpus) = corpus() else { return };
    let mut stamps = 0;
    for file in corpus.of_kind("pe").filter(|file| file.expects("digest-ok")) {
        let listed = file.column("timestamps").unwrap_or("none");
        let bytes = std::fs::read(&file.path).unwrap();
        let mut subject = PeSubject::parse(bytes.as_slice()).unwrap();
        let embedded = subject.embedded().unwrap();
        let request = requested_measurement(&embedded);
        let measurement = subject.measure(&request, &mut |_| Ok(())).unwrap();
        let verifier = Verifier::new(TrustAnchors::none(), time("2026-11-01"));
        let report = verifier.verify(&embedded, &measurement);
        if report.verdict == Verdict::Malformed || report.signatures.is_empty() {
            continue;
        }
        let mut named = Vec::new();
        for signature in &report.signatures {
            let mut one = Vec::new();
            for stamp in &signature.timestamps {
                assert!(stamp.holds(), "{}: {:?}", file.name, stamp.reasons);
                let digest = stamp.digest_algorithm.unwrap();
                let day = stamp.time.unwrap().to_string()[..10].to_owned();
                one.push(format!("{}/{digest}@{day}", stamp.kind));
            }
            stamps += one.len();
            named.push(if one.is_empty() { "none".into() } else { one.join(" ") });
        }
        assert_eq!(named.join(" | "), listed, "{}", file.name);
    }
    println!("{stamps} timestamps of programs judged");
    assert!(stamps > 40, "{stamps}");
}
