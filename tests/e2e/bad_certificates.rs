//! Certificates that deserve no trust, each for a reason that is named.

use std::fs;

use chancery_testkit::openssl::openssl;
use tempfile::TempDir;

use crate::support::{chancery, names, program, rsa};

/// Keys, requests and certificates by name, in a folder.
struct Maker(TempDir);

impl Maker {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let extensions = "[req]\ndistinguished_name=name\n[name]\n\
            [ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
            [leaf]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n\
            [odd]\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n\
            1.3.6.1.4.1.99999.1=critical,DER:0500\n";
        fs::write(folder.path().join("openssl.cnf"), extensions).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn openssl(&self, args: &[&str]) {
        let output = openssl(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes a key and a request for a name.
    fn request(&self, name: &str) {
        let (config, subject) = (self.path("openssl.cnf"), format!("/CN=Bad {name}"));
        let (key, out) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.csr")));
        let mut args = vec!["req", "-new", "-config", &config, "-subj", &subject, "-noenc"];
        args.extend(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
        args.extend(["-keyout", &key, "-out", &out]);
        self.openssl(&args);
    }

    /// Signs a request with a key of the issuer; the issuer's certificate of that name need not be it.
    fn issue(&self, name: &str, issuer: &str, section: &str, out: &str) {
        let (config, csr) = (self.path("openssl.cnf"), self.path(&format!("{name}.csr")));
        let (key, out) = (self.path(&format!("{issuer}.key")), self.path(out));
        let certificate = self.path(&format!("{issuer}.pem"));
        let mut args = vec!["x509", "-req", "-in", &csr, "-days", "30", "-out", &out];
        args.extend(["-extfile", &config, "-extensions", section]);
        if name == issuer {
            args.extend(["-signkey", &key]);
        } else {
            args.extend(["-CA", &certificate, "-CAkey", &key, "-CAcreateserial"]);
        }
        self.openssl(&args);
    }

    /// Makes a self-signed CA.
    fn root(&self, name: &str) -> String {
        self.request(name);
        self.issue(name, name, "ca", &format!("{name}.pem"));
        self.path(&format!("{name}.pem"))
    }
}

#[test]
fn a_root_with_a_curve_of_its_own_is_refused_as_cve_2020_0601_made_them() {
    let maker = Maker::new();
    let make = |encoding: &str| {
        let (config, out) = (maker.path("openssl.cnf"), maker.path("curve.pem"));
        let encoding = format!("ec_param_enc:{encoding}");
        let mut args = vec!["req", "-x509", "-config", &config, "-subj", "/CN=Curve", "-noenc"];
        args.extend([
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-pkeyopt",
            &encoding,
        ]);
        args.extend(["-extensions", "ca", "-keyout", "/dev/null", "-out", &out]);
        maker.openssl(&args);
        out
    };
    let signer = rsa().certificate.to_str().unwrap();
    let named = make("named_curve");
    chancery(["cert", "verify", signer, "--roots", &named]).ends_with(1);
    let explicit = make("explicit");
    let run = chancery(["cert", "verify", signer, "--roots", &explicit]).ends_with(3);
    assert!(run.stderr.contains("unreadable public key"), "{}", run.stderr);
    chancery(["cert", "verify", &explicit, "--roots", &named]).ends_with(3);
}

#[test]
fn a_certificate_in_ber_is_malformed() {
    let maker = Maker::new();
    let (pem, der) = (rsa().certificate.to_str().unwrap(), maker.path("a.der"));
    maker.openssl(&["x509", "-in", pem, "-outform", "DER", "-out", &der]);
    let bytes = fs::read(&der).unwrap();
    assert_eq!(bytes[..2], [0x30, 0x82]);
    let root = rsa().root.to_str().unwrap();
    chancery(["cert", "verify", &der, "--roots", root]).ends_with(0);
    let indefinite = [&[0x30, 0x80], &bytes[4..], &[0, 0]].concat();
    let long_length = [&[0x30, 0x83, 0], &bytes[2..]].concat();
    for ber in [indefinite, long_length] {
        let path = maker.path("ber.der");
        fs::write(&path, ber).unwrap();
        let run = chancery(["cert", "verify", &path, "--roots", root]).ends_with(3);
        assert!(run.stderr.contains("ber.der"), "{}", run.stderr);
    }
}

#[test]
fn cas_that_certify_each_other_lead_nowhere() {
    let maker = Maker::new();
    let (a, b, stranger) = (maker.root("a"), maker.root("b"), maker.root("stranger"));
    maker.issue("a", "b", "ca", "a-by-b.pem");
    maker.issue("b", "a", "ca", "b-by-a.pem");
    maker.request("leaf");
    maker.issue("leaf", "a", "leaf", "leaf.pem");
    let leaf = maker.path("leaf.pem");
    let (a_by_b, b_by_a) = (maker.path("a-by-b.pem"), maker.path("b-by-a.pem"));
    let verify = |root: &str| {
        let loops = ["--chain", &a_by_b, "--chain", &b_by_a, "--format", "json"];
        chancery(["cert", "verify", &leaf, "--roots", root].iter().chain(&loops))
    };
    assert_eq!(verify(&stranger).ends_with(1).object()["chain"], "incomplete");
    assert_eq!(verify(&a).ends_with(0).object()["path"].as_array().unwrap().len(), 2);
    assert_eq!(verify(&b).ends_with(0).object()["path"].as_array().unwrap().len(), 3);
}

#[test]
fn a_critical_extension_nobody_knows_is_refused() {
    let maker = Maker::new();
    let root = maker.root("root");
    maker.request("leaf");
    for (section, code) in [("leaf", 0), ("odd", 1)] {
        maker.issue("leaf", "root", section, "leaf.pem");
        let leaf = maker.path("leaf.pem");
        let run = chancery(["cert", "verify", &leaf, "--roots", &root, "--format", "json"]);
        let object = run.ends_with(code).object();
        if code == 1 {
            assert_eq!(object["findings"][0]["reason"], "unknown-critical-extension");
        }
        let says = openssl(["verify", "-CAfile", &root, &leaf]).status.success();
        assert_eq!(says, code == 0, "openssl");
    }
}

#[test]
fn the_certificate_that_only_the_key_picks_from_a_file_is_judged_too() {
    let maker = Maker::new();
    let root = maker.root("root");
    maker.request("leaf");
    maker.issue("leaf", "root", "leaf", "leaf.pem");
    let both = maker.path("both.pem");
    let read = |name: &str| fs::read_to_string(maker.path(name)).unwrap();
    fs::write(&both, read("leaf.pem") + &read("root.pem")).unwrap();
    let (folder, program) = program();
    let before = fs::read(&program).unwrap();
    let sign = |key: &str, more: &[&str]| {
        let key = format!("file:{}", maker.path(key));
        let args = ["sign", "--key", &key, "--cert", &both, "--no-timestamp"];
        chancery(args.iter().chain(more).chain(&[program.to_str().unwrap()]))
    };
    // The leaf is what the file is about, and nothing speaks against it; the key is the issuer's.
    let run = sign("root.key", &[]).ends_with(1);
    assert!(run.stderr.contains("nothing is signed"), "{}", run.stderr);
    assert_eq!(fs::read(&program).unwrap(), before);
    assert_eq!(names(folder.path()), ["program.exe"]);

    sign("leaf.key", &[]).ends_with(0);
    let path = program.to_str().unwrap();
    let verify = || chancery(["verify", "--roots", &root, path]);
    verify().ends_with(0);
    sign("root.key", &["--force", "--replace"]).ends_with(0);
    let run = verify().ends_with(1);
    assert!(run.stdout.contains("CN=Bad root"), "{}", run.stdout);
}
