//! Requests and certificates, judged by openssl.

use std::fs;
use std::path::Path;

use chancery_testkit::openssl::openssl;

use crate::support::{Signer, chancery, ec, rsa};

#[track_caller]
fn openssl_says(args: &[&str]) -> String {
    let output = openssl(args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {text}");
    text
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn openssl_verifies_our_requests_and_reads_what_they_ask_for() {
    for signer in [rsa(), ec()] {
        let request = signer.file("request.csr");
        let said = openssl_says(&["req", "-in", text(&request), "-noout", "-verify", "-text"]);
        assert!(said.contains("verify OK") || said.contains("self-signature verify"), "{said}");
        assert!(said.contains("Digital Signature") && said.contains("Code Signing"), "{said}");
        assert!(said.contains("C = GB, O = Example Ltd, CN = E2E Signer"), "{said}");
    }
}

fn verify_chain(signer: &Signer) -> String {
    let root = text(&signer.root);
    let certificate = text(&signer.certificate);
    // OpenSSL 3.0 has no purpose for code signing; 3.2 has.
    openssl_says(&["verify", "-x509_strict", "-CAfile", root, certificate])
}

#[test]
fn openssl_verifies_our_certificates_strictly() {
    for signer in [rsa(), ec()] {
        assert!(verify_chain(signer).contains("OK"));
        let said = openssl_says(&["x509", "-in", text(&signer.certificate), "-noout", "-text"]);
        for part in ["X509v3 Key Usage: critical", "Digital Signature", "Code Signing"] {
            assert!(said.contains(part), "{part} in {said}");
        }
    }
}

#[test]
fn a_changed_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let der = folder.path().join("signer.der");
    let certificate = text(&rsa().certificate);
    openssl_says(&["x509", "-in", certificate, "-outform", "DER", "-out", text(&der)]);
    let mut bytes = fs::read(&der).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&der, bytes).unwrap();
    let output = openssl(["verify", "-CAfile", text(&rsa().root), text(&der)]);
    assert!(!output.status.success());
}

#[test]
fn a_changed_request_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let der = folder.path().join("request.der");
    let request = rsa().file("request.csr");
    openssl_says(&["req", "-in", text(&request), "-outform", "DER", "-out", text(&der)]);
    chancery(["csr", "show", text(&der)]).ends_with(0);
    let mut bytes = fs::read(&der).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&der, bytes).unwrap();
    let run = chancery(["csr", "show", text(&der)]).ends_with(3);
    assert!(run.stderr.contains("does not verify"), "{}", run.stderr);
}

#[test]
fn certificates_are_shown() {
    let shown = chancery(["cert", "show", "--format", "json", text(&rsa().certificate)]).object();
    assert_eq!(shown["subject"], "CN=E2E Signer,O=Example Ltd,C=GB");
    assert_eq!(shown["issuer"], "CN=E2E Root");
    assert_eq!(shown["algorithm"], "RSA 3072");
    assert_eq!(shown["key_usage"], serde_json::json!(["digitalSignature"]));
    assert_eq!(shown["extended_key_usage"], serde_json::json!(["codeSigning"]));
    let said = openssl_says(&["x509", "-in", text(&rsa().certificate), "-noout", "-fingerprint"]);
    let openssls = said.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    assert_eq!(shown["thumbprint"], openssls.as_str());
}

#[test]
fn a_certificate_issued_by_openssl_from_our_request_signs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    openssl_says(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        &path("ca.key"),
        "-out",
        &path("ca.pem"),
        "-subj",
        "/CN=OpenSSL Root",
        "-days",
        "30",
    ]);
    fs::write(at("ext"), "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n")
        .unwrap();
    openssl_says(&[
        "x509",
        "-req",
        "-in",
        text(&rsa().file("request.csr")),
        "-CA",
        &path("ca.pem"),
        "-CAkey",
        &path("ca.key"),
        "-CAcreateserial",
        "-days",
        "20",
        "-extfile",
        &path("ext"),
        "-out",
        &path("cert.pem"),
    ]);
    let (_folder, program) = crate::support::program();
    chancery([
        "sign",
        text(&program),
        "--key",
        &rsa().key,
        "--pin-file",
        text(&rsa().passphrase),
        "--cert",
        &path("cert.pem"),
        "--chain",
        &path("ca.pem"),
    ])
    .ends_with(0);
    chancery(["verify", text(&program), "--roots", &path("ca.pem")]).ends_with(0);
}

#[test]
fn a_leaf_issues_nothing() {
    let run = chancery([
        "cert",
        "issue",
        "--request",
        text(&ec().file("request.csr")),
        "--cert",
        text(&rsa().certificate),
        "--key",
        &rsa().key,
        "--pin-file",
        text(&rsa().passphrase),
    ])
    .ends_with(2);
    assert!(run.stderr.contains("no certificate authority"), "{}", run.stderr);
}

