//! What the tests share.

use std::sync::LazyLock;

use chancery_key::{EcCurve, KeyAlgorithm};
use chancery_softkey::SoftKey;
use chancery_x509::{CertificationRequest, Notice, PolicyError, PolicyErrorKind, RequestPolicy};

/// The request an article on moving code signing into an HSM has one write, with the no-break spaces of its page.
pub(crate) const ARTICLE: &str = concat!(
    "\u{a0}[Version]\n",
    "Signature = \"$Windows NT$\"\n",
    "[NewRequest]\n",
    "Subject = \"CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer\"\n",
    "HashAlgorithm = SHA256\n",
    "KeyAlgorithm = RSA\n",
    "KeyLength = 2048\n",
    "ProviderName = \"Cavium Key Storage Provider\"\n",
    "KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE\"\n",
    "MachineKeySet = True\u{a0}\u{a0}\u{a0}\n",
);

/// Making RSA keys takes seconds; one serves all tests of a run.
static RSA: LazyLock<SoftKey> =
    LazyLock::new(|| SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap());

pub(crate) fn rsa() -> &'static SoftKey {
    &RSA
}

pub(crate) fn p256() -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256)).unwrap()
}

pub(crate) fn read(text: &str) -> Result<(RequestPolicy, Vec<Notice>), PolicyError> {
    RequestPolicy::from_inf(&text.parse().unwrap())
}

/// Reads a request with these lines after its subject.
pub(crate) fn with(lines: &str) -> Result<(RequestPolicy, Vec<Notice>), PolicyError> {
    read(&format!(
        "[Version]\nSignature=\"$Windows NT$\"\n[NewRequest]\nSubject=CN=a\nKeyAlgorithm=ECDSA_P256\n{lines}"
    ))
}

pub(crate) fn policy(lines: &str) -> RequestPolicy {
    with(lines).unwrap().0
}

/// Signs what these lines ask for.
pub(crate) fn request(lines: &str) -> CertificationRequest {
    policy(lines).sign(&p256()).unwrap()
}

/// Reads lines that must be refused: line, key and kind.
pub(crate) fn refused(text: &str) -> (Option<usize>, String, PolicyErrorKind) {
    let Err(error) = read(text) else { panic!("accepted: {text}") };
    let place = error.place().clone();
    let line = place.position.map(|position| position.line);
    (line, format!("[{}] {}", place.section, place.key), error.into_kind())
}
