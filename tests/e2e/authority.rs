//! Certificate authorities in folders: three keys in one token, from the root to a revoked leaf.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_testkit::openssl::openssl;
use chancery_testkit::pkilint;
use chancery_testkit::softhsm::SoftHsm;
use serde_json::Value;

use crate::support::{Run, chancery, command, run};

/// Where an authority is tried out: keys in a token, or in files.
enum Place {
    Token(SoftHsm),
    Folder(tempfile::TempDir),
}

struct Bench(Place);

impl Bench {
    fn token() -> Option<Self> {
        let hsm = SoftHsm::create()?;
        hsm.init_token("T", "1234");
        crate::support::write_secret(hsm.dir().join("pin"), "1234\n");
        Some(Self(Place::Token(hsm)))
    }

    fn files() -> Self {
        let folder = tempfile::tempdir().unwrap();
        crate::support::write_secret(folder.path().join("pin"), "correct horse\n");
        Self(Place::Folder(folder))
    }

    fn dir(&self) -> &Path {
        match &self.0 {
            Place::Token(hsm) => hsm.dir(),
            Place::Folder(folder) => folder.path(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.dir().join(name).to_str().unwrap().to_owned()
    }

    /// A command with a PIN and, with a token, its module.
    fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut prepared = match &self.0 {
            Place::Token(hsm) => {
                let mut prepared = hsm.command(env!("CARGO_BIN_EXE_chancery"));
                prepared.args(args).env("PKCS11_MODULE", hsm.module());
                prepared
            }
            Place::Folder(_) => command(args),
        };
        prepared.arg("--pin-file").arg(self.path("pin"));
        prepared
    }

    fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        run(self.command(args))
    }

    fn key(&self, object: &str) -> String {
        let key = match &self.0 {
            Place::Token(_) => format!("pkcs11:token=T;object={object}"),
            Place::Folder(_) => format!("file:{}", self.path(&format!("{object}-key.pem"))),
        };
        self.run(["key", "generate", "--key", &key, "--ec", "p384"]).ends_with(0);
        key
    }

    fn request(&self, object: &str, subject: &str) -> String {
        let (key, out) = (self.key(object), self.path(&format!("{object}.csr")));
        self.run(["csr", "new", "--subject", subject, "--key", &key, "--out", &out]).ends_with(0);
        out
    }

    /// Makes the authority `root`.
    fn root(&self) -> String {
        let (key, root) = (self.key("root-ca"), self.path("root"));
        let subject = "CN=E2E Root,O=Example Ltd,C=GB";
        self.run(["ca", "init", &root, "--subject", subject, "--key", &key, "--profile", "root"])
            .ends_with(0);
        root
    }

    /// Issues a certificate and returns what was said of it.
    fn issue(&self, request: &str, ca: &str, out: &str, more: &[&str]) -> Value {
        let args = ["cert", "issue", request, "--ca", ca, "--out", out, "--format", "json"];
        self.run(args.iter().chain(more)).ends_with(0).object()
    }
}

