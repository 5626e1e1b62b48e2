//! The rows: what is asked of a module, and how somebody else's tools see that it was done.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chancery_key::{
    DigestAlgorithm, EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, KeyQuery, KeyStore,
    KeyTemplate, Match, Pin, PinRequest, PinSource, PublicKey, SchemeFamily, SignatureScheme,
    SigningKey,
};
use chancery_pkcs11::{Module, Pkcs11Key, Token, TokenCertificate, TokenStore, Uri};
use chancery_testkit::openssl::openssl;
use tempfile::TempDir;

use crate::outcome::{Failure, Outcome};

/// The rows, in their order.
pub(crate) const NAMES: &[&str] = &[
    "generate RSA-2048",
    "generate RSA-3072",
    "generate RSA-4096",
    "generate P-256",
    "generate P-384",
    "generate Ed25519",
    "sign PKCS#1 v1.5",
    "sign PSS",
    "sign ECDSA P-256",
    "sign ECDSA P-384",
    "sign EdDSA",
    "find by modulus",
    "find by EC point",
    "always-authenticate",
    "64 signatures, 8 threads",
    "certificate and pairing",
];

/// The label of the key that wants its PIN for every signature.
const ALWAYS: &str = "always";

const THREADS: usize = 8;
const SIGNATURES_EACH: usize = 8;

/// Returns what a module says it is, in one line.
pub(crate) fn name(module: &Path) -> String {
    match Module::load(module) {
        Ok(module) => {
            let info = module.info();
            let (major, minor) = info.version;
            format!("{}, {} {major}.{minor}", info.manufacturer, info.description)
        }
        Err(error) => error.to_string(),
    }
}

/// Does everything with a token and says what came of it.
pub(crate) fn run(module: &Path, token: &str, pin: &str) -> Vec<(&'static str, Outcome)> {
    let bench = match Bench::open(module, token, pin) {
        Ok(bench) => bench,
        Err(error) => {
            let outcome = Outcome::from(Err(error.into()));
            return NAMES.iter().map(|name| (*name, outcome.clone())).collect();
        }
    };
    let rsa = |bits| bench.generate(KeyAlgorithm::Rsa { bits });
    let (rsa_2048, rsa_3072, rsa_4096) = (rsa(2048), rsa(3072), rsa(4096));
    let p256 = bench.generate(KeyAlgorithm::Ec(EcCurve::P256));
    let p384 = bench.generate(KeyAlgorithm::Ec(EcCurve::P384));
    let ed25519 = bench.generate(KeyAlgorithm::Ed25519);
    let sha256 = DigestAlgorithm::Sha256;
    let signs = |key: &Made, family, digest| {
        bench.signs(needed(key)?, SignatureScheme::new(family, digest).unwrap(), b"message")
    };
    let results = [
        made(&rsa_2048),
        made(&rsa_3072),
        made(&rsa_4096),
        made(&p256),
        made(&p384),
        made(&ed25519),
        signs(&rsa_2048, SchemeFamily::RsaPkcs1, sha256),
        signs(&rsa_2048, SchemeFamily::RsaPss, sha256),
        signs(&p256, SchemeFamily::Ecdsa, sha256),
        signs(&p384, SchemeFamily::Ecdsa, DigestAlgorithm::Sha384),
        bench.signs_and_is_found(&ed25519),
        bench.finds_modulus(&rsa_2048),
        bench.finds_point(&p256),
        bench.asks_every_time(),
        bench.signs_in_threads(&rsa_2048),
        bench.pairs_certificate(&rsa_2048),
    ];
    NAMES.iter().copied().zip(results.map(Outcome::from)).collect()
}

type Made = Result<Pkcs11Key, KeyError>;

fn made(key: &Made) -> Result<(), Failure> {
    key.as_ref().map(|_| ()).map_err(Failure::of)
}

/// A key without which a row has nothing to work with.
fn needed(key: &Made) -> Result<&Pkcs11Key, Failure> {
    key.as_ref().map_err(|_| Failure::Refused("no key".into()))
}

/// Gives the PIN and counts how often.
#[derive(Debug)]
struct Pins {
    pin: String,
    given: AtomicUsize,
}

impl PinSource for Pins {
    fn pin(&self, _: &PinRequest) -> Result<Pin, KeyError> {
        self.given.fetch_add(1, Ordering::Relaxed);
        Ok(Pin::new(self.pin.clone().into_bytes()))
    }
}

struct Bench {
    store: TokenStore,
    module: PathBuf,
    token: String,
    pins: Arc<Pins>,
    dir: TempDir,
    /// Whether there is a key that wants its PIN for every signature.
    always_made: Result<(), Failure>,
}

