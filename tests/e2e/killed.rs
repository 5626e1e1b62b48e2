//! Signings that are killed: at every call, and at any moment.
//!
//! A few kills by themselves; with `CHANCERY_KILLS=200` so many at moments of all kinds, and one at every call of a signing.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use crate::support::{Signer, chancery, command, ec, names};
use crate::traced::{Calls, Case, kills};

/// What became of signings that were killed.
#[derive(Debug, Default)]
struct Toll {
    kills: usize,
    /// The file was neither the old one nor the new one until the next run.
    unfinished: usize,
    /// Something was beside the file until the next run.
    left: usize,
    /// The signing was over before.
    signed: usize,
}

impl Toll {
    /// Counts a kill, and has the next run put everything in order.
    fn count(&mut self, case: &Case, signer: &Signer, what: &str) {
        let contents = case.contents();
        self.kills += 1;
        self.left += case.left_overs().len();
        self.signed += usize::from(contents == case.after);
        if contents != case.before && contents != case.after {
            self.unfinished += 1;
            assert!(!case.options.is_empty(), "{what}: neither the old file nor the new one");
        }
        case.is_mended(signer, what);
    }
}

fn killed_at_every_call(options: &'static [&'static str]) {
    let signer = ec();
    let case = Case::new(signer, options);
    let mut toll = Toll::default();
    let kinds =
        if kills().is_some() { &[Calls::OnFiles, Calls::All][..] } else { &[Calls::Changing] };
    for which in kinds {
        case.at_every_call(signer, *which, "signal=KILL", "", |call, output| {
            assert_eq!(output.status.signal(), Some(9), "{output:?}");
            toll.count(&case, signer, &format!("killed at {call}"));
        });
    }
    println!("killed at every call of {kinds:?} {options:?}: {toll:?}, damaged 0, signed twice 0");
    assert!(toll.kills >= 12, "{toll:?}");
    assert!(toll.left >= 6, "{toll:?}");
    assert!(toll.signed >= 1, "{toll:?}");
}

#[test]
fn killed_at_every_call_of_a_signing_the_file_is_the_old_one_or_the_new_one() {
    killed_at_every_call(&[]);
}

#[test]
fn killed_at_every_call_of_a_signing_in_place_the_next_run_mends_the_file() {
    killed_at_every_call(&["--append-in-place"]);
}

/// Moments of a run, spread so that no two are alike and none is left out for long.
fn moments(count: u64, run: Duration) -> impl Iterator<Item = Duration> {
    // Steps of the golden ratio, in 65536ths.
    let parts = (0..count).map(|number| u32::try_from((number * 40_503) % 65_536).unwrap());
    parts.map(move |part| run * part / 65_536)
}

fn kill_after(mut command: Command, delay: Duration) {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the command runs");
    std::thread::sleep(delay);
    let _ = child.kill();
    child.wait().unwrap();
}

#[test]
fn killed_at_any_moment_nothing_is_damaged_or_signed_twice() {
    let signer = ec();
    for options in [&[][..], &["--append-in-place"]] {
        // Large enough that most of the time something is being done to it.
        let case = Case::with_overlay(signer, options, 8 << 20);
        let sign = || {
            fs::write(&case.path, &case.before).unwrap();
            let mut command = command(["sign", case.path.to_str().unwrap()]);
            command.args(options).args(signer.options());
            command
        };
        let began = Instant::now();
        assert!(sign().output().unwrap().status.success());
        let took = began.elapsed();
        let mut toll = Toll::default();
        for moment in moments(kills().unwrap_or(10), took) {
            kill_after(sign(), moment);
            toll.count(&case, signer, &format!("killed after {moment:?}"));
        }
        println!("killed at any moment {options:?}: {toll:?}, damaged 0, signed twice 0");
    }
}

