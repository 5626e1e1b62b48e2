//! Ed25519 keys, in files and in a token: what they sign, who agrees, and where they are refused.

use std::fs;
use std::path::Path;
use std::process::Command;

use chancery_testkit::faulty::FaultyToken;
use chancery_testkit::openssl::openssl;
use chancery_testkit::softhsm::SoftHsm;
use chancery_testkit::tamper::flip_byte;
use tempfile::TempDir;

use crate::support::{Run, chancery, program, run};

/// A key in a file, and certificates that it issued to itself: as a root, and for signing code.
struct Signer {
    folder: TempDir,
}

impl Signer {
    fn make() -> Self {
        let signer = Self { folder: tempfile::tempdir().unwrap() };
        crate::support::write_secret(signer.at("passphrase"), "correct horse\n");
        let made = signer.run(&["key", "generate", "--ed25519"]).ends_with(0);
        assert!(made.stdout.contains("made an Ed25519 key"), "{}", made.stdout);
        for (profile, subject, out) in
            [("root", "CN=Edwards Root", "root.pem"), ("code-signing", "CN=Edwards", "signer.pem")]
        {
            let out = signer.at(out);
            let issue = ["cert", "issue", "--profile", profile, "--subject", subject];
            signer.run(&[&issue[..], &["--out", &out]].concat()).ends_with(0);
        }
        signer
    }

    fn at(&self, name: &str) -> String {
        at(&self.folder, name)
    }

    /// Runs the command with the key.
    fn run(&self, args: &[&str]) -> Run {
        let (key, passphrase) = (format!("file:{}", self.at("key.pem")), self.at("passphrase"));
        chancery(args.iter().copied().chain(["--key", &key, "--pin-file", &passphrase]))
    }

    fn gnutls_accepts(&self, signed: &str) -> bool {
        let certificate = self.at("signer.pem");
        let mut certtool = Command::new("certtool");
        certtool.args(["--p7-verify", "--inder", "--load-ca-certificate", &certificate]);
        let output = certtool.args(["--infile", signed]).output();
        let output =
            output.unwrap_or_else(|error| panic!("certtool (apt-get install gnutls-bin): {error}"));
        output.status.success()
    }
}