fn openssl_verify(args: &[&str]) -> (bool, String) {
    let output = openssl([&["verify", "-x509_strict"], args].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// Shows a certificate with GnuTLS.
fn certtool(file: &str) -> String {
    let output = Command::new("certtool")
        .args(["--certificate-info", "--infile", file])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run certtool (apt install gnutls-bin): {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

const PLACES: [&str; 4] =
    ["--crl-url", "http://crl.example.com/ca.crl", "--aia", "http://ca.example.com/ca.cer"];

#[test]
fn a_chain_in_one_token_is_accepted_and_its_revoked_leaf_refused() {
    let Some(bench) = Bench::token() else { return };
    let root = bench.root();
    let root_pem = bench.path("root/ca.pem");
    let (issuing_pem, leaf_pem) = (bench.path("issuing.pem"), bench.path("leaf.pem"));

    let request = bench.request("issuing-ca", "CN=E2E Issuing CA,O=Example Ltd,C=GB");
    let policy = ["--certificate-policy", "2.23.140.1.4.1"];
    let more = [&["--profile", "intermediate"][..], &PLACES, &policy].concat();
    let issued = bench.issue(&request, &root, &issuing_pem, &more);
    assert_eq!(issued["type"], "issued");
    assert_eq!(issued["profile"], "intermediate");
    let issuing = bench.path("issuing");
    let key = "pkcs11:token=T;object=issuing-ca";
    let init = ["ca", "init", &issuing, "--cert", &issuing_pem, "--chain", &root_pem, "--key", key];
    let made = bench.run(init.iter().chain(&["--format", "json"])).ends_with(0).object();
    assert_eq!(made["subject"], "CN=E2E Issuing CA,O=Example Ltd,C=GB");
    let kept = fs::read_to_string(bench.path("issuing/key")).unwrap();
    assert_eq!(kept, format!("{key}\n"), "the address and no PIN");

    let request = bench.request("leaf", "CN=Example Ltd,O=Example Ltd,C=GB");
    let rules = ["--rules", "code-signing-baseline", "--days", "459"];
    let more = [&["--profile", "codesigning"][..], &PLACES, &policy, &rules].concat();
    let issued = bench.issue(&request, &issuing, &leaf_pem, &more);
    let serial = issued["serial"].as_str().unwrap().to_owned();
    assert_eq!(
        fs::read(bench.path(&format!("issuing/issued/{serial}.pem"))).unwrap(),
        fs::read(&leaf_pem).unwrap()
    );

    let (accepted, said) =
        openssl_verify(&["-CAfile", &root_pem, "-untrusted", &issuing_pem, &leaf_pem]);
    assert!(accepted, "{said}");
    let verify = ["cert", "verify", &leaf_pem, "--chain", &issuing_pem, "--roots", &root_pem];
    chancery(verify).ends_with(0);
    for (file, part) in [
        (&root_pem, "Certificate Authority (CA): TRUE"),
        (&issuing_pem, "Path Length Constraint: 0"),
        (&leaf_pem, "Code signing."),
    ] {
        let shown = certtool(file);
        assert!(shown.contains(part), "{part} in {shown}");
        assert!(file == &root_pem || shown.contains("http://crl.example.com/ca.crl"), "{shown}");
    }
    for file in [&root_pem, &issuing_pem, &leaf_pem] {
        assert_eq!(pkilint::errors(Path::new(file)), [] as [String; 0], "{file}");
    }

    let crls = || -> [String; 2] {
        [&root, &issuing].map(|ca| {
            let list = bench.run(["ca", "crl", ca, "--format", "json"]).ends_with(0).object();
            list["output"].as_str().unwrap().to_owned()
        })
    };
    let both = |files: &[String; 2]| {
        let path = bench.path("both.crl");
        fs::write(&path, files.each_ref().map(|file| fs::read_to_string(file).unwrap()).concat())
            .unwrap();
        path
    };
    let judge = |crl: &str| {
        let check = ["-crl_check_all", "-CRLfile", crl, "-CAfile", &root_pem, "-untrusted"];
        let theirs = openssl_verify(&[&check[..], &[&issuing_pem, &leaf_pem]].concat());
        let args = verify.iter().copied().chain(["--crl", crl, "--format", "json"]);
        (theirs, chancery(args))
    };
    let ((accepted, said), ours) = judge(&both(&crls()));
    assert!(accepted, "{said}");
    ours.ends_with(0);

    let refused = chancery(["cert", "revoke", &leaf_pem, "--ca", &root, "--reason", "superseded"])
        .ends_with(2);
    assert!(refused.stderr.contains("was not issued by"), "{}", refused.stderr);
    let revoke = ["cert", "revoke", &leaf_pem, "--ca", &issuing, "--reason", "key-compromise"];
    let since = ["--invalid-since", "2026-01-31", "--format", "json"];
    let revoked = chancery(revoke.iter().chain(&since)).ends_with(0).object();
    assert_eq!(revoked["serial"], serial.as_str());
    let again = chancery(revoke).ends_with(2);
    assert!(again.stderr.contains("is revoked since"), "{}", again.stderr);

    let lists = crls();
    assert_eq!(pkilint::revocation_list_errors(Path::new(&lists[1])), [] as [String; 0]);
    let said =
        openssl(["crl", "-in", &lists[1], "-noout", "-text", "-verify", "-CAfile", &issuing_pem]);
    let said = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    for part in ["verify OK", "Key Compromise", "Invalidity Date"] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let ((accepted, said), ours) = judge(&both(&lists));
    assert!(!accepted && said.contains("certificate revoked"), "{said}");
    assert_eq!(ours.ends_with(1).object()["chain"], "revoked");

    let listed = chancery(["ca", "list", &issuing, "--format", "json"]).ends_with(0).object();
    assert_eq!(listed["reason"], "key-compromise");
    assert_eq!(listed["invalid_since"], "2026-01-31T00:00:00Z");
}

#[test]
fn pkilint_finds_what_is_wrong() {
    let bench = Bench::files();
    let (key, out) = (bench.path("bad.key"), bench.path("bad.pem"));
    let args = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=Bad", "-keyout"];
    let usage = ["-addext", "keyUsage=digitalSignature", "-out", &out];
    assert!(openssl(args.iter().chain(&[&key[..]]).chain(&usage)).status.success());
    let found = pkilint::errors(Path::new(&out));
    assert!(found.iter().any(|code| code.starts_with("pkix.ca_certificate")), "{found:?}");
}

#[test]
fn what_makes_no_sense_is_refused_and_says_what_to_type() {
    let bench = Bench::files();
    let root = bench.root();
    let request = bench.request("leaf", "CN=Example Ltd");
    let refuse = |args: &[&str], code: i32, parts: &[&str]| {
        let said = bench.run(args).ends_with(code).stderr;
        for part in parts {
            assert!(said.contains(part), "{part} in {said}");
        }
    };
    let issue = ["cert", "issue", &request, "--ca", &root];
    let with = |more: &[&'static str]| issue.iter().copied().chain(more.iter().copied()).collect();
    let days: Vec<&str> = with(&["--days", "20000"]);
    refuse(&days, 1, &["outside-issuer-validity", "--days N"]);
    let nameless: Vec<&str> = with(&["--profile", "tls"]);
    refuse(&nameless, 2, &["alternative name", "dns=www.example.com"]);
    let address: Vec<&str> = with(&["--san", "ip=10.0.0.256", "--profile", "tls"]);
    refuse(&address, 2, &["10.0.0.256", "IP address"]);
    let root_again: Vec<&str> = with(&["--profile", "root"]);
    refuse(&root_again, 2, &["chancery ca init"]);
    let bare: Vec<&str> = with(&["--rules", "code-signing-baseline"]);
    refuse(&bare, 1, &["no-policies", "no-crl-location", "no-ca-issuers", "--crl-url"]);
    let none = bench.path("no-such-folder");
    refuse(&["cert", "issue", &request, "--ca", &none], 2, &["chancery ca init DIR"]);
    let key = format!("file:{}", bench.path("root-ca-key.pem"));
    let init = ["ca", "init", &root, "--subject", "CN=Other", "--key", &key];
    refuse(&init, 2, &["is not empty", "not there yet"]);
    // A request for the authority's own key.
    let own = bench.path("own.csr");
    bench.run(["csr", "new", "--subject", "CN=Own", "--key", &key, "--out", &own]).ends_with(0);
    refuse(&["cert", "issue", &own, "--ca", &root], 2, &["own key", "key generate"]);
    let serial = ["cert", "revoke", "--serial", "1234", "--ca", &root, "--reason", "superseded"];
    let said = chancery(serial).ends_with(2).stderr;
    assert!(said.contains("chancery ca list"), "{said}");
    chancery(["cert", "revoke", "--serial", "-5", "--ca", &root, "--reason", "superseded"])
        .ends_with(2);
    assert_eq!(chancery(["ca", "list", &root]).ends_with(0).stdout, "", "nothing was issued");
}

#[test]
fn broken_requests_get_no_certificate() {
    let bench = Bench::files();
    let root = bench.root();
    let request = bench.request("leaf", "CN=Example Ltd");
    let der = bench.path("leaf.der");
    assert!(openssl(["req", "-in", &request, "-outform", "DER", "-out", &der]).status.success());
    let bytes = fs::read(&der).unwrap();
    let broken = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = bench.dir().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let long = bench.dir().join("long.pem");
    fs::File::create(&long).unwrap().set_len(100 << 20).unwrap();
    for (path, part) in [
        (broken("flipped.der", &flipped), "does not verify"),
        (broken("longer.der", &[&bytes[..], b"more"].concat()), "no certification request in it"),
        (long, "longer than 16 MiB"),
    ] {
        let args = ["cert", "issue", path.to_str().unwrap(), "--ca", &root];
        let said = bench.run(args).ends_with(3).stderr;
        assert!(said.contains(part), "{part} in {said}");
    }
    // An address of five octets, asked for by OpenSSL.
    let (key, bad) = (bench.path("bad.key"), bench.path("bad.csr"));
    let args = [
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-noenc",
        "-subj",
        "/CN=Bad",
        "-addext",
        "subjectAltName=DER:300787050102030405",
        "-keyout",
        &key,
        "-out",
        &bad,
    ];
    let output = openssl(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = bench.run(["cert", "issue", &bad, "--ca", &root]).ends_with(3).stderr;
    assert!(said.contains("4 or 16 octets"), "{said}");
    assert_eq!(chancery(["ca", "list", &root]).ends_with(0).stdout, "", "nothing was issued");
}

#[test]
fn two_writers_and_a_crash_leave_the_index_whole() {
    let bench = Bench::files();
    let root = bench.root();
    let request = bench.request("leaf", "CN=Example Ltd");
    // What a killed process may leave: a line without an end.
    let index = bench.path("root/index.jsonl");
    fs::write(&index, "{\"event\":\"issued\",\"ser").unwrap();
    let children: Vec<_> = (0..4)
        .map(|number| {
            let out = bench.path(&format!("{number}.pem"));
            let mut command =
                bench.command(["cert", "issue", &request, "--ca", &root, "--out", &out]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(chancery(["ca", "list", &root]).ends_with(0).stdout.lines().count(), 4);
    let numbers: Vec<Value> = (0..2)
        .map(|_| bench.run(["ca", "crl", &root, "--format", "json"]).ends_with(0).object())
        .map(|list| list["number"].clone())
        .collect();
    assert_eq!(numbers, [1, 2]);
    fs::write(&index, "not an event\n").unwrap();
    let said = chancery(["ca", "list", &root]).ends_with(3).stderr;
    assert!(said.contains("index.jsonl") && said.contains("line 1"), "{said}");
}

#[test]
fn a_request_that_cannot_be_verified_is_shown_by_name() {
    let bench = Bench::files();
    let (key, out) = (bench.path("ed.key"), bench.path("ed.csr"));
    let args = ["req", "-new", "-newkey", "Ed448", "-noenc", "-subj", "/CN=Edwards", "-keyout"];
    assert!(openssl(args.iter().chain(&[&key[..], "-out", &out])).status.success());
    let shown = chancery(["csr", "show", &out, "--format", "json"]).ends_with(1).object();
    assert_eq!(shown["algorithm"], "Ed448");
    assert_eq!(shown["signature_algorithm"], "Ed448");
    assert_eq!(shown["scheme"], Value::Null);
}
