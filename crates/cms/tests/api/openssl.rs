//! OpenSSL verifies what we sign, and refuses it changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_key::{EcCurve, SignatureScheme as S};
use chancery_testkit::openssl::openssl;
use chancery_x509::to_pem;

use super::support::{CONTENT, alone, ec, rsa, sign, with_chain};

/// Finds the tool and makes an empty folder. Without it the test is skipped, unless
/// `CHANCERY_REQUIRE_ORACLES=1`.
pub(crate) fn find(folder: &str) -> Option<PathBuf> {
    let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cms-openssl").join(folder);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        return Some(dir);
    }
    let required = std::env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|v| v == "1");
    assert!(!required, "openssl is required and cannot be run");
    println!("skipped: openssl cannot be run");
    None
}

pub(crate) fn run(args: &[&str]) -> (bool, String) {
    let output = openssl(args);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn openssl_verifies_our_signatures_and_no_changed_one() {
    let Some(dir) = find("verify") else { return };
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let identities = [
        (
            alone(rsa(), S::RsaPkcs1Sha256),
            vec![S::RsaPkcs1Sha256, S::RsaPkcs1Sha512, S::RsaPssSha256],
        ),
        (alone(ec(EcCurve::P384), S::EcdsaSha384), vec![S::EcdsaSha384]),
        (with_chain(), vec![S::EcdsaSha256]),
    ];
    for (identity, schemes) in identities {
        let root = identity.root().unwrap();
        fs::write(at("root.pem"), to_pem("CERTIFICATE", root.as_der())).unwrap();
        for scheme in schemes {
            let der = sign(&identity, scheme);
            let verify = |der: &[u8]| {
                fs::write(at("signed.der"), der).unwrap();
                let _ = fs::remove_file(at("content"));
                run(&[
                    "cms",
                    "-verify",
                    "-binary",
                    "-inform",
                    "DER",
                    "-in",
                    &at("signed.der"),
                    "-CAfile",
                    &at("root.pem"),
                    "-purpose",
                    "any",
                    "-out",
                    &at("content"),
                ])
            };
            let (verified, said) = verify(&der);
            assert!(verified, "{scheme}: {said}");
            assert_eq!(fs::read(at("content")).unwrap(), CONTENT);

            let found = der.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
            for offset in [found, der.len() - 1, der.len() - 40] {
                let mut changed = der.clone();
                changed[offset] ^= 1;
                assert!(!verify(&changed).0, "{scheme}: byte {offset}");
            }
        }
    }
}

#[test]
fn openssl_takes_it_apart_to_the_last_byte() {
    let Some(dir) = find("parse") else { return };
    let der = sign(&with_chain(), S::EcdsaSha256);
    let file = dir.join("signed.der");
    fs::write(&file, &der).unwrap();
    let file = file.to_str().unwrap();
    let (parsed, said) = run(&["asn1parse", "-inform", "DER", "-in", file]);
    assert!(parsed && !said.to_lowercase().contains("error"), "{said}");
    for wanted in ["pkcs7-signedData", "contentType", "messageDigest", "ecdsa-with-SHA256"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    // PKCS#7's own reader takes the form that Authenticode wants.
    let (parsed, said) = run(&["pkcs7", "-inform", "DER", "-in", file, "-print_certs", "-noout"]);
    assert!(
        parsed && said.contains("CN = Signer") && !said.contains("subject=CN = Root"),
        "{said}"
    );
}
