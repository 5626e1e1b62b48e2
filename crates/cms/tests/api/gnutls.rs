//! Ed25519 with GnuTLS, since OpenSSL before 3.2 has no EdDSA in CMS.

use std::fs;
use std::path::Path;
use std::process::Command;

use chancery_cms::{SignedData, SignerCheck};
use chancery_key::SignatureScheme as S;
use chancery_testkit::openssl::openssl;
use chancery_x509::to_pem;

use super::support::{CONTENT, alone, ed25519, sign};

/// Runs GnuTLS' `certtool` and tells whether it succeeded, and what it said.
fn certtool(dir: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new("certtool").args(args).current_dir(dir).output();
    let output =
        output.unwrap_or_else(|error| panic!("certtool (apt-get install gnutls-bin): {error}"));
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn gnutls_verifies_our_signatures_and_no_changed_one() {
    let dir = tempfile::tempdir().unwrap();
    let identity = alone(ed25519(), S::Ed25519);
    let root = to_pem("CERTIFICATE", identity.certificate().as_der());
    fs::write(dir.path().join("root.pem"), root).unwrap();
    let der = sign(&identity, S::Ed25519);
    let verify = |der: &[u8]| {
        fs::write(dir.path().join("signed.der"), der).unwrap();
        let args = ["--p7-verify", "--inder", "--load-ca-certificate", "root.pem"];
        certtool(dir.path(), &[&args[..], &["--infile", "signed.der"]].concat())
    };
    let (verified, said) = verify(&der);
    assert!(verified && said.contains("EdDSA-Ed25519"), "{said}");

    let found = der.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
    for offset in [found, der.len() - 1, der.len() - 70] {
        let mut changed = der.clone();
        changed[offset] ^= 1;
        let (verified, said) = verify(&changed);
        assert!(!verified, "byte {offset}: {said}");
    }
}

#[test]
fn signatures_of_gnutls_hold_with_signed_attributes_and_without() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("content"), CONTENT).unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let made = openssl([
        "req",
        "-x509",
        "-newkey",
        "ed25519",
        "-noenc",
        "-subj",
        "/CN=Edwards",
        "-keyout",
        &at("key.pem"),
        "-out",
        &at("cert.pem"),
    ]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (form, option) in [("attributes", Some("--p7-time")), ("none", None)] {
        let mut args = vec!["--p7-sign", "--load-privkey", "key.pem", "--load-certificate"];
        args.extend(["cert.pem", "--infile", "content", "--outder", "--outfile", form]);
        args.extend(option);
        let (signed, said) = certtool(dir.path(), &args);
        assert!(signed, "{said}");
        let der = fs::read(dir.path().join(form)).unwrap();
        let signed = SignedData::from_der(&der).unwrap();
        let certificate = signed.read_certificates().readable.remove(0);
        let signer = &signed.signers[0];
        assert_eq!(signer.signed_attributes.is_some(), option.is_some());
        let check = |content: &[u8]| -> SignerCheck {
            signer.check(signed.content_type, content, certificate.public_key())
        };
        assert!(check(CONTENT).holds(), "{form}");
        assert_eq!(check(CONTENT).scheme, Some(S::Ed25519));
        assert!(!check(b"something else").holds(), "{form}");

        // The digest alone says nothing without attributes.
        let digest = chancery_sigverify::digest(S::Ed25519.digest(), CONTENT);
        let by_digest =
            signer.check_digest(signed.content_type, Some(&digest), certificate.public_key());
        assert_eq!(by_digest.holds(), option.is_some());
        assert_eq!(by_digest.scheme, option.map(|_| S::Ed25519));
    }
}
