//! `chancery cms sign` and `chancery cms verify`, beside what OpenSSL says.

use std::fs;
use std::path::Path;

use chancery_testkit::openssl::openssl;
use chancery_testkit::openssl_tsa::OpensslTsa;
use chancery_testkit::tamper::flip_byte;
use tempfile::TempDir;

use crate::support::{Run, Signer, chancery, command, ec, rsa, run};

const CONTENT: &[u8] = b"first line\nsecond line\r\n\0 and what is no text \xff";

fn scene() -> (TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (content, signature) = (at("content.bin"), at("signature"));
    fs::write(&content, CONTENT).unwrap();
    (folder, content, signature)
}

fn sign(signer: &Signer, content: &str, signature: &str, more: &[&str]) -> Run {
    let mut sign = command(["cms", "sign", content, "--out", signature]);
    sign.args(signer.options()).args(more);
    run(sign)
}

fn verify(signer: &Signer, signature: &str, more: &[&str]) -> Run {
    let roots = signer.root.to_str().unwrap();
    let verify = ["cms", "verify", signature, "--roots", roots, "--format", "json"];
    chancery([&verify[..], more].concat())
}

/// Tells whether both of OpenSSL's readers accept a signature, and insists that they agree.
fn openssl_accepts(signer: &Signer, signature: &str, detached: Option<&str>) -> bool {
    let roots = signer.root.to_str().unwrap();
    let answers = ["cms", "smime"].map(|tool| {
        let mut args = vec![tool, "-verify", "-binary", "-inform", "DER", "-in", signature];
        args.extend(["-CAfile", roots, "-purpose", "any"]);
        args.extend(detached.iter().flat_map(|content| ["-content", content]));
        let output = openssl(args);
        assert!(!output.status.success() || output.stdout == CONTENT, "{tool}");
        output.status.success()
    });
    assert_eq!(answers[0], answers[1]);
    answers[0]
}

fn flip_last_byte(path: &str) {
    let length = fs::metadata(path).unwrap().len();
    flip_byte(Path::new(path), length - 1);
}

#[test]
fn openssl_accepts_what_is_signed_and_nothing_else() {
    for signer in [rsa(), ec()] {
        for more in [&[][..], &["--digest", "sha512", "--signing-time"]] {
            let (_folder, content, signature) = scene();
            sign(signer, &content, &signature, more).ends_with(0);
            let detached = ["--content", content.as_str()];
            assert!(openssl_accepts(signer, &signature, Some(&content)));
            let report = verify(signer, &signature, &detached).ends_with(0).object();
            assert_eq!((&report["verdict"], &report["detached"]), (&"valid".into(), &true.into()));
            assert_eq!(report["signatures"][0]["signing_time"].is_string(), more.len() > 2);
            // The content, then the signature value at the very end.
            for changed in [&content, &signature] {
                flip_last_byte(changed);
                assert!(!openssl_accepts(signer, &signature, Some(&content)));
                let report = verify(signer, &signature, &detached).ends_with(1).object();
                assert_eq!(report["verdict"], "invalid");
                flip_last_byte(changed);
            }
            verify(signer, &signature, &[]).ends_with(2);
        }
    }
}

#[test]
fn an_attached_signature_gives_its_content_back_where_it_is_valid() {
    let signer = rsa();
    let (folder, content, signature) = scene();
    sign(signer, &content, &signature, &["--attached"]).ends_with(0);
    assert!(openssl_accepts(signer, &signature, None));
    let out = folder.path().join("out");
    let to_out = ["--out", out.to_str().unwrap()];
    verify(signer, &signature, &to_out).ends_with(0);
    assert_eq!(fs::read(&out).unwrap(), CONTENT);
    fs::remove_file(&out).unwrap();
    verify(signer, &signature, &["--content", &content]).ends_with(2);
    let bytes = fs::read(&signature).unwrap();
    let inside = bytes.windows(CONTENT.len()).position(|window| window == CONTENT).unwrap();
    flip_byte(Path::new(&signature), u64::try_from(inside).unwrap());
    assert!(!openssl_accepts(signer, &signature, None));
    let report = verify(signer, &signature, &to_out).ends_with(1).object();
    assert_eq!(report["signatures"][0]["reasons"][0], "message-digest-mismatch");
    assert!(!out.exists());
}

#[test]
fn what_openssl_signs_is_verified_with_and_without_attributes() {
    let pss: &[&str] = &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
    let none: &[&str] = &["-noattr"];
    for (signer, ways) in [(rsa(), &[&[][..], none, pss][..]), (ec(), &[&[][..], none])] {
        for way in ways {
            for attached in [false, true] {
                let (_folder, content, signature) = scene();
                let key = signer.key.strip_prefix("file:").unwrap();
                let pass = format!("file:{}", signer.passphrase.display());
                let mut args = vec!["cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256"];
                args.extend(["-in", &content, "-out", &signature, "-inkey", key]);
                args.extend(["-signer", signer.certificate.to_str().unwrap(), "-passin", &pass]);
                args.extend(*way);
                args.extend(attached.then_some("-nodetach"));
                let output = openssl(&args);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                let over = ["--content", content.as_str()];
                let over = if attached { &[][..] } else { &over };
                let report = verify(signer, &signature, over).ends_with(0).object();
                assert_eq!(report["verdict"], "valid", "{way:?}");
                flip_last_byte(&signature);
                verify(signer, &signature, over).ends_with(1);
                flip_last_byte(&signature);
                if !attached {
                    flip_last_byte(&content);
                    verify(signer, &signature, over).ends_with(1);
                }
            }
        }
    }
}

