//! Signings that are killed, and disks that are full: at every call that changes a file.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Signer, chancery, ec, names, program};

/// What changes files, and what orders such changes. Each is counted on its own, in each thread.
const CALLS: [&str; 11] = [
    "write",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "unlink",
    "fchmod",
    "flock",
    "linkat",
];

/// More calls of one kind than a thread makes to sign one small file.
const MOST_CALLS: usize = 40;

/// A file, what it looks like signed, and how it is signed.
struct Case {
    folder: tempfile::TempDir,
    path: PathBuf,
    before: Vec<u8>,
    after: Vec<u8>,
    options: &'static [&'static str],
}

impl Case {
    fn new(signer: &Signer, options: &'static [&'static str]) -> Self {
        let (folder, path) = program();
        let before = fs::read(&path).unwrap();
        signer.sign([&path]).ends_with(0);
        let after = fs::read(&path).unwrap();
        Self { folder, path, before, after, options }
    }

    /// Signs with something injected into one system call; `None` where there was no such call.
    fn sign_with(&self, signer: &Signer, call: &str, inject: &str) -> Option<std::process::Output> {
        fs::write(&self.path, &self.before).unwrap();
        let trace = tempfile::NamedTempFile::new().unwrap();
        let output = Command::new("strace")
            .args(["-f", "-qq", "-o"])
            .arg(trace.path())
            .args(["-e", &format!("trace={call}"), "-e", &format!("inject={call}:{inject}")])
            .arg(env!("CARGO_BIN_EXE_chancery"))
            .arg("sign")
            .arg(&self.path)
            .args(self.options)
            .args(signer.options())
            .env_remove("PKCS11_MODULE")
            .output()
            .expect("strace runs: apt-get install strace");
        let traced = fs::read_to_string(trace.path()).unwrap();
        let hit = traced.contains("(INJECTED)") || traced.contains("SIGKILL");
        hit.then_some(output)
    }

    /// Does `then` for each call that was hit, one signing each.
    fn at_every_call(
        &self,
        signer: &Signer,
        calls: &[&str],
        inject: &str,
        mut then: impl FnMut(&str, usize, std::process::Output),
    ) {
        for call in calls {
            for number in 1..=MOST_CALLS {
                let inject = format!("{inject}:when={number}");
                let Some(output) = self.sign_with(signer, call, &inject) else { break };
                then(call, number, output);
                assert!(number < MOST_CALLS, "more calls of {call} than there can be");
            }
        }
    }

    fn contents(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    /// The next run finishes what this one did not, and takes away what it left.
    fn is_mended(&self, signer: &Signer, what: &str) {
        let args = [self.path.to_str().unwrap(), "--skip-signed"];
        signer.sign(args.into_iter().chain(self.options.iter().copied())).ends_with(0);
        assert!(self.contents() == self.after, "{what}: signed once, and as ever");
        assert_eq!(names(self.folder.path()), ["program.exe"], "{what}");
    }
}

fn killed_at_every_call(options: &'static [&'static str], in_steps: bool) {
    let signer = ec();
    let case = Case::new(signer, options);
    let mut killed = 0;
    case.at_every_call(signer, &CALLS, "signal=KILL", |call, number, output| {
        assert_eq!(output.status.signal(), Some(9), "{output:?}");
        killed += 1;
        let left = case.contents();
        let whole = left == case.before || left == case.after;
        assert!(whole || in_steps, "{call} {number}: neither the old file nor the new one");
        case.is_mended(signer, &format!("killed at {call} {number}"));
    });
    assert!(killed >= 8, "{killed} calls");
}

#[test]
fn killed_at_every_call_of_a_signing_the_file_is_the_old_one_or_the_new_one() {
    killed_at_every_call(&[], false);
}

#[test]
fn killed_at_every_call_of_a_signing_in_place_the_next_run_mends_the_file() {
    killed_at_every_call(&["--append-in-place"], true);
}

#[test]
fn a_disk_that_is_full_at_any_call_leaves_the_original() {
    let signer = ec();
    for options in [&[][..], &["--append-in-place"]] {
        let case = Case::new(signer, options);
        let mut failed = 0;
        let calls = ["write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "linkat"];
        case.at_every_call(signer, &calls, "error=ENOSPC", |call, number, output| {
            let (left, said) = (case.contents(), String::from_utf8_lossy(&output.stderr));
            match output.status.code() {
                // The call was none that matters: a line on the terminal, the times of a folder.
                Some(0) => assert!(left == case.after, "{call} {number}: {said}"),
                Some(8) => {
                    failed += 1;
                    assert!(left == case.before, "{call} {number}: {said}");
                    // Where the same call in the other thread is not the one that writes the message.
                    assert!(said.is_empty() || said.contains("No space left on device"), "{said}");
                }
                other => panic!("{call} {number}: {other:?}: {said}"),
            }
            case.is_mended(signer, &format!("{call} {number} failed"));
        });
        assert!(failed >= 3, "{failed} calls failed");
    }
}

#[test]
fn killed_at_any_moment_nothing_is_damaged_or_signed_twice() {
    let signer = ec();
    let times: u64 =
        std::env::var("CHANCERY_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    for options in [&[][..], &["--append-in-place"]] {
        let case = Case::new(signer, options);
        for number in 0..times {
            fs::write(&case.path, &case.before).unwrap();
            let mut child = crate::support::command(["sign", case.path.to_str().unwrap()])
                .args(options)
                .args(signer.options())
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            // Spread over the time a signing takes.
            std::thread::sleep(std::time::Duration::from_micros(
                number * 150_000 / times + number * 7,
            ));
            let _ = child.kill();
            child.wait().unwrap();
            let left = case.contents();
            assert!(left == case.before || left == case.after || !options.is_empty());
            case.is_mended(signer, &format!("kill {number}"));
        }
    }
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
