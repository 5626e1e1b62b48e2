//! Every pitfall, by its name.

use chancery_authenticode::Check;
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

#[test]
fn what_is_merely_noted_can_be_refused() {
    let course = Course::make();
    for (name, check) in [
        ("T7-unknown-unsigned-attribute", Check::UnknownUnsignedAttribute),
        ("T8-certificate-for-nothing", Check::UnusedCertificates),
    ] {
        let pitfall = course.pitfalls.iter().find(|one| one.name == name).unwrap();
        assert_eq!(judge(&pitfall.file, &course.verifier()).0, "valid");
        assert_eq!(judge(&pitfall.file, &course.verifier().denying(check)).0, "invalid");
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
