//! Pipes and devices in the place of files: nothing waits for them for ever, and nothing takes their place.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use tempfile::TempDir;

use crate::support::{Run, command, names, rsa, run};

/// A folder with a program, a file of text and the pipe `pipe`, to which nobody writes.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.exe"), tiny_pe(&TinyPe::default())).unwrap();
    fs::write(folder.path().join("text"), "text").unwrap();
    make_pipe(&folder.path().join("pipe"));
    folder
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs a command line in a folder, `SIGNER` being the options of one, for a minute at most.
fn runs(folder: &Path, line: &str) -> Run {
    let signer = rsa();
    let mut words: Vec<PathBuf> = vec!["60".into(), env!("CARGO_BIN_EXE_chancery").into()];
    for word in line.split(' ') {
        match word {
            "SIGNER" => words.extend(signer.options().map(PathBuf::from)),
            "KEY" => words.extend(signer.options()[..4].iter().map(PathBuf::from)),
            "CERT" => words.push(signer.certificate.clone()),
            word => words.push(word.into()),
        }
    }
    let mut timed = Command::new("timeout");
    timed
        .args(words)
        .current_dir(folder)
        .env_remove("PKCS11_MODULE")
        .stdin(std::process::Stdio::null());
    run(timed)
}

#[test]
fn a_pipe_is_no_program_and_is_not_waited_for() {
    let folder = folder();
    for line in [
        "verify pipe",
        "sign pipe SIGNER --force",
        "sign pipe SIGNER --force --append-in-place --append",
        "digest pipe",
        "digest pipe --for-signing --cert CERT --force",
        "inspect pipe",
        "inspect pipe --asn1",
        "remove pipe",
        "extract pipe",
        "timestamp pipe --timestamp http://127.0.0.1:1/",
        "quickstart pipe --out out",
    ] {
        let run = runs(folder.path(), line).ends_with(8);
        assert!(run.stderr.contains("pipe is no regular file"), "{line}: {run:?}");
        let _ = fs::remove_dir_all(folder.path().join("out"));
    }
    assert_eq!(names(folder.path()), ["a.exe", "pipe", "text"]);
}

#[test]
fn nothing_takes_the_place_of_a_pipe() {
    let folder = folder();
    for line in [
        "sign a.exe SIGNER --force --out pipe",
        "remove a.exe --out pipe",
        "extract a.exe --out pipe",
        "csr new --subject CN=a KEY --out pipe",
        "cert issue --profile root --subject CN=a KEY --out pipe",
        "cert export CERT --pkcs7 --out pipe",
        "cms sign text SIGNER --out pipe",
        "digest a.exe --for-signing --cert CERT --out pipe",
        "certutil -f -encode text pipe",
    ] {
        let run = runs(folder.path(), line);
        assert!(![0, 124].contains(&run.code), "{line}: {run:?}");
        let kind = fs::metadata(folder.path().join("pipe")).unwrap().file_type();
        assert!(kind.is_fifo(), "{line}: {run:?}");
    }
    let run = runs(folder.path(), "sign a.exe SIGNER --force --out pipe").ends_with(8);
    assert!(
        run.stderr.contains("pipe is no regular file, and none is put in its place"),
        "{run:?}"
    );
    assert_eq!(names(folder.path()), ["a.exe", "pipe", "text"]);
}

#[test]
fn no_file_is_called_as_stdout_is_elsewhere() {
    let folder = folder();
    for line in [
        "sign a.exe SIGNER --force --out -",
        "remove a.exe --out -",
        "extract a.exe --out=-",
        "csr new --subject CN=a KEY --out -",
        "cert issue --profile root --subject CN=a KEY --out -",
        "cert export CERT --pkcs7 --out -",
        "cms sign text SIGNER --out -",
        "digest a.exe --for-signing --cert CERT --out -",
        "store export My a --out -",
        "quickstart --out -",
    ] {
        let run = runs(folder.path(), line).ends_with(2);
        assert!(run.stderr.contains("type ./-"), "{line}: {run:?}");
    }
    assert_eq!(names(folder.path()), ["a.exe", "pipe", "text"]);
    runs(folder.path(), "sign a.exe SIGNER --force --out ./-").ends_with(0);
    assert!(folder.path().join("-").exists());
}

/// As a shell does for `<(...)`.
#[test]
fn certificates_and_pins_come_through_pipes() {
    let folder = folder();
    make_pipe(&folder.path().join("pin"));
    let (pin, certificate) =
        (fs::read(&rsa().passphrase).unwrap(), fs::read(&rsa().certificate).unwrap());
    let path = |name: &str| folder.path().join(name);
    let writers = [(path("pin"), pin), (path("pipe"), certificate)]
        .map(|(path, contents)| thread::spawn(move || fs::write(path, contents).unwrap()));
    let mut line = command(["sign", "a.exe", "--pin-file", "pin", "--cert", "pipe", "--force"]);
    line.args(["--key", &rsa().key]).current_dir(&folder);
    run(line).ends_with(0);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}
