//! What a run writes down, and what the next one makes of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Run, chancery, command, ec, run};
use crate::timestamps::Server;

/// A folder with files of its own, for one test.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Makes a program; other numbers make other programs of the same length.
    pub(crate) fn program(&self, name: &str, number: u8) -> PathBuf {
        let path = self.at(name);
        let overlay = vec![number; 500];
        fs::write(&path, tiny_pe(&TinyPe { overlay, ..TinyPe::default() })).unwrap();
        path
    }

    /// Signs with the working folder here.
    pub(crate) fn sign(&self, args: &[&str]) -> Run {
        let mut command = command(["sign", "--format", "json"]);
        command.args(args).args(ec().options()).current_dir(self.0.path());
        run(command)
    }

    /// The same, with something injected into calls on one file.
    pub(crate) fn sign_with(&self, on: &str, inject: &str, args: &[&str]) -> Output {
        let sign = command(["sign", "--format", "json"]);
        let calls = inject.split(':').next().unwrap();
        Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-P", &self.text(on)])
            .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")])
            .arg(sign.get_program())
            .args(sign.get_args())
            .args(args)
            .args(ec().options())
            .env_remove("PKCS11_MODULE")
            .current_dir(self.0.path())
            .output()
            .expect("strace runs: apt-get install strace")
    }

    /// Is killed when the file is in its place, and the journal does not say so yet.
    fn killed_before_done(&self, args: &[&str]) {
        let output = self.sign_with("journal", "write:signal=KILL:when=3", args);
        let journal = fs::read_to_string(self.at("journal")).unwrap();
        assert!(journal.contains("\"begin\"") && !journal.contains("\"done\""), "{output:?}");
    }

    /// What the log says was done, by result.
    pub(crate) fn results(&self, log: &str) -> Vec<String> {
        chancery(["audit", "verify", &self.text(log)]).ends_with(0);
        let text = fs::read_to_string(self.at(log)).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["result"].as_str().unwrap().to_owned()).collect()
    }
}

/// A file that another process has locked.
pub(crate) struct Held(Child);

