//! What `chancery sign` refuses before it touches a key, and what it says it would do.

use std::fs;
use std::path::{Path, PathBuf};

use chancery::key::{EcCurve, KeyAlgorithm, SignatureScheme, SigningKey};
use chancery::softkey::SoftKey;
use chancery::x509::{
    Certificate, CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity, to_pem,
};
use chancery_testkit::openssl::openssl;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Run, chancery, ec, names, program, rsa};

const SCHEME: SignatureScheme = SignatureScheme::EcdsaSha256;

/// A folder with a key, a root, and certificates of all kinds for that key.
struct House {
    folder: TempDir,
    root: Identity,
    key: SoftKey,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let generate = || SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap();
        let (root_key, key) = (generate(), generate());
        fs::write(folder.path().join("key.pem"), &*key.danger_to_plain_pem().unwrap()).unwrap();
        fs::write(folder.path().join("ca.pem"), &*root_key.danger_to_plain_pem().unwrap()).unwrap();
        let root = builder(Profile::RootCa, "CN=Root", &root_key, ("2020-01-01", "2045-01-01"))
            .self_signed(&root_key, SCHEME)
            .unwrap();
        let root = Identity::new(root_key, root, &[]).unwrap();
        let house = Self { folder, root, key };
        house.write("root.pem", house.root.certificate());
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, certificate: &Certificate) -> PathBuf {
        fs::write(self.at(name), to_pem("CERTIFICATE", certificate.as_der())).unwrap();
        self.at(name)
    }

    fn issue(&self, profile: Profile, times: (&str, &str)) -> PathBuf {
        let leaf = builder(profile, "CN=Leaf", &self.key, times);
        self.write("leaf.pem", &leaf.issued_by(&self.root, SCHEME).unwrap())
    }

    fn sign(&self, file: &Path, certificate: &Path, more: &[&str]) -> Run {
        let key = format!("file:{}", self.at("key.pem").display());
        let certificate = certificate.to_str().unwrap();
        let mut args = vec!["sign", file.to_str().unwrap(), "--key", &key, "--cert", certificate];
        args.extend(more);
        chancery(args)
    }
}

fn builder(
    profile: Profile,
    subject: &str,
    key: &SoftKey,
    (from, to): (&str, &str),
) -> CertificateBuilder {
    let time = |text| Time::parse_rfc3339(text).unwrap();
    CertificateBuilder::new(
        profile,
        subject.parse().unwrap(),
        key.public_key().clone(),
        Validity::new(time(from), time(to)).unwrap(),
        SerialNumber::from_octets([7; 20]),
    )
}

#[test]
fn doubtful_certificates_are_refused_until_one_insists() {
    let house = House::new();
    let root = house.at("root.pem");
    let with_root = ["--chain", root.to_str().unwrap()];
    let good = ("2020-01-01", "2045-01-01");
    for (profile, times, chain, why) in [
        (Profile::CodeSigning, ("2020-01-01", "2021-01-01"), &with_root[..], "not valid after"),
        (Profile::CodeSigning, ("2044-01-01", "2045-01-01"), &with_root, "not valid before"),
        (Profile::IntermediateCa, good, &with_root, "key usage does not allow signing"),
        (Profile::CodeSigning, good, &[], "is not at hand"),
    ] {
        let (folder, file) = program();
        let before = fs::read(&file).unwrap();
        let certificate = house.issue(profile, times);
        let refused = house.sign(&file, &certificate, chain).ends_with(1);
        assert!(refused.stderr.contains("nothing is signed"), "{}", refused.stderr);
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
        assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
        assert_eq!(refused.stderr.contains("--chain"), chain.is_empty(), "{}", refused.stderr);
        assert_eq!((fs::read(&file).unwrap(), names(folder.path()).len()), (before, 1));
        let forced = [chain, &["--force"]].concat();
        let signed = house.sign(&file, &certificate, &forced).ends_with(0);
        assert!(signed.stderr.contains("warning") && signed.stderr.contains(why), "{why}");
    }
    let (_folder, file) = program();
    let certificate = house.issue(Profile::CodeSigning, good);
    let signed = house.sign(&file, &certificate, &with_root).ends_with(0);
    assert_eq!(signed.stderr, "", "nothing speaks against it");
}

