//! Signings that the system disturbs: full disks, servers that are gone, interrupted calls.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::journal::Held;
use crate::support::{chancery, ec, names, program};
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
fn may_fail(call: &str, options: &[&str]) -> bool {
    // What was written is synced before it is closed, where there are no locks one does without, and a look into the
    // folder for left-overs sees what it can.
    let all = ["close", "flock", "getdents", "newfstatat", "openat 2 on the folder"];
    // The standard library asks whether descriptors are what it takes them for.
    let debug = call.starts_with("fcntl") || LOOKS.contains(&call);
    debug || LAST_LOOKS.contains(&(options, call)) || all.iter().any(|name| call.starts_with(name))
}

/// The looks at the file and its copy that the standard library chooses by how to copy, and the one that tells whose the
/// copy is: without it, it is given to the owner anyway.
const LOOKS: [&str; 3] = ["statx 4 on the file", "statx 4 on its own", "statx 5 on its own"];

/// The look at what the file is once it is written, which is for a journal, and missing makes the next run look closer.
const LAST_LOOKS: [(&[&str], &str); 2] =
    [(&[], "statx 7 on the file"), (&["--append-in-place"], "statx 9 on the file")];

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
                assert!(may_fail(call, case.options) || error == "EINTR", "{what}");
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

/// Starts a signing that waits two seconds in one call on a file, the `number`th of its name, and returns once it is
/// there.
fn waiting(case: &Case, (call, number): (&str, usize), on: &Path) -> Child {
    fs::write(&case.path, &case.before).unwrap();
    let trace = case.folder().join("trace");
    fs::write(&trace, "").unwrap();
    let mut child = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .args(["-e", &format!("trace={call}"), "-P"])
        .arg(on)
        .args(["-e", &format!("inject={call}:delay_enter=2000000:when={number}")])
        .arg(env!("CARGO_BIN_EXE_chancery"))
        .arg("sign")
        .arg(&case.path)
        .args(case.options)
        .args(ec().options())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The call is written down when it begins, and its result when it ends.
    let calls = || fs::read_to_string(&trace).unwrap().matches(&format!("{call}(")).count();
    while calls() < number {
        assert!(child.try_wait().unwrap().is_none(), "there is no such call");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_file_that_grows_shrinks_or_is_replaced_while_it_is_signed_is_refused() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("grows", |path| {
            fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"more").unwrap();
        }),
        ("shrinks", |path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
        }),
        ("changes", |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"other", 1030).unwrap();
        }),
        ("is replaced", |path| {
            let other = path.with_extension("new");
            fs::copy(path, &other).unwrap();
            fs::rename(other, path).unwrap();
        }),
        ("changes and has its time put back", |path| {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"other", 1030).unwrap();
            file.set_modified(modified).unwrap();
        }),
    ];
    for options in [&[][..], &["--append-in-place"]] {
        let case = Case::with_overlay(ec(), options, 70_000);
        let own = case.own_files().next().unwrap().to_owned();
        // Its headers are read by now, its contents are not.
        let early = if options.is_empty() { ("copy_file_range", 1) } else { ("read", 4) };
        // It is signed, and what is on the disk is all but the file itself.
        let late = (case.call("fsync"), 1);
        let early = changes[..4].iter().map(|change| (early, case.path.as_path(), change));
        let late = changes[3..].iter().map(|change| (late, own.as_path(), change));
        for (call, on, (what, change)) in early.chain(late) {
            let child = waiting(&case, call, on);
            change(&case.path);
            let left = case.contents();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(8), "{what} {options:?}: {said}");
            assert!(said.contains("program.exe") && said.contains("hint: try again"), "{said}");
            assert!(case.contents() == left, "{what}: what the other program wrote stays");
            assert_eq!(case.left_overs(), ["trace"], "{what}");
        }
    }
}