impl Held {
    pub(crate) fn by(path: &Path) -> Self {
        let mut lock = Command::new("flock");
        lock.arg(path)
            .args(["sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = lock.spawn().expect("flock runs: apt-get install util-linux");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What holds the lock ends with its input, and not when the process ends that started it.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub(crate) fn signatures(path: &Path) -> Vec<Value> {
    let run = chancery(["verify", path.to_str().unwrap(), "--format", "json"]);
    run.object()["signatures"].as_array().unwrap().clone()
}

#[test]
fn a_result_in_another_place_is_made_once_however_the_place_is_named() {
    for out in ["out.exe", "link/out.exe", "folder"] {
        let place = Place::new();
        place.program("a.exe", 1);
        fs::create_dir(place.at("folder")).unwrap();
        std::os::unix::fs::symlink("folder", place.at("link")).unwrap();
        let args = ["a.exe", "--append", "--out", out, "--journal", "journal", "--audit", "log"];
        place.killed_before_done(&args);
        assert_eq!(place.results("log"), ["signed"], "{out}");
        let resumed = place.sign(&args).ends_with(0).object();
        assert_eq!(resumed["type"], "skipped", "{out}");
        assert_eq!(place.results("log"), ["signed"], "{out}: the key signs once");
    }
}

#[test]
fn a_file_that_was_built_anew_is_signed_again_into_its_place() {
    for killed in [false, true] {
        let place = Place::new();
        let file = place.program("a.exe", 1);
        let args = ["a.exe", "--out", "out.exe", "--journal", "journal"];
        if killed {
            place.killed_before_done(&args);
        } else {
            place.sign(&args).ends_with(0);
            assert_eq!(place.sign(&args).ends_with(0).object()["journal"], true);
        }
        let old = fs::read(place.at("out.exe")).unwrap();
        place.program("a.exe", 2);
        assert_eq!(place.sign(&args).ends_with(0).object()["type"], "signed", "{killed}");
        let new = fs::read(place.at("out.exe")).unwrap();
        assert_ne!(new, old);
        ec().sign([&file]).ends_with(0);
        assert!(fs::read(&file).unwrap() == new, "what is there was made of the file as it is");
    }
}

#[test]
fn an_old_signature_is_not_taken_for_the_one_that_was_to_replace_it() {
    for choice in ["--replace", "--append"] {
        for inject in ["fsync,fdatasync:signal=KILL:when=1", "fsync,fdatasync:error=EIO:when=1"] {
            let place = Place::new();
            let file = place.program("a.exe", 1);
            place.sign(&["a.exe", "--description", "OLD"]).ends_with(0);
            let wanted = place.at("wanted.exe");
            fs::copy(&file, &wanted).unwrap();
            place.sign(&["wanted.exe", choice, "--description", "NEW"]).ends_with(0);
            let more = ["--append-in-place", "--journal", "journal"];
            let args = [&["a.exe", choice, "--description", "NEW"][..], &more].concat();
            let output = place.sign_with("a.exe", inject, &args);
            assert!(!output.status.success(), "{output:?}");
            assert!(fs::read(&file).unwrap() != fs::read(&wanted).unwrap());
            let resumed = place.sign(&args).ends_with(0);
            let signed = resumed.objects().iter().any(|object| object["type"] == "signed");
            assert!(signed, "{resumed:?}");
            assert!(fs::read(&file).unwrap() == fs::read(&wanted).unwrap(), "{choice} {inject}");
            assert_eq!(place.sign(&args).ends_with(0).object()["journal"], true);
        }
    }
}

#[test]
fn a_journal_is_of_the_options_it_was_begun_with() {
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let with = |args: &[&str]| place.sign(&[&["a.exe", "--journal", "journal"], args].concat());
    with(&["--append", "--digest", "sha384"]).ends_with(0);
    // What goes without saying may be said, and what does not change the signature may change.
    for same in [&["--append"][..], &["--append", "--jobs", "2", "--reread", "--append-in-place"]] {
        assert_eq!(with(same).ends_with(0).object()["journal"], true);
    }
    for other in [
        &["--append", "--digest", "sha256"][..],
        &["--append", "--digest", "sha384,sha256"],
        &["--replace"],
        &["--skip-signed"],
        &[],
        &["--append", "--description", "a"],
        &["--append", "--url", "http://a"],
        &["--append", "--page-hashes"],
        &["--append", "--commercial"],
        &["--append", "--timestamp", "http://127.0.0.1:1"],
        &["--append", "--out", "out.exe"],
    ] {
        let refused = with(other).ends_with(2);
        assert!(refused.stdout.contains("other options"), "{other:?}: {refused:?}");
    }
    assert_eq!(signatures(&file).len(), 1);
    let said = ec().sign([&place.text("a.exe"), "--journal", &place.text("journal")]);
    let said = said.ends_with(2).stderr;
    assert!(said.contains("--append") && said.contains("hint: or begin another"), "{said}");
}

#[test]
fn a_file_without_the_timestamp_that_was_wanted_gets_it_and_no_second_signature() {
    let server = Server::start();
    for more in [&[][..], &["--append", "--append-in-place"], &["--out", "out.exe"]] {
        let place = Place::new();
        place.program("a.exe", 1);
        let with = |url: &str| {
            place.sign(&[&["a.exe", "--journal", "journal", "--timestamp", url], more].concat())
        };
        let dead = "http://127.0.0.1:1";
        assert_eq!(with(dead).ends_with(0).object()["type"], "signed");
        let skipped = with(dead).ends_with(0).object();
        assert_eq!(skipped["type"], "skipped");
        assert_eq!(skipped["warnings"], serde_json::json!(["not-timestamped"]));
        let args = ["a.exe", "--journal", "journal", "--timestamp", dead, "--require-timestamp"];
        place.sign(&[&args[..], more].concat()).ends_with(7);
        let stamped = with(&server.url).ends_with(0).object();
        assert_eq!(stamped["type"], "timestamped");
        assert_eq!(stamped["timestamps"][0]["signer"], "CN=Stamps");
        let name = if more.contains(&"--out") { "out.exe" } else { "a.exe" };
        let left = with(&server.url).ends_with(0).object();
        assert_eq!((&left["journal"], &left["output"]), (&true.into(), &stamped["output"]));
        assert!(left["output"].as_str().unwrap().ends_with(name), "{left}");
        let signatures = signatures(&place.at(name));
        assert_eq!(signatures.len(), 1, "{more:?}");
        assert_eq!(signatures[0]["timestamps"].as_array().unwrap().len(), 1, "{more:?}");
    }
}

#[test]
fn what_was_signed_is_told_though_the_journal_cannot_be_written() {
    let place = Place::new();
    let files: Vec<_> = (0..40).map(|number| place.program(&format!("{number}.exe"), 1)).collect();
    let mut args = vec![".", "--recursive", "--append", "--journal", "journal"];
    args.extend(["--jobs", "8"]);
    let output = place.sign_with("journal", "write:error=ENOSPC:when=3+", &args);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let count = |text: &str| said.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count("cannot write the journal"), 1, "{said}");
    let signed = files.iter().filter(|file| signatures(file).len() == 1).count();
    assert!(signed > 0, "{said}");
    assert_eq!(count("\"type\":\"signed\""), signed, "{said}");
    place.sign(&args).ends_with(0);
    assert!(files.iter().all(|file| signatures(file).len() == 1));
}

#[test]
fn a_line_that_was_not_written_whole_is_in_nobodys_way() {
    let place = Place::new();
    place.program("a.exe", 1);
    let args = ["a.exe", "--append", "--journal", "journal"];
    place.sign(&args).ends_with(0);
    let whole = fs::read(place.at("journal")).unwrap();
    let nuls = vec![0; 70_000];
    let half = &whole[..whole.len() - 20];
    for (torn, kind) in [
        ([&whole[..], &nuls].concat(), "skipped"),
        ([&whole[..], &nuls[..10], b"\"}\n"].concat(), "skipped"),
        ([half, &nuls].concat(), "skipped"),
        ([&whole[..40], &nuls].concat(), "signed"),
        (nuls[..500].to_vec(), "signed"),
    ] {
        fs::write(place.at("journal"), &torn).unwrap();
        assert_eq!(place.sign(&args).ends_with(0).object()["type"], kind);
        assert_eq!(place.sign(&args).ends_with(0).object()["journal"], true);
    }
    // NULs in the middle are no end, and many of them no beginning.
    let mut middle = whole.clone();
    let start = middle.iter().position(|byte| *byte == b'\n').unwrap() + 5;
    middle[start..start + 20].fill(0);
    for (damaged, says) in [(middle, "line 2"), (nuls, "is no journal")] {
        fs::write(place.at("journal"), &damaged).unwrap();
        let refused = place.sign(&args).ends_with(3);
        assert!(refused.stdout.contains(says), "{refused:?}");
        assert!(fs::read(place.at("journal")).unwrap() == damaged);
    }
}

#[test]
fn a_file_without_a_place_for_its_result_is_an_error_of_that_file_alone() {
    let place = Place::new();
    for folder in ["in", "in/sub", "out"] {
        fs::create_dir(place.at(folder)).unwrap();
    }
    place.program("in/a.exe", 1);
    let lost = place.program("in/sub/b.exe", 1);
    place.program("in/z.exe", 1);
    fs::write(place.at("out/sub"), "in the way").unwrap();
    let args = ["in", "--recursive", "--out", "out", "--journal", "journal"];
    let objects = place.sign(&args).ends_with(8).objects();
    let types: Vec<_> = objects.iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["signed", "error", "signed", "summary"], "{objects:?}");
    assert!(lost.ends_with(objects[1]["file"].as_str().unwrap()), "{objects:?}");
}

#[test]
fn a_journal_that_cannot_be_locked_is_not_called_held_by_another_run() {
    let place = Place::new();
    place.program("a.exe", 1);
    let args = ["a.exe", "--journal", "journal"];
    fs::write(place.at("journal"), "").unwrap();
    let output = place.sign_with("journal", "flock:error=ENOLCK", &args);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(8), "{said}");
    assert!(said.contains("cannot lock the journal") && said.contains("No locks"), "{said}");
    let _held = Held::by(&place.at("journal"));
    let refused = place.sign(&args).ends_with(2);
    assert!(refused.stdout.contains("held by another run"), "{refused:?}");
}

