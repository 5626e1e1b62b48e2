//! OpenSSL reads what we write, we read what OpenSSL writes, and each verifies the other.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, Pin, PublicKey, SchemeFamily, SignatureScheme, SigningKey,
};
use chancery_softkey::SoftKey;

use super::support::{Passphrase, chain, ec, ed25519, rsa};

const PASSPHRASE: &str = "correct horse";
const PASSIN: &str = "pass:correct horse";

/// A folder to run `openssl` in.
pub(crate) struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    /// Finds the tool. Without it the test is skipped, unless `CHANCERY_REQUIRE_ORACLES=1`.
    pub(crate) fn find() -> Option<Self> {
        let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if there.is_ok_and(|status| status.success()) {
            return Some(Self(tempfile::tempdir().unwrap()));
        }
        let required = std::env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|v| v == "1");
        assert!(!required, "openssl is required and cannot be run");
        println!("skipped: openssl cannot be run");
        None
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command and tells whether it succeeded.
    pub(crate) fn runs<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> bool {
        let output = Command::new("openssl")
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        if !output.status.success() {
            println!("openssl: {}", String::from_utf8_lossy(&output.stderr));
        }
        output.status.success()
    }

    /// Runs a command line without spaces in its words, which must succeed.
    pub(crate) fn run(&self, line: &str) {
        assert!(self.runs(line.split(' ')), "openssl {line}");
    }

    pub(crate) fn public_key(&self, private: &Path) -> PublicKey {
        let args =
            ["pkey", "-pubout", "-outform", "DER", "-out", "pub.der", "-passin", PASSIN, "-in"];
        assert!(self.runs(args.iter().map(OsStr::new).chain([private.as_os_str()])));
        PublicKey::from_spki_der(&fs::read(self.at("pub.der")).unwrap()).unwrap()
    }
}

#[test]
fn reads_every_form_openssl_writes() {
    let Some(openssl) = OpenSsl::find() else { return };
    fs::write(openssl.at("pass"), PASSPHRASE).unwrap();
    let sources = [
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", KeyAlgorithm::Rsa { bits: 2048 }),
        (
            "rsa3072",
            "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
            KeyAlgorithm::Rsa { bits: 3072 },
        ),
        ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", KeyAlgorithm::Ec(EcCurve::P256)),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", KeyAlgorithm::Ec(EcCurve::P384)),
        ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", KeyAlgorithm::Ec(EcCurve::P521)),
        ("ed25519", "-algorithm ED25519", KeyAlgorithm::Ed25519),
    ];
    for (name, options, algorithm) in sources {
        openssl.run(&format!("genpkey -quiet {options} -out {name}.pem"));
        let topk8 = format!("pkcs8 -topk8 -in {name}.pem -passout file:pass");
        let forms = [
            ("", String::new()),
            ("traditional", format!("pkey -traditional -in {name}.pem")),
            ("traditional-der", format!("pkey -traditional -in {name}.pem -outform DER")),
            ("pkcs8-der", format!("pkcs8 -topk8 -nocrypt -in {name}.pem -outform DER")),
            ("default", topk8.clone()),
            ("default-der", format!("{topk8} -outform DER")),
            ("aes128", format!("{topk8} -v2 aes-128-cbc")),
            ("aes192", format!("{topk8} -v2 aes-192-cbc -iter 10000")),
            ("sha1", format!("{topk8} -v2 aes-256-cbc -v2prf hmacWithSHA1")),
            ("sha512", format!("{topk8} -v2 aes-256-cbc -v2prf hmacWithSHA512")),
            ("des3", format!("{topk8} -v2 des3")),
            ("scrypt", format!("{topk8} -scrypt")),
        ];
        for (form, command) in forms {
            // There is nothing before PKCS#8 for it.
            if algorithm == KeyAlgorithm::Ed25519 && form.starts_with("traditional") {
                continue;
            }
            let file = if form.is_empty() {
                format!("{name}.pem")
            } else {
                let file = format!("{name}.{form}");
                openssl.run(&format!("{command} -out {file}"));
                file
            };
            let pins = Passphrase::new(PASSPHRASE);
            let key = SoftKey::open_file(&openssl.at(&file), &pins)
                .unwrap_or_else(|error| panic!("{file}: {}", chain(&error)));
            assert_eq!(key.public_key().algorithm(), algorithm, "{file}");
            assert_eq!(*key.public_key(), openssl.public_key(&openssl.at(&format!("{name}.pem"))));
            let encrypted = command.contains("-passout");
            assert_eq!(pins.asked().len(), usize::from(encrypted), "{file}");

            if encrypted {
                let error = SoftKey::open_file(&openssl.at(&file), &Passphrase::new("wrong"));
                assert_eq!(error.unwrap_err().kind(), KeyErrorKind::AuthRefused, "{file}");
            }
        }
    }
}