#[test]
fn a_run_over_many_files_killed_and_resumed_signs_each_of_them_once() {
    const FILES: usize = 24;
    let signer = ec();
    let roots = signer.root.to_str().unwrap();
    for options in [&["--append"][..], &["--append", "--append-in-place"]] {
        let (mut killed, mut in_flight) = (0, 0);
        let mut took = None;
        for (round, moment) in moments(kills().unwrap_or(6) / 2, Duration::from_secs(1)).enumerate()
        {
            let folder = tempfile::tempdir().unwrap();
            for number in 0..FILES {
                let overlay = vec![7; number * 97];
                let image = tiny_pe(&TinyPe { overlay, ..TinyPe::default() });
                fs::write(folder.path().join(format!("{number}.exe")), image).unwrap();
            }
            let notes = tempfile::tempdir().unwrap();
            let sign = || {
                let mut command = command(["sign", "--recursive"]);
                command.arg(folder.path()).args(options).args(signer.options());
                command.arg("--journal").arg(notes.path().join("journal"));
                command
            };
            if let Some(took) = took {
                for part in [moment, Duration::from_secs(1).saturating_sub(moment)] {
                    let delay = Duration::mul_f64(took, part.as_secs_f64());
                    kill_after(sign(), delay);
                    killed += 1;
                    in_flight += usize::from(names(folder.path()).len() > FILES);
                }
            }
            let began = Instant::now();
            let output = sign().output().unwrap();
            assert!(output.status.success(), "round {round}: {output:?}");
            took = took.or_else(|| Some(began.elapsed()));
            assert_eq!(names(folder.path()).len(), FILES, "round {round}: nothing is left");
            let all = folder.path().to_str().unwrap();
            let args = ["verify", "--recursive", all, "--roots", roots, "--format", "json"];
            let objects = chancery(args).ends_with(0).objects();
            assert_eq!(objects.len(), FILES + 1);
            for object in objects.iter().filter(|object| object["type"] == "verified") {
                let signatures = object["signatures"].as_array().unwrap().len();
                assert_eq!(signatures, 1, "round {round}: {object}");
            }
        }
        println!(
            "{killed} kills of runs over {FILES} files {options:?}: {in_flight} with something left, damaged 0, \
             signed twice 0"
        );
    }
}

#[test]
fn what_a_killed_run_left_is_named_and_removed_by_the_next_over_its_folder() {
    let signer = ec();
    let case = Case::new(signer, &[]);
    let folder = case.folder();
    case.killed_at(signer, "rename", 1);
    let left = case.left_overs().remove(0);
    // Nothing is left of the file it was for, and nothing here can be signed.
    fs::rename(&case.path, folder.join("renamed.txt")).unwrap();
    fs::write(folder.join("renamed.txt"), "text").unwrap();
    let all = folder.to_str().unwrap();
    chancery(["verify", "--recursive", all]).ends_with(8);
    signer.sign(["--dry-run", "--recursive", all]).ends_with(8);
    assert!(names(folder).contains(&left), "who only reads removes nothing");
    let run = signer.sign(["--recursive", all, "--format", "json"]).ends_with(8);
    let object = &run.objects()[0];
    assert_eq!((&object["type"], &object["fate"]), (&"left-over".into(), &"removed".into()));
    assert!(object["file"].as_str().unwrap().ends_with(&left), "{run:?}");
    assert_eq!(names(folder), ["renamed.txt"]);

    // And beside a file that is named.
    fs::write(folder.join(&left), "MZ").unwrap();
    fs::write(&case.path, &case.before).unwrap();
    let run = chancery(["remove", case.path.to_str().unwrap()]).ends_with(1);
    assert!(run.stderr.contains(&format!("{left}, which a run left")), "{}", run.stderr);
    assert_eq!(names(folder), ["program.exe", "renamed.txt"]);
}

