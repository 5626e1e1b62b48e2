//! Machine-readable output: the shape is a contract.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{chancery, command, program, rsa};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn verify_has_every_field_of_the_contract() {
    let (_folder, program) = program();
    rsa().sign([&program]).ends_with(0);
    let report = chancery(["verify", "--format", "json", program.to_str().unwrap()]).object();
    let fields =
        ["schema", "type", "file", "format", "verdict", "reasons", "authentihash", "signatures"];
    assert!(keys(&report).is_superset(&fields.into()), "{report}");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["type"], "verified");
    let fields = [
        "index",
        "digest_algorithm",
        "digest_matches",
        "signature_valid",
        "signer",
        "thumbprint",
        "thumbprint_sha256",
        "scheme",
        "chain",
        "page_hashes",
        "timestamps",
        "reasons",
    ];
    assert!(keys(&report["signatures"][0]).is_superset(&fields.into()), "{report}");
}

#[test]
fn digest_has_every_field_of_the_contract() {
    let (_folder, program) = program();
    let path = program.to_str().unwrap();
    let digest =
        chancery(["digest", "--format", "json", path, "--digest", "sha1", "--digest", "sha256"]);
    let object = digest.object();
    assert_eq!(object["type"], "digest");
    assert_eq!(object["format"], "pe");
    assert_eq!(keys(&object["authentihash"]), ["sha1", "sha256"].into());
    // The program has an overlay of seven bytes: signing pads it, and the signature's digest covers the padding.
    assert_ne!(object["authentihash"]["sha256"], object["signature_digest"]["sha256"]);
    rsa().sign([&program]).ends_with(0);
    let signed = chancery(["digest", "--format", "json", path]).object();
    assert_eq!(signed["authentihash"]["sha256"], object["signature_digest"]["sha256"]);
}

#[test]
fn errors_are_objects_among_the_results() {
    let (_folder, program) = program();
    let run = chancery(["verify", "--format", "json", "no-such.exe", program.to_str().unwrap()]);
    let objects = run.ends_with(8).objects();
    assert_eq!(objects[0]["type"], "error");
    assert_eq!(objects[1]["verdict"], "unsigned");
}

#[test]
fn quiet_leaves_out_success_and_keeps_errors() {
    let (_folder, program) = program();
    let run = rsa().sign([program.as_os_str(), "-q".as_ref()]).ends_with(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = rsa().sign([program.as_os_str(), "-q".as_ref()]).ends_with(1);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn an_answer_that_a_full_disk_swallows_is_no_success() {
    let (_folder, path) = program();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for args in [
        &["digest", path.to_str().unwrap()][..],
        &["digest", path.to_str().unwrap(), "--format", "json"],
        &["completions", "bash"],
        &["digest", "--help"],
        &["--version"],
        &["help", "certutil"],
        &["certutil", "-hashfile", path.to_str().unwrap(), "SHA256"],
    ] {
        let output = command(args).stdout(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(8), "{args:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn fewer_threads_than_wanted_are_enough_and_none_is_an_error() {
    let (folder, path) = program();
    for name in ["b.exe", "c.exe"] {
        fs::copy(&path, folder.path().join(name)).unwrap();
    }
    // The first thread is for signals, the second lists the files, and then come workers.
    for (when, code) in [("4+", 1), ("3+", 8), ("2+", 8)] {
        let verify = command(["verify", "--recursive", folder.path().to_str().unwrap()]);
        let output = std::process::Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3"])
            .args(["-e", &format!("inject=clone,clone3:error=EAGAIN:when={when}")])
            .arg(verify.get_program())
            .args(verify.get_args())
            .output()
            .expect("strace runs: apt-get install strace");
        let (told, said) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let (told, said) = (told.unwrap(), said.unwrap());
        assert_eq!(output.status.code(), Some(code), "{when}: {said}");
        let unsigned = told.lines().filter(|line| line.ends_with(": unsigned")).count();
        assert_eq!(unsigned, if code == 1 { 3 } else { 0 }, "{when}: {told}");
        assert_eq!(said.contains("cannot start a thread"), code == 8, "{when}: {said}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_that_panics_ends_as_a_fault_of_its_own() {
    let (folder, path) = program();
    let before = fs::read(&path).unwrap();
    // Nothing that is typed makes it panic; a system that has no thread left does.
    let sign = command(["sign", path.to_str().unwrap()]);
    let output = std::process::Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3"])
        .args(["-e", "inject=clone,clone3:error=EAGAIN"])
        .arg(sign.get_program())
        .args(sign.get_args())
        .args(rsa().options())
        .output()
        .expect("strace runs: apt-get install strace");
    assert_eq!(output.status.code(), Some(70), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(crate::support::names(folder.path()), ["program.exe"]);
}

#[test]
fn a_hash_named_twice_is_a_slip() {
    let (_folder, path) = program();
    let before = fs::read(&path).unwrap();
    let run = rsa().sign(["--digest", "sha256,sha256", path.to_str().unwrap()]).ends_with(2);
    assert!(run.stderr.contains("twice"), "{}", run.stderr);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn more_threads_than_anybody_means_are_refused() {
    let (_folder, path) = program();
    for many in ["1025", "1000000000", "18446744073709551615", "0"] {
        let run = chancery(["verify", path.to_str().unwrap(), "--jobs", many]).ends_with(2);
        assert!(run.stderr.contains("--jobs"), "{}", run.stderr);
    }
    chancery(["verify", path.to_str().unwrap(), "--jobs", "1024"]).ends_with(1);
}

#[test]
fn several_results_need_a_folder_that_is_there() {
    let (folder, path) = program();
    let (path, at) = (path.to_str().unwrap(), |name: &str| folder.path().join(name));
    fs::write(at("file"), "").unwrap();
    for (name, why) in [("new", "is not there"), ("file", "is none")] {
        let out = at(name).to_str().unwrap().to_owned();
        for verb in ["sign", "timestamp", "remove"] {
            let mut run = command([verb, path, path, "--out", &out]);
            match verb {
                "sign" => run.args(rsa().options()),
                "timestamp" => run.args(["--timestamp", "http://127.0.0.1:1"]),
                _ => &mut run,
            };
            let said = crate::support::run(run).ends_with(2).stderr;
            assert!(said.contains(why) && said.contains("mkdir"), "{verb}: {said}");
        }
    }
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_become_so_long_is_an_error_and_not_the_end() {
    let (folder, path) = program();
    let before = fs::read(&path).unwrap();
    let sign = command(["sign", path.to_str().unwrap()]);
    let mut limited = std::process::Command::new("sh");
    // In blocks of 512 bytes.
    limited.args(["-c", "ulimit -f 1; exec \"$0\" \"$@\""]).arg(sign.get_program());
    limited.args(sign.get_args()).args(rsa().options());
    let run = crate::support::run(limited).ends_with(8);
    assert!(run.stderr.contains("error: "), "{}", run.stderr);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
#[cfg(unix)]
fn a_pipe_is_no_audit_log_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = chancery(["audit", "verify", pipe.to_str().unwrap()]).ends_with(8);
    assert!(run.stderr.contains("no regular file"), "{}", run.stderr);
}
