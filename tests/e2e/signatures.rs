//! `chancery remove`, `extract` and `attach`, and several signatures in one file.

use std::fs;
use std::path::Path;
use std::process::Command;

use chancery_testkit::corpus::corpus;
use chancery_testkit::oracles::Oracles;
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use serde_json::Value;

use crate::support::{Signer, chancery, ec, names, program, rsa};

fn verify(file: &Path, signer: &Signer) -> Value {
    let roots = ["--roots".as_ref(), signer.root.as_os_str()];
    let args = ["verify".as_ref(), "--format".as_ref(), "json".as_ref(), file.as_os_str()];
    // SHA-1 alone would make a verdict `untrusted`, which is not what these tests are about.
    let allow = ["--allow".as_ref(), "sha1-digest".as_ref()];
    chancery(args.into_iter().chain(roots).chain(allow)).object()
}

/// The thumbprints of all signers, in their order.
fn signers(file: &Path) -> Vec<String> {
    let report = verify(file, rsa());
    let all = report["signatures"].as_array().unwrap();
    all.iter().map(|one| one["thumbprint"].as_str().unwrap().to_owned()).collect()
}

fn run(args: &[&str]) -> crate::support::Run {
    chancery(args)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_file_signed_and_unsigned_is_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.exe");
    let image = tiny_pe(&TinyPe::default());
    fs::write(&path, &image).unwrap();
    rsa().sign([&path]).ends_with(0);
    rsa().sign([path.as_os_str(), "--append".as_ref()]).ends_with(0);
    let out = run(&["remove", text(&path), "--zero-checksum"]).ends_with(0);
    assert!(out.stdout.contains("0 signatures left"), "{}", out.stdout);
    assert_eq!(fs::read(&path).unwrap(), image);
    let refused = run(&["remove", text(&path)]).ends_with(1);
    assert!(refused.stderr.contains("has no signature"), "{}", refused.stderr);
    assert_eq!(names(folder.path()), ["a.exe"]);
}

#[test]
fn every_unsigned_program_of_the_corpus_comes_back() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut all, mut same, mut exceptions) = (0, 0, Vec::new());
    for file in corpus.of_kind("pe") {
        let image = fs::read(&file.path).unwrap();
        let Ok(layout) = chancery::pe::Layout::parse(&mut image.as_slice()) else { continue };
        if *layout.certificate_table() != chancery::pe::CertificateTable::Absent {
            continue;
        }
        all += 1;
        let path = folder.path().join(&file.name);
        fs::write(&path, &image).unwrap();
        ec().sign([&path]).ends_with(0);
        let zero = (layout.stored_checksum() == 0).then_some("--zero-checksum");
        let args: Vec<&str> = ["remove", text(&path)].into_iter().chain(zero).collect();
        run(&args).ends_with(0);
        match fs::read(&path).unwrap() == image {
            true => same += 1,
            false => exceptions.push(file.name.clone()),
        }
    }
    println!("{same} of {all} come back byte for byte; not: {exceptions:?}");
    // Two had a wrong checksum before, one ends in data behind its sections, on no multiple of eight.
    assert_eq!(
        exceptions,
        ["libwine__hal.dll", "libwine__notepad.exe", "pocs__corkamix.exe"],
        "{same} of {all}"
    );
}

#[test]
fn one_of_several_is_taken_out_and_the_rest_are_hung_again() {
    let (folder, path) = program();
    // RSA, then EC twice with different hashes, so that each can be told from the others.
    rsa().sign([&path]).ends_with(0);
    ec().sign([path.as_os_str(), "--append".as_ref()]).ends_with(0);
    let third = ["--append", "--digest", "sha512"];
    rsa().sign([text(&path)].into_iter().chain(third)).ends_with(0);
    let all = signers(&path);
    assert_eq!(all.len(), 3);
    for index in 0..3 {
        let out = folder.path().join(format!("without-{index}.exe"));
        let number = index.to_string();
        let args = ["remove", text(&path), "--index", &number, "--out", text(&out)];
        run(&args).ends_with(0);
        let mut left = all.clone();
        left.remove(index);
        assert_eq!(signers(&out), left, "without {index}");
        let report = verify(&out, rsa());
        for signature in report["signatures"].as_array().unwrap() {
            assert_eq!(signature["digest_matches"], true, "{report}");
            assert_eq!(signature["signature_valid"], true, "{report}");
        }
        // The two roots in one file, for those who judge.
        let roots = folder.path().join("roots.pem");
        let both = [&rsa().root, &ec().root].map(|root| fs::read(root).unwrap()).concat();
        fs::write(&roots, both).unwrap();
        Oracles::discover().assert_accept(&out, &roots);
    }
    let refused = run(&["remove", text(&path), "--index", "3"]).ends_with(1);
    assert!(refused.stderr.contains("the file has 3, counted from 0"), "{}", refused.stderr);
}