impl Bench {
    fn open(module: &Path, token: &str, pin: &str) -> Result<Self, KeyError> {
        let pins = Arc::new(Pins { pin: pin.to_owned(), given: AtomicUsize::new(0) });
        // Before the module is loaded here: some see nothing that another process makes later.
        let make = ["--keypairgen", "--key-type", "rsa:2048", "--label", ALWAYS, "--always-auth"];
        let always_made = tool(module, token, pin, &make);
        let opened = Token::open(&*Module::load(module)?, &Uri::new().with_token(token))?;
        let store = TokenStore::new(opened, Arc::clone(&pins));
        store.find(&KeyQuery::any())?;
        let dir = TempDir::new().unwrap();
        let (module, token) = (module.to_owned(), token.to_owned());
        Ok(Self { store, module, token, pins, dir, always_made })
    }

    fn at(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn generate(&self, algorithm: KeyAlgorithm) -> Made {
        let label = algorithm.to_string();
        self.store.generate_key(&KeyTemplate::new(algorithm).with_label(label))
    }

    /// Signs, and has OpenSSL say that the signature is right.
    fn signs(
        &self,
        key: &Pkcs11Key,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<(), Failure> {
        let signature = key.sign(scheme, message)?;
        self.verifies(key.public_key(), scheme, message, signature.as_bytes())
    }

    /// Signs by Ed25519, and finds the key by its point.
    fn signs_and_is_found(&self, key: &Made) -> Result<(), Failure> {
        self.signs(needed(key)?, SignatureScheme::Ed25519, b"message")?;
        self.finds_point(key)
    }

    fn verifies(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Failure> {
        let (public, text, signed) = (self.public(key), self.at("message"), self.at("signature"));
        std::fs::write(&text, message).unwrap();
        std::fs::write(&signed, signature).unwrap();
        let digest = format!("-{}", scheme.digest().name());
        let mut args = match scheme.signs_digests() {
            true => vec!["dgst", &digest, "-verify", &public, "-signature", &signed],
            false => vec!["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", &public],
        };
        match scheme.family() {
            SchemeFamily::RsaPss => {
                let padding = ["-sigopt", "rsa_padding_mode:pss"];
                args.extend(padding.into_iter().chain(["-sigopt", "rsa_pss_saltlen:digest"]));
                args.push(&text);
            }
            SchemeFamily::EdDsa => args.extend(["-sigfile", &signed, "-in", &text]),
            SchemeFamily::RsaPkcs1 | SchemeFamily::Ecdsa => args.push(&text),
        }
        let output = openssl(args);
        if output.status.success() {
            Ok(())
        } else {
            Err(Failure::Wrong(format!("OpenSSL refuses the signature: {}", said(&output))))
        }
    }

    /// Writes a public key as OpenSSL reads it, and returns the path.
    fn public(&self, key: &PublicKey) -> String {
        let (der, pem) = (self.at("public.der"), self.at("public.pem"));
        std::fs::write(&der, key.spki_der()).unwrap();
        let output =
            openssl(["pkey", "-pubin", "-inform", "DER", "-in", &der, "-pubout", "-out", &pem]);
        assert!(output.status.success(), "{}", said(&output));
        pem
    }

    fn finds_modulus(&self, key: &Made) -> Result<(), Failure> {
        let key = needed(key)?;
        let modulus = key.public_key().modulus().unwrap();
        self.finds_only(key, &KeyQuery::any().with_modulus(modulus))
    }

    fn finds_point(&self, key: &Made) -> Result<(), Failure> {
        let key = needed(key)?;
        self.finds_only(key, &KeyQuery::any().with_public_key(key.public_key().clone()))
    }

    fn finds_only(&self, key: &Pkcs11Key, query: &KeyQuery) -> Result<(), Failure> {
        match self.store.find(query)? {
            Match::One(found) if found.address == key.info().address => Ok(()),
            other => Err(Failure::Wrong(format!("found {other:?}"))),
        }
    }

    fn asks_every_time(&self) -> Result<(), Failure> {
        self.always_made.clone()?;
        let key = self.store.open_key(&Uri::new().with_object(ALWAYS))?;
        if !key.asks_every_time() {
            return Err(Failure::Refused("not stored".into()));
        }
        let scheme = SignatureScheme::new(SchemeFamily::RsaPkcs1, DigestAlgorithm::Sha256);
        let before = self.pins.given.load(Ordering::Relaxed);
        for message in [b"one", b"two"] {
            self.signs(&key, scheme.unwrap(), message)?;
        }
        match self.pins.given.load(Ordering::Relaxed) - before {
            2 => Ok(()),
            times => Err(Failure::Wrong(format!("the PIN was asked for {times} times"))),
        }
    }

    fn signs_in_threads(&self, key: &Made) -> Result<(), Failure> {
        let key = needed(key)?;
        let scheme = SignatureScheme::new(SchemeFamily::RsaPkcs1, DigestAlgorithm::Sha256);
        let scheme = scheme.unwrap();
        let message = |thread, number| format!("message {number} of {thread}").into_bytes();
        let signed: Vec<_> = thread::scope(|scope| {
            let work = |thread| {
                move || {
                    (0..SIGNATURES_EACH)
                        .map(|number| key.sign(scheme, &message(thread, number)))
                        .collect::<Result<Vec<_>, _>>()
                }
            };
            let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(work(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (thread, signatures) in signed.into_iter().enumerate() {
            for (number, signature) in signatures?.into_iter().enumerate() {
                let message = message(thread, number);
                self.verifies(key.public_key(), scheme, &message, signature.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Has a certificate made for the key, puts it beside it, reads it back, and finds the key by it.
    fn pairs_certificate(&self, key: &Made) -> Result<(), Failure> {
        let key = needed(key)?;
        let path = self.certify(key.public_key());
        let der = std::fs::read(&path).unwrap();
        let made = self.store.import_certificate(&der, Some("certificate"))?;
        if made.id != key.info().id {
            let message = format!("it is under {:?}, its key under {:?}", made.id, key.info().id);
            return Err(Failure::Wrong(message));
        }
        let listed = self.store.certificates(&made.address)?;
        if listed != std::slice::from_ref(&made) || made.der != der {
            return Err(Failure::Wrong("another certificate came back".into()));
        }
        self.is_seen_by_others(&made, &der)?;
        let again = self.store.import_certificate(&der, None).map_err(|error| error.kind());
        if again != Err(KeyErrorKind::AlreadyExists) {
            return Err(Failure::Wrong("it was written twice".into()));
        }
        self.finds_only(key, &KeyQuery::any().with_public_key(made.public_key.unwrap()))
    }

    /// Has `pkcs11-tool`, in a process of its own, read a certificate that this one wrote.
    fn is_seen_by_others(&self, made: &TokenCertificate, der: &[u8]) -> Result<(), Failure> {
        let id: String = made.id.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
        let back = self.at("back.der");
        let read = ["--read-object", "--type", "cert", "--id", &id, "--output-file", &back];
        tool(&self.module, &self.token, &self.pins.pin, &read)?;
        if std::fs::read(&back).unwrap() == der {
            Ok(())
        } else {
            Err(Failure::Wrong("pkcs11-tool sees another certificate".into()))
        }
    }

    /// Has OpenSSL issue a certificate for a public key, and returns the path of its DER.
    fn certify(&self, key: &PublicKey) -> String {
        let [ca, ca_key, request, certificate] =
            ["ca.pem", "ca.key", "request.pem", "certificate.der"].map(|name| self.at(name));
        let public = self.public(key);
        let succeed = |args: &[&str]| {
            let output = openssl(args);
            assert!(output.status.success(), "{}", said(&output));
        };
        let new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let root = ["req", "-x509", "-subj", "/CN=Root", "-keyout", &ca_key, "-out", &ca];
        succeed(&[&root[..], &new_key].concat());
        succeed(&["req", "-new", "-key", &ca_key, "-subj", "/CN=Signer", "-out", &request]);
        let issue = ["x509", "-req", "-in", &request, "-CA", &ca, "-CAkey", &ca_key];
        let form = ["-force_pubkey", &public, "-outform", "DER", "-out", &certificate];
        succeed(&[&issue[..], &form].concat());
        certificate
    }
}

/// Runs `pkcs11-tool`, logged in; its refusal is the module's.
fn tool(module: &Path, token: &str, pin: &str, args: &[&str]) -> Result<(), Failure> {
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(module).args(["--token-label", token]);
    command.args(["--login", "--pin", pin]).args(args);
    let output = command.output().unwrap();
    if output.status.success() {
        return Ok(());
    }
    let said = said(&output);
    let code = said.split_whitespace().find(|word| word.starts_with("CKR_"));
    Err(match code {
        Some(code) => Failure::Refused(format!("{code} (pkcs11-tool)")),
        None => Failure::Wrong(format!("pkcs11-tool: {said}")),
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
