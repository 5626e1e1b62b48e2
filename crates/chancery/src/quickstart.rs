//! The whole journey in one call: key, certificate authority, request, certificate, signature, verdict.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chancery_authenticode::{SignOptions, SignatureSet, Subject, TrustAnchors, Verdict, Verifier};
use chancery_key::{
    EcCurve, KeyAlgorithm, KeyErrorKind, KeyTemplate, Pin, SignatureScheme, SigningKey,
};
use chancery_softkey::SoftKey;
use chancery_x509::{
    Certificate, CertificateBuilder, CertificationRequest, Identity, Name, Profile, RequestBuilder,
    SerialNumber, Time, Validity, to_pem,
};

use crate::keys::conventional_scheme;
use crate::signer::NO_EDDSA;
use crate::verifying::open_subject;
use crate::{
    Error, ErrorKind, GivenPin, KeyAddress, Keyring, SignFileOptions, random_passphrase,
    shell_word, sign_file, verify_file, write_new_file,
};

/// Says that a folder was made by a quickstart, so that the next one may empty it.
const MARKER: &str = "made-by-chancery-quickstart.txt";

/// How long the throw-away certificates are valid, in days.
const DAYS: u32 = 30;

/// What to go through, and where.
#[derive(Debug)]
#[non_exhaustive]
pub struct Quickstart {
    /// The folder for everything that is made.
    pub folder: PathBuf,
    /// The program to sign; a small one is made where there is none.
    pub program: Option<PathBuf>,
    /// The key to sign with, on a token; a key file is made where there is none.
    pub key: Option<KeyAddress>,
}

impl Quickstart {
    /// Starts with a program and a key of its own.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder, program: None, key: None }
    }
}

/// One step done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What was done.
    pub title: String,
    /// The command line that does it alone, without the program's name; empty where there is none.
    pub command: String,
}

/// Where it ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Journey {
    /// The signed program.
    pub signed: PathBuf,
    /// The throw-away root.
    pub ca: PathBuf,
    /// The signer's certificate.
    pub signer: PathBuf,
    /// The address of the key that signed.
    pub key: KeyAddress,
}