#[test]
fn unsigned_attributes_go_and_signatures_stay() {
    let (folder, path) = program();
    rsa().sign([&path]).ends_with(0);
    let plain = fs::read(&path).unwrap();
    let added = Command::new("osslsigncode")
        .args(["add", "-addUnauthenticatedBlob", "-in"])
        .arg(&path)
        .arg("-out")
        .arg(folder.path().join("blob.exe"))
        .output()
        .unwrap();
    assert!(added.status.success(), "{added:?}");
    let blob = folder.path().join("blob.exe");
    let reasons = verify(&blob, rsa())["signatures"][0]["reasons"].to_string();
    assert!(reasons.contains("unknown-unsigned-attribute"), "{reasons}");
    run(&["remove", "--unsigned-attributes", text(&blob)]).ends_with(0);
    assert_eq!(fs::read(&blob).unwrap(), plain);
    rsa().sign([path.as_os_str(), "--append".as_ref()]).ends_with(0);
    let nested = fs::read(&path).unwrap();
    run(&["remove", "--unsigned-attributes", text(&path)]).ends_with(0);
    assert_eq!(fs::read(&path).unwrap(), nested, "a nested signature is no mere attribute");
}

#[test]
fn what_is_extracted_can_be_attached_again() {
    let (folder, path) = program();
    let image = fs::read(&path).unwrap();
    rsa().sign([text(&path), "--page-hashes"]).ends_with(0);
    let signed = fs::read(&path).unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["one.p7b", "one.pem"] {
        run(&["extract", text(&path), "--out", text(&at(name))]).ends_with(0);
    }
    let shown = run(&["extract", text(&path)]).ends_with(0).stdout;
    assert_eq!(shown.trim(), fs::read_to_string(at("one.pem")).unwrap().trim());
    let openssl = Command::new("openssl")
        .args(["pkcs7", "-inform", "DER", "-in", text(&at("one.p7b")), "-print_certs", "-noout"])
        .output()
        .unwrap();
    assert!(openssl.status.success(), "{openssl:?}");

    for name in ["one.p7b", "one.pem"] {
        fs::write(&path, &image).unwrap();
        run(&["attach", text(&path), text(&at(name))]).ends_with(0);
        assert_eq!(fs::read(&path).unwrap(), signed, "as if it had been signed");
    }
    run(&["attach", text(&path), text(&at("one.pem"))]).ends_with(1);
    let again = run(&["attach", text(&path), text(&at("one.pem")), "--skip-signed"]).ends_with(0);
    assert!(again.stdout.contains("left alone"), "{}", again.stdout);
    run(&["attach", text(&path), text(&at("one.pem")), "--append"]).ends_with(0);
    assert_eq!(signers(&path).len(), 2);
    let missing = run(&["extract", text(&path), "--index", "2"]).ends_with(1);
    assert!(missing.stderr.contains("no signature 2"), "{}", missing.stderr);

    // osslsigncode's own extract and attach agree with ours.
    fs::write(&path, &signed).unwrap();
    let theirs = at("theirs.der");
    let extract = Command::new("osslsigncode")
        .args(["extract-signature", "-in", text(&path), "-out", text(&theirs)])
        .output()
        .unwrap();
    assert!(extract.status.success(), "{extract:?}");
    let ours = fs::read(at("one.p7b")).unwrap();
    assert!(fs::read(&theirs).unwrap().starts_with(&ours), "up to padding");
}

#[test]
fn a_signature_of_another_file_is_not_attached() {
    let (folder, path) = program();
    let other = folder.path().join("other.exe");
    fs::write(&other, tiny_pe(&TinyPe { pe32_plus: false, ..TinyPe::default() })).unwrap();
    rsa().sign([&other]).ends_with(0);
    let signature = folder.path().join("other.p7b");
    run(&["extract", text(&other), "--out", text(&signature)]).ends_with(0);
    let image = fs::read(&path).unwrap();
    let refused = run(&["attach", text(&path), text(&signature)]).ends_with(1);
    assert!(refused.stderr.contains("of another file"), "{}", refused.stderr);
    assert!(refused.stderr.contains("digest-mismatch"), "{}", refused.stderr);
    // The right file, and a signature with one octet changed.
    run(&["remove", text(&other)]).ends_with(0);
    let mut broken = fs::read(&signature).unwrap();
    *broken.last_mut().unwrap() ^= 1;
    fs::write(&signature, &broken).unwrap();
    let refused = run(&["attach", text(&other), text(&signature)]).ends_with(1);
    assert!(refused.stderr.contains("does not hold"), "{}", refused.stderr);
    fs::write(&signature, "no signature").unwrap();
    run(&["attach", text(&other), text(&signature)]).ends_with(3);
    assert_eq!(fs::read(&path).unwrap(), image);
    assert_eq!(names(folder.path()), ["other.exe", "other.p7b", "program.exe"]);
}

