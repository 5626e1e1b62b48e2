//! The conformance suite over this crate's keys, and over keys broken on purpose: each is found out by
//! the check that is there for it.

use std::sync::Arc;

use chancery_key::hazmat::DigestSigner;
use chancery_key::{EcCurve, KeyAlgorithm, KeyTemplate, SignatureScheme, SigningKey};
use chancery_softkey::{SoftKey, SoftKeyDirectory};
use chancery_testkit::broken_keys::{BrokenKey, Fault};
use chancery_testkit::conformance::{self, Check, Failure, Report};

use super::support::{Passphrase, ec, ed25519, rsa};

fn passed(what: &str, outcome: Result<Report, Vec<Failure>>) -> Report {
    match outcome {
        Ok(report) => report,
        Err(failures) => {
            let lines: Vec<String> = failures.iter().map(ToString::to_string).collect();
            panic!("{what} fails:\n{}", lines.join("\n"))
        }
    }
}

#[test]
fn every_type_of_key_conforms() {
    let ec_keys = EcCurve::ALL.map(ec);
    let ed25519 = ed25519();
    for key in [rsa(), &ed25519].into_iter().chain(&ec_keys) {
        let name = key.public_key().algorithm().to_string();
        let report = passed(&name, conformance::check(key));
        // Seven messages in every scheme, or the suite has skipped some.
        assert_eq!(report.passed[&Check::Verifies], 7 * key.schemes().len(), "{name}");
        assert_eq!(report.passed[&Check::Concurrent], 16, "{name}");
        let refusals = SignatureScheme::ALL.len() - key.schemes().len();
        assert_eq!(report.passed[&Check::RefusesUnadvertised], refusals, "{name}");

        let report = passed(&name, conformance::check_digest_signer(key));
        let on_digests = key.schemes().iter().filter(|scheme| scheme.signs_digests()).count();
        let signed = report.passed.get(&Check::SignsDigest).copied().unwrap_or_default();
        assert_eq!(signed, on_digests, "{name}");
    }
}

#[test]
fn a_directory_conforms_as_store_and_generator() {
    for (algorithm, signatures) in [
        (KeyAlgorithm::Rsa { bits: 2048 }, 21),
        (KeyAlgorithm::Ec(EcCurve::P256), 21),
        (KeyAlgorithm::Ed25519, 7),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let pins = Arc::new(Passphrase::new("correct horse"));
        let store = SoftKeyDirectory::new(dir.path(), pins);
        let template = KeyTemplate::new(algorithm).with_label("release");
        let report = passed("the directory", conformance::check_store(&store, &template));
        assert!(report.passed[&Check::FindsGenerated] >= 3);
        assert!(report.passed[&Check::Verifies] >= signatures, "the opened key was checked too");
    }
}

/// Returns the checks that a broken key fails.
fn failed_checks(key: &dyn SigningKey) -> Vec<Check> {
    match conformance::check(key) {
        Ok(report) => panic!("{key:?} was not found out: {report}"),
        Err(failures) => failures.into_iter().map(|failure| failure.check).collect(),
    }
}

/// Insists that the key, broken so, fails this check, and none of those it has no part in.
fn assert_found_out(key: &SoftKey, fault: Fault, by: Check, innocent: &[Check]) {
    let broken = BrokenKey::new(key, fault);
    let failed = failed_checks(&broken);
    assert!(failed.contains(&by), "{broken:?} should fail {by}; it fails {failed:?}");
    for check in innocent {
        assert!(!failed.contains(check), "{broken:?} has nothing to do with {check}");
    }
}

#[test]
fn a_key_that_signs_with_another_scheme_is_found_out() {
    let innocent = [Check::SignatureForm, Check::Signs, Check::RefusesUnadvertised];
    for key in [rsa(), &ec(EcCurve::P256), &ec(EcCurve::P384)] {
        assert_found_out(key, Fault::SignsWithAnotherScheme, Check::Verifies, &innocent);
    }
}