#[test]
fn two_runs_on_one_file_at_a_time_are_one_too_many() {
    for options in [&[][..], &["--append-in-place"]] {
        let case = Case::new(ec(), options);
        fs::write(&case.path, &case.before).unwrap();
        let file = case.path.to_str().unwrap();
        for own in case.own_files() {
            // Another process that is at work, as far as anybody can tell.
            fs::write(own, "its own").unwrap();
            let mut other = Command::new("flock")
                .arg(own)
                .args(["sh", "-c", "echo locked; cat"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("flock runs: apt-get install util-linux");
            let mut line = String::new();
            BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "locked\n");
            let second = ec().sign([file].into_iter().chain(options.to_vec())).ends_with(8);
            assert!(second.stderr.contains("changed by another run"), "{}", second.stderr);
            assert!(case.contents() == case.before);
            let elsewhere = ec().sign(
                ["--recursive", "--skip-signed", "--append-in-place"]
                    .into_iter()
                    .chain([case.folder().to_str().unwrap()]),
            );
            assert_eq!(fs::read(own).unwrap(), b"its own", "{elsewhere:?}");
            assert!(!elsewhere.stderr.contains("left"), "what is in use is none: {elsewhere:?}");
            fs::write(&case.path, &case.before).unwrap();
            drop(other.stdin.take());
            assert!(other.wait().unwrap().success());
            case.is_mended(ec(), "the other has gone");
            fs::write(&case.path, &case.before).unwrap();
        }
    }
}

#[test]
fn two_runs_on_one_file_under_two_names_are_one_too_many() {
    let case = Case::new(ec(), &["--append-in-place"]);
    let other = case.folder().join("other.exe");
    fs::hard_link(&case.path, &other).unwrap();
    let other = other.to_str().unwrap();
    // Its end is written, its header is not.
    let child = waiting(&case, ("fsync", 1), &case.path);
    for args in [&["--append-in-place"][..], &["--append-in-place", "--force"], &["--dry-run"]] {
        let second = ec().sign([other].into_iter().chain(args.iter().copied())).ends_with(8);
        assert!(second.stderr.contains("other.exe is being changed by another run"), "{second:?}");
    }
    let first = child.wait_with_output().unwrap();
    assert!(first.status.success(), "{first:?}");
    assert!(case.contents() == case.after, "signed once");
    assert_eq!(case.left_overs(), ["other.exe", "trace"]);
    // One after the other they do.
    let second = ec().sign([other, "--append-in-place", "--append"]).ends_with(0);
    assert!(second.stdout.contains("signed"), "{second:?}");
    let root = ec().root.to_str().unwrap();
    let object = &chancery(["verify", other, "--roots", root, "--format", "json"]).objects()[0];
    assert_eq!(object["verdict"], "valid");
    assert_eq!(object["signatures"].as_array().unwrap().len(), 2);
}

#[test]
fn a_run_that_replaces_a_file_and_one_that_writes_into_it_are_one_too_many() {
    for (options, other, call) in
        [(&[][..], &["--append-in-place"][..], "rename"), (&["--append-in-place"], &[], "fsync")]
    {
        let case = Case::new(ec(), options);
        let path = case.path.to_str().unwrap();
        let child = waiting(&case, (case.call(call), 1), &case.path);
        let before = case.contents();
        let second = ec().sign([path].into_iter().chain(other.iter().copied())).ends_with(8);
        assert!(second.stderr.contains("is being changed by another run"), "{second:?}");
        assert!(case.contents() == before);
        // To read it is no harm, as long as nobody writes into it.
        let out = case.folder().join("out.exe");
        let elsewhere = ec().sign([path, "--out", out.to_str().unwrap()]);
        assert_eq!(elsewhere.code, if options.is_empty() { 0 } else { 8 }, "{elsewhere:?}");
        let first = child.wait_with_output().unwrap();
        assert!(first.status.success(), "{first:?}");
        assert!(case.contents() == case.after);
        assert_eq!(out.exists(), options.is_empty());
        assert!(!out.exists() || fs::read(&out).unwrap() == case.after);
        let again = ec().sign([path, "--append"].into_iter().chain(other.iter().copied()));
        again.ends_with(0);
    }
}

#[test]
fn what_has_the_name_of_a_copy_by_now_is_no_left_over_and_not_put_in_place() {
    let case = Case::new(ec(), &[]);
    let own = case.own_files().next().unwrap().to_owned();
    // One that was left is opened and not locked yet; one of this run is about to be renamed.
    for (call, is_left) in [("flock", true), ("fsync", false)] {
        if is_left {
            fs::write(&own, "left").unwrap();
        }
        let child = waiting(&case, (call, 1), &own);
        fs::remove_file(&own).unwrap();
        fs::write(&own, "another's").unwrap();
        let held = Held::by(&own);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(8), "{call}: {said}");
        let why = if is_left { "changed by another run" } else { "was removed meanwhile" };
        assert!(said.contains(why), "{call}: {said}");
        assert!(case.contents() == case.before, "{call}");
        assert_eq!(fs::read(&own).unwrap(), b"another's");
        drop(held);
        let _ = fs::remove_file(&own);
    }
}

