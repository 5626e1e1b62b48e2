//! `chancery verify` by other rules and anchors, and `inspect` down to the last value.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chancery_testkit::workspace;
use serde_json::Value;

use crate::support::{Run, chancery, ec, program, rsa};

/// A program signed by an EC key, and its folder.
fn signed() -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = program();
    ec().sign([path.as_os_str()]).ends_with(0);
    (folder, path)
}

fn verify<const N: usize>(file: &Path, more: [&str; N]) -> Run {
    let fixed = ["verify", "--format", "json", file.to_str().unwrap()];
    chancery(fixed.into_iter().chain(more))
}

fn verdict(run: &Run) -> Value {
    run.object()["verdict"].clone()
}

#[test]
fn integrity_asks_nobody_who_signed_and_windows_does() {
    let (_folder, path) = signed();
    let run = verify(&path, ["--policy", "integrity"]);
    assert_eq!((run.code, verdict(&run)), (0, "valid".into()));
    assert_eq!(run.object()["policy"], "integrity");
    for policy in ["strict", "windows"] {
        let run = verify(&path, ["--policy", policy]);
        assert_eq!((run.code, verdict(&run)), (1, "untrusted".into()));
    }
}

#[test]
fn one_of_two_signatures_may_be_enough() {
    let (_folder, path) = signed();
    rsa().sign([path.as_os_str(), "--append".as_ref()]).ends_with(0);
    let root = ec().root.to_str().unwrap();
    let all = |require| verdict(&verify(&path, ["--roots", root, "--require", require]));
    assert_eq!(all("all"), "untrusted");
    assert_eq!(all("any"), "valid");
    assert_eq!(all("primary"), "valid");
    assert_eq!(all("0"), "valid");
    assert_eq!(all("1"), "untrusted");
    let run = verify(&path, ["--roots", root, "--require", "2"]);
    assert_eq!(verdict(&run), "invalid");
    assert_eq!(run.object()["reasons"][0], "required-signature-missing");
    verify(&path, ["--require", "-1"]).ends_with(2);
}

#[test]
fn findings_are_denied_and_allowed_by_name_and_the_essential_ones_are_not() {
    let (_folder, path) = signed();
    let run = verify(&path, ["--allow", "no-trust-anchors"]);
    assert_eq!((run.code, verdict(&run)), (0, "valid".into()));
    let run = verify(&path, ["--deny", "no-trust-anchors"]);
    assert_eq!((run.code, verdict(&run)), (1, "invalid".into()));
    assert!(verify(&path, ["--allow", "digest-mismatch"]).ends_with(2).stdout.contains("every"));
    verify(&path, ["--allow", "no-such-finding"]).ends_with(2);
}

#[test]
fn the_report_names_what_is_in_a_signature() {
    let (_folder, path) = signed();
    let report = verify(&path, ["--roots", ec().root.to_str().unwrap()]).object();
    let signature = &report["signatures"][0];
    assert_eq!(signature["content_type"], "1.3.6.1.4.1.311.2.1.4");
    let hash = signature["digest_algorithm"].as_str().unwrap();
    assert_eq!(signature["digest"], report["authentihash"][hash]);
    assert_eq!(signature["named_digests"]["declared"], serde_json::json!([hash]));
    assert_eq!(signature["named_digests"]["signer"], hash);
    assert_eq!(signature["lifetime_signing"], false);
    assert!(signature["path"].as_array().is_some_and(|path| path.len() >= 2), "{signature}");
    assert_eq!(signature["unknown_attributes"], serde_json::json!([]));
}