fn at(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_key_in_a_file_signs_what_others_verify() {
    let signer = Signer::make();
    let tested = signer.run(&["key", "test"]).ends_with(0);
    assert!(tested.stdout.contains("Ed25519, signs ed25519, verified"), "{}", tested.stdout);

    let (root, request) = (signer.at("root.pem"), signer.at("request.csr"));
    let verify = ["verify", "-x509_strict", "-check_ss_sig", "-CAfile", &root, &root];
    assert!(openssl(verify).status.success());
    signer.run(&["csr", "new", "--subject", "CN=Edwards", "--out", &request]).ends_with(0);
    let output = openssl(["req", "-verify", "-noout", "-in", &request]);
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(output.status.success() && said.contains("verify ok"), "{said}");
    chancery(["csr", "verify", &request]).ends_with(0);

    let (content, signed) = (signer.at("content"), signer.at("signed.p7m"));
    fs::write(&content, "what is signed\n").unwrap();
    let certificate = signer.at("signer.pem");
    let sign = ["cms", "sign", &content, "--attached", "--cert", &certificate, "--out", &signed];
    signer.run(&sign).ends_with(0);
    let verify = ["cms", "verify", &signed, "--roots", &certificate, "--format", "json"];
    let report = chancery(verify).ends_with(0).object();
    assert_eq!(report["signatures"][0]["scheme"], "ed25519");
    assert_eq!(report["signatures"][0]["digest_algorithm"], "sha512");
    assert!(signer.gnutls_accepts(&signed));
    let last = fs::metadata(&signed).unwrap().len() - 1;
    flip_byte(Path::new(&signed), last);
    assert!(!signer.gnutls_accepts(&signed));
    assert_eq!(chancery(verify).ends_with(1).object()["verdict"], "invalid");
    fs::remove_file(&signed).unwrap();
    let other = signer.run(&[&sign[..], &["--digest", "sha256"]].concat()).ends_with(5).stderr;
    assert!(other.contains("signs with sha512 alone, not with sha256"), "{other}");
}

#[test]
fn what_openssl_keeps_and_writes_is_used_as_it_is() {
    let signer = Signer::make();
    let (key, request) = (signer.at("theirs.pem"), signer.at("theirs.csr"));
    let made = ["req", "-new", "-newkey", "ed25519", "-noenc", "-subj", "/CN=Theirs", "-keyout"];
    assert!(openssl(made.iter().chain(&[&key[..], "-out", &request])).status.success());
    chancery(["csr", "verify", &request]).ends_with(0);
    chancery(["key", "test", "--key", &format!("file:{key}")]).ends_with(0);
    let (root, issued) = (signer.at("root.pem"), signer.at("issued.pem"));
    let issue = ["cert", "issue", "--request", &request, "--cert", &root, "--out", &issued];
    signer.run(&issue).ends_with(0);
    assert!(openssl(["verify", "-x509_strict", "-CAfile", &root, &issued]).status.success());
    chancery(["cert", "verify", &issued, "--roots", &root]).ends_with(0);
    let found = ["key", "find", "--cert", &issued, "--key"];
    let place = format!("file:{}", signer.folder.path().display());
    let found = chancery(found.iter().chain(&[&place[..]])).ends_with(0).stdout;
    assert!(found.contains("theirs.pem  Ed25519"), "{found}");
}

#[test]
fn a_program_is_not_signed_and_the_token_not_touched() {
    let Some(hsm) = SoftHsm::create() else { return };
    hsm.init_token("T", "1234");
    let faulty = FaultyToken::over(&hsm);
    let command = |args: &[&str]| {
        let mut command = faulty.command(env!("CARGO_BIN_EXE_chancery"));
        command.args(args).env("PKCS11_MODULE", faulty.module());
        run(command)
    };
    let path = |name: &str| hsm.dir().join(name).to_str().unwrap().to_owned();
    let (pin, certificate) = (path("pin"), path("signer.pem"));
    fs::write(&pin, "1234\n").unwrap();
    let access = ["--key", "pkcs11:token=T;object=edwards", "--pin-file", &pin];
    command(&[&["key", "generate", "--ed25519"][..], &access].concat()).ends_with(0);
    let tested = command(&[&["key", "test"][..], &access].concat()).ends_with(0);
    assert!(tested.stdout.contains("Ed25519, signs ed25519, verified"), "{}", tested.stdout);
    let issue = ["cert", "issue", "--profile", "code-signing", "--subject", "CN=Edwards"];
    command(&[&issue[..], &["--out", &certificate], &access].concat()).ends_with(0);
    let verify = ["verify", "-check_ss_sig", "-CAfile", &certificate, &certificate];
    assert!(openssl(verify).status.success());

    let (_folder, program) = program();
    let before = fs::read(&program).unwrap();
    let program = program.to_str().unwrap();
    faulty.forget_calls();
    for more in [&[][..], &["--force"], &["--dry-run"]] {
        let sign = ["sign", program, "--cert", &certificate];
        let refused = command(&[&sign[..], more, &access].concat()).ends_with(1).stderr;
        for part in [
            "nothing is signed",
            "`CN=Edwards`",
            "Windows does not verify EdDSA in Authenticode",
            "chancery key generate --key KEY --rsa 3072",
            "chancery cms sign",
        ] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
    }
    assert_eq!(faulty.calls(), [], "the module is not even loaded");
    assert_eq!(fs::read(program).unwrap(), before);
}

#[test]
fn ed448_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let key = at(&folder, "ed448.pem");
    assert!(openssl(["genpkey", "-algorithm", "ED448", "-out", &key]).status.success());
    let address = format!("file:{key}");
    let refused = chancery(["key", "test", "--key", &address]).stderr;
    assert!(refused.contains("of type Ed448, where RSA, EC and Ed25519 are read"), "{refused}");
    for (curve, part) in [("ed448", "Ed448 is not done here"), ("Ed25519", "say --ed25519")] {
        let new = format!("file:{}", at(&folder, "new.pem"));
        let generate = ["key", "generate", "--key", &new, "--ec", curve];
        let refused = chancery(generate).ends_with(2).stderr;
        assert!(refused.contains(part), "{refused}");
    }
}
