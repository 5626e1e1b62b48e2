//! Names of files that would say something else than themselves.

use std::fs;
use std::path::{Path, PathBuf};

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use tempfile::TempDir;

use crate::support::{Run, command, rsa, run};

/// A verdict, and what turns, colours and hides the rest of a line.
const FORGED: &str =
    "evil.exe: valid\n  signature 0\n    chain      trusted\nx\u{1b}[8m\u{202e}.exe";

fn forged() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FORGED);
    fs::write(&path, tiny_pe(&TinyPe::default())).unwrap();
    (folder, path)
}

fn runs(folder: &Path, args: &[&str]) -> Run {
    let mut command = command(args);
    command.current_dir(folder);
    run(command)
}

#[cfg(unix)]
#[test]
fn a_name_forges_no_line_and_steers_no_terminal() {
    let (folder, path) = forged();
    let unread = "no.exe\nerror: x\u{1b}[8m.exe";
    let (key, pin) = (rsa().key.as_str(), rsa().passphrase.to_str().unwrap());
    let cert = rsa().certificate.to_str().unwrap();
    let sign = ["sign", FORGED, "--key", key, "--pin-file", pin, "--cert", cert, "--force"];
    for (args, lines) in [
        (&["verify", FORGED][..], 1),
        (&["digest", FORGED], 1),
        (&["inspect", FORGED], 8),
        (&["verify", unread], 1),
        (&sign, 1),
        (&sign, 1),
        (&["remove", FORGED], 1),
        (&["cms", "verify", FORGED, FORGED], 0),
        (&["cert", "show", FORGED], 0),
        (&["key", "test", "--key", FORGED], 0),
        (&["--format", FORGED, "verify", "a"], 0),
        (&["signtool", "verify", "/pa", FORGED], 0),
        (&["signtool", "verify", "/pa", unread], 0),
        (&["certutil", "-hashfile", FORGED], 0),
    ] {
        let run = runs(folder.path(), args);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{args:?}: {said:?}");
        let forged = |line: &str| line.starts_with("  signature 0") || line == "error: x";
        assert!(!said.lines().any(forged) || args[0] == "inspect", "{args:?}: {said}");
        assert!(said.contains("\\x1b[8m"), "{args:?}: {said}");
        let first = if run.stdout.is_empty() { &run.stderr } else { &run.stdout };
        assert!(lines == 0 || first.lines().count() >= lines, "{args:?}: {said}");
    }
    assert!(path.exists());
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_told_apart() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let names = [&b"a\xfe.exe"[..], b"a\xff.exe"].map(OsStr::from_bytes);
    for name in names {
        fs::write(folder.path().join(name), tiny_pe(&TinyPe::default())).unwrap();
    }
    let verified = |format: &[&str]| {
        let mut command = command(["verify".as_ref(), names[0], names[1]]);
        command.args(format).current_dir(&folder);
        run(command)
    };
    let text = verified(&[]).stdout;
    assert!(text.contains("a\\xfe.exe: ") && text.contains("a\\xff.exe: "), "{text}");
    let objects = verified(&["--format", "json"]).objects();
    assert_eq!(
        (&objects[0]["file"], &objects[1]["file"]),
        (&"a\u{fffd}.exe".into(), &"a\u{fffd}.exe".into())
    );
    assert_eq!(objects[0]["file_encoded"], "a%FE.exe");
    assert_eq!(objects[1]["file_encoded"], "a%FF.exe");
}

#[cfg(unix)]
#[test]
fn every_object_about_a_file_has_its_name_encoded() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join(OsStr::from_bytes(b"a\xfe b"));
    let (key, root) = (rsa().key.clone(), rsa().root.clone());
    let object = |args: &[&OsStr]| {
        let mut command = command(args);
        command.args(["--format", "json"]).current_dir(&folder);
        let object = run(command).object();
        let encoded = object["file_encoded"].as_str().unwrap_or_default().to_owned();
        assert!(encoded.ends_with("a%FE b"), "{object}");
        object
    };
    let args = |words: [&'static str; 2]| words.map(OsStr::new);
    fs::copy(&rsa().certificate, &name).unwrap();
    object(&[&args(["cert", "modulus"])[..], &[name.as_os_str()]].concat());
    let roots = ["--roots".as_ref(), root.as_os_str()];
    object(&[&args(["cert", "verify"])[..], &[name.as_os_str()], &roots].concat());
    let chain = ["--chain".as_ref(), root.as_os_str()];
    let pin = rsa().passphrase.as_os_str();
    let key = ["--key".as_ref(), key.as_ref(), "--pin-file".as_ref(), pin];
    let signing = [&key[..], &["--cert".as_ref(), name.as_os_str()]].concat();
    object(&[&args(["cms", "sign"])[..], &[name.as_os_str()], &signing, &chain].concat());
    fs::write(&name, "").unwrap();
    object(&[&args(["audit", "verify"])[..], &[name.as_os_str()]].concat());
}
