//! What is wrong is named, has its exit code, and changes nothing.

use std::fs;
use std::path::Path;

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use crate::support::{Run, chancery, ec, names, program, rsa};

/// Signs bytes that should not be signed and insists that they stay as they are.
#[track_caller]
fn refused(bytes: &[u8], code: i32, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.exe");
    fs::write(&path, bytes).unwrap();
    let run = rsa().sign([&path]).ends_with(code);
    assert!(run.stderr.contains("file.exe"), "the file is named: {}", run.stderr);
    assert!(run.stderr.contains(part), "{part:?} in {}", run.stderr);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(names(folder.path()), ["file.exe"], "nothing is left behind");
}

fn put32(image: &mut [u8], offset: usize, value: u32) {
    image[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

/// A small PE32+ file and the offset of its PE header.
fn image() -> (Vec<u8>, usize) {
    let image = tiny_pe(&TinyPe::default());
    let pe = u32::from_le_bytes(image[0x3c..0x40].try_into().unwrap());
    (image, usize::try_from(pe).unwrap())
}

#[test]
fn no_executable() {
    refused(b"", 3, "not an executable");
    refused(b"hello, world", 3, "not an executable");
    refused(b"#!/bin/sh\necho MZ\n", 3, "not an executable");
}

#[test]
fn a_header_outside_the_file() {
    let (mut image, _) = image();
    put32(&mut image, 0x3c, 0x7fff_ffff);
    refused(&image, 3, "outside the file");
}

#[test]
fn too_few_directories() {
    refused(&tiny_pe(&TinyPe { directories: 4, ..TinyPe::default() }), 3, "no directory entry");
}

#[test]
fn a_certificate_directory_that_lies() {
    for (offset, size, part) in [
        (0x7fff_fff0, 8, "outside the file"),
        (8, 64, "inside the headers"),
        (512, u32::MAX, "malformed"),
    ] {
        let (mut image, pe) = image();
        put32(&mut image, pe + 168, offset);
        put32(&mut image, pe + 172, size);
        refused(&image, 3, part);
    }
}

#[test]
fn entry_lengths_that_lie_are_named_by_verify() {
    for length in [0, u32::MAX] {
        let (_folder, program) = program();
        rsa().sign([&program]).ends_with(0);
        let mut signed = fs::read(&program).unwrap();
        let table =
            chancery::pe::Layout::parse(&mut signed.as_slice()).unwrap().table_range().unwrap();
        put32(&mut signed, usize::try_from(table.start).unwrap(), length);
        fs::write(&program, &signed).unwrap();
        let report =
            chancery(["verify", "--format", "json", program.to_str().unwrap()]).ends_with(3);
        assert_eq!(report.object()["verdict"], "malformed");
    }
}

#[test]
fn a_file_cut_anywhere_is_signed_or_refused_whole() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let signed = fs::read(&program).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..signed.len())
        .step_by(41)
        .map(|len| {
            let path = folder.path().join(format!("{len:05}.exe"));
            fs::write(&path, &signed[..len]).unwrap();
            path
        })
        .collect();
    let mut args = vec!["verify", "--format", "json"];
    args.extend(files.iter().map(|path| path.to_str().unwrap()));
    let run = chancery(args);
    let mut objects = run.objects();
    assert_eq!(objects.pop().unwrap()["type"], "summary");
    assert_eq!(objects.len(), files.len());
    for object in objects {
        let verdict = object["verdict"].as_str().or(object["kind"].as_str()).unwrap();
        assert!(["malformed", "invalid", "unsigned"].contains(&verdict), "{object}");
    }
}

#[test]
fn another_keys_certificate() {
    let (_folder, program) = program();
    let before = fs::read(&program).unwrap();
    let run = chancery([
        "sign".as_ref(),
        program.as_os_str(),
        "--key".as_ref(),
        rsa().key.as_ref(),
        "--pin-file".as_ref(),
        rsa().passphrase.as_ref(),
        "--cert".as_ref(),
        ec().certificate.as_ref(),
        "--force".as_ref(),
    ])
    .ends_with(1);
    assert!(run.stderr.contains("belongs to the key"), "{}", run.stderr);
    assert_eq!(fs::read(&program).unwrap(), before);
}

fn test_key(pin: &[&str]) -> Run {
    let mut args = vec!["key", "test", "--key", &rsa().key];
    args.extend(pin);
    chancery(args)
}

