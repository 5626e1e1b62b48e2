//! Against openssl: what it prints, and every kind of file it writes.

use std::fs;
use std::path::Path;

use chancery_key::Match;
use chancery_keymatch::{
    KeyDocument, KeyDocumentError, Modulus, ModulusError, openssl_modulus, pair, read_key_documents,
};
use chancery_testkit::openssl::openssl;

/// Runs openssl in a folder and returns what it printed.
fn run(folder: &Path, args: &str) -> String {
    let args = args.split(' ').map(|arg| match arg.strip_prefix('@') {
        Some(file) => folder.join(file).to_str().unwrap().to_owned(),
        None => arg.to_owned(),
    });
    let output = openssl(args.collect::<Vec<_>>());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A key, its request, its certificate and its bare public half, in every form.
fn make(folder: &Path, kind: &str) {
    run(folder, &format!("genpkey {kind} -out @key.pem"));
    run(folder, "req -new -x509 -key @key.pem -subj /CN=Match -out @cert.pem");
    run(folder, "x509 -in @cert.pem -outform DER -out @cert.der");
    run(folder, "req -new -key @key.pem -subj /CN=Match -out @request.pem");
    run(folder, "req -in @request.pem -outform DER -out @request.der");
    run(folder, "pkey -in @key.pem -pubout -out @public.pem");
    run(folder, "pkey -in @key.pem -pubout -outform DER -out @public.der");
}

fn keys(folder: &Path, names: &[&str]) -> Vec<KeyDocument> {
    let read = |name: &&str| {
        let mut all = read_key_documents(&fs::read(folder.join(name)).unwrap()).unwrap();
        assert_eq!(all.len(), 1, "{name}");
        all.remove(0)
    };
    names.iter().map(read).collect()
}

const FILES: [&str; 6] =
    ["cert.pem", "cert.der", "request.pem", "request.der", "public.pem", "public.der"];

#[test]
fn the_modulus_line_is_the_one_openssl_prints() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2047",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
        "-algorithm ED25519",
    ] {
        make(folder.path(), kind);
        let printed = run(folder.path(), "x509 -noout -modulus -in @cert.pem");
        let ours = openssl_modulus(keys(folder.path(), &["cert.pem"])[0].public_key());
        assert_eq!(format!("{ours}\n"), printed, "{kind}");
        match Modulus::from_file_contents(printed.as_bytes()) {
            Ok(modulus) => assert_eq!(format!("Modulus={modulus}"), ours),
            Err(error) => {
                assert!(kind.contains("RSA") == (error != ModulusError::NotRsa), "{kind}: {error}");
            }
        }
        if kind.contains("EC ") {
            let printed = run(folder.path(), "req -noout -modulus -in @request.pem");
            assert_eq!(Modulus::from_file_contents(printed.as_bytes()), Err(ModulusError::NotRsa));
        }
    }
}

#[test]
fn every_file_of_a_key_matches_every_other_and_none_of_another_key() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for kind in [
        "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
        "-algorithm ED25519",
    ] {
        make(one.path(), kind);
        make(other.path(), kind);
        let mut names = FILES.to_vec();
        if kind.contains("RSA") {
            run(one.path(), "rsa -in @key.pem -RSAPublicKey_out -out @pkcs1.pem");
            run(one.path(), "rsa -in @key.pem -RSAPublicKey_out -outform DER -out @pkcs1.der");
            names.extend(["pkcs1.pem", "pkcs1.der"]);
        }
        let (own, strange) = (keys(one.path(), &names), keys(other.path(), &FILES));
        for matched in pair(&own, &own) {
            assert!(matches!(matched, Match::Many(all) if all.len() == names.len()));
        }
        assert!(pair(&strange, &own).iter().all(|matched| matches!(matched, Match::None)));
        assert!(matches!(pair(&own[..1], &own[2..3])[..], [Match::One(KeyDocument::Request(_))]));
    }
}

#[test]
fn a_file_of_several_gives_all_and_private_keys_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    let text = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let bundle =
        [text("key.pem"), text("cert.pem"), text("request.pem"), text("public.pem")].concat();
    let all = read_key_documents(&bundle).unwrap();
    assert!(matches!(
        all[..],
        [KeyDocument::Certificate(_), KeyDocument::Request(_), KeyDocument::PublicKey(_)]
    ));
    for nothing in [text("key.pem"), Vec::new(), b"hello".to_vec()] {
        assert!(matches!(read_key_documents(&nothing), Err(KeyDocumentError::Nothing)));
    }
    let mut broken = text("cert.der");
    broken.truncate(broken.len() - 1);
    assert!(read_key_documents(&broken).is_err());
    let mut forged = text("request.der");
    *forged.last_mut().unwrap() ^= 1;
    assert!(matches!(read_key_documents(&forged), Err(KeyDocumentError::X509(_))));
}