/// Goes through all steps and tells of each when it is done. Asks for nothing but, on a token, its PIN from the
/// keyring's source.
///
/// # Errors
/// Whatever a step fails with. A folder that has other files in it is refused.
pub fn run(
    quickstart: &Quickstart,
    keyring: &Keyring,
    now: Time,
    tell: &mut dyn FnMut(&Step),
) -> Result<Journey, Error> {
    // Before there is a key in the token that nobody wants.
    if let Some(program) = &quickstart.program {
        let failed = |error| Error::of_subject("sign", program, error);
        let embedded = open_subject(program, "sign")?.embedded().map_err(failed)?;
        if SignatureSet::read(&embedded).is_ok_and(|set| !set.is_empty()) {
            let text = format!("{} is signed already", program.display());
            return Err(Error::new(ErrorKind::AlreadySigned, text));
        }
    }
    let folder = Folder::prepare(&quickstart.folder)?;
    let program = match &quickstart.program {
        Some(program) => program.clone(),
        None => {
            let path = folder.file("program.exe");
            write_new_file(&path, &program::hello(), false)?;
            tell(&Step {
                title: format!("made a program: {}", path.display()),
                command: "".into(),
            });
            path
        }
    };
    let signing = open_or_make_key(quickstart, &folder, keyring, tell)?;
    let key = signing.key;
    let scheme = conventional_scheme(&*key)?;

    let validity =
        Validity::from_now(now, DAYS).map_err(|e| Error::of_certificate("use this time", e))?;
    let ca = make_ca(validity)?;
    let ca_path = folder.file("ca.pem");
    write_new_file(&ca_path, pem(ca.certificate()).as_bytes(), false)?;
    tell(&Step {
        title: format!(
            "made a throw-away certificate authority, whose key is nowhere: {}",
            ca_path.display()
        ),
        // One for which the key has to be kept, which this does not.
        command: String::new(),
    });

    let subject: Name = "CN=Chancery Quickstart".parse().map_err(|_| bug("name"))?;
    let request_path = folder.file("request.csr");
    let request = RequestBuilder::code_signing(subject)
        .sign(&*key, scheme)
        .map_err(|error| Error::of_certificate("make a request", error))?;
    write_new_file(&request_path, request.to_pem().as_bytes(), false)?;
    tell(&Step {
        title: format!("requested a certificate: {}", request_path.display()),
        command: format!(
            "csr new --subject 'CN=Chancery Quickstart' --key {}{} --out {}",
            quoted(&signing.address),
            signing.pin,
            shown(&request_path)
        ),
    });

    let certificate = issue(&ca, &request, validity)?;
    let signer_path = folder.file("signer.pem");
    write_new_file(&signer_path, pem(&certificate).as_bytes(), false)?;
    tell(&Step { title: format!("issued it: {}", signer_path.display()), command: String::new() });

    let identity = Identity::new(key, certificate, &[ca.certificate().clone()])
        .map_err(|_| bug("the certificate issued"))?
        .with_key_name(signing.address.to_string());
    let signed_path = folder.file("signed.exe");
    let mut options = SignFileOptions::new(SignOptions::new(scheme));
    options.output = Some(signed_path.clone());
    sign_file(&program, &identity, now, &options)?;
    tell(&Step {
        title: format!("signed {}: {}", program.display(), signed_path.display()),
        command: format!(
            "sign {} --key {}{} --cert {} --chain {} --out {}",
            shown(&program),
            quoted(&signing.address),
            signing.pin,
            shown(&signer_path),
            shown(&ca_path),
            shown(&signed_path)
        ),
    });

    let verifier = Verifier::new(TrustAnchors::new(vec![ca.certificate().clone()]), now);
    let verified = verify_file(&signed_path, &verifier)?;
    if verified.report.verdict != Verdict::Valid {
        return Err(Error::new(
            ErrorKind::SelfCheck,
            format!("{} is {}, not valid", signed_path.display(), verified.report.verdict),
        ));
    }
    tell(&Step {
        title: "verified it: valid".into(),
        command: format!("verify {} --roots {}", shown(&signed_path), shown(&ca_path)),
    });
    Ok(Journey { signed: signed_path, ca: ca_path, signer: signer_path, key: signing.address })
}

/// The key to sign with, and what to write in a command line that uses it.
struct SigningChoice {
    address: KeyAddress,
    key: Box<dyn SigningKey>,
    /// The option that gives the PIN, with a blank before it.
    pin: String,
}

fn open_or_make_key(
    quickstart: &Quickstart,
    folder: &Folder,
    keyring: &Keyring,
    tell: &mut dyn FnMut(&Step),
) -> Result<SigningChoice, Error> {
    let template = KeyTemplate::new(KeyAlgorithm::Rsa { bits: 3072 });
    let Some(address) = &quickstart.key else {
        let path = folder.file("key.pem");
        let passphrase_path = folder.file("key.passphrase");
        let passphrase = random_passphrase()?;
        write_new_file(&passphrase_path, passphrase.as_bytes(), true)?;
        let pins = GivenPin::new(Pin::new(passphrase.as_bytes().to_vec()));
        let address = KeyAddress::File(path.clone());
        let (_, key) = Keyring::new(None, Arc::new(pins)).generate(&address, template)?;
        let pin = format!(" --pin-file {}", shown(&passphrase_path));
        tell(&Step {
            title: format!(
                "made an RSA 3072 key: {}, its passphrase in {}",
                path.display(),
                passphrase_path.display()
            ),
            command: format!("key generate --key {}{pin} --rsa 3072", quoted(&address)),
        });
        return Ok(SigningChoice { address, key, pin });
    };
    let command = format!("key generate --key {} --rsa 3072", quoted(address));
    match keyring.open(address) {
        Ok(key) if key.public_key().algorithm() == KeyAlgorithm::Ed25519 => {
            Err(Error::new(ErrorKind::SignerUnfit, format!("{address}: {NO_EDDSA}")))
        }
        Ok(key) => {
            tell(&Step { title: format!("opened the key at {address}"), command: String::new() });
            Ok(SigningChoice { address: address.clone(), key, pin: String::new() })
        }
        Err(error) if error.kind() == ErrorKind::Key(KeyErrorKind::NotFound) => {
            let (info, key) = keyring.generate(address, template)?;
            tell(&Step { title: format!("made an RSA 3072 key: {}", info.address), command });
            Ok(SigningChoice { address: address.clone(), key, pin: String::new() })
        }
        Err(error) => Err(error),
    }
}