#[test]
fn a_result_does_not_take_the_place_of_a_file_that_is_written_into() {
    let case = Case::new(ec(), &["--append-in-place"]);
    let (_folder, other) = program();
    let child = waiting(&case, (case.call("fsync"), 1), &case.path);
    let before = case.contents();
    let out = ["--out".as_ref(), case.path.as_os_str()];
    let second = ec().sign([other.as_os_str()].into_iter().chain(out)).ends_with(8);
    assert!(second.stderr.contains("program.exe is being changed by another run"), "{second:?}");
    assert!(case.contents() == before);
    let first = child.wait_with_output().unwrap();
    assert!(first.status.success(), "{first:?}");
    assert!(case.contents() == case.after);
}

/// Runs the command as somebody who may not do everything.
fn as_nobody(house: &Path, args: &[&str]) -> (i32, String) {
    let command = house.join("chancery");
    let mut prefix = vec![];
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(house).status();
        assert!(owned.unwrap().success());
        prefix.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    prefix.push(command.to_str().unwrap());
    let output = Command::new(prefix[0]).args(&prefix[1..]).args(args).output();
    let output = output.expect("setpriv runs: apt-get install util-linux");
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn read_only_files_and_folders_are_replaced_or_refused_as_any_program_would() {
    use std::os::unix::fs::PermissionsExt;
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    let key = ec().key.strip_prefix("file:").unwrap();
    for (from, to) in [
        (Path::new(env!("CARGO_BIN_EXE_chancery")), "chancery"),
        (Path::new(key), "key.pem"),
        (&ec().passphrase, "pin"),
        (&ec().certificate, "cert.pem"),
        (&ec().root, "root.pem"),
    ] {
        fs::copy(from, at(to)).unwrap();
    }
    let signer = [
        "--key".to_owned(),
        format!("file:{}", text("key.pem")),
        "--pin-file".into(),
        text("pin"),
        "--cert".into(),
        text("cert.pem"),
        "--chain".into(),
        text("root.pem"),
    ];
    fs::create_dir(at("files")).unwrap();
    let file = at("files").join("program.exe");
    let (_source, program) = program();
    let before = fs::read(&program).unwrap();
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let sign = |more: &[&str], file_mode, folder_mode| {
        mode(&at("files"), 0o755);
        let _ = fs::remove_file(&file);
        fs::write(&file, &before).unwrap();
        mode(&file, file_mode);
        mode(&at("files"), folder_mode);
        let mut args = vec!["sign", file.to_str().unwrap()];
        args.extend(signer.iter().map(String::as_str).chain(more.iter().copied()));
        let (code, said) = as_nobody(house.path(), &args);
        let same = fs::read(&file).unwrap() == before;
        let kept = fs::metadata(&file).unwrap().permissions().mode() & 0o7777 == file_mode;
        assert_eq!(names(&at("files")), ["program.exe"], "{said}");
        mode(&at("files"), 0o755);
        (code, same, kept, said)
    };
    let in_place = &["--append-in-place"];
    let (code, same, kept, said) = sign(&[], 0o444, 0o755);
    assert_eq!((code, same, kept), (0, false, true), "{said}");
    let (code, same, kept, said) = sign(in_place, 0o444, 0o755);
    assert_eq!((code, same, kept), (8, true, true), "{said}");
    assert!(said.contains("cannot write to") && said.contains("Permission denied"), "{said}");
    for more in [&[][..], in_place] {
        let (code, same, _, said) = sign(more, 0o644, 0o555);
        assert_eq!((code, same), (8, true), "{said}");
        assert!(said.contains("cannot create a file in") && said.contains("files"), "{said}");
        let (code, same, _, said) = sign(more, 0o000, 0o755);
        assert_eq!((code, same), (8, true), "{said}");
        assert!(said.contains("cannot read"), "{said}");
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