#[test]
fn the_folder_of_a_new_journal_and_of_a_new_log_is_synced_once() {
    let place = Place::new();
    place.program("a.exe", 1);
    fs::create_dir(place.at("notes")).unwrap();
    let count = || {
        let args = ["--journal", "notes/journal", "--audit", "notes/log", "--append"];
        let sign = command(["sign", "a.exe"]);
        let trace = place.at("trace");
        let output = Command::new("strace")
            .args(["-f", "-qq", "-o", trace.to_str().unwrap(), "-e", "trace=fsync"])
            .args(["-P", &place.text("notes")])
            .arg(sign.get_program())
            .args(sign.get_args())
            .args(args)
            .args(ec().options())
            .current_dir(place.0.path())
            .output()
            .expect("strace runs: apt-get install strace");
        assert!(output.status.success(), "{output:?}");
        fs::read_to_string(trace).unwrap().matches("fsync(").count()
    };
    assert_eq!([count(), count()], [2, 0]);
}

#[test]
fn what_is_built_anew_while_the_run_goes_on_is_not_done() {
    let place = Place::new();
    for name in ["a.exe", "b.exe"] {
        place.program(name, 1);
    }
    let unsigned = fs::read(place.at("b.exe")).unwrap();
    let args = ["a.exe", "b.exe", "--journal", "journal", "--jobs", "2"];
    std::thread::scope(|scope| {
        // The first file takes its time, and what comes after it is told of later.
        let slow = || place.sign_with("a.exe", "read:delay_enter=6000000:when=1", &args);
        let run = scope.spawn(slow);
        while fs::read(place.at("b.exe")).unwrap() == unsigned {
            assert!(!run.is_finished(), "{:?}", run.join());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        fs::write(place.at("new"), &unsigned).unwrap();
        fs::rename(place.at("new"), place.at("b.exe")).unwrap();
        assert!(!run.is_finished(), "the first file was to take longer");
        assert!(run.join().unwrap().status.success());
    });
    let again = place.sign(&args).ends_with(0).objects();
    assert_eq!((&again[0]["type"], &again[0]["journal"]), (&"skipped".into(), &true.into()));
    assert_eq!(again[1]["type"], "signed", "{again:?}");
    assert_eq!(signatures(&place.at("b.exe")).len(), 1);
}

#[test]
fn a_file_with_two_results_is_done_when_both_are_there() {
    let place = Place::new();
    for folder in ["d/sub", "out"] {
        fs::create_dir_all(place.at(folder)).unwrap();
    }
    place.program("d/sub/a.exe", 1);
    let sign = |folders: &[&str]| {
        let more = ["--recursive", "--out", "out", "--journal", "journal"];
        place.sign(&[folders, &more].concat()).ends_with(0).objects()
    };
    sign(&["d/sub"]);
    let first = fs::read(place.at("out/a.exe")).unwrap();
    let both = sign(&["d", "d/sub"]);
    assert_eq!((&both[0]["type"], &both[1]["journal"]), (&"signed".into(), &true.into()));
    assert_eq!(signatures(&place.at("out/sub/a.exe")).len(), 1);
    assert_eq!(fs::read(place.at("out/a.exe")).unwrap(), first);
    let neither = sign(&["d", "d/sub"]);
    assert!(neither[..2].iter().all(|one| one["journal"] == true), "{neither:?}");
    let summary = &neither[2];
    assert_eq!((&summary["done"], &summary["left_alone"]), (&2.into(), &2.into()));
}

#[test]
fn a_file_that_got_its_timestamp_before_the_run_was_killed_gets_no_other() {
    let server = Server::start();
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let args = ["a.exe", "--append", "--journal", "journal", "--timestamp", &server.url];
    place.killed_before_done(&args);
    let stamped = fs::read(&file).unwrap();
    assert_eq!(place.sign(&args).ends_with(0).object()["type"], "skipped");
    assert!(fs::read(&file).unwrap() == stamped);
    assert_eq!(signatures(&file)[0]["timestamps"].as_array().unwrap().len(), 1);
}

#[test]
fn a_file_that_was_only_touched_since_it_was_done_is_not_signed_again() {
    for more in [&["--append"][..], &["--append", "--append-in-place"], &["--replace"], &[]] {
        let place = Place::new();
        let file = place.program("a.exe", 1);
        let args = [&["a.exe", "--journal", "journal", "--audit", "log"][..], more].concat();
        place.sign(&args).ends_with(0);
        let signed = fs::read(&file).unwrap();
        for _ in 0..2 {
            let written = fs::File::options().write(true).open(&file).unwrap();
            written.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
            let again = place.sign(&args).ends_with(0).object();
            assert_eq!((&again["type"], &again["journal"]), (&"skipped".into(), &Value::Null));
            assert_eq!(place.sign(&args).ends_with(0).object()["journal"], true);
            assert!(fs::read(&file).unwrap() == signed, "{more:?}");
        }
        assert_eq!(place.results("log"), ["signed"], "{more:?}: the key signs once");
    }
}

#[test]
fn a_file_that_a_power_cut_may_bring_back_is_not_noted_as_done() {
    let place = Place::new();
    fs::create_dir(place.at("in")).unwrap();
    let file = place.program("in/a.exe", 1);
    let args = ["in/a.exe", "--append", "--journal", "journal"];
    let output = place.sign_with("in", "fsync:error=EIO", &args);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("not outlast a power cut"));
    let journal = fs::read_to_string(place.at("journal")).unwrap();
    assert!(journal.contains("\"begin\"") && !journal.contains("\"done\""), "{journal}");
    assert_eq!(place.sign(&args).ends_with(0).object()["type"], "skipped");
    assert_eq!(place.sign(&args).ends_with(0).object()["journal"], true);
    assert_eq!(signatures(&file).len(), 1);
}