#[test]
fn a_passphrase_that_is_wrong_missing_or_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong");
    fs::write(&wrong, "hunter2hunter2\n").unwrap();
    let run = test_key(&["--pin-file", wrong.to_str().unwrap()]).ends_with(4);
    assert!(!run.stderr.contains("hunter2"), "a PIN is never shown: {}", run.stderr);
    let run = test_key(&["--pin-file", "no/such/file"]).ends_with(4);
    assert!(run.stderr.contains("no/such/file"), "{}", run.stderr);
    test_key(&["--pin-env", "CHANCERY_TEST_NO_SUCH_VARIABLE"]).ends_with(4);
    test_key(&["--pin-file", wrong.to_str().unwrap(), "--pin-env", "X"]).ends_with(2);
    test_key(&["--pin-file", rsa().passphrase.to_str().unwrap()]).ends_with(0);
}

#[test]
fn keys_that_are_not_there_or_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.pem");
    fs::write(&text, "no key").unwrap();
    let test = |key: &str| chancery(["key", "test", "--key", key]);
    test("file:no/such/key.pem").ends_with(5);
    test(&format!("file:{}", text.display())).ends_with(3);
    test("key.pem").ends_with(2);
    test("pkcs11:token").ends_with(2);
}

#[test]
fn a_certificate_file_that_is_none() {
    let (folder, program) = program();
    let text = folder.path().join("text.pem");
    fs::write(&text, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    let run = chancery(["verify", program.to_str().unwrap(), "--roots", text.to_str().unwrap()]);
    assert!(run.ends_with(3).stderr.contains("line 1"));
    chancery(["verify", program.to_str().unwrap(), "--roots", "no/such.pem"]).ends_with(8);
    chancery(["verify", program.to_str().unwrap(), "--at", "yesterday"]).ends_with(2);
}

#[test]
fn a_folder_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let run = rsa().sign([folder.path()]).ends_with(8);
    assert!(run.stderr.contains("is a folder"), "{}", run.stderr);
}

/// Runs a signing where the output's file system lets nothing be written.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_nothing_can_be_created_in() {
    let (_folder, program) = program();
    let before = fs::read(&program).unwrap();
    let run = rsa().sign([program.as_os_str(), "--out".as_ref(), "/proc/signed.exe".as_ref()]);
    assert!(run.ends_with(8).stderr.contains("/proc"));
    assert_eq!(fs::read(&program).unwrap(), before);
}

/// Signs in a file system of 64 KiB, in a mount namespace of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        set -e
        mount -t tmpfs -o size=256k none "$DIR"
        cp "$PROGRAM" "$DIR/program.exe"
        head -c 200000 /dev/zero > "$DIR/ballast"
        set +e
        "$CHANCERY" sign "$DIR/program.exe" --key "$KEY" --pin-file "$PIN" --cert "$CERT" --force
        echo "code $?"
        cmp "$PROGRAM" "$DIR/program.exe" && echo unchanged
        ls -A "$DIR"
    "#;
    let large = folder.path().join("large.exe");
    let pe = TinyPe { overlay: vec![1; 40_000], ..TinyPe::default() };
    fs::write(&large, tiny_pe(&pe)).unwrap();
    let mount = folder.path().join("mount");
    fs::create_dir(&mount).unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", script])
        .env("DIR", &mount)
        .env("PROGRAM", &large)
        .env("CHANCERY", env!("CARGO_BIN_EXE_chancery"))
        .env("KEY", &rsa().key)
        .env("PIN", &rsa().passphrase)
        .env("CERT", &rsa().certificate)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if stderr.contains("unshare failed") || stderr.contains("unshare: ") {
        // Containers without user namespaces cannot have a disk of their own.
        assert!(std::env::var_os("CI").is_none(), "no mount namespace: {stderr}");
        println!("skipped: {stderr}");
        return;
    }
    assert!(stdout.contains("code 8"), "{stdout}{stderr}");
    assert!(stdout.contains("unchanged"), "{stdout}{stderr}");
    let left: Vec<_> = stdout.lines().skip_while(|line| *line != "unchanged").skip(1).collect();
    assert_eq!(left, ["ballast", "program.exe"], "no temporary file is left");
    assert!(stderr.contains("No space left"), "{stderr}");
}

#[test]
fn an_unreadable_file_name_is_no_panic() {
    let run = chancery(["verify", "--format", "json", "no/such/file.exe"]).ends_with(8);
    let object = run.object();
    assert_eq!((&object["type"], &object["kind"]), (&"error".into(), &"io".into()));
    assert_eq!(object["file"], "no/such/file.exe");
    assert!(Path::new(object["file"].as_str().unwrap()).is_relative());
}