#[test]
fn anchors_are_pem_der_stores_and_folders() {
    let (folder, path) = signed();
    let root = &ec().root;
    let der = folder.path().join("root.cer");
    let convert = Command::new("openssl")
        .args(["x509", "-outform", "DER", "-in"])
        .args([root.as_os_str(), "-out".as_ref(), der.as_os_str()])
        .status()
        .unwrap();
    assert!(convert.success());
    let stores = folder.path().join("stores");
    fs::create_dir(&stores).unwrap();
    let sst = stores.join("anchors.sst");
    // A store of one certificate without properties: its magic, the certificate, and the end.
    let bytes = fs::read(&der).unwrap();
    let mut store = b"\0\0\0\0CERT".to_vec();
    for field in [32, 1, u32::try_from(bytes.len()).unwrap()] {
        store.extend(field.to_le_bytes());
    }
    store.extend(&bytes);
    store.extend([0; 12]);
    fs::write(&sst, store).unwrap();
    for anchors in [root, &der, &sst, &stores] {
        let run = verify(&path, ["--roots", anchors.to_str().unwrap()]);
        assert_eq!((run.code, verdict(&run)), (0, "valid".into()), "{}", anchors.display());
    }
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let run = verify(&path, ["--roots", empty.to_str().unwrap()]).ends_with(3);
    assert!(run.stdout.contains("no certificate in"), "{run:?}");
}

#[test]
fn the_commands_about_trust_anchors_run_as_they_stand() {
    let (folder, path) = signed();
    fs::rename(&path, folder.path().join("setup.exe")).unwrap();
    fs::copy(&ec().root, folder.path().join("ca.pem")).unwrap();
    fs::create_dir(folder.path().join("anchors")).unwrap();
    fs::copy(&ec().root, folder.path().join("anchors/tsa.pem")).unwrap();
    let text = fs::read_to_string(workspace::root().join("docs/trust-anchors.md")).unwrap();
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(commands.len(), 3);
    let python = std::env::var_os("CHANCERY_ORACLE_PYTHON")
        .map_or_else(|| workspace::target_dir().join("oracles/venv/bin/python"), PathBuf::from);
    let ours = Path::new(env!("CARGO_BIN_EXE_chancery")).parent().unwrap();
    let bin = python.parent().unwrap();
    let search = format!("{}:{}:/usr/bin:/bin", bin.display(), ours.display());
    let run = |line: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(folder.path()).env("PATH", &search);
        crate::support::run(command)
    };
    run(commands[0]).ends_with(0);
    // Microsoft does not know the signer, and was asked.
    assert!(run(commands[1]).ends_with(1).stdout.contains(": untrusted"));
    run(commands[2]).ends_with(0);
}

#[test]
fn every_value_is_where_openssl_sees_it() {
    let (folder, path) = signed();
    let inspected = chancery([
        "inspect".as_ref(),
        "--asn1".as_ref(),
        "--format".as_ref(),
        "json".as_ref(),
        path.as_os_str(),
    ])
    .object();
    let root = &inspected["asn1"][0];
    let start = root["offset"].as_u64().unwrap();
    let mut ours = Vec::new();
    flatten(root, start, &mut ours);
    let der = folder.path().join("signature.der");
    let begin = usize::try_from(start).unwrap();
    let bytes = fs::read(&path).unwrap();
    let length = root["header_length"].as_u64().unwrap() + root["length"].as_u64().unwrap();
    fs::write(&der, &bytes[begin..begin + usize::try_from(length).unwrap()]).unwrap();
    let output = Command::new("openssl")
        .args(["asn1parse", "-inform", "DER", "-in"])
        .arg(&der)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<u64> =
        said.lines().map(|line| line.split(':').next().unwrap().trim().parse().unwrap()).collect();
    assert!(theirs.len() > 50);
    // OpenSSL does not look into OCTET STRINGs; everything it sees is there.
    let missing: Vec<_> = theirs.iter().filter(|offset| !ours.contains(offset)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let text = chancery(["inspect".as_ref(), "--hex".as_ref(), path.as_os_str()]).ends_with(0);
    assert!(text.stdout.contains("messageDigest"), "{text:?}");
}

fn flatten(value: &Value, start: u64, offsets: &mut Vec<u64>) {
    offsets.push(value["offset"].as_u64().unwrap() - start);
    for child in value["values"].as_array().into_iter().flatten() {
        flatten(child, start, offsets);
    }
}
