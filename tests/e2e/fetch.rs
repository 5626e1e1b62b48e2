//! Issuers and revocation lists from a server, which may be a bad one.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chancery_testkit::http_server::{Answer, HttpServer};
use chancery_testkit::openssl::openssl;
use tempfile::TempDir;

use crate::support::{Run, chancery, program};

/// A root, an intermediate and a signer made by openssl, whose certificates name a server.
pub(crate) struct Pki {
    folder: TempDir,
    server: HttpServer,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pki {
    pub(crate) fn make() -> Self {
        let answers: Arc<Mutex<HashMap<String, Answer>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (known, log) = (Arc::clone(&answers), Arc::clone(&asked));
        let server = HttpServer::start(move |path| {
            log.lock().unwrap().push(path.to_owned());
            let missing = Answer::Status { status: 404, body: b"<html>no</html>".to_vec() };
            known.lock().unwrap().get(path).cloned().unwrap_or(missing)
        });
        let pki = Self { folder: tempfile::tempdir().unwrap(), server, answers, asked };
        fs::write(pki.at("issued.txt"), "").unwrap();
        fs::write(pki.at("openssl.cnf"), pki.configuration()).unwrap();
        for name in ["root", "ca", "signer"] {
            let (key, csr) = (pki.path(&format!("{name}.key")), pki.path(&format!("{name}.csr")));
            let subject = format!("/CN=Fetched {name}");
            let config = pki.path("openssl.cnf");
            let mut args = vec!["req", "-new", "-config", &config, "-newkey"];
            args.extend(["ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj", &subject]);
            args.extend(["-keyout", &key, "-out", &csr]);
            run_openssl(&args);
        }
        pki.issue("root", "root", true);
        pki.issue("ca", "root", false);
        pki.issue("signer", "ca", false);
        pki.publish("/ca.cer", Answer::ok(pki.der("x509", "ca.pem")));
        for issuer in ["root", "ca"] {
            pki.publish_list(issuer);
        }
        pki
    }

    fn configuration(&self) -> String {
        let url = |path: &str| self.server.url(path);
        format!(
            "[req]\ndistinguished_name=name\n[name]\n[ca]\ndefault_ca=this\n[this]\n\
             database={database}\nnew_certs_dir={folder}\nrand_serial=yes\ndefault_md=sha256\n\
             policy=any\n[any]\ncommonName=supplied\n\
             [root]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             [intermediate]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
             crlDistributionPoints=URI:{root_crl}\n\
             [signer]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n\
             crlDistributionPoints=URI:{ca_crl}\nauthorityInfoAccess=caIssuers;URI:{ca}\n",
            database = self.path("issued.txt"),
            folder = self.folder.path().display(),
            root_crl = url("/root.crl"),
            ca_crl = url("/ca.crl"),
            ca = url("/ca.cer"),
        )
    }

    fn issue(&self, name: &str, issuer: &str, is_root: bool) {
        let extensions = if name == "ca" { "intermediate" } else { name };
        let (csr, out) = (self.path(&format!("{name}.csr")), self.path(&format!("{name}.pem")));
        let (config, key) = (self.path("openssl.cnf"), self.path(&format!("{issuer}.key")));
        let certificate = self.path(&format!("{issuer}.pem"));
        let mut args = vec!["ca", "-batch", "-notext", "-config", &config, "-days", "30"];
        args.extend(["-extensions", extensions, "-keyfile", &key, "-in", &csr, "-out", &out]);
        if is_root {
            args.push("-selfsign")
        } else {
            args.extend(["-cert", &certificate])
        }
        run_openssl(&args);
    }

    /// Publishes the revocation list of an issuer, and returns it.
    fn publish_list(&self, issuer: &str) -> Vec<u8> {
        let (config, list) = (self.path("openssl.cnf"), format!("{issuer}.crl"));
        let (key, out) = (self.path(&format!("{issuer}.key")), self.path(&list));
        let certificate = self.path(&format!("{issuer}.pem"));
        let mut args = vec!["ca", "-config", &config, "-gencrl", "-crldays", "7", "-keyfile", &key];
        args.extend(["-cert", &certificate, "-out", &out]);
        run_openssl(&args);
        let der = self.der("crl", &list);
        self.publish(&format!("/{list}"), Answer::ok(der.clone()));
        der
    }

    pub(crate) fn revoke_signer(&self) {
        let (config, key) = (self.path("openssl.cnf"), self.path("ca.key"));
        let (signer, ca) = (self.path("signer.pem"), self.path("ca.pem"));
        run_openssl(&[
            "ca", "-config", &config, "-revoke", &signer, "-keyfile", &key, "-cert", &ca,
        ]);
        self.publish_list("ca");
    }

    fn der(&self, command: &str, name: &str) -> Vec<u8> {
        let (from, to) = (self.path(name), self.path("out.der"));
        run_openssl(&[command, "-in", &from, "-outform", "DER", "-out", &to]);
        fs::read(to).unwrap()
    }

    fn publish(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(path.into(), answer);
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Runs `cert verify` on the signer's certificate alone.
    fn verify(&self, more: &[&str]) -> Run {
        let (signer, root) = (self.path("signer.pem"), self.path("root.pem"));
        let args = ["cert", "verify", &signer, "--roots", &root];
        chancery(args.iter().chain(more))
    }
}

#[track_caller]
fn run_openssl(args: &[&str]) {
    let output = openssl(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_is_fetched_unless_asked_for() {
    let pki = Pki::make();
    let run = pki.verify(&[]).ends_with(1);
    assert!(run.stdout.contains("incomplete"), "{}", run.stdout);
    assert_eq!(pki.asked(), [""; 0]);
}

#[test]
fn issuer_and_lists_are_fetched_once_each() {
    let pki = Pki::make();
    let run = pki.verify(&["--fetch"]).ends_with(0);
    assert!(run.stdout.contains("trusted"), "{}", run.stdout);
    let mut asked = pki.asked();
    asked.sort();
    assert_eq!(asked, ["/ca.cer", "/ca.crl", "/root.crl"]);
    assert!(run.stderr.contains("/ca.cer"), "{}", run.stderr);
}

#[test]
fn a_bundle_serves_as_well_as_a_certificate() {
    let pki = Pki::make();
    let (from, to) = (pki.path("ca.pem"), pki.path("ca.p7b"));
    chancery(["cert", "export", &from, "--pkcs7", "--der", "--out", &to]).ends_with(0);
    pki.publish("/ca.cer", Answer::ok(fs::read(to).unwrap()));
    pki.verify(&["--fetch"]).ends_with(0);
}

#[test]
fn a_fetched_list_revokes() {
    let pki = Pki::make();
    pki.revoke_signer();
    let run = pki.verify(&["--fetch"]).ends_with(1);
    assert!(run.stdout.contains("revoked"), "{}", run.stdout);
}

#[test]
fn what_a_bad_server_says_is_named_and_proves_nothing() {
    let html = || Answer::ok(b"<!DOCTYPE html><title>login</title>".to_vec());
    let pki = Pki::make();
    // Of another issuer: a list is evidence only where its signature says so.
    let wrong = pki.publish_list("root");
    for (answer, said) in [
        (html(), "is not what should be there"),
        (Answer::Status { status: 500, body: Vec::new() }, "status 500"),
        (Answer::Redirect("/ca.crl".into()), "one place to the next"),
        (Answer::Endless { claimed: Some(100 << 20) }, "longer than 16777216 bytes"),
        (Answer::ok(wrong), ""),
    ] {
        pki.publish("/ca.crl", answer);
        // A missing list is no proof of anything, either way.
        let run = pki.verify(&["--fetch"]).ends_with(0);
        assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
    }
    for (answer, said) in
        [(html(), "is not what should be there"), (Answer::Endless { claimed: None }, "longer")]
    {
        pki.publish("/ca.cer", answer);
        let run = pki.verify(&["--fetch"]).ends_with(1);
        assert!(run.stdout.contains("incomplete"), "{}", run.stdout);
        assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
    }
    // A certificate of the right name and another key.
    let (config, key, csr) = (pki.path("openssl.cnf"), pki.path("x.key"), pki.path("ca.csr"));
    let mut args = vec!["req", "-new", "-config", &config, "-newkey", "ec", "-pkeyopt"];
    args.extend(["ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=Fetched ca", "-keyout", &key]);
    args.extend(["-out", &csr]);
    run_openssl(&args);
    fs::write(pki.at("issued.txt"), "").unwrap();
    pki.issue("ca", "root", false);
    pki.publish("/ca.cer", Answer::ok(pki.der("x509", "ca.pem")));
    let run = pki.verify(&["--fetch"]).ends_with(1);
    assert!(run.stdout.contains("not signed by the issuer it names"), "{}", run.stdout);
}

#[test]
fn a_wrong_issuer_at_hand_does_not_keep_the_right_one_away() {
    let pki = Pki::make();
    let (config, key, other) = (pki.path("openssl.cnf"), pki.path("x.key"), pki.path("x.pem"));
    let mut args = vec!["req", "-x509", "-config", &config, "-newkey", "ec", "-pkeyopt"];
    args.extend(["ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=Fetched ca", "-keyout", &key]);
    args.extend(["-out", &other]);
    run_openssl(&args);
    let run = pki.verify(&["--chain", &other]).ends_with(1);
    assert!(run.stdout.contains("not signed by the issuer it names"), "{}", run.stdout);
    pki.verify(&["--chain", &other, "--fetch"]).ends_with(0);
}

#[test]
fn a_signed_file_is_verified_with_what_was_fetched() {
    let pki = Pki::make();
    let (_folder, file) = program();
    let (key, signer, root) =
        (pki.path("signer.key"), pki.path("signer.pem"), pki.path("root.pem"));
    let (file, key) = (file.to_str().unwrap(), format!("file:{key}"));
    // Alone in the file, which signing refuses unless forced.
    chancery(["sign", file, "--key", &key, "--cert", &signer, "--force"]).ends_with(0);
    chancery(["verify", file, "--roots", &root]).ends_with(1);
    chancery(["verify", file, "--roots", &root, "--fetch"]).ends_with(0);
    pki.asked();
    chancery(["verify", file, file, "--roots", &root, "--fetch"]).ends_with(0);
    assert_eq!(pki.asked().len(), 3, "once for both files");
    pki.revoke_signer();
    let run = chancery(["verify", file, "--roots", &root, "--fetch"]).ends_with(1);
    assert!(run.stdout.contains("revoked"), "{}", run.stdout);
}