#[test]
fn a_key_that_substitutes_a_scheme_it_does_not_do_is_found_out() {
    let innocent = [Check::Signs, Check::Verifies, Check::SignatureForm, Check::Deterministic];
    for key in [rsa(), &ec(EcCurve::P256)] {
        assert_found_out(key, Fault::SubstitutesScheme, Check::RefusesUnadvertised, &innocent);
        assert_found_out(key, Fault::WrongErrorKind, Check::RefusesUnadvertised, &innocent);
    }
}

#[test]
fn a_key_that_gives_raw_ecdsa_is_found_out() {
    let innocent = [Check::Signs, Check::PublicKeyStable];
    for curve in EcCurve::ALL {
        assert_found_out(&ec(curve), Fault::RawEcdsa, Check::SignatureForm, &innocent);
    }
}

#[test]
fn a_key_that_truncates_is_found_out() {
    let innocent = [Check::Signs, Check::RefusesUnadvertised];
    for key in [rsa(), &ec(EcCurve::P256)] {
        assert_found_out(key, Fault::Truncates, Check::SignatureForm, &innocent);
    }
}

#[test]
fn a_key_that_flips_a_bit_is_found_out() {
    let innocent = [Check::Signs, Check::RefusesUnadvertised, Check::PublicKeyStable];
    assert_found_out(rsa(), Fault::FlipsOneBit, Check::Verifies, &innocent);
}

#[test]
fn a_key_that_signs_with_another_key_is_found_out() {
    // Another key's signatures under this key, or this key's signatures under another public key.
    let stranger = ec(EcCurve::P256).public_key().clone();
    let innocent = [Check::Signs, Check::SignatureForm, Check::PublicKeyStable];
    let key = ec(EcCurve::P256);
    assert_found_out(&key, Fault::ShowsPublicKey(stranger), Check::Verifies, &innocent);
    let stranger = ec(EcCurve::P256).public_key().clone();
    assert_found_out(rsa(), Fault::ShowsPublicKey(stranger), Check::SchemesFitKey, &[Check::Signs]);
}

#[test]
fn a_key_whose_public_half_wavers_is_found_out() {
    let stranger = ec(EcCurve::P256).public_key().clone();
    let key = ec(EcCurve::P256);
    assert_found_out(&key, Fault::WaversPublicKey(stranger), Check::PublicKeyStable, &[]);
}

#[test]
fn a_key_that_advertises_too_much_is_found_out() {
    let innocent = [Check::Verifies, Check::SchemesFitKey, Check::RefusesUnadvertised];
    let fault = Fault::Overclaims(SignatureScheme::EcdsaSha1);
    assert_found_out(&ec(EcCurve::P256), fault, Check::Signs, &innocent);
    let fault = Fault::Overclaims(SignatureScheme::RsaPssSha256);
    assert_found_out(&ec(EcCurve::P384), fault, Check::SchemesFitKey, &[Check::Verifies]);
    let twice = Fault::Overclaims(SignatureScheme::EcdsaSha256);
    assert_found_out(&ec(EcCurve::P256), twice, Check::SchemesFitKey, &[Check::Verifies]);
}

#[test]
fn a_key_for_one_thread_is_found_out() {
    let innocent = [Check::Signs, Check::Verifies];
    assert_found_out(&ec(EcCurve::P256), Fault::OneAtATime, Check::Concurrent, &innocent);
}

#[test]
fn a_key_that_breaks_on_digests_is_found_out() {
    let failed = |key: &dyn DigestSigner| match conformance::check_digest_signer(key) {
        Ok(report) => panic!("{key:?} was not found out: {report}"),
        Err(failures) => failures.into_iter().map(|failure| failure.check).collect::<Vec<_>>(),
    };
    let key = ec(EcCurve::P256);
    let broken = BrokenKey::new(key, Fault::SignsWithAnotherScheme);
    assert!(failed(&broken).contains(&Check::SignsDigest));
    let broken = BrokenKey::new(ec(EcCurve::P256), Fault::SubstitutesScheme);
    assert!(failed(&broken).contains(&Check::RefusesUnadvertised));
}