#[test]
fn a_program_built_anew_after_a_run_in_place_was_killed_is_left_alone() {
    let signer = ec();
    let case = Case::new(signer, &["--append-in-place"]);
    killed_before_the_header(&case);
    let record = names(case.folder()).into_iter().find(|name| name.ends_with(".undo")).unwrap();
    // Longer than the old one, shorter than it was to become, and nothing but zeros behind.
    let mut built = [case.before.clone(), vec![0; 512]].concat();
    assert!(built.len() < case.after.len());
    for changed in [false, true] {
        let code = case.before.len() - 1;
        built[code] ^= u8::from(changed);
        fs::write(&case.path, &built).unwrap();
        for options in [&[][..], &["--append-in-place"], &["--force"]] {
            let args = [case.path.to_str().unwrap()];
            let run = signer.sign(args.into_iter().chain(options.iter().copied())).ends_with(8);
            assert!(run.stderr.contains("made anew after a run was interrupted"), "{run:?}");
            assert!(run.stderr.contains(&record) && !run.stderr.contains("hint"), "{run:?}");
            assert!(case.contents() == built);
        }
    }
    // As it says.
    fs::remove_file(case.folder().join(&record)).unwrap();
    signer.sign([&case.path]).ends_with(0);
    assert!(case.contents().len() > built.len());
    assert_eq!(case.left_overs(), [""; 0]);
}

/// A run in place that was killed when the end of the file was written, and its header was not.
fn killed_before_the_header(case: &Case) {
    case.killed_at(ec(), "fsync", 2);
    let killed = case.contents();
    assert!(killed.starts_with(&case.before) && killed.len() == case.after.len());
    assert!(killed != case.after);
}

#[test]
fn what_was_begun_in_place_is_taken_back_under_another_name_in_the_folder() {
    let signer = ec();
    type Rename = fn(&Path, &Path);
    let names: [Rename; 2] = [
        |path, other| fs::rename(path, other).unwrap(),
        |path, other| fs::hard_link(path, other).unwrap(),
    ];
    for rename in names {
        let case = Case::new(signer, &["--append-in-place"]);
        killed_before_the_header(&case);
        let record = case.left_overs().remove(0);
        let other = case.folder().join("other.exe");
        rename(&case.path, &other);
        let other = other.to_str().unwrap();
        let planned = signer.sign([other, "--dry-run"]).ends_with(8);
        assert!(planned.stderr.contains("by one that was killed"), "{}", planned.stderr);
        let run = signer.sign([other, "--append-in-place"]).ends_with(0);
        assert!(run.stderr.contains("took back") && run.stderr.contains(&record), "{}", run.stderr);
        assert!(fs::read(other).unwrap() == case.after);
        assert!(!case.folder().join(record).exists());
        chancery(["verify", other, "--roots", signer.root.to_str().unwrap()]).ends_with(0);
    }
}

#[test]
fn a_copy_of_a_file_that_was_begun_is_not_the_one_that_the_record_takes_back() {
    let signer = ec();
    let case = Case::new(signer, &["--append-in-place"]);
    killed_before_the_header(&case);
    let killed = case.contents();
    let record = case.folder().join(case.left_overs().remove(0));
    let copy = case.folder().join("copy.exe");
    fs::write(&copy, &killed).unwrap();
    let signed = signer.sign([copy.as_os_str(), "--append-in-place".as_ref()]).ends_with(0);
    assert!(signed.stderr.contains("as if it were part of the program"), "{}", signed.stderr);
    assert!(case.contents() == killed && record.exists(), "{signed:?}");
    fs::remove_file(copy).unwrap();
    case.is_mended(signer, "by its own record");
}

/// Runs a command with something injected into calls of these names, on one file where one is named.
fn run_with(inject: &str, on: Option<&str>, args: &[&str]) -> Output {
    let call = inject.split(':').next().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={inject}")]);
    strace.args(on.into_iter().flat_map(|path| ["-P", path]));
    strace.arg(env!("CARGO_BIN_EXE_chancery")).args(args).env_remove("PKCS11_MODULE");
    if args[0] == "sign" {
        strace.args(ec().options());
    }
    strace.output().expect("strace runs: apt-get install strace")
}