#[test]
fn roots_and_purposes_count() {
    let signer = rsa();
    let (_folder, content, signature) = scene();
    sign(signer, &content, &signature, &[]).ends_with(0);
    let over = ["--content", content.as_str()];
    let report = verify(ec(), &signature, &over).ends_with(1).object();
    assert_eq!(report["verdict"], "untrusted");
    // A certificate authority's own certificate is not for signing code.
    let ca = format!("file:{}", signer.file("ca.pem").display());
    let by_ca = format!("{signature}.ca");
    let mut sign = command(["cms", "sign", &content, "--out", &by_ca, "--key", &ca, "--cert"]);
    sign.arg(&signer.root).arg("--pin-file").arg(&signer.passphrase);
    sign.arg("--force");
    run(sign).ends_with(0);
    let report = verify(signer, &by_ca, &over).ends_with(1).object();
    assert_eq!(report["signatures"][0]["chain"], "wrong-usage", "{report}");
}

#[test]
fn a_timestamp_becomes_part_of_the_signature() {
    let signer = rsa();
    let (folder, content, signature) = scene();
    let at = |name: &str| folder.path().join(name);
    let output = openssl([
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-noenc",
        "-days",
        "30",
        "-subj",
        "/CN=Stamps",
        "-addext",
        "extendedKeyUsage=critical,timeStamping",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-addext",
        "keyUsage=critical,digitalSignature",
        "-keyout",
        at("tsa.key").to_str().unwrap(),
        "-out",
        at("tsa.pem").to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tsa = OpensslTsa::start(folder.path(), &at("tsa.pem"), &at("tsa.key"));
    let stamp = ["--timestamp", &tsa.url(), "--require-timestamp"];
    sign(signer, &content, &signature, &stamp).ends_with(0);
    assert!(openssl_accepts(signer, &signature, Some(&content)));
    let (pem, tsa_roots) = (at("tsa.pem"), "--tsa-roots");
    let over = ["--content", content.as_str()];
    let judged = [&over[..], &[tsa_roots, pem.to_str().unwrap()]].concat();
    let report = verify(signer, &signature, &judged).ends_with(0).object();
    assert_eq!(report["signatures"][0]["timestamps"][0]["valid"], true, "{report}");
    // By roots that do not know the server.
    let report = verify(signer, &signature, &over).ends_with(1).object();
    assert_eq!(report["signatures"][0]["reasons"][0], "timestamp-not-valid");
}

#[test]
fn a_certificate_that_nobody_will_trust_signs_only_by_force() {
    let (folder, content, signature) = scene();
    // Its issuer is not at hand.
    let alone = |more: &[&str]| {
        let (certificate, pin) = (&rsa().certificate, &rsa().passphrase);
        let mut sign = command(["cms", "sign", &content, "--out", &signature]);
        sign.args(["--key", &rsa().key, "--cert"]).arg(certificate).arg("--pin-file").arg(pin);
        sign.args(more);
        run(sign)
    };
    let refused = alone(&[]).ends_with(1).stderr;
    assert!(refused.contains("is not at hand") && refused.contains("--force"), "{refused}");
    assert!(!Path::new(&signature).exists());
    let warned = alone(&["--force"]).ends_with(0).stderr;
    assert!(warned.contains("warning: ") && warned.contains("is not at hand"), "{warned}");
    // For no purpose in particular, which is in order; and that of an authority, which is not.
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let key = at("key.pem");
    let sign_by = |extensions: [&str; 2], out: &str| {
        let certificate = at(&format!("{out}.pem"));
        let mut args = vec!["req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=Any"];
        args.extend(["-keyout", &key, "-out", &certificate]);
        args.extend(["-addext", extensions[0], "-addext", extensions[1]]);
        let made = openssl(args);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (address, out) = (format!("file:{key}"), at(out));
        chancery([
            "cms",
            "sign",
            &content,
            "--key",
            &address,
            "--cert",
            &certificate,
            "--out",
            &out,
        ])
    };
    let usage = "keyUsage=critical,nonRepudiation";
    sign_by(["basicConstraints=critical,CA:FALSE", usage], "good").ends_with(0);
    let refused = sign_by(["basicConstraints=critical,CA:TRUE", usage], "bad").ends_with(1).stderr;
    assert!(refused.contains("a CA, and used as a leaf"), "{refused}");
}