#[test]
fn an_intermediate_chain_is_trusted_from_its_root() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pin = text(&rsa().passphrase);
    let key = format!("file:{}", at("issuing.pem"));
    let root_key = format!("file:{}", rsa().file("ca.pem").display());
    chancery(["key", "generate", "--key", &key, "--ec", "p256", "--pin-file", pin]).ends_with(0);
    chancery([
        "csr",
        "new",
        "--subject",
        "CN=E2E Issuing CA",
        "--key",
        &key,
        "--pin-file",
        pin,
        "--out",
        &at("issuing.csr"),
    ])
    .ends_with(0);
    chancery([
        "cert",
        "issue",
        "--profile",
        "intermediate",
        "--request",
        &at("issuing.csr"),
        "--cert",
        text(&rsa().root),
        "--key",
        &root_key,
        "--pin-file",
        pin,
        "--out",
        &at("issuing-cert.pem"),
    ])
    .ends_with(0);
    chancery([
        "cert",
        "issue",
        "--request",
        text(&rsa().file("request.csr")),
        "--cert",
        &at("issuing-cert.pem"),
        "--key",
        &key,
        "--pin-file",
        pin,
        "--out",
        &at("leaf.pem"),
    ])
    .ends_with(0);
    let (_folder, program) = crate::support::program();
    let sign =
        ["sign", text(&program), "--key", &rsa().key, "--pin-file", pin, "--cert", &at("leaf.pem")];
    // Without the intermediate, nobody can find the way up.
    let alone = folder.path().join("alone.exe");
    chancery(sign.iter().copied().chain(["--out", text(&alone), "--force"])).ends_with(0);
    let report = |file: &Path| {
        chancery(["verify", "--format", "json", text(file), "--roots", text(&rsa().root)]).object()
    };
    assert_eq!(report(&alone)["signatures"][0]["chain"], "incomplete");
    chancery(sign.iter().copied().chain(["--chain", &at("issuing-cert.pem")])).ends_with(0);
    assert_eq!(report(&program)["verdict"], "valid");
    chancery_testkit::oracles::Oracles::discover().assert_accept(&program, &rsa().root);
    let later = chancery([
        "verify",
        "--format",
        "json",
        text(&program),
        "--roots",
        text(&rsa().root),
        "--at",
        "2049-01-01",
    ]);
    assert_eq!(later.ends_with(1).object()["signatures"][0]["chain"], "expired");
}

const INF: &str = "[Version]\r
Signature = \"$Windows NT$\"\r
\r
[NewRequest]\r
Subject = \"CN=e2e.example,C=GB,L=Leeds,O=Example Ltd,OU=Release\"\r
KeyAlgorithm = RSA\r
KeyLength = 2048\r
HashAlgorithm = SHA384\r
ProviderName = \"Example Key Storage Provider\"\r
KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE\"\r
MachineKeySet = True\r
";

fn new_from_inf(folder: &Path, inf: &str, more: &[&str]) -> crate::support::Run {
    let path = folder.join("request.inf");
    fs::write(&path, inf).unwrap();
    let key = format!("file:{}", folder.join("key.pem").display());
    let args = ["csr", "new", text(&path), "--key", &key, "--pin-file", text(&rsa().passphrase)];
    chancery(args.iter().chain(more))
}

#[test]
fn an_inf_makes_a_key_and_a_request_that_openssl_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("request.csr");
    let made = new_from_inf(folder.path(), INF, &["--out", text(&request)]).ends_with(0);
    assert!(made.stderr.contains("made the key"), "{}", made.stderr);
    let said = openssl_says(&["req", "-in", text(&request), "-noout", "-verify", "-text"]);
    // Encoded in the reverse of the string, so the common name comes last.
    for part in [
        "OU = Release, O = Example Ltd, L = Leeds, C = GB, CN = e2e.example",
        "Public-Key: (2048 bit)",
        "sha384WithRSAEncryption",
        "X509v3 Key Usage: critical",
        "Digital Signature",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    // Again, with the key there is.
    let again = folder.path().join("again.csr");
    let same = new_from_inf(folder.path(), INF, &["--out", text(&again)]).ends_with(0);
    assert!(!same.stderr.contains("made the key"), "{}", same.stderr);
    assert_eq!(fs::read(&request).unwrap(), fs::read(&again).unwrap());
    let other = INF.replace("2048", "3072");
    new_from_inf(folder.path(), &other, &[]).ends_with(2);
}

#[test]
fn an_inf_that_is_not_in_order_is_named_by_line() {
    let folder = tempfile::tempdir().unwrap();
    for (inf, part) in [
        (INF.replace("KeyLength = 2048", "KeyLength = 1024"), "1024"),
        (INF.replace("Subject", "Subjct"), "Subject"),
        (INF.replace("\"CN=", "\u{201c}CN="), "line 5"),
        (INF.replace("KeyAlgorithm = RSA", "KeyAlgorithm = ROT13"), "ROT13"),
    ] {
        let run = new_from_inf(folder.path(), &inf, &[]).ends_with(3);
        assert!(run.stderr.contains("request.inf"), "{}", run.stderr);
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
        assert!(!folder.path().join("key.pem").exists(), "no key for a broken INF");
    }
}

