//! The oracles themselves are examined first: each accepts what is right and refuses what is not.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the parts of a test fail and tell as the test does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use chancery_testkit::openssl::CodeSigningCa;
use chancery_testkit::oracles::{Oracles, Verdict};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use chancery_testkit::tamper::flip_byte;

/// What the tiny file's section holds: found again in the signed file, and so in the hashed part.
const SECTION: &[u8] = b"every oracle has to notice when this changes";

struct Scene {
    dir: tempfile::TempDir,
    ca: CodeSigningCa,
}

impl Scene {
    /// Makes a certificate authority, and a file it signed; `None` where osslsigncode is missing.
    fn new(oracles: &Oracles) -> Option<(Self, PathBuf)> {
        if oracles.named("osslsigncode").is_none() {
            println!("skipped: osslsigncode, which makes the signed file, is not here");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let ca = CodeSigningCa::create_in(dir.path());
        let (unsigned, signed) = (dir.path().join("unsigned.exe"), dir.path().join("signed.exe"));
        let sections = vec![SECTION.to_vec()];
        let pe = tiny_pe(&TinyPe { sections, ..TinyPe::default() });
        fs::write(&unsigned, pe).unwrap();
        ca.sign_pe(&unsigned, &signed);
        Some((Self { dir, ca }, signed))
    }
}

fn offset_of_the_section(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    let found = bytes.windows(SECTION.len()).position(|window| window == SECTION);
    u64::try_from(found.unwrap()).unwrap()
}

#[test]
fn all_accept_what_another_tool_signed() {
    let oracles = Oracles::discover();
    let Some((scene, signed)) = Scene::new(oracles) else { return };
    oracles.assert_accept(&signed, &scene.ca.root);
}

#[test]
fn all_refuse_one_flipped_byte_in_a_section() {
    let oracles = Oracles::discover();
    let Some((scene, signed)) = Scene::new(oracles) else { return };
    flip_byte(&signed, offset_of_the_section(&signed));
    oracles.assert_refuse(&signed, &scene.ca.root);
}

#[test]
fn all_refuse_one_flipped_byte_of_the_signature() {
    let oracles = Oracles::discover();
    let Some((scene, signed)) = Scene::new(oracles) else { return };
    let before = fs::read(&signed).unwrap();
    // The signature value is the last thing in the table but for up to seven bytes of padding.
    let offset = before.iter().rposition(|byte| *byte != 0).unwrap() - 4;
    flip_byte(&signed, u64::try_from(offset).unwrap());
    oracles.assert_refuse(&signed, &scene.ca.root);
}

#[test]
fn all_refuse_a_file_without_a_signature() {
    let oracles = Oracles::discover();
    let Some((scene, _)) = Scene::new(oracles) else { return };
    oracles.assert_refuse(&scene.dir.path().join("unsigned.exe"), &scene.ca.root);
}

#[test]
fn those_with_anchors_refuse_another_root() {
    let oracles = Oracles::discover();
    let Some((scene, signed)) = Scene::new(oracles) else { return };
    let elsewhere = scene.dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let stranger = CodeSigningCa::create_in(&elsewhere);
    for oracle in oracles.iter() {
        let verdict = oracle.verify(&signed, &stranger.root);
        if oracle.has_anchors() {
            assert!(verdict.is_refused(), "{}: {verdict:?}", oracle.name());
        } else {
            assert_eq!(verdict, Verdict::Accepted, "{}", oracle.name());
        }
    }
}

#[test]
fn a_missing_file_is_a_failure_and_the_next_answer_comes() {
    let oracles = Oracles::discover();
    let Some((scene, signed)) = Scene::new(oracles) else { return };
    for oracle in oracles.iter() {
        let verdict = oracle.verify(&scene.dir.path().join("none.exe"), &scene.ca.root);
        assert!(matches!(verdict, Verdict::Failed(_)), "{}: {verdict:?}", oracle.name());
        let verdict = oracle.verify(&signed, &scene.ca.root);
        assert_eq!(verdict, Verdict::Accepted, "{}", oracle.name());
    }
}
