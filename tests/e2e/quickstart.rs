//! `chancery quickstart`: the whole journey, and every command line it prints.

use std::fs;
use std::path::Path;

use chancery_testkit::oracles::Oracles;
use chancery_testkit::tamper::flip_byte;

use crate::support::{command, program, run, section_offset};

fn quickstart(folder: &Path, args: &[&str]) -> crate::support::Run {
    let mut command = command(["quickstart"]);
    command.args(args).current_dir(folder);
    run(command)
}

#[test]
fn ends_in_a_file_that_oracles_accept_and_refuse_when_changed() {
    let folder = tempfile::tempdir().unwrap();
    let done = quickstart(folder.path(), &[]).ends_with(0);
    assert!(done.stdout.contains("verified it: valid"), "{}", done.stdout);
    let at = |name: &str| folder.path().join("chancery-quickstart").join(name);
    Oracles::discover().assert_accept(&at("signed.exe"), &at("ca.pem"));
    let offset = section_offset(&fs::read(at("signed.exe")).unwrap()).unwrap();
    flip_byte(&at("signed.exe"), offset);
    Oracles::discover().assert_refuse(&at("signed.exe"), &at("ca.pem"));
}

#[test]
fn takes_a_program_leaves_it_alone_and_may_be_repeated() {
    let (folder, program) = program();
    let before = fs::read(&program).unwrap();
    for _ in 0..2 {
        quickstart(folder.path(), &["program.exe", "--out", "try out"]).ends_with(0);
    }
    assert_eq!(fs::read(&program).unwrap(), before);
    let at = |name: &str| folder.path().join("try out").join(name);
    Oracles::discover().assert_accept(&at("signed.exe"), &at("ca.pem"));
}

#[cfg(unix)]
#[test]
fn keeps_the_passphrase_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    quickstart(folder.path(), &["--out", "."]).ends_with(0);
    for secret in ["key.pem", "key.passphrase"] {
        let mode = fs::metadata(folder.path().join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    let key = fs::read_to_string(folder.path().join("key.pem")).unwrap();
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

#[test]
fn refuses_a_folder_with_other_files_and_touches_none() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key.pem"), "precious").unwrap();
    let refused = quickstart(folder.path(), &["--out", "."]).ends_with(2);
    assert!(refused.stderr.contains("--out FOLDER"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(folder.path().join("key.pem")).unwrap(), "precious");
    assert_eq!(crate::support::names(folder.path()), ["key.pem"]);
}

#[test]
fn a_program_that_cannot_be_signed_ends_it_before_there_is_a_key() {
    let (folder, program) = program();
    let refused = quickstart(folder.path(), &["nope.exe", "--out", "out"]).ends_with(8);
    assert!(refused.stdout.is_empty(), "{}", refused.stdout);
    fs::write(folder.path().join("text.exe"), "text").unwrap();
    quickstart(folder.path(), &["text.exe", "--out", "out"]).ends_with(3);
    crate::support::rsa().sign([&program]).ends_with(0);
    quickstart(folder.path(), &["program.exe", "--out", "out"]).ends_with(1);
    assert_eq!(crate::support::names(folder.path()), ["program.exe", "text.exe"]);
}

#[cfg(unix)]
#[test]
fn the_command_lines_it_prints_work() {
    let folder = tempfile::tempdir().unwrap();
    let steps = quickstart(folder.path(), &["--format", "json"]).ends_with(0).objects();
    let lines: Vec<String> = steps
        .iter()
        .filter_map(|step| step["command"].as_str())
        .filter(|line| !line.is_empty())
        .map(|line| line.replace("signed.exe", "again.exe").replace("request.csr", "again.csr"))
        .map(|line| match line.starts_with("key ") {
            true => line.replace("key.pem", "again.pem"),
            false => line,
        })
        .collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        let script = format!("\"$CHANCERY\" {line}");
        let status = std::process::Command::new("sh")
            .args(["-c", &script])
            .env("CHANCERY", env!("CARGO_BIN_EXE_chancery"))
            .current_dir(folder.path())
            .status()
            .unwrap();
        assert!(status.success(), "{line}");
    }
}