/// What a signing writes and syncs, in this order; several writes of one file in a row are one.
fn steps(place: &Place, args: &[&str]) -> Vec<String> {
    let (sign, trace) = (command(["sign"]), place.at("trace"));
    let calls = "trace=write,writev,pwrite64,ftruncate,copy_file_range,fsync,fdatasync";
    let output = Command::new("strace")
        .args(["-f", "-qq", "-y", "-s", "0", "-e", calls, "-o"])
        .arg(&trace)
        .arg(sign.get_program())
        .args(sign.get_args())
        .args(args)
        .args(ec().options())
        .current_dir(place.folder())
        .output()
        .expect("strace runs: apt-get install strace");
    assert!(output.status.success(), "{output:?}");
    let mut steps = Vec::new();
    for line in fs::read_to_string(trace).unwrap().lines() {
        let Some((call, what)) = line.split_once(' ').and_then(|(_, call)| call.split_once('('))
        else {
            continue;
        };
        let verb = if call.ends_with("sync") { "sync" } else { "write" };
        // The last one is written to, where there are several.
        let Some(path) = what.rsplit_once('<').and_then(|(_, path)| path.split_once('>')) else {
            continue;
        };
        let name = match Path::new(path.0).strip_prefix(place.folder().canonicalize().unwrap()) {
            Ok(name) if name.as_os_str().is_empty() => "folder".into(),
            Ok(name) => match name.extension().and_then(|end| end.to_str()) {
                Some("undo") => "record".into(),
                Some("tmp") => "copy".into(),
                _ => name.display().to_string(),
            },
            Err(_) => continue,
        };
        let step = format!("{verb} {name}");
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    steps
}

#[test]
fn what_the_next_step_counts_on_is_on_the_disk_before_it() {
    let place = Place::new();
    place.program("a.exe", 1);
    place.program("b.exe", 1);
    fs::create_dir(place.at("notes")).unwrap();
    let notes = ["--journal", "notes/journal", "--audit", "notes/log"];
    let begun = ["sync notes", "write notes/journal", "sync notes/journal", "sync notes"];
    let noted = ["write notes/journal", "sync notes/journal"];
    let told = ["write notes/log", "sync notes/log"];
    let replaced = ["write copy", "sync copy", "sync folder"];
    let copied = [&begun[..], &noted, &["write copy"], &told, &replaced, &noted].concat();
    assert_eq!(steps(&place, &[&["a.exe"][..], &notes].concat()), copied);
    // What the header does not name yet, and then what names it.
    let record = ["write record", "sync record", "sync folder"];
    let written = ["write b.exe", "sync b.exe", "write b.exe", "sync b.exe", "sync folder"];
    let in_place = [&noted[..], &told, &record, &written, &noted].concat();
    let args = [&["b.exe", "--append-in-place"][..], &notes].concat();
    assert_eq!(steps(&place, &args), in_place);
}