#[test]
fn reads_ec_keys_with_parameters_and_compressed_points() {
    let Some(openssl) = OpenSsl::find() else { return };
    openssl.run("ecparam -genkey -name prime256v1 -out with-parameters.pem");
    let text = fs::read_to_string(openssl.at("with-parameters.pem")).unwrap();
    assert!(text.starts_with("-----BEGIN EC PARAMETERS-----"));
    openssl.run("ec -in with-parameters.pem -conv_form compressed -out compressed.pem");
    openssl.run("pkcs8 -topk8 -nocrypt -in compressed.pem -out compressed.p8");
    openssl.run("ec -in with-parameters.pem -no_public -out no-public.pem");
    for file in ["with-parameters.pem", "compressed.pem", "compressed.p8", "no-public.pem"] {
        let key = SoftKey::open_file(&openssl.at(file), &Passphrase::none())
            .unwrap_or_else(|error| panic!("{file}: {}", chain(&error)));
        assert_eq!(*key.public_key(), openssl.public_key(&openssl.at("with-parameters.pem")));
    }
}

#[test]
fn names_the_forms_it_does_not_read() {
    let Some(openssl) = OpenSsl::find() else { return };
    fs::write(openssl.at("pass"), PASSPHRASE).unwrap();
    openssl.run("genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
    openssl.run("genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out small.pem");
    openssl.run("genpkey -quiet -algorithm ED448 -out ed448.pem");
    openssl.run("genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out k1.pem");
    openssl.run(
        "genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
         -pkeyopt ec_param_enc:explicit -out explicit.pem",
    );
    openssl.run("rsa -in rsa.pem -traditional -aes128 -passout file:pass -out legacy.pem");
    openssl.run("pkcs8 -topk8 -in rsa.pem -v1 PBE-SHA1-3DES -passout file:pass -out pbes1.pem");
    for (file, kind, expected) in [
        ("legacy.pem", KeyErrorKind::Malformed, "in the legacy encrypted form"),
        ("pbes1.pem", KeyErrorKind::Malformed, "which is no PBES2 and too weak to be read"),
        ("small.pem", KeyErrorKind::NotPermitted, "RSA 1024: only keys of 2048 to 4096 bits"),
        ("ed448.pem", KeyErrorKind::Malformed, "of type Ed448, where RSA, EC and Ed25519 are read"),
        ("k1.pem", KeyErrorKind::Malformed, "elliptic curve is none of"),
        ("explicit.pem", KeyErrorKind::Malformed, "elliptic curve is none of"),
    ] {
        let pins = Passphrase::new(PASSPHRASE);
        let error = SoftKey::open_file(&openssl.at(file), &pins).unwrap_err();
        assert_eq!(error.kind(), kind, "{file}: {}", chain(&error));
        assert!(chain(&error).contains(expected), "{file}: {}", chain(&error));
        assert_eq!(pins.asked(), [], "{file}: nothing to ask for");
    }
}

#[test]
fn openssl_reads_what_we_write() {
    let Some(openssl) = OpenSsl::find() else { return };
    let ec_keys = EcCurve::ALL.map(ec);
    let ed25519 = ed25519();
    for (index, key) in [rsa(), &ed25519].into_iter().chain(&ec_keys).enumerate() {
        let encrypted = openssl.at(&format!("{index}.pem"));
        key.create_file(&encrypted, &Pin::new(PASSPHRASE.into())).unwrap();
        assert_eq!(openssl.public_key(&encrypted), *key.public_key());
        let wrong = ["pkey", "-noout", "-passin", "pass:wrong", "-in"].map(OsStr::new);
        assert!(!openssl.runs(wrong.into_iter().chain([encrypted.as_os_str()])));

        let plain = openssl.at(&format!("{index}.plain.pem"));
        fs::write(&plain, &*key.danger_to_plain_pem().unwrap()).unwrap();
        assert_eq!(openssl.public_key(&plain), *key.public_key());
        let check = ["pkey", "-noout", "-check", "-in"].map(OsStr::new);
        assert!(openssl.runs(check.into_iter().chain([plain.as_os_str()])));
    }
}

#[test]
fn openssl_verifies_what_we_sign_and_nothing_else() {
    let Some(openssl) = OpenSsl::find() else { return };
    let ec_keys = EcCurve::ALL.map(ec);
    let ed25519 = ed25519();
    fs::write(openssl.at("message"), b"what is signed").unwrap();
    fs::write(openssl.at("other"), b"what is not signed").unwrap();
    for key in [rsa(), &ed25519].into_iter().chain(&ec_keys) {
        fs::write(openssl.at("key.der"), key.public_key().spki_der()).unwrap();
        openssl.run("pkey -pubin -inform DER -in key.der -out key.pub");
        for scheme in key.schemes() {
            let signature = key.sign(*scheme, b"what is signed").unwrap();
            fs::write(openssl.at("signature"), signature.as_bytes()).unwrap();
            let verify = |message: &str| {
                let padding = if is_pss(*scheme) {
                    "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest "
                } else {
                    ""
                };
                let hash = scheme.digest();
                let line = match scheme.signs_digests() {
                    true => format!(
                        "dgst -{hash} -verify key.pub {padding}-signature signature {message}"
                    ),
                    false => format!(
                        "pkeyutl -verify -rawin -pubin -inkey key.pub -sigfile signature -in {message}"
                    ),
                };
                openssl.runs(line.split(' '))
            };
            assert!(verify("message"), "{} {scheme}", key.public_key().algorithm());
            assert!(!verify("other"), "{} {scheme}", key.public_key().algorithm());
        }
    }
}

fn is_pss(scheme: SignatureScheme) -> bool {
    scheme.family() == SchemeFamily::RsaPss
}