#[test]
fn a_request_like_an_old_certificate_asks_for_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let key = format!("file:{}", folder.path().join("new.pem").display());
    let request = folder.path().join("request.csr");
    let pin = text(&ec().passphrase);
    chancery([
        "csr",
        "new",
        "--like",
        text(&ec().certificate),
        "--key",
        &key,
        "--pin-file",
        pin,
        "--out",
        text(&request),
    ])
    .ends_with(0);
    let old = chancery(["cert", "show", "--format", "json", text(&ec().certificate)]).object();
    let new = chancery(["csr", "show", "--format", "json", text(&request)]).object();
    for field in ["subject", "algorithm", "key_usage", "extended_key_usage"] {
        assert_eq!(old[field], new[field], "{field}");
    }
    openssl_says(&["req", "-in", text(&request), "-noout", "-verify"]);
}

#[test]
fn the_modulus_is_printed_as_openssl_prints_it() {
    let certificate = text(&rsa().certificate);
    let ours = chancery(["cert", "modulus", certificate]).ends_with(0);
    assert_eq!(ours.stdout, openssl_says(&["x509", "-in", certificate, "-noout", "-modulus"]));
    chancery(["cert", "modulus", text(&ec().certificate)]).ends_with(1);
}

/// Has openssl sign a revocation list of the RSA signer's root that names a serial number, if any.
fn revocation_list(folder: &Path, revoked: Option<&str>) -> std::path::PathBuf {
    let at = |name: &str| folder.join(name);
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    let entry = revoked.map(|serial| {
        format!("R\t491231235959Z\t260101000000Z\t{serial}\tunknown\t/CN=E2E Signer\n")
    });
    fs::write(at("index"), entry.unwrap_or_default()).unwrap();
    fs::write(at("number"), "01\n").unwrap();
    let (index, number) = (path("index"), path("number"));
    let text_of = format!(
        "[ca]\ndefault_ca=d\n[d]\ndatabase={index}\ncrlnumber={number}\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n"
    );
    fs::write(at("cnf"), text_of).unwrap();
    let list = at("list.crl");
    let key = rsa().file("ca.pem");
    let pass = format!("file:{}", text(&rsa().passphrase));
    let (cnf, root) = (path("cnf"), text(&rsa().root));
    openssl_says(&[
        "ca",
        "-gencrl",
        "-config",
        &cnf,
        "-keyfile",
        text(&key),
        "-passin",
        &pass,
        "-cert",
        root,
        "-crldays",
        "30",
        "-out",
        text(&list),
    ]);
    list
}

#[test]
fn certificates_are_judged_by_roots_time_and_revocation() {
    let folder = tempfile::tempdir().unwrap();
    let (leaf, root) = (text(&rsa().certificate), text(&rsa().root));
    let judge = |more: &[&str]| {
        let args = ["cert", "verify", leaf, "--format", "json"];
        chancery(args.iter().chain(more))
    };
    assert_eq!(judge(&["--roots", root]).ends_with(0).object()["chain"], "trusted");
    assert_eq!(judge(&[]).ends_with(1).object()["chain"], "incomplete");
    let other = judge(&["--roots", text(&ec().root)]).ends_with(1).object();
    assert_ne!(other["chain"], "trusted", "{other}");
    let later = judge(&["--roots", root, "--at", "2049-01-01"]).ends_with(1).object();
    assert_eq!(later["chain"], "expired");
    assert_eq!(later["findings"][0]["reason"], "expired");

    let clean = revocation_list(folder.path(), None);
    let good = judge(&["--roots", root, "--crl", text(&clean)]).ends_with(0).object();
    assert_eq!(good["chain"], "trusted");
    let shown = chancery(["cert", "show", "--format", "json", leaf]).object();
    let serial = shown["serial"].as_str().unwrap().to_uppercase();
    let revoked = revocation_list(folder.path(), Some(&serial));
    let refused = judge(&["--roots", root, "--crl", text(&revoked)]).ends_with(1).object();
    assert_eq!(refused["chain"], "revoked", "{refused}");

    let (_folder, program) = crate::support::program();
    rsa().sign([&program]).ends_with(0);
    let verify = ["verify", "--format", "json", text(&program), "--roots", root, "--crl"];
    let report = chancery(verify.iter().copied().chain([text(&revoked)])).ends_with(1).object();
    assert_eq!(report["verdict"], "untrusted");
    assert_eq!(report["signatures"][0]["chain"], "revoked");
    assert_eq!(report["signatures"][0]["chain_findings"][0]["reason"], "revoked");
}
