//! Certificates and keys in the forms of other tools.

use std::fs;
use std::path::Path;

use chancery_testkit::openssl::openssl;

use crate::support::{chancery, ec, program, rsa};

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

/// Writes signer and root into one file.
fn chain_file(folder: &Path) -> String {
    let path = folder.join("chain.pem");
    let pem = |path: &Path| fs::read_to_string(path).unwrap();
    fs::write(&path, pem(&rsa().certificate) + &pem(&rsa().root)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn certificates_are_exported_in_every_form_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let chain = chain_file(folder.path());
    let certificate = text(&rsa().certificate);
    chancery(["cert", "export", certificate, "--der", "--out", &at("a.cer")]).ends_with(0);
    openssl_says(&["x509", "-inform", "DER", "-in", &at("a.cer"), "-noout"]);
    let pem = chancery(["cert", "export", &at("a.cer")]).ends_with(0).stdout;
    assert_eq!(pem, fs::read_to_string(certificate).unwrap());
    for (name, form, more) in [("a.p7b", "PEM", &[][..]), ("b.p7b", "DER", &["--der"])] {
        let args = ["cert", "export", &chain, "--pkcs7", "--out", &at(name)];
        chancery(args.iter().chain(more)).ends_with(0);
        let said =
            openssl_says(&["pkcs7", "-print_certs", "-noout", "-inform", form, "-in", &at(name)]);
        assert!(said.contains("CN = E2E Signer") && said.contains("CN = E2E Root"), "{said}");
        let shown = chancery(["cert", "show", "--format", "json", &at(name)]).ends_with(0);
        assert_eq!(shown.objects().len(), 2);
    }
    let run = chancery(["cert", "export", &chain, "--der", "--out", &at("c.cer")]).ends_with(2);
    assert!(run.stderr.contains("DER is for one certificate"), "{}", run.stderr);
    chancery(["cert", "export", certificate, "--der", "--out", &at("a.cer")]).ends_with(8);
    chancery(["cert", "export", certificate, "--der"]).ends_with(2);
}

#[test]
fn a_key_travels_to_openssl_and_back_as_pkcs12_and_signs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let chain = chain_file(folder.path());
    fs::write(at("password"), "pass-word\n").unwrap();
    let key = ["--key", &rsa().key, "--pin-file", text(&rsa().passphrase)];
    let args = ["cert", "export", &chain, "--pkcs12", "--out", &at("ours.p12")];
    chancery(args.iter().chain(&key).chain(&["--new-pin-file", &at("password")])).ends_with(0);
    // OpenSSL takes it apart and puts it together again, as it does now and as it did.
    openssl_says(&[
        "pkcs12",
        "-in",
        &at("ours.p12"),
        "-passin",
        "pass:pass-word",
        "-noenc",
        "-out",
        &at("all.pem"),
    ]);
    for legacy in [&[][..], &["-legacy"]] {
        let args =
            ["pkcs12", "-export", "-in", &at("all.pem"), "-passout", "pass:pass-word", "-out"];
        let theirs = at("theirs.p12");
        openssl_says(&[&args[..], &[&theirs], legacy].concat());
        for scheme in ["file", "pkcs12"] {
            let (_folder, program) = program();
            let key = format!("{scheme}:{theirs}");
            chancery(["sign", text(&program), "--key", &key, "--pin-file", &at("password")])
                .ends_with(0);
            let verdict = chancery(["verify", text(&program), "--roots", text(&rsa().root)]);
            verdict.ends_with(0);
        }
    }
    let (_folder, program) = program();
    let key = format!("file:{}", at("theirs.p12"));
    let sign = ["sign", text(&program), "--key", &key, "--pin-file"];
    let run = chancery(sign.iter().chain(&[text(&rsa().passphrase)])).ends_with(4);
    assert!(run.stderr.contains("the password does not open"), "{}", run.stderr);
}

#[test]
fn a_key_goes_with_its_own_certificate_only() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("x.p12");
    let run = chancery([
        "cert",
        "export",
        text(&rsa().certificate),
        "--pkcs12",
        "--out",
        text(&out),
        "--key",
        &ec().key,
        "--pin-file",
        text(&ec().passphrase),
    ])
    .ends_with(1);
    assert!(run.stderr.contains("belongs to the key"), "{}", run.stderr);
    assert!(!out.exists());
}

#[test]
fn a_key_without_certificates_needs_one_to_sign() {
    let (_folder, program) = program();
    let pin = text(&rsa().passphrase);
    let run = chancery(["sign", text(&program), "--key", &rsa().key, "--pin-file", pin]);
    let run = run.ends_with(2);
    assert!(run.stderr.contains("--cert FILE"), "{}", run.stderr);
}

#[test]
fn a_request_holds_or_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let request = rsa().file("request.csr");
    let run = chancery(["csr", "verify", text(&request)]).ends_with(0);
    assert!(run.stdout.contains("CN=E2E Signer"), "{}", run.stdout);
    openssl_says(&["req", "-in", text(&request), "-outform", "DER", "-out", &at("r.der")]);
    let mut der = fs::read(at("r.der")).unwrap();
    let last = der.len() - 1;
    der[last] ^= 1;
    fs::write(at("changed.der"), &der).unwrap();
    fs::write(at("cut.der"), &der[..last]).unwrap();
    let changed = chancery(["csr", "verify", "--format", "json", &at("changed.der")]).ends_with(1);
    assert_eq!(changed.object()["holds"], false);
    let output = openssl(["req", "-verify", "-noout", "-inform", "DER", "-in", &at("changed.der")]);
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(said.contains("verify failure") || !output.status.success(), "{said}");
    chancery(["csr", "verify", &at("cut.der")]).ends_with(3);
    chancery(["csr", "verify", &at("none.der")]).ends_with(8);
    chancery(["csr", "verify", text(&request), &at("changed.der")]).ends_with(1);
}