#[test]
fn two_hashes_make_two_signatures_in_one_run() {
    let (folder, path) = program();
    let twice = folder.path().join("twice.exe");
    fs::copy(&path, &twice).unwrap();
    let out = rsa()
        .sign([text(&path), "--digest", "sha1,sha256", "--page-hashes", "--format", "json"])
        .ends_with(0)
        .object();
    assert_eq!(out["schemes"], serde_json::json!(["rsa-pkcs1-sha1", "rsa-pkcs1-sha256"]));
    assert!(out["authentihash"]["sha1"].is_string() && out["authentihash"]["sha256"].is_string());
    let report = verify(&path, rsa());
    let of = |field: &str| -> Vec<Value> {
        let all = report["signatures"].as_array().unwrap();
        all.iter().map(|one| one[field].clone()).collect()
    };
    assert_eq!(of("digest_algorithm"), ["sha1", "sha256"]);
    assert_eq!(of("page_hashes"), ["match", "match"]);
    assert_eq!(report["verdict"], "valid", "{report}");
    Oracles::discover().assert_accept(&path, &rsa().root);
    // Two runs give the same bytes.
    rsa().sign([text(&twice), "--digest", "sha1", "--page-hashes"]).ends_with(0);
    rsa().sign([text(&twice), "--digest", "sha256", "--append", "--page-hashes"]).ends_with(0);
    assert_eq!(fs::read(&twice).unwrap(), fs::read(&path).unwrap());
}

#[test]
fn skipping_wants_every_signature_that_would_be_made_and_that_it_holds() {
    let (_folder, path) = program();
    rsa().sign([&path]).ends_with(0);
    let once = fs::read(&path).unwrap();
    rsa().sign([text(&path), "--skip-signed"]).ends_with(0);
    rsa().sign([text(&path), "--skip-signed", "--digest", "sha256,sha512"]).ends_with(1);
    let mut broken = once.clone();
    broken[600] ^= 1;
    fs::write(&path, &broken).unwrap();
    let refused = rsa().sign([text(&path), "--skip-signed"]).ends_with(1);
    assert!(refused.stderr.contains("not validly by this"), "{}", refused.stderr);
    assert_eq!(fs::read(&path).unwrap(), broken);
}

#[test]
fn nothing_is_appended_to_a_signature_that_does_not_hold() {
    let (_folder, path) = program();
    rsa().sign([&path]).ends_with(0);
    let mut broken = fs::read(&path).unwrap();
    broken[600] ^= 1;
    fs::write(&path, &broken).unwrap();
    let refused = rsa().sign([text(&path), "--append"]).ends_with(1);
    assert!(refused.stderr.contains("digest-mismatch"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(fs::read(&path).unwrap(), broken);
    rsa().sign([text(&path), "--append", "--force"]).ends_with(0);
    let report = verify(&path, rsa());
    let matches = report["signatures"].as_array().unwrap().iter().map(|one| &one["digest_matches"]);
    assert_eq!(matches.collect::<Vec<_>>(), [false, true]);
}

#[test]
fn data_after_the_signatures_is_refused_until_it_is_dropped() {
    let (_folder, path) = program();
    rsa().sign([&path]).ends_with(0);
    let signed = fs::read(&path).unwrap();
    let appended = [&signed[..], b"<script>payload</script>"].concat();
    for verb in [&["--replace"][..], &["--append"]] {
        fs::write(&path, &appended).unwrap();
        let args = || [text(&path)].into_iter().chain(verb.iter().copied());
        let refused = rsa().sign(args()).ends_with(3);
        assert!(refused.stderr.contains("data follows it"), "{}", refused.stderr);
        assert!(refused.stderr.contains("--strip"), "{}", refused.stderr);
        assert_eq!(fs::read(&path).unwrap(), appended);
        let stripped = rsa().sign(args().chain(["--strip"])).ends_with(0);
        assert!(stripped.stderr.contains("was dropped"), "{}", stripped.stderr);
        assert_eq!(verify(&path, rsa())["verdict"], "valid");
        if verb == ["--replace"] {
            assert_eq!(fs::read(&path).unwrap(), signed);
        }
    }
    fs::write(&path, &appended).unwrap();
    run(&["remove", text(&path)]).ends_with(3);
    run(&["remove", text(&path), "--strip"]).ends_with(0);
    assert_eq!(verify(&path, rsa())["verdict"], "unsigned");
}