/// Makes a root whose key is gone when the quickstart ends.
fn make_ca(validity: Validity) -> Result<Identity, Error> {
    let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256))?;
    let subject: Name = "CN=Throw-away Root".parse().map_err(|_| bug("name"))?;
    let failed = |error| Error::of_certificate("make a certificate authority", error);
    let root = CertificateBuilder::new(
        Profile::RootCa,
        subject,
        key.public_key().clone(),
        validity,
        SerialNumber::random().map_err(failed)?,
    )
    .self_signed(&key, SignatureScheme::EcdsaSha256)
    .map_err(failed)?;
    Identity::new(key, root, &[]).map_err(|_| bug("the root"))
}

fn issue(
    ca: &Identity,
    request: &CertificationRequest,
    validity: Validity,
) -> Result<Certificate, Error> {
    let failed = |error| Error::of_certificate("issue a certificate", error);
    CertificateBuilder::new(
        Profile::CodeSigning,
        request.subject().clone(),
        request.public_key().clone(),
        validity,
        SerialNumber::random().map_err(failed)?,
    )
    .issued_by(ca, SignatureScheme::EcdsaSha256)
    .map_err(failed)
}

/// The folder everything goes to.
struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or empties the one an earlier quickstart made.
    fn prepare(path: &Path) -> Result<Self, Error> {
        const MADE: [&str; 9] = [
            "program.exe",
            "key.pem",
            "key.pub",
            "key.passphrase",
            "ca.pem",
            "request.csr",
            "signer.pem",
            "signed.exe",
            MARKER,
        ];
        fs::create_dir_all(path).map_err(|error| Error::io("create", path, error))?;
        let list = |error| Error::io("list", path, error);
        let mut entries = fs::read_dir(path).map_err(list)?;
        let marker = path.join(MARKER);
        if marker.exists() {
            for name in MADE {
                match fs::remove_file(path.join(name)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io("remove", &path.join(name), error));
                    }
                    _ => {}
                }
            }
        } else if entries.next().transpose().map_err(list)?.is_some() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{} has files in it that no quickstart made", path.display()),
            ));
        }
        let text = b"The keys and certificates here are for trying things out.\n\
            The next chancery quickstart into this folder replaces them.\n";
        write_new_file(&marker, text, false)?;
        Ok(Self(path.to_owned()))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

fn pem(certificate: &Certificate) -> String {
    to_pem("CERTIFICATE", certificate.as_der())
}

fn bug(what: &str) -> Error {
    Error::new(ErrorKind::SelfCheck, format!("the quickstart's own {what} is not in order"))
}

/// Writes a path for a shell.
fn shown(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

fn quoted(address: &KeyAddress) -> String {
    match address {
        KeyAddress::File(path) => format!("file:{}", shown(path)),
        KeyAddress::Pkcs11(uri) => format!("'{uri}'"),
        // In the Windows shell, an apostrophe is a letter.
        KeyAddress::Cng(address) => format!("\"{address}\""),
    }
}
