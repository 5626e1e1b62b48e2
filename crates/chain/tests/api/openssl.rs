//! A second opinion on every scenario.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chancery_chain::{Policy, RevocationMode, Status, TrustAnchors, validate};
use chancery_testkit::openssl::openssl;
use chancery_x509::{Certificate, Time, to_pem};

use crate::maker::{NOW, time};
use crate::scenarios::{self, Scenario};

#[test]
fn openssl_says_the_same_of_every_scenario() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut disagreements = Vec::new();
    for scenario in scenarios::all() {
        if let Some(why) = scenario.openssl_differs {
            println!("not asked: {}: {why}", scenario.name);
            continue;
        }
        let (accepts, said) = verify(&scenario, dir.path());
        if accepts != scenario.reason.is_none() {
            disagreements.push(format!("{}: {said}", scenario.name));
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

/// # Panics
/// Where there is no openssl and `CHANCERY_REQUIRE_ORACLES=1` is set.
pub fn is_there() -> bool {
    let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok();
    let required = std::env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|on| on == "1");
    assert!(there || !required, "there is no openssl (apt-get install openssl)");
    if !there {
        println!("skipped: there is no openssl");
    }
    there
}

fn verify(scenario: &Scenario, dir: &Path) -> (bool, String) {
    let file = |name: &str, contents: String| {
        let path = dir.join(name);
        fs::write(&path, contents).unwrap();
        path.into_os_string()
    };
    let pem = |certificates: &[Certificate]| -> String {
        certificates.iter().map(|one| to_pem("CERTIFICATE", one.as_der())).collect()
    };
    let mut args: Vec<OsString> =
        ["verify", "-no-CApath", "-no-CAstore", "-attime"].iter().map(OsString::from).collect();
    args.push(time(NOW).unix().to_string().into());
    args.extend(["-CAfile".into(), file("anchors.pem", pem(&scenario.anchors))]);
    if !scenario.candidates.is_empty() {
        args.extend(["-untrusted".into(), file("others.pem", pem(&scenario.candidates))]);
    }
    if !scenario.crls.is_empty() {
        let lists = scenario.crls.iter().map(|crl| to_pem("X509 CRL", crl.as_der())).collect();
        args.extend(["-crl_check_all", "-extended_crl", "-CRLfile"].map(OsString::from));
        args.push(file("lists.pem", lists));
    }
    if scenario.explicit {
        args.extend(["-policy", "2.5.29.32.0", "-explicit_policy"].map(OsString::from));
    }
    args.push(file("leaf.pem", pem(std::slice::from_ref(&scenario.leaf))));
    let output = openssl(args);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// The curve spelled out instead of named, which made CVE-2020-0601.
#[test]
fn a_key_with_a_curve_of_its_own_is_refused_when_it_is_read() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let read = |encoding: &str| {
        let path = dir.path().join("certificate.der");
        let parameters = format!("ec_param_enc:{encoding}");
        let mut args = vec!["req", "-x509", "-subj", "/CN=Root", "-noenc", "-newkey", "ec"];
        args.extend(["-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", &parameters]);
        args.extend(["-keyout", "/dev/null", "-outform", "DER", "-out", path.to_str().unwrap()]);
        let output = openssl(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Certificate::from_der(&fs::read(path).unwrap())
    };
    assert!(read("named_curve").is_ok());
    assert!(matches!(read("explicit"), Err(chancery_x509::Error::PublicKey(_))));
}

#[test]
fn a_path_of_ed25519_keys_holds_and_no_changed_one() {
    if !is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let succeed = |args: &[&str]| {
        let output = openssl(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let (root, root_key, leaf) = (at("root.der"), at("root.key"), at("leaf.der"));
    let root_args = ["req", "-x509", "-subj", "/CN=Root", "-noenc", "-newkey", "ed25519"];
    succeed(&[&root_args[..], &["-keyout", &root_key, "-outform", "DER", "-out", &root]].concat());
    let leaf_args = ["req", "-x509", "-subj", "/CN=Leaf", "-noenc", "-newkey", "ed25519"];
    let extensions = [
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-addext",
        "extendedKeyUsage=codeSigning",
        "-addext",
        "basicConstraints=CA:FALSE",
    ];
    let issue = ["-CA", &root, "-CAkey", &root_key, "-keyout", "/dev/null"];
    let form = ["-outform", "DER", "-out", &leaf];
    succeed(&[&leaf_args[..], &extensions, &issue, &form].concat());

    let read = |path: &str| Certificate::from_der(&fs::read(path).unwrap()).unwrap();
    let (root, leaf) = (read(&root), read(&leaf));
    let anchors = TrustAnchors::new(vec![root]);
    let judge = |leaf: &Certificate| {
        let mut policy = Policy::code_signing(Time::now().unwrap());
        policy.revocation = RevocationMode::Off;
        validate(leaf, &[], &anchors, &[], &policy).status
    };
    assert_eq!(judge(&leaf), Status::Trusted);
    let mut changed = leaf.as_der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(judge(&Certificate::from_der(&changed).unwrap()), Status::Untrusted);
}
