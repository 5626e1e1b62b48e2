//! Many files at once, and what is written down about them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{chancery, command, ec, names, program, rsa};

/// A folder with so many different programs, some of them in a folder below it, and a text.
fn programs(count: usize, len: usize) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("readme.txt"), "no program").unwrap();
    let paths: Vec<_> = (0..count)
        .map(|number| {
            let below = if number % 3 == 0 { "sub/" } else { "" };
            let path = folder.path().join(format!("{below}{number:04}.exe"));
            let overlay = [number.to_le_bytes().to_vec(), vec![7; len]].concat();
            fs::write(&path, tiny_pe(&TinyPe { overlay, ..TinyPe::default() })).unwrap();
            path
        })
        .collect();
    (folder, paths)
}

fn verified(path: &Path) -> Value {
    let roots = ec().root.to_str().unwrap();
    chancery(["verify", path.to_str().unwrap(), "--roots", roots, "--format", "json"]).object()
}

/// Counts the signatures of a file that are valid; any other finding fails.
fn signatures(path: &Path) -> usize {
    let report = verified(path);
    match report["verdict"].as_str().unwrap() {
        "unsigned" => 0,
        "valid" => report["signatures"].as_array().unwrap().len(),
        other => panic!("{}: {other}", path.display()),
    }
}

#[test]
fn a_folder_is_signed_with_the_same_bytes_whatever_the_number_of_jobs() {
    let (folder, paths) = programs(30, 100);
    let outs = ["1", "8"].map(|jobs| {
        let out = tempfile::tempdir().unwrap();
        let args = ["--recursive", "--jobs", jobs, "--out", out.path().to_str().unwrap()];
        let args = args.into_iter().chain(["--format", "json"]);
        let run = ec().sign([folder.path().to_str().unwrap()].into_iter().chain(args)).ends_with(0);
        let objects = run.objects();
        let summary = objects.last().unwrap();
        assert_eq!((&summary["type"], &summary["done"]), (&"summary".into(), &30.into()));
        assert_eq!(objects.len(), 31);
        out
    });
    for path in &paths {
        let name = path.strip_prefix(folder.path()).unwrap();
        let [one, other] =
            [0, 1].map(|index: usize| fs::read(outs[index].path().join(name)).unwrap());
        assert_eq!(one, other);
        assert_eq!(signatures(&outs[0].path().join(name)), 1);
    }
    assert!(!outs[0].path().join("readme.txt").exists());
}

#[test]
fn results_come_in_the_order_of_the_names_and_a_failure_stays_its_own() {
    let (folder, mut paths) = programs(9, 10);
    let broken = folder.path().join("broken.exe");
    fs::write(&broken, "MZ and nothing").unwrap();
    paths.insert(4, broken.clone());
    paths.insert(6, folder.path().join("absent.exe"));
    // A file twice, once by a link.
    let link = folder.path().join("link.exe");
    std::os::unix::fs::symlink(&paths[0], &link).unwrap();
    paths.push(link);
    let list = folder.path().join("list");
    let text: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    fs::write(&list, text.join("\n")).unwrap();
    let argument = format!("@{}", list.display());
    let run = ec().sign([argument.as_str(), "--format", "json"]).ends_with(8);
    let objects = run.objects();
    let told: Vec<_> = objects.iter().filter_map(|object| object["file"].as_str()).collect();
    assert_eq!(told, text, "{run:?}");
    let types: Vec<_> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
    assert_eq!(types.iter().filter(|kind| **kind == "signed").count(), 9);
    assert_eq!((types[4], types[6], types[11]), ("error", "error", "again"));
    let summary = ["done", "failed", "again"].map(|name| &objects[12][name]);
    assert_eq!(summary, [9, 2, 1]);
    assert_eq!(signatures(&paths[0]), 1);
}

