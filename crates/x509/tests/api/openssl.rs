//! OpenSSL reads what we write and verifies it strictly, and we read what OpenSSL writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme as S, SigningKey};
use chancery_testkit::openssl::{CodeSigningCa, openssl};
use chancery_x509::{
    CertificationRequest, Identity, Profile, RequestBuilder, oid, read_certificates, to_pem,
};

use super::support::{builder, ec, ed25519, issue, name, root, rsa};

/// A folder to run `openssl` in.
struct OpenSsl(PathBuf);

impl OpenSsl {
    /// Finds the tool and makes an empty folder. Without it the test is skipped, unless
    /// `CHANCERY_REQUIRE_ORACLES=1`.
    fn find(folder: &str) -> Option<Self> {
        let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if there.is_ok_and(|status| status.success()) {
            let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("x509-openssl").join(folder);
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(&dir).unwrap();
            return Some(Self(dir));
        }
        let required = std::env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|v| v == "1");
        assert!(!required, "openssl is required and cannot be run");
        println!("skipped: openssl cannot be run");
        None
    }

    fn write(&self, name: &str, contents: &[u8]) -> String {
        let path = self.at(name);
        fs::write(&path, contents).unwrap();
        path
    }

    fn at(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Runs a command and tells whether it succeeded, and what it said.
    fn run(args: &[&str]) -> (bool, String) {
        let output = openssl(args);
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    fn succeed(args: &[&str]) -> String {
        let (succeeded, said) = Self::run(args);
        assert!(succeeded, "openssl {}: {said}", args.join(" "));
        said
    }
}

#[test]
fn openssl_verifies_our_chain_strictly_and_no_changed_one() {
    let Some(dir) = OpenSsl::find("chain") else { return };
    let (p256, p384, ed25519) = (ec(EcCurve::P256), ec(EcCurve::P384), ed25519());
    let cases: [(&dyn SigningKey, S); 5] = [
        (rsa(), S::RsaPkcs1Sha256),
        (rsa(), S::RsaPssSha256),
        (&p256, S::EcdsaSha256),
        (&p384, S::EcdsaSha384),
        (&ed25519, S::Ed25519),
    ];
    for (index, (key, scheme)) in cases.into_iter().enumerate() {
        let root_key = ec(EcCurve::P384);
        let root = root("CN=Root,O=Example Ltd,C=GB", &root_key, S::EcdsaSha384);
        let root_identity = Identity::new(root_key, root.clone(), &[]).unwrap();
        let ca_key = ec(EcCurve::P256);
        let ca = builder(Profile::IntermediateCa, "CN=CA,C=GB", &ca_key)
            .issued_by(&root_identity, S::EcdsaSha384)
            .unwrap();
        let ca_identity = Identity::new(ca_key, ca.clone(), &[]).unwrap();
        let leaf = issue(&ca_identity, Profile::CodeSigning, "CN=Leaf,C=GB", key).unwrap();
        let own = super::support::root("CN=Self-signed", key, scheme);

        let pem = |certificate: &chancery_x509::Certificate| {
            to_pem("CERTIFICATE", certificate.as_der()).into_bytes()
        };
        let root_file = dir.write(&format!("{index}-root.pem"), &pem(&root));
        let ca_file = dir.write(&format!("{index}-ca.pem"), &pem(&ca));
        let leaf_file = dir.write(&format!("{index}-leaf.pem"), &pem(&leaf));
        let own_file = dir.write(&format!("{index}-own.pem"), &pem(&own));
        let strictly = |ca: &str, rest: &[&str]| {
            let args = ["verify", "-x509_strict", "-check_ss_sig", "-no-CApath", "-CAfile", ca];
            OpenSsl::run(&[&args[..], rest].concat())
        };
        let (verified, said) = strictly(&root_file, &["-untrusted", &ca_file, &leaf_file]);
        assert!(verified, "{scheme}: {said}");
        let (verified, said) = strictly(&own_file, &[&own_file]);
        assert!(verified, "{scheme}: {said}");
        let text = OpenSsl::succeed(&["x509", "-in", &leaf_file, "-noout", "-text"]);
        for wanted in ["Code Signing", "Digital Signature", "CN = Leaf", "Version: 3 (0x2)"] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }

        let der = own.as_der();
        for offset in (4..der.len()).step_by(41) {
            let mut changed = der.to_vec();
            changed[offset] ^= 1;
            let changed = dir.write("changed.pem", to_pem("CERTIFICATE", &changed).as_bytes());
            assert!(!strictly(&changed, &[&changed]).0, "{scheme}: byte {offset}");
        }
    }
}

