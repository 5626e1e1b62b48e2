//! NIST's Public Key Interoperability Test Suite: RFC 5280 path validation, examined.
//!
//! Each test of the document is a row of data in `cases`: the end entity's certificate, the settings, and the
//! expected result with the reason as we name it. The validator gets the whole suite as candidates; every CA
//! in it has a name of its own, so that this is no easier and no harder than to give it one path.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "clippy knows tests by their attribute, and these stand in their helpers"
)]

mod case;
mod cases;
mod data;

use std::collections::BTreeMap;

use chancery_chain::{Status, TrustAnchors, validate};
use chancery_x509::Certificate;

use case::{Case, Expected, policies};
use data::Data;

/// What came of a section's cases.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    not_applicable: usize,
}

#[test]
fn every_end_entity_of_the_suite_has_a_case() {
    let Some(data) = Data::find() else { return };
    let cases: Vec<&str> =
        cases::ALL.iter().copied().flatten().map(|case| case.end_entity).collect();
    let all = data.certificates.keys().chain(data.unreadable.keys());
    let missing: Vec<_> =
        all.filter(|name| name.ends_with("EE") && !cases.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_path_is_judged_as_the_document_says() {
    let Some(data) = Data::find() else { return };
    let anchor = data.certificates["TrustAnchorRootCertificate"].clone();
    let anchors = TrustAnchors::new(vec![anchor]);
    let candidates: Vec<Certificate> = data.certificates.values().cloned().collect();
    let mut tallies: BTreeMap<u32, Tally> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in cases::ALL.iter().copied().flatten() {
        let section = case.number.split('.').nth(1).unwrap().parse().unwrap();
        let tally = tallies.entry(section).or_default();
        match examine(case, &data, &candidates, &anchors) {
            Ok(Some(why)) => {
                println!("{} not applicable: {why}", case.number);
                tally.not_applicable += 1;
            }
            Ok(None) => tally.passed += 1,
            Err(failure) => {
                tally.failed += 1;
                failures.push(format!("{} {}: {failure}", case.number, case.end_entity));
            }
        }
    }
    for (name, error) in &data.unreadable {
        println!("refused when read: {name}: {error}");
    }
    println!("section  passed  failed  not applicable");
    for (section, Tally { passed, failed, not_applicable }) in tallies {
        println!("4.{section:<5}  {passed:>6}  {failed:>6}  {not_applicable:>14}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs one case; `Some` says why there is nothing to run.
fn examine(
    case: &Case,
    data: &Data,
    candidates: &[Certificate],
    anchors: &TrustAnchors,
) -> Result<Option<&'static str>, String> {
    let expected = match case.expected() {
        Expected::NotApplicable(why) => return Ok(Some(why)),
        Expected::Valid(policies) => Ok(policies),
        Expected::Invalid(reason) => Err(reason),
    };
    let leaf = data.certificates.get(case.end_entity).ok_or("there is no such certificate")?;
    let outcome = validate(leaf, candidates, anchors, &data.crls, &case.policy());
    let names: Vec<&str> = outcome.findings.iter().map(|finding| finding.reason.name()).collect();
    match (expected, outcome.status) {
        (Ok(Some(expected)), Status::Trusted) if outcome.policies != policies(expected) => {
            Err(format!("the policies {:?} are valid", outcome.policies))
        }
        (Ok(_), Status::Trusted) => Ok(None),
        (Ok(_), _) => Err(format!("refused: {names:?}")),
        (Err(_), Status::Trusted) => Err("accepted".into()),
        (Err(reason), _) if names.contains(&reason) => Ok(None),
        (Err(reason), _) => Err(format!("refused for {names:?} and not for {reason}")),
    }
}
