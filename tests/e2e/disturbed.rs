//! Signings that the system disturbs: full disks, servers that are gone, interrupted calls.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{chancery, ec, program};
use crate::traced::{Calls, Case, kills};

/// What the system says, and how.
const ERRORS: [(&str, &str); 6] = [
    ("EIO", "Input/output error"),
    ("ENOSPC", "No space left on device"),
    ("EDQUOT", "Disk quota exceeded"),
    ("ESTALE", "Stale file handle"),
    ("EROFS", "Read-only file system"),
    ("EINTR", "Interrupted system call"),
];

/// Tells whether a call may fail without anything that was promised being lost by it.
fn may_fail(call: &str) -> bool {
    // What was written is synced before it is closed, where there are no locks one does without, and a look into the
    // folder for left-overs sees what it can.
    let all = ["close", "flock", "getdents", "newfstatat", "openat 2 on the folder"];
    // The standard library asks whether descriptors are what it takes them for.
    let debug = call.starts_with("fcntl");
    debug || all.iter().any(|name| call.starts_with(name))
}

/// The standard library ends the process where a folder cannot be closed, which no file system is known to do.
fn is_never_seen(call: &str) -> bool {
    call.starts_with("close") && call.ends_with("the folder")
}

/// How often a call fails, as strace says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failing {
    Once,
    FromThenOn,
}

fn disturbed(case: &Case, which: Calls, failing: Failing, (error, text): (&str, &str)) {
    let signer = ec();
    let (mut kept, mut went_well) = (0, 0);
    let ending = if failing == Failing::Once { "" } else { "+" };
    let inject = format!("error={error}");
    let calls = case.at_every_call(signer, which, &inject, ending, |call, output| {
        if is_never_seen(call) {
            return case.is_mended(signer, call);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let (left, what) = (case.contents(), format!("{error} at {call}: {said}"));
        match output.status.code() {
            Some(0) => {
                assert!(left == case.after, "{what}");
                assert!(may_fail(call) || error == "EINTR", "{what}");
                went_well += 1;
            }
            Some(8) => {
                assert!(said.contains(text), "{what}");
                assert!(said.contains(case.folder().to_str().unwrap()), "{what}");
                let is_there = ["not outlast a power cut", "its undo record cannot be removed"];
                let is_begun = said.contains("the next run has to take back");
                if is_there.iter().any(|part| said.contains(part)) {
                    assert!(left == case.after, "{what}");
                } else if left != case.before {
                    assert!(is_begun && failing == Failing::FromThenOn, "{what}");
                } else {
                    kept += 1;
                }
            }
            other => panic!("{other:?}: {what}"),
        }
        case.is_mended(signer, &what);
    });
    println!(
        "{error} {failing:?} at {calls} calls {:?}: original intact {kept}, signed in spite of it {went_well}, \
         signed or to be taken back, and said so {}",
        case.options,
        calls - kept - went_well
    );
    assert!(kept >= 6, "{kept} calls failed");
}

fn disturbed_at_every_call(options: &'static [&'static str]) {
    let case = Case::new(ec(), options);
    if kills().is_none() {
        disturbed(&case, Calls::Changing, Failing::Once, ERRORS[0]);
        disturbed(&case, Calls::Changing, Failing::FromThenOn, ERRORS[1]);
        return;
    }
    for error in ERRORS {
        disturbed(&case, Calls::OnFiles, Failing::Once, error);
        // Who is interrupted for ever tries for ever.
        if error.0 != "EINTR" {
            disturbed(&case, Calls::Changing, Failing::FromThenOn, error);
        }
    }
}

#[test]
fn an_error_at_any_call_of_a_signing_leaves_the_original() {
    disturbed_at_every_call(&[]);
}

#[test]
fn an_error_at_any_call_of_a_signing_in_place_leaves_the_original() {
    disturbed_at_every_call(&["--append-in-place"]);
}

#[test]
fn a_program_that_runs_is_not_written_into() {
    let (_folder, path) = program();
    let before = fs::read(&path).unwrap();
    let busy = |path: &Path, options: &[&str]| {
        // What the system says of a file that is being executed.
        Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat", "-P"])
            .arg(path)
            .args(["-e", "inject=openat:error=ETXTBSY:when=2+"])
            .arg(env!("CARGO_BIN_EXE_chancery"))
            .arg("sign")
            .arg(path)
            .args(options)
            .args(ec().options())
            .output()
            .unwrap()
    };
    let refused = busy(&path, &["--append-in-place"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(8), "{said}");
    assert!(said.contains("without --append-in-place"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(chancery(["verify", path.to_str().unwrap()]).code, 1);
}