#[test]
fn openssl_verifies_our_requests_and_no_changed_one() {
    let Some(dir) = OpenSsl::find("request") else { return };
    let (p256, p384, ed25519) = (ec(EcCurve::P256), ec(EcCurve::P384), ed25519());
    let cases: [(&dyn SigningKey, S); 5] = [
        (rsa(), S::RsaPkcs1Sha256),
        (rsa(), S::RsaPssSha512),
        (&p256, S::EcdsaSha256),
        (&p384, S::EcdsaSha384),
        (&ed25519, S::Ed25519),
    ];
    let verify = |der: &[u8]| {
        let file = dir.write("request.der", der);
        OpenSsl::run(&["req", "-inform", "DER", "-in", &file, "-verify", "-noout", "-text"])
    };
    for (key, scheme) in cases {
        let subject = name("CN=Smith\\, Jones,O=Tést Ltd,C=GB");
        let request = RequestBuilder::code_signing(subject).sign(key, scheme).unwrap();
        let (verified, said) = verify(request.as_der());
        assert!(verified && said.to_lowercase().contains("verify ok"), "{scheme}: {said}");
        assert!(said.contains("Code Signing") && said.contains("Smith, Jones"), "{said}");

        let mut changed = request.as_der().to_vec();
        let byte = changed.len() / 3;
        changed[byte] ^= 1;
        let (verified, said) = verify(&changed);
        assert!(!verified || !said.to_lowercase().contains("verify ok"), "{scheme}: {said}");
    }
}

#[test]
fn certificates_of_openssl_are_read_and_verified() {
    let Some(dir) = OpenSsl::find("theirs") else { return };
    let made = CodeSigningCa::create_in(&dir.0);
    let [root, signer] = [&made.root, &made.signer]
        .map(|path| read_certificates(&fs::read(path).unwrap()).unwrap().remove(0));
    assert!(root.is_self_signed() && root.is_ca());
    assert!(signer.names_as_issuer(&root) && signer.may_sign_code() && !signer.is_ca());
    signer.verify_signature(root.public_key()).unwrap();
    assert!(signer.verify_signature(signer.public_key()).is_err());
    assert_eq!(signer.subject().to_string(), "CN=Testkit Signer");
    assert_eq!(signer.not_after().to_string(), "2049-12-31T00:00:00Z");

    let many = [
        "subjectAltName=DNS:a.example,email:b@c.example,URI:https://d.example/",
        "certificatePolicies=2.23.140.1.4.1,1.2.3.4",
        "crlDistributionPoints=URI:http://crl.example/1.crl",
        "authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/",
        "nameConstraints=critical,permitted;DNS:example",
        "keyUsage=critical,digitalSignature,nonRepudiation,decipherOnly,keyAgreement",
        "extendedKeyUsage=codeSigning,emailProtection,1.3.6.1.4.1.311.10.3.13",
        "1.2.3.4.5=critical,DER:0500",
    ];
    for (newkey, options, algorithm) in [
        ("rsa", &["-pkeyopt", "rsa_keygen_bits:2048"][..], KeyAlgorithm::Rsa { bits: 2048 }),
        ("ec", &["-pkeyopt", "ec_paramgen_curve:P-384"], KeyAlgorithm::Ec(EcCurve::P384)),
        ("ec", &["-pkeyopt", "ec_paramgen_curve:P-521"], KeyAlgorithm::Ec(EcCurve::P521)),
        ("ed25519", &[], KeyAlgorithm::Ed25519),
    ] {
        let (key, out) = (dir.at("new.key"), dir.at("new.pem"));
        let subject = "/C=GB/O=Example, Ltd/OU=A+CN=Tést/emailAddress=a@b.example";
        let mut args = vec!["req", "-x509", "-utf8", "-multivalue-rdn", "-noenc"];
        args.extend(["-newkey", newkey]);
        args.extend(options);
        args.extend(["-keyout", &key, "-out", &out]);
        args.extend(["-days", "30", "-subj", subject]);
        args.extend(many.iter().flat_map(|extension| ["-addext", extension]));
        OpenSsl::succeed(&args);
        let certificate = read_certificates(&fs::read(&out).unwrap()).unwrap().remove(0);
        assert_eq!(certificate.public_key().algorithm(), algorithm);
        assert!(certificate.is_self_signed());
        assert_eq!(
            certificate.subject().to_string(),
            "EMAIL=a@b.example,OU=A+CN=Tést,O=Example\\, Ltd,C=GB"
        );
        let extensions = certificate.extensions();
        assert!(extensions.iter().count() >= many.len());
        assert!(extensions.iter().any(|extension| extension.critical
            && extension.oid.to_string() == "1.2.3.4.5"
            && extension.value == [5, 0]));
        let uses = extensions.key_usage().unwrap().unwrap();
        assert_eq!(
            uses.names(),
            ["digitalSignature", "nonRepudiation", "keyAgreement", "decipherOnly"]
        );
        let purposes = extensions.extended_key_usage().unwrap().unwrap();
        assert_eq!((purposes[0], purposes[2]), (oid::CODE_SIGNING, oid::LIFETIME_SIGNING));
    }
}

#[test]
fn requests_of_openssl_are_read_and_verified() {
    let Some(dir) = OpenSsl::find("their-request") else { return };
    let (key, out) = (dir.at("new.key"), dir.at("new.csr"));
    let mut args = vec!["req", "-new", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=Example"];
    args.extend(["-addext", "keyUsage=critical,digitalSignature"]);
    args.extend(["-addext", "extendedKeyUsage=codeSigning"]);
    args.extend(["-keyout", &key, "-out", &out]);
    OpenSsl::succeed(&args);
    let request = CertificationRequest::from_file_contents(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(request.subject().to_string(), "CN=Example");
    assert_eq!(request.scheme(), S::RsaPkcs1Sha256);
    let purposes = request.extensions().extended_key_usage().unwrap();
    assert_eq!(purposes, Some(vec![oid::CODE_SIGNING]));
}
