//! The log of what a key signed.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::openssl::CodeSigningCa;
use chancery_testkit::softhsm::SoftHsm;
use serde_json::Value;

use crate::journal::{Held, Place, signatures};
use crate::support::{Signer, chancery, command, ec, names, rsa, run, write_secret};

fn lines(place: &Place, log: &str) -> Vec<Value> {
    let text = fs::read_to_string(place.at(log)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn carried(place: &Place, signer: &Signer, more: &[&str]) {
    let file = place.program("a.exe", 1);
    let mut args = vec!["digest", file.to_str().unwrap(), "--for-signing"];
    args.extend(["--cert", signer.certificate.to_str().unwrap()]);
    args.extend(["--chain", signer.root.to_str().unwrap()]);
    args.extend(more);
    chancery(args).ends_with(0);
}

#[test]
fn a_log_that_a_power_cut_tore_says_where_and_how_to_go_on() {
    let place = Place::new();
    place.program("a.exe", 1);
    let args = ["a.exe", "--replace", "--audit", "log"];
    place.sign(&args).ends_with(0);
    place.sign(&args).ends_with(0);
    let whole = fs::read(place.at("log")).unwrap();
    for torn in [[&whole[..], &[0; 300]].concat(), [&whole[..], b"{\"sch", &[0; 200_000]].concat()]
    {
        fs::write(place.at("log"), &torn).unwrap();
        let refused = place.sign(&args).ends_with(3);
        assert!(refused.stdout.contains("line 3 of the audit log"), "{refused:?}");
        assert!(fs::read(place.at("log")).unwrap() == torn);
        let log = place.text("log");
        let verified = chancery(["audit", "verify", &log]).ends_with(1);
        assert!(verified.stdout.contains("line 3 does not hold: unfinished"), "{verified:?}");
        let typed = verified.stderr.split_once("truncate ").unwrap().1.trim();
        let cut = Command::new("truncate").args(typed.split(' ')).status().unwrap();
        assert!(cut.success());
        assert!(fs::read(place.at("log")).unwrap() == whole);
    }
    place.sign(&args).ends_with(0);
    assert_eq!(place.results("log"), ["signed"; 3]);
}

#[test]
fn one_file_is_not_both_the_journal_and_the_log() {
    let place = Place::new();
    place.program("a.exe", 1);
    fs::write(place.at("there"), "").unwrap();
    fs::hard_link(place.at("there"), place.at("hard")).unwrap();
    std::os::unix::fs::symlink("there", place.at("soft")).unwrap();
    for (journal, log) in [("z", "z"), ("z", "./z"), ("there", "hard"), ("soft", "there")] {
        let refused = place.sign(&["a.exe", "--journal", journal, "--audit", log]).ends_with(2);
        assert!(refused.stdout.contains("name one file"), "{refused:?}");
    }
    assert!(!place.at("z").exists());
}

#[test]
fn a_log_that_somebody_locked_is_not_waited_for_for_ever() {
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let _held = Held::by(&place.at("log"));
    let refused = place.sign(&["a.exe", "--audit", "log"]).ends_with(8);
    assert!(refused.stdout.contains("locked by another program"), "{refused:?}");
    assert_eq!(signatures(&file).len(), 0);
}

#[test]
fn a_log_has_a_line_for_every_signature_and_says_what_was_not_written() {
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let sign = |args: &[&str]| place.sign(&[&["a.exe", "--audit", "log"], args].concat());
    sign(&["--digest", "sha256,sha384"]).ends_with(0);
    let told = lines(&place, "log");
    assert_eq!(place.results("log"), ["signed", "signed"]);
    for (line, name) in told.iter().zip(["sha256", "sha384"]) {
        assert_eq!(line["file"], file.to_str().unwrap(), "whatever folder it was named in");
        let digests = line["digests"].as_object().unwrap();
        assert_eq!(digests.keys().collect::<Vec<_>>(), [name]);
    }
    let before = fs::read(&file).unwrap();
    let dead = ["--replace", "--timestamp", "http://127.0.0.1:1", "--require-timestamp"];
    sign(&dead).ends_with(7);
    assert!(fs::read(&file).unwrap() == before);
    assert_eq!(place.results("log")[2..], ["signed", "not-written"]);
    fs::remove_file(place.at("log")).unwrap();
    let inject = "renameat,rename,renameat2:error=EACCES";
    let args = ["a.exe", "--audit", "log", "--replace"];
    let output = place.sign_with("a.exe", inject, &args);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert_eq!(place.results("log"), ["signed", "not-written"]);
}

#[test]
fn signing_where_the_file_is_not_goes_into_the_log_as_well() {
    for signer in [ec(), rsa()] {
        let place = Place::new();
        carried(&place, signer, &["--digest", "sha256"]);
        carried(&place, signer, &["--signtool", place.folder().to_str().unwrap()]);
        let sign = |file: &str, more: &[&str]| {
            let mut command = command(["sign", "--digest-file", file, "--key", &signer.key]);
            command.args(["--pin-file", signer.passphrase.to_str().unwrap()]).args(more);
            command.current_dir(place.folder());
            run(command)
        };
        let log = ["--audit", "log"];
        let said = sign("a.exe.chancery-digest", &log).ends_with(0).stderr;
        let digest = lines(&place, "log").remove(0);
        assert_eq!(digest["result"], "signed");
        assert_eq!(digest["file"], place.text("a.exe.chancery-digest"));
        assert_eq!(digest["key"], signer.key.as_str());
        assert!(digest["certificate"].as_str().is_some());
        assert!(said.contains(digest["digests"]["sha256"].as_str().unwrap()), "{said}");
        // It is there already.
        sign("a.exe.chancery-digest", &log).ends_with(8);
        sign("a.exe.dig", &log).ends_with(0);
        let bare = lines(&place, "log").pop().unwrap();
        assert_eq!((&bare["result"], &bare["certificate"]), (&"signed".into(), &Value::Null));
        let results = ["signed", "signed", "not-written", "signed"];
        assert_eq!(place.results("log"), results);
        let refused = sign("a.exe.dig", &["--journal", "journal"]).ends_with(2);
        assert!(refused.stderr.contains("--journal"), "{refused:?}");
        // A log that cannot be used stops the key.
        fs::File::options().append(true).open(place.at("log")).unwrap().write_all(&[0; 9]).unwrap();
        fs::remove_file(place.at("a.exe.dig.signed")).unwrap();
        sign("a.exe.dig", &log).ends_with(3);
        assert!(!place.at("a.exe.dig.signed").exists());
    }
}

#[test]
fn what_is_in_the_file_is_not_called_unwritten_though_the_command_ends_with_an_error() {
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let args = ["a.exe", "--append-in-place", "--audit", "log"];
    place.sign_with("a.exe", "fsync:signal=KILL:when=1", &args);
    let is_record = |name: &String| name.ends_with(".undo");
    let record = names(place.folder()).into_iter().find(is_record).unwrap();
    for name in [record.as_str(), "log"] {
        fs::remove_file(place.at(name)).unwrap();
    }
    place.program("a.exe", 1);
    let output = place.sign_with(&record, "unlink,unlinkat:error=EIO", &args);
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("is written, but its undo record cannot be removed"), "{said}");
    assert_eq!(signatures(&file).len(), 1);
    assert_eq!(place.results("log"), ["signed"]);
}

#[test]
fn a_signature_that_the_log_has_no_line_for_is_not_used() {
    let place = Place::new();
    let file = place.program("a.exe", 1);
    let before = fs::read(&file).unwrap();
    for inject in ["write:error=ENOSPC", "fdatasync:error=EIO"] {
        for more in [&[][..], &["--append-in-place"]] {
            let args = [&["a.exe", "--audit", "log"][..], more].concat();
            let output = place.sign_with("log", inject, &args);
            assert_eq!(output.status.code(), Some(8), "{output:?}");
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(said.contains("cannot write the audit log"), "{said}");
            assert!(fs::read(&file).unwrap() == before, "{inject} {more:?}");
            assert_eq!(names(place.folder()), ["a.exe", "log"]);
        }
    }
}

#[test]
fn what_the_key_did_not_make_is_told_and_not_called_unwritten() {
    let Some(hsm) = SoftHsm::create() else { return };
    hsm.init_token("T", "1234");
    let ca = CodeSigningCa::create_in(hsm.dir());
    hsm.import_key("T", "1234", &ca.signer_key, "release", "01");
    let token = FaultyToken::over(&hsm);
    for (script, results) in [
        ("fail C_Sign 0x80000001", &["device"][..]),
        ("fail C_Sign 0x80000001 from 2", &["signed", "device", "not-written"]),
    ] {
        let place = Place::new();
        let file = place.program("a.exe", 1);
        write_secret(place.at("pin"), "1234");
        token.follow(script);
        let mut sign = token.command(env!("CARGO_BIN_EXE_chancery"));
        sign.args(["sign", "a.exe", "--audit", "log", "--digest", "sha256,sha384"]);
        sign.args(["--key", "pkcs11:token=T;object=release", "--pin-file", "pin", "--cert"]);
        sign.arg(&ca.signer).arg("--chain").arg(&ca.root).current_dir(place.folder());
        sign.env("PKCS11_MODULE", token.module());
        run(sign).ends_with(5);
        assert_eq!(signatures(&file).len(), 0);
        assert_eq!(place.results("log"), results, "{script}");
    }
}

#[test]
fn an_empty_line_at_the_end_does_not_begin_the_chain_anew() {
    let place = Place::new();
    place.program("a.exe", 1);
    place.sign(&["a.exe", "--audit", "log"]).ends_with(0);
    let mut log = fs::read(place.at("log")).unwrap();
    log.push(b'\n');
    fs::write(place.at("log"), &log).unwrap();
    let refused = place.sign(&["a.exe", "--replace", "--audit", "log"]).ends_with(3).object();
    assert!(refused["message"].as_str().unwrap().contains("none of an audit log"), "{refused}");
    assert_eq!(fs::read(place.at("log")).unwrap(), log);
}

#[test]
fn a_key_is_not_asked_for_what_the_log_could_not_tell_of() {
    let place = Place::new();
    for number in 10..30 {
        place.program(&format!("{number}.exe"), 1);
    }
    place.program("a.exe", 1);
    place.sign(&["a.exe", "--audit", "log"]).ends_with(0);
    let args = ["1*.exe", "2*.exe", "--audit", "log", "--jobs", "1", "--sessions", "1"];
    let output = place.sign_with("log", "write:error=ENOSPC:when=1+", &args);
    assert_eq!(output.status.code(), Some(8));
    let told = String::from_utf8(output.stdout).unwrap();
    let count = |text: &str| told.lines().filter(|line| line.contains(text)).count();
    let (asked, spared) = (count("cannot write the audit log"), count("is signed without it"));
    // Some were under way when the first of them failed.
    assert!(asked >= 1 && spared >= 1 && asked + spared == 20, "{told}");
    assert_eq!(place.results("log"), ["signed"]);
}

#[test]
fn a_line_that_a_run_is_writing_is_waited_for() {
    let place = Place::new();
    place.program("a.exe", 1);
    place.sign(&["a.exe", "--audit", "log"]).ends_with(0);
    let log = fs::read(place.at("log")).unwrap();
    fs::write(place.at("log"), &log[..log.len() - 9]).unwrap();
    let held = Held::by(&place.at("log"));
    let mut verify = command(["audit", "verify", &place.text("log")]);
    let verify = verify.stdout(Stdio::null()).spawn();
    std::thread::sleep(std::time::Duration::from_millis(500));
    fs::write(place.at("log"), &log).unwrap();
    drop(held);
    assert_eq!(verify.unwrap().wait().unwrap().code(), Some(0));
}