#[test]
fn a_revoked_certificate_is_refused_whoever_insists() {
    let house = House::new();
    let certificate = house.issue(Profile::CodeSigning, ("2020-01-01", "2045-01-01"));
    let at = |name: &str| house.at(name).to_str().unwrap().to_owned();
    let crl =
        |entries: &str| {
            fs::write(house.at("index.txt"), entries).unwrap();
            fs::write(house.at("ca.cnf"), format!(
            "[ca]\ndefault_ca=c\n[c]\ndatabase={}\ndefault_md=sha256\ndefault_crl_days=30\n",
            at("index.txt")
        ))
        .unwrap();
            let made = openssl([
                "ca",
                "-config",
                &at("ca.cnf"),
                "-gencrl",
                "-keyfile",
                &at("ca.pem"),
                "-cert",
                &at("root.pem"),
                "-out",
                &at("ca.crl"),
            ]);
            assert!(made.status.success(), "{made:?}");
        };
    let serial = "07".repeat(20);
    let options = ["--chain", &at("root.pem"), "--crl", &at("ca.crl"), "--force"];
    let (_folder, file) = program();
    crl(&format!("R\t450101000000Z\t250101000000Z\t{serial}\tunknown\t/CN=Leaf\n"));
    let refused = house.sign(&file, &certificate, &options).ends_with(1);
    assert!(refused.stderr.contains("revoked since 2025-01-01"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("--force"), "{}", refused.stderr);
    crl("R\t450101000000Z\t250101000000Z\t08\tunknown\t/CN=Other\n");
    house.sign(&file, &certificate, &options).ends_with(0);
}

#[test]
fn nobody_is_asked_for_a_pin_before_the_certificate_is_judged() {
    let house = House::new();
    let certificate = house.issue(Profile::CodeSigning, ("2020-01-01", "2021-01-01"));
    let (_folder, file) = program();
    // A key that is not there: whoever opened it would say so.
    let args = |more: &[&str]| {
        let mut args = vec!["sign", file.to_str().unwrap(), "--key", "file:no-such-key.pem"];
        args.extend(["--cert", certificate.to_str().unwrap()]);
        args.extend(more);
        chancery(args)
    };
    args(&[]).ends_with(1);
    args(&["--force"]).ends_with(5);
}

#[test]
fn key_and_certificate_that_are_apart_sign_nothing() {
    let (folder, file) = program();
    let other = ec().certificate.to_str().unwrap();
    let key = &rsa().key;
    let args = ["sign", file.to_str().unwrap(), "--key", key, "--cert", other, "--chain"];
    let root = ec().root.to_str().unwrap();
    let pin = ["--pin-file", rsa().passphrase.to_str().unwrap(), "--force"];
    let refused = chancery(args.iter().chain(&[root]).chain(&pin)).ends_with(1);
    assert!(refused.stderr.contains("belongs to the key"), "{}", refused.stderr);
    assert_eq!(names(folder.path()), ["program.exe"]);
}

#[test]
fn a_dry_run_says_everything_and_does_nothing() {
    let (folder, file) = program();
    let before = fs::read(&file).unwrap();
    let plan = |more: &[&str]| {
        let mut args = vec!["sign", file.to_str().unwrap(), "--key", "pkcs11:token=none;object=x"];
        args.extend(["--cert", rsa().certificate.to_str().unwrap()]);
        args.extend(["--chain", rsa().root.to_str().unwrap(), "--dry-run"]);
        args.extend(more);
        chancery(args)
    };
    let json = plan(&["--format", "json", "--digest", "sha1,sha256"]).ends_with(0).object();
    assert_eq!(json["type"], "plan");
    assert_eq!(json["action"], "sign");
    assert_eq!(json["key"], "pkcs11:token=none;object=x");
    assert_eq!(json["schemes"], json!(["rsa-pkcs1-sha1", "rsa-pkcs1-sha256"]));
    assert_eq!(json["certificates"], json!(["CN=E2E Signer,O=Example Ltd,C=GB"]));
    let text = plan(&[]).ends_with(0).stdout;
    assert!(text.contains("would sign") && text.contains("rsa-pkcs1-sha256"), "{text}");
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(names(folder.path()), ["program.exe"]);

    // What it announced is what happens.
    let signed = rsa().sign([file.to_str().unwrap(), "--format", "json"]).ends_with(0).object();
    assert_eq!(signed["authentihash"]["sha256"], json["authentihash"]["sha256"]);
    let refused = plan(&[]).ends_with(1);
    assert!(refused.stderr.contains("is signed already"), "{}", refused.stderr);
    for (option, action) in
        [("--append", "append"), ("--replace", "replace"), ("--skip-signed", "skip")]
    {
        let json = plan(&[option, "--format", "json"]).ends_with(0).object();
        assert_eq!(json["action"], action);
    }
}

#[test]
fn pss_is_made_when_asked_for_and_warned_of() {
    let (_folder, file) = program();
    let pss = [file.to_str().unwrap(), "--scheme", "rsa-pss", "--commercial"];
    let signed = rsa().sign(pss).ends_with(0);
    assert!(signed.stderr.contains("only in part"), "{}", signed.stderr);
    let args = ["verify", file.to_str().unwrap(), "--format", "json", "--roots"];
    let report = chancery(args.into_iter().chain([rsa().root.to_str().unwrap()])).object();
    assert_eq!(report["verdict"], "valid", "{report}");
    assert_eq!(report["signatures"][0]["scheme"], "rsa-pss-sha256");
    let (_folder, file) = program();
    ec().sign([file.to_str().unwrap(), "--scheme", "rsa-pss"]).ends_with(2);
    rsa().sign([file.to_str().unwrap(), "--scheme", "rsa-pss", "--digest", "sha1"]).ends_with(2);
}

#[test]
fn firmware_tools_verify_every_entry_of_an_image() {
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("boot.efi");
    fs::write(&path, tiny_pe(&TinyPe { subsystem: 10, ..TinyPe::default() })).unwrap();
    rsa().sign([&path]).ends_with(0);
    // It knows no other hash.
    ec().sign([path.to_str().unwrap(), "--append", "--digest", "sha256"]).ends_with(0);
    let sbverify = |path: &Path, root: &Path| {
        std::process::Command::new("sbverify")
            .arg("--cert")
            .arg(root)
            .arg(path)
            .output()
            .expect("sbverify runs: apt-get install sbsigntool")
    };
    let list = std::process::Command::new("sbverify").arg("--list").arg(&path).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("signature 1") && list.contains("signature 2"), "{list}");
    for signer in [rsa(), ec()] {
        let said = sbverify(&path, &signer.root);
        assert!(said.status.success(), "{said:?}");
    }
    // Without the first entry, the second alone.
    chancery(["remove", path.to_str().unwrap(), "--index", "0"]).ends_with(0);
    assert!(!sbverify(&path, &rsa().root).status.success());
    assert!(sbverify(&path, &ec().root).status.success());
    let mut broken = fs::read(&path).unwrap();
    broken[600] ^= 1;
    fs::write(&path, broken).unwrap();
    assert!(!sbverify(&path, &ec().root).status.success());
}