#[test]
fn a_dry_run_and_a_removal_take_the_same_files_as_a_signing() {
    let (folder, paths) = programs(12, 10);
    let before: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let contents = || paths.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let list = folder.path().join("list");
    fs::write(&list, format!("{}\nno such.exe\n{0}\n", paths[1].display())).unwrap();
    let out = tempfile::tempdir().unwrap();
    let at_list = format!("@{}", list.display());
    let glob = format!("{}/*.exe", folder.path().display());
    let named = [folder.path().to_str().unwrap(), &at_list, &glob, "--recursive"];
    let kinds = |run: &crate::support::Run| {
        let mut kinds = std::collections::BTreeMap::new();
        for object in run.objects() {
            *kinds.entry(object["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        kinds
    };
    let counted = |kind: &str, again: usize| {
        let all = [(kind, 12), ("again", again), ("error", 1), ("summary", 1)];
        all.map(|(kind, count)| (kind.to_owned(), count)).into()
    };
    let run = |more: &[&str]| {
        ec().sign(named.iter().chain(more).chain(&["--format", "json"])).ends_with(8)
    };
    let planned = run(&["--dry-run", "--out", out.path().to_str().unwrap()]);
    assert_eq!(kinds(&planned), counted("plan", 10), "{planned:?}");
    let below = planned.objects().into_iter().find_map(|object| {
        object["output"]
            .as_str()
            .filter(|output| output.ends_with("sub/0000.exe"))
            .map(Path::new)
            .map(|output| output.starts_with(out.path()))
    });
    assert_eq!(below, Some(true), "files keep their way below the folder");
    assert_eq!(names(out.path()).len(), 0, "not even a folder is made");
    assert_eq!(contents(), before);

    assert_eq!(kinds(&run(&[])), counted("signed", 10));
    assert_ne!(contents(), before);
    let args = ["remove", "--format", "json"].into_iter().chain(named);
    assert_eq!(kinds(&chancery(args).ends_with(8)), counted("removed", 10));
    for path in &paths {
        assert_eq!(signatures(path), 0);
    }
    let narrow = chancery(["remove", &glob, "--out", "one.exe"]).ends_with(2);
    assert!(narrow.stderr.contains("must be a folder"), "{}", narrow.stderr);
}

#[test]
fn an_interrupted_run_finishes_what_it_began_and_leaves_nothing_behind() {
    let (folder, paths) = programs(400, 20_000);
    let mut child = command(["sign", "--recursive", folder.path().to_str().unwrap()])
        .args(ec().options())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let told = 1 + lines.count();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let signed = paths.iter().filter(|path| signatures_by_length(path)).count();
    assert_eq!(signed, told, "what was signed was told, and nothing else was");
    assert!(signed < paths.len());
    let all = names(folder.path());
    assert!(!all.iter().any(|name| name.starts_with(".chancery")), "{all:?}");
    let rest = ec().sign(["--recursive", "--skip-signed", folder.path().to_str().unwrap()]);
    rest.ends_with(0);
    assert!(paths.iter().all(|path| signatures_by_length(path)));
    assert_eq!(signatures(&paths[0]), 1);
}

#[test]
fn a_run_that_is_interrupted_twice_does_not_wait_for_what_it_began() {
    let (_folder, path) = program();
    let before = fs::read(&path).unwrap();
    // Takes a request and never answers.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let mut child = command(["sign", path.to_str().unwrap(), "--timestamp", &url])
        .args(ec().options())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = child.stderr.take().unwrap();
    let asked = server.accept().unwrap();
    let interrupt = || {
        let id = child.id().to_string();
        let sent = std::process::Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.unwrap().success());
    };
    interrupt();
    let mut lines = BufReader::new(stderr).lines();
    let said = lines.find(|line| line.as_ref().unwrap().contains("once more to end now"));
    assert!(said.is_some(), "it goes on, and says so");
    interrupt();
    // A run that goes on in spite of it signs when the server is gone.
    let (ended, waits) = std::sync::mpsc::channel::<()>();
    let closing = std::thread::spawn(move || {
        let _ = waits.recv_timeout(std::time::Duration::from_secs(10));
        drop((asked, server));
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(ended);
    closing.join().unwrap();
    assert!(fs::read(&path).unwrap() == before, "it was not signed meanwhile");
}

#[test]
#[cfg(target_os = "linux")]
fn what_nohup_started_goes_on_when_the_terminal_is_closed() {
    let (folder, paths) = programs(400, 20_000);
    for (trap, code) in [("trap '' HUP; exec \"$@\"", 0), ("exec \"$@\"", 130)] {
        let sign = command(["sign", "--append", "--recursive", folder.path().to_str().unwrap()]);
        let mut child = std::process::Command::new("sh")
            .args(["-c", trap, "sh"])
            .arg(sign.get_program())
            .args(sign.get_args())
            .args(ec().options())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        let kill =
            std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let told = 1 + lines.count();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{trap}");
        assert_eq!(told == paths.len(), code == 0, "{trap}: {told}");
    }
}

/// Tells signed files from others without running anything: there are many.
fn signatures_by_length(path: &Path) -> bool {
    let layout = chancery::pe::Layout::parse(&mut fs::read(path).unwrap().as_slice()).unwrap();
    layout.table_range().is_some()
}

#[test]
fn a_journal_takes_a_killed_run_up_without_signing_anything_twice() {
    let (folder, paths) = programs(60, 5000);
    let notes = tempfile::tempdir().unwrap();
    let journal = notes.path().join("journal");
    let args = ["sign", "--append", "--recursive", folder.path().to_str().unwrap(), "--journal"];
    for after in [1, 9, 25] {
        let mut child = command(args)
            .arg(&journal)
            .args(ec().options())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.take(after).count(), after);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let more = args[1..].iter().map(|arg| (*arg).to_owned()).chain([journal.display().to_string()]);
    let resume = || ec().sign(more.clone().chain(["--format".into(), "json".into()]));
    resume().ends_with(0);
    assert_eq!(names(folder.path()).iter().filter(|name| name.starts_with('.')).count(), 0);
    for path in &paths {
        assert_eq!(signatures(path), 1, "{}", path.display());
    }
    let before: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let objects = resume().ends_with(0).objects();
    assert_eq!(objects.iter().filter(|object| object["type"] == "skipped").count(), 60);
    assert!(paths.iter().zip(&before).all(|(path, before)| fs::read(path).unwrap() == *before));
    // Another certificate is another run.
    let other = rsa().sign(more.clone()).ends_with(2);
    assert!(other.stderr.contains("another certificate"), "{}", other.stderr);
}

#[test]
fn an_audit_log_tells_of_every_signature_and_shows_what_was_done_to_it() {
    let (folder, _) = programs(5, 10);
    let notes = tempfile::tempdir().unwrap();
    let log = notes.path().join("log");
    let log = log.to_str().unwrap();
    let sign = |more: &[&str]| {
        let args = ["--recursive", folder.path().to_str().unwrap(), "--audit", log];
        ec().sign(args.iter().chain(more)).ends_with(0)
    };
    sign(&[]);
    sign(&["--replace"]);
    let verify = || chancery(["audit", "verify", log, "--format", "json"]);
    let report = verify().ends_with(0).object();
    assert_eq!((&report["lines"], &report["fault"]), (&10.into(), &Value::Null));
    let whole = fs::read_to_string(log).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(first["result"], "signed");
    assert_eq!(first["key"], ec().key.as_str());
    let path = first["file"].as_str().unwrap();
    let report = verified(Path::new(path));
    assert_eq!(first["digests"]["sha384"], report["authentihash"]["sha384"]);
    for (changed, line) in [
        (whole.replacen("\"signed\"", "\"sIgned\"", 1), 1),
        ([&lines[..3], &lines[4..]].concat().join("\n") + "\n", 4),
        ([&lines[..2], &lines[3..4], &lines[2..3], &lines[4..]].concat().join("\n") + "\n", 3),
        (whole.trim_end().to_owned(), 10),
    ] {
        fs::write(log, changed).unwrap();
        let report = verify().ends_with(1).object();
        assert_eq!(report["lines"], line - 1, "{report}");
    }
    // The beginning of a line is of a run that was killed: the next one goes on before it.
    for torn in ["{\"schema\":1,".to_owned(), format!("{{\"schema\":1,{}", "x".repeat(9000))] {
        fs::write(log, whole.clone() + &torn).unwrap();
        sign(&["--replace"]);
        assert_eq!(verify().ends_with(0).object()["lines"], 15);
    }
}

#[test]
fn a_file_that_is_no_journal_and_no_log_is_left_as_it_is() {
    let (folder, path) = program();
    let before = fs::read(&path).unwrap();
    let foreign = folder.path().join("foreign");
    for text in ["", "{\"type\":\"jou", "{\"schema\":1,\"num"] {
        let refused = |option: &str| {
            fs::write(&foreign, text).unwrap();
            let args = [path.to_str().unwrap(), "--replace", option, foreign.to_str().unwrap()];
            let run = ec().sign(args);
            (run.code, fs::read_to_string(&foreign).unwrap() == text)
        };
        // An empty file is a beginning of both, and what a killed run wrote of its first line is one of its own.
        assert_eq!(refused("--journal") == (0, false), text.is_empty() || text.contains("jou"));
        assert_eq!(refused("--audit") == (0, false), text.is_empty() || text.contains("num"));
    }
    fs::write(&path, &before).unwrap();
    let long = vec![b'x'; 300_000];
    let lines = [&long[..], b"\n", &long[..]].concat();
    for text in [&b"precious, and without an end of line"[..], b"precious\n", &long, &lines] {
        for option in ["--journal", "--audit"] {
            fs::write(&foreign, text).unwrap();
            let args = [path.to_str().unwrap(), option, foreign.to_str().unwrap()];
            let run = ec().sign(args).ends_with(3);
            assert!(run.stderr.contains("foreign"), "{}", run.stderr);
            assert!(fs::read(&foreign).unwrap() == text, "{option}");
        }
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn only_what_the_old_certificate_signed_is_signed_again() {
    let (folder, paths) = programs(3, 10);
    rsa().sign([&paths[0]]).ends_with(0);
    ec().sign([&paths[1]]).ends_with(0);
    let before = [1, 2].map(|index: usize| fs::read(&paths[index]).unwrap());
    let old = chancery(["verify", paths[0].to_str().unwrap(), "--format", "json"]).object();
    let thumbprint = old["signatures"][0]["thumbprint"].as_str().unwrap().to_owned();
    let args = ["--replace", "--signed-by", &thumbprint, "--recursive", "--format", "json"];
    let run = ec().sign(args.into_iter().chain([folder.path().to_str().unwrap()])).ends_with(0);
    let signed = run.objects().into_iter().filter(|object| object["type"] == "signed").count();
    assert_eq!(signed, 1, "{run:?}");
    assert_eq!(signatures(&paths[0]), 1);
    assert_eq!([1, 2].map(|index: usize| fs::read(&paths[index]).unwrap()), before);
    let refused = ec().sign(["--signed-by", &thumbprint, paths[0].to_str().unwrap()]);
    refused.ends_with(2);
    let short = ["--replace", "--signed-by", &thumbprint[..8], paths[0].to_str().unwrap()];
    let run = ec().sign(short).ends_with(2);
    assert!(run.stderr.contains("4 bytes"), "{}", run.stderr);
}

#[test]
fn what_was_changed_since_the_old_certificate_signed_it_is_not_signed_again() {
    let (_folder, paths) = programs(1, 10);
    rsa().sign([&paths[0]]).ends_with(0);
    let old = chancery(["verify", paths[0].to_str().unwrap(), "--format", "json"]).object();
    let thumbprint = old["signatures"][0]["thumbprint"].as_str().unwrap().to_owned();
    let mut changed = fs::read(&paths[0]).unwrap();
    let offset = crate::support::section_offset(&changed).unwrap();
    changed[usize::try_from(offset).unwrap()] ^= 1;
    fs::write(&paths[0], &changed).unwrap();
    let args = ["--replace", "--signed-by", &thumbprint, paths[0].to_str().unwrap()];
    let run = ec().sign(args).ends_with(1);
    assert!(run.stderr.contains("does not hold"), "{}", run.stderr);
    assert!(run.stderr.contains("replace it:  --force"), "{}", run.stderr);
    assert!(!run.stderr.contains("--replace"), "{}", run.stderr);
    assert_eq!(fs::read(&paths[0]).unwrap(), changed);
    ec().sign(args.iter().chain(&["--force"])).ends_with(0);
}

#[test]
fn no_result_takes_the_place_of_another_and_none_is_signed_again() {
    let (folder, _paths) = programs(2, 10);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("other")).unwrap();
    fs::copy(at("sub/0000.exe"), at("other/0001.exe")).unwrap();
    let out = at("out");
    fs::create_dir(&out).unwrap();
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    let twice = [path("0001.exe"), path("other/0001.exe"), "--out".into(), path("out")];
    let run = ec().sign(&twice).ends_with(2);
    assert!(run.stderr.contains("other/0001.exe would go to the same place"), "{}", run.stderr);
    let first = fs::read(out.join("0001.exe")).unwrap();
    assert_eq!(signatures(&out.join("0001.exe")), 1);

    let whole = ["--recursive", folder.path().to_str().unwrap(), "--out", out.to_str().unwrap()];
    let run = ec().sign(whole.iter().chain(&["--append"])).ends_with(0);
    assert_eq!(run.stdout.lines().count(), 3, "{run:?}");
    assert_eq!(names(&out), ["0001.exe", "other", "sub"]);
    assert_eq!(signatures(&out.join("0001.exe")), 1);
    assert_eq!(fs::read(out.join("0001.exe")).unwrap().len(), first.len());
}

#[test]
fn a_run_over_nothing_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("readme.txt"), "nothing to sign").unwrap();
    let list = folder.path().join("list");
    fs::write(&list, "\n").unwrap();
    let (folder, list) = (folder.path().to_str().unwrap(), format!("@{}", list.display()));
    for args in [&["--recursive", folder][..], &[list.as_str()]] {
        for quiet in [&[][..], &["--quiet"]] {
            let run = ec().sign(args.iter().chain(quiet)).ends_with(8);
            assert!(run.stderr.contains("no program"), "{}", run.stderr);
        }
        let verify = ["verify", "--format", "json"].into_iter().chain(args.iter().copied());
        assert_eq!(chancery(verify).ends_with(8).objects()[0]["type"], "error");
    }
}

#[test]
fn in_place_gives_the_same_bytes_in_the_same_file() {
    use std::os::unix::fs::MetadataExt;
    let (folder, path) = program();
    let hard = folder.path().join("hard.exe");
    fs::hard_link(&path, &hard).unwrap();
    let refused = ec().sign([&path]).ends_with(2);
    assert!(refused.stderr.contains("--append-in-place"), "{}", refused.stderr);
    let out = folder.path().join("out.exe");
    ec().sign([path.as_os_str(), "--out".as_ref(), out.as_ref()]).ends_with(0);
    let inode = fs::metadata(&path).unwrap().ino();
    ec().sign([path.as_os_str(), "--append-in-place".as_ref(), "--reread".as_ref()]).ends_with(0);
    assert_eq!(fs::read(&path).unwrap(), fs::read(&out).unwrap());
    assert_eq!(fs::read(&hard).unwrap(), fs::read(&out).unwrap(), "by its other name too");
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    // In the place of one, and in the place of two that are longer.
    for args in [["--append", "--append-in-place"], ["--replace", "--append-in-place"]] {
        ec().sign([path.to_str().unwrap()].into_iter().chain(args)).ends_with(0);
    }
    assert_eq!(fs::read(&path).unwrap(), fs::read(&out).unwrap());
    assert_eq!(names(folder.path()), ["hard.exe", "out.exe", "program.exe"]);
}