#[test]
fn a_run_that_is_killed_while_it_takes_something_back_leaves_that_to_the_next() {
    let case = Case::new(ec(), &["--append-in-place"]);
    killed_before_the_header(&case);
    let record = case.folder().join(case.left_overs().remove(0));
    let (killed, noted) = (case.contents(), fs::read(&record).unwrap());
    let mut kills = 0;
    for call in ["write", "ftruncate", "fsync", "unlink,unlinkat"] {
        for on in [&case.path, &record] {
            for number in 1.. {
                fs::write(&case.path, &killed).unwrap();
                fs::write(&record, &noted).unwrap();
                let inject = format!("{call}:signal=KILL:when={number}");
                let args = ["sign", case.path.to_str().unwrap(), "--append-in-place"];
                let output = run_with(&inject, on.to_str(), &args);
                if output.status.success() {
                    break;
                }
                assert_eq!(output.status.signal(), Some(9), "{output:?}");
                kills += 1;
                case.is_mended(ec(), &format!("killed at {call} {number}"));
            }
        }
    }
    assert!(kills >= 8, "{kills}");
}

#[test]
fn what_was_begun_is_taken_back_by_who_says_so_where_nobody_can_tell_whether_it_goes_on() {
    // No locks, and locks that another machine may not see.
    let mounts = Some("/proc/self/mountinfo");
    for (inject, on, elsewhere) in
        [("flock:error=ENOLCK", None, false), ("openat:error=EACCES", mounts, true)]
    {
        if on.is_some() && !cfg!(target_os = "linux") {
            continue;
        }
        let case = Case::new(ec(), &["--append-in-place"]);
        killed_before_the_header(&case);
        let killed = case.contents();
        let record = case.folder().join(case.left_overs().remove(0));
        if elsewhere {
            let text = fs::read_to_string(&record).unwrap();
            let (before, own) = text.split_once("\"machine\":\"").unwrap();
            let other = format!("{before}\"machine\":\"01234567{}", &own[8..]);
            fs::write(&record, other).unwrap();
        }
        let noted = fs::read(&record).unwrap();
        let other = case.folder().join("other.exe");
        fs::hard_link(&case.path, &other).unwrap();
        let (path, other) = (case.path.to_str().unwrap(), other.to_str().unwrap());
        for args in [
            &["sign", path][..],
            &["sign", path, "--append-in-place"],
            &["sign", other, "--append-in-place"],
            &["remove", path],
            &["remove", other],
            &["timestamp", path, "--timestamp", "http://127.0.0.1:1"],
        ] {
            let output = run_with(inject, on, args);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(8), "{inject} {args:?}: {said}");
            assert!(said.contains("by a run on another machine"), "{inject} {args:?}: {said}");
            assert!(case.contents() == killed && fs::read(&record).unwrap() == noted, "{args:?}");
        }
        let output = run_with(inject, on, &["sign", path, "--append-in-place", "--force"]);
        assert!(output.status.success(), "{inject}: {output:?}");
        assert!(case.contents() == case.after && !record.exists(), "{inject}");
    }
}

