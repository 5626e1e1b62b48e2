//! Patches that go from one process to another.

use std::path::Path;
use std::process::Command;

use chancery_authenticode::Patch;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use crate::support::verify;

#[path = "../../examples/patch.rs"]
#[expect(dead_code, reason = "the example's main is not called here")]
mod example;

const PROGRAM: &str = "CHANCERY_TEST_PROGRAM";

/// What the other process of the test below runs; by itself it has nothing to do.
#[test]
fn another_process_makes_the_patch() {
    let Some(program) = std::env::var_os(PROGRAM) else { return };
    let program = Path::new(&program);
    let patch = example::make_patch(program).unwrap();
    std::fs::write(program.with_extension("patch"), patch.to_bytes()).unwrap();
}

#[test]
fn a_patch_made_by_another_process_is_applied_to_its_file_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.exe");
    let file = tiny_pe(&TinyPe::default());
    std::fs::write(&program, &file).unwrap();
    let other_process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "patches::another_process_makes_the_patch"])
        .env(PROGRAM, &program)
        .output()
        .unwrap();
    assert!(other_process.status.success(), "{other_process:?}");
    let patch = std::fs::read(program.with_extension("patch")).unwrap();

    let signed = folder.path().join("signed.exe");
    example::write_patched(&patch, &program, &signed).unwrap();
    let report = verify(&std::fs::read(&signed).unwrap(), &[]);
    assert_eq!(report.signatures.len(), 1);
    assert!(report.signatures[0].digest_matches && report.signatures[0].signature_valid);

    // One byte of the code is another, and so is the file.
    let mut other = file;
    *other.last_mut().unwrap() ^= 1;
    let other_program = folder.path().join("other.exe");
    std::fs::write(&other_program, other).unwrap();
    let refused =
        example::write_patched(&patch, &other_program, &folder.path().join("other-signed.exe"));
    assert_eq!(refused.unwrap_err().to_string(), "the patch is for a file with another digest");
    assert!(!folder.path().join("other-signed.exe").exists());

    // A patch that lost its end in transport.
    let cut = Patch::from_bytes(&patch[..patch.len() - 1]);
    assert!(cut.unwrap_err().to_string().starts_with("the patch is malformed at offset"));
}
