//! Every pitfall, by its name.

use chancery_authenticode::{Check, VerificationPolicy, Verifier};
use chancery_examiner::pitfalls::{Course, judge};

#[test]
fn no_pitfall_fools_the_verifier() {
    let course = Course::make();
    let verifier = course.verifier();
    let mut wrong = Vec::new();
    for pitfall in &course.pitfalls {
        let (verdict, reasons) = judge(&pitfall.file, &verifier);
        let named = pitfall.reason.is_none_or(|reason| reasons.contains(&reason));
        if verdict != pitfall.verdict || !named {
            wrong.push(format!("{}: {verdict} {reasons:?}", pitfall.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(course.pitfalls.len() > 50);
}

/// What we say of one of the files.
fn verdict_of(course: &Course, name: &str, verifier: &Verifier) -> &'static str {
    let pitfall = course.pitfalls.iter().find(|one| one.name == name).unwrap();
    judge(&pitfall.file, verifier).0
}

#[test]
fn what_is_merely_noted_can_be_refused() {
    let course = Course::make();
    let name = "T8-certificate-for-nothing";
    assert_eq!(verdict_of(&course, name, &course.verifier()), "valid");
    let denying = course.verifier().denying(Check::UnusedCertificates);
    assert_eq!(verdict_of(&course, name, &denying), "invalid");
}

#[test]
fn what_anybody_can_add_is_refused_until_it_is_allowed() {
    let course = Course::make();
    let name = "T7-unknown-unsigned-attribute";
    assert_eq!(verdict_of(&course, name, &course.verifier()), "untrusted");
    let allowing = course.verifier().allowing(Check::UnknownUnsignedAttribute);
    assert_eq!(verdict_of(&course, name, &allowing), "valid");
    for policy in [VerificationPolicy::Windows, VerificationPolicy::Integrity] {
        assert_eq!(verdict_of(&course, name, &course.verifier().under(policy)), "valid");
    }
}

#[test]
fn the_files_come_with_their_verdicts() {
    let course = Course::make();
    let folder = tempfile::tempdir().unwrap();
    course.write(folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    let files = expected["files"].as_array().unwrap();
    assert_eq!(files.len(), course.pitfalls.len());
    for file in files {
        assert!(folder.path().join(file["file"].as_str().unwrap()).exists());
    }
}
