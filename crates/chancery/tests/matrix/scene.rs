//! Who signs, who stamps, and whom the verifiers trust: made once.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;

use chancery::authenticode::{SignOptions, TrustAnchors, Verifier};
use chancery::key::{DigestAlgorithm, Pin, SignatureScheme, SigningKey};
use chancery::softkey::SoftKey;
use chancery::timestamp::http::{HttpSettings, HttpTimestamper, TimestampServer};
use chancery::timestamp::tsa::{Authority, Server};
use chancery::timestamp::{TimestampKind, Timestamper};
use chancery::x509::{CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity, to_pem};
use chancery::{GivenPin, IfSigned, SignFileOptions, Stamping, sign_and_stamp_file, sign_file};
use chancery_testkit::openssl::openssl;
use chancery_testkit::openssl_tsa::OpensslTsa;
use tempfile::TempDir;

use crate::axes::{Cell, Form, Key};

pub(crate) struct Scene {
    folder: TempDir,
    signers: Vec<(Key, Identity)>,
    /// Whoever signed before.
    first: Identity,
    own_tsa: String,
    openssl_tsa: OpensslTsa,
    pub(crate) now: Time,
    pub(crate) verifier: Verifier,
}

impl Scene {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root_key = key(folder.path(), Key::P256, "root");
        let root = builder(Profile::RootCa, "CN=Matrix Root", &root_key, 1)
            .self_signed(&root_key, SignatureScheme::EcdsaSha256)
            .unwrap();
        let root = Identity::new(root_key, root, &[]).unwrap();
        let mut serial = 1;
        let mut issue = |kind: Key, profile: Profile, name: &str| {
            serial += 1;
            let key = key(folder.path(), kind, name);
            let builder = builder(profile, &format!("CN=Matrix {name}"), &key, serial);
            let certificate = builder.issued_by(&root, SignatureScheme::EcdsaSha256).unwrap();
            Identity::new(key, certificate, &[root.certificate().clone()]).unwrap()
        };
        let signers =
            Key::ALL.map(|kind| (kind, issue(kind, Profile::CodeSigning, &format!("{kind:?}"))));
        let first = issue(Key::Rsa2048, Profile::CodeSigning, "first");
        let stamper = issue(Key::Rsa2048, Profile::TimeStamping, "stamper");
        let at = |name: &str| folder.path().join(name);
        let pem = |identity: &Identity| to_pem("CERTIFICATE", identity.certificate().as_der());
        fs::write(at("roots.pem"), pem(&root)).unwrap();
        fs::write(at("stamper.pem"), pem(&stamper)).unwrap();
        let openssl_tsa = OpensslTsa::start(folder.path(), &at("stamper.pem"), &at("stamper.key"));
        let now = Time::now().unwrap();
        let verifier = Verifier::new(TrustAnchors::new(vec![root.certificate().clone()]), now);
        let own_tsa = serve(stamper);
        Self { signers: signers.into(), first, own_tsa, openssl_tsa, now, verifier, folder }
    }

    /// A PEM file with the one root of signers and servers.
    pub(crate) fn roots(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    /// Makes the file of a cell, in a folder of its own where the names of cells may stand.
    pub(crate) fn sign(&self, cell: &Cell, file: &Path) -> Result<(), chancery::Error> {
        fs::write(file, cell.shape.program()).unwrap();
        let identity = self.signer(cell.key);
        let scheme = |digest| {
            let algorithm = identity.key().public_key().algorithm();
            SignatureScheme::conventional(algorithm, digest).unwrap()
        };
        let mut signature = SignOptions::new(scheme(cell.digest));
        match cell.form {
            Form::Opus => {
                signature.description = Some("Ma\u{df}werk \u{2116} 1".into());
                signature.url = Some("https://example.com/matrix".into());
            }
            Form::PageHashes => signature = signature.with_page_hashes(),
            _ => {}
        }
        let mut options = SignFileOptions::new(signature);
        match cell.form {
            Form::Appended => {
                let before = SignOptions::new(SignatureScheme::RsaPkcs1Sha256);
                sign_file(file, &self.first, self.now, &SignFileOptions::new(before))?;
                options.if_signed = IfSigned::Append;
            }
            Form::Dual => {
                let other = match cell.digest {
                    DigestAlgorithm::Sha256 => DigestAlgorithm::Sha512,
                    _ => DigestAlgorithm::Sha256,
                };
                options.also.push(SignOptions::new(scheme(other)));
            }
            _ => {}
        }
        let timestamper = self.timestamper(cell);
        let stamping = timestamper.as_deref().map(|one| Stamping::new(one).required());
        sign_and_stamp_file(file, identity, self.now, &options, stamping).map(|_| ())
    }

    fn signer(&self, key: Key) -> &Identity {
        let found = self.signers.iter().find(|(kind, _)| *kind == key);
        &found.unwrap().1
    }

    fn timestamper(&self, cell: &Cell) -> Option<Box<dyn Timestamper>> {
        let (url, kind) = match cell.form {
            Form::Rfc3161 if cell.is_stamped_by_openssl() => {
                (self.openssl_tsa.url(), TimestampKind::Rfc3161)
            }
            Form::Rfc3161 => (self.own_tsa.clone(), TimestampKind::Rfc3161),
            Form::Legacy => (self.own_tsa.clone(), TimestampKind::Legacy),
            _ => return None,
        };
        let mut settings = HttpSettings::default();
        settings.digest = cell.digest;
        let server = TimestampServer::new(&url, kind).unwrap();
        Some(Box::new(HttpTimestamper::new(vec![server], settings).unwrap()))
    }
}

/// Answers requests of both kinds on a free port, until the process ends.
fn serve(identity: Identity) -> String {
    let authority = Authority::new(identity).unwrap();
    let server = Server::bind(authority, SocketAddr::from(([127, 0, 0, 1], 0)), Time::now).unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    thread::spawn(move || server.serve());
    url
}

/// Makes a key with `openssl`, which is quicker at large ones, in the file `NAME.key`.
fn key(folder: &Path, kind: Key, name: &str) -> SoftKey {
    let path = folder.join(name).with_extension("key");
    let [algorithm, option] = kind.openssl();
    let output = openssl(
        ["genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out"]
            .map(AsRef::as_ref)
            .into_iter()
            .chain([path.as_os_str()]),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    SoftKey::open_file(&path, &GivenPin::new(Pin::new(Vec::new()))).unwrap()
}

/// Starts a certificate from 2020 to 2049: LIEF takes one that begins in this second to be from the future.
fn builder(profile: Profile, subject: &str, key: &SoftKey, serial: u8) -> CertificateBuilder {
    let time = |text| Time::parse_rfc3339(text).unwrap();
    CertificateBuilder::new(
        profile,
        subject.parse().unwrap(),
        key.public_key().clone(),
        Validity::new(time("2020-01-01"), time("2049-12-31")).unwrap(),
        SerialNumber::from_octets([serial; 20]),
    )
}