#[test]
fn a_left_over_stays_where_there_are_no_locks_to_tell_that_it_is_one() {
    let case = Case::new(ec(), &[]);
    let own = case.own_files().next().unwrap();
    fs::write(own, "another's").unwrap();
    fs::write(&case.path, &case.before).unwrap();
    let beside = case.folder().join("beside.exe");
    fs::write(&beside, &case.before).unwrap();
    for (path, code) in [(&case.path, 8), (&beside, 0)] {
        let output = run_with("flock:error=ENOLCK", None, &["sign", path.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("its file system has no locks to tell"), "{said}");
        assert_eq!(fs::read(own).unwrap(), b"another's");
    }
    assert!(case.contents() == case.before);
    assert!(fs::read(beside).unwrap() == case.after);
}

#[test]
fn what_was_begun_to_a_signed_file_is_taken_back_under_another_name() {
    let signer = ec();
    for (choice, how) in
        [("--append", "--append-in-place"), ("--append", "--strip"), ("--replace", "--strip")]
    {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let [begun, other, wanted] = ["a.exe", "b.exe", "wanted.exe"].map(at);
        fs::write(&begun, tiny_pe(&TinyPe::default())).unwrap();
        signer.sign([&begun]).ends_with(0);
        fs::copy(&begun, &wanted).unwrap();
        let longer = [choice, "--description", "a longer signature than the first"];
        signer.sign([wanted.as_str()].iter().chain(&longer)).ends_with(0);
        let args = [&["sign", &begun, "--append-in-place"][..], &longer].concat();
        let output = run_with("fsync:signal=KILL:when=1", Some(&begun), &args);
        assert_eq!(output.status.signal(), Some(9), "{output:?}");
        fs::rename(&begun, &other).unwrap();
        let run = signer.sign([other.as_str(), how].iter().chain(&longer)).ends_with(0);
        assert!(run.stderr.contains("took back"), "{choice} {how}: {}", run.stderr);
        assert!(fs::read(&other).unwrap() == fs::read(&wanted).unwrap(), "{choice} {how}");
        assert_eq!(names(folder.path()), ["b.exe", "wanted.exe"]);
    }
}

#[test]
fn half_a_signature_is_not_signed_where_the_record_of_it_is_elsewhere() {
    let signer = ec();
    let case = Case::new(signer, &["--append-in-place"]);
    killed_before_the_header(&case);
    let killed = case.contents();
    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("other.exe");
    let text = other.to_str().unwrap();
    let sign = |more: &[&str]| signer.sign([text].into_iter().chain(more.iter().copied()));

    // A hard link: it is being signed under the other name, most likely.
    fs::hard_link(&case.path, &other).unwrap();
    for more in [&["--append-in-place"][..], &["--append-in-place", "--append"], &["--dry-run"]] {
        let refused = sign(more).ends_with(8);
        assert!(
            refused.stderr.contains("a signature that its header does not name"),
            "{refused:?}"
        );
        assert!(
            refused.stderr.contains("its 2 names") && !refused.stderr.contains("hint"),
            "{refused:?}"
        );
        assert!(fs::read(&other).unwrap() == killed);
    }
    case.is_mended(signer, "by the name it was given");
    assert!(fs::read(&other).unwrap() == case.after);
    fs::remove_file(&other).unwrap();

    // A file of its own whose signature is not whole.
    fs::write(&other, &killed[..killed.len() - 100]).unwrap();
    let refused = sign(&[]).ends_with(8);
    assert!(refused.stderr.contains("the beginning of a signature"), "{refused:?}");
    let forced = sign(&["--force"]).ends_with(0);
    assert!(forced.stderr.contains("does not name"), "{}", forced.stderr);
    // One that is whole may have been made so.
    fs::write(&other, &killed).unwrap();
    let warned = sign(&[]).ends_with(0);
    assert!(warned.stderr.contains("as if it were part of the program"), "{}", warned.stderr);
    // And without any there is nothing to say.
    fs::write(&other, &case.before).unwrap();
    let silent = sign(&[]).ends_with(0);
    assert!(!silent.stderr.contains("does not name"), "{}", silent.stderr);
}

#[test]
fn what_was_begun_in_place_is_named_by_any_run_and_taken_back_by_one_on_the_file() {
    let signer = ec();
    let case = Case::new(signer, &["--append-in-place"]);
    let folder = case.folder();
    let other = folder.join("other.exe");
    fs::write(&other, &case.before).unwrap();
    // The record is on the disk, the end of the file is written, its header is not.
    case.killed_at(signer, "write", 3);
    let killed = case.contents();
    assert!(killed.starts_with(&case.before) && killed != case.before);
    let record = names(folder).into_iter().find(|name| name.ends_with(".undo")).unwrap();
    let path = case.path.to_str().unwrap();
    let run = signer.sign([&other]).ends_with(0);
    assert!(run.stderr.contains("program.exe was being written in place"), "{}", run.stderr);
    assert!(run.stderr.contains(&record), "{}", run.stderr);
    let planned = signer.sign(["--dry-run", path]).ends_with(8);
    assert!(planned.stderr.contains("by one that was killed"), "{}", planned.stderr);
    assert!(case.contents() == killed, "nobody asked for it to be changed");
    let run = chancery(["remove", path, "--format", "json"]).ends_with(1);
    let object = &run.objects()[1];
    assert_eq!((&object["type"], &object["fate"]), (&"left-over".into(), &"taken-back".into()));
    assert!(case.contents() == case.before);
    assert_eq!(names(folder), ["other.exe", "program.exe"]);
}
