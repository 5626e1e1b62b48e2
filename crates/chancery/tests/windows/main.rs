//! Signing on a Windows, with the key that a system store binds to a certificate.

#![cfg(windows)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chancery::authenticode::SignOptions;
use chancery::cng::{Address, CspStore, KeySpec, open_for_certificate};
use chancery::key::{
    KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyTemplate, Pin, SignatureScheme, SigningKey,
};
use chancery::softkey::SoftKey;
use chancery::x509::{
    Certificate, CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity, to_pem,
};
use chancery::{GivenPin, KeyAddress, Keyring, SignFileOptions, sign_file};
use chancery_certstore::{
    CertificateQuery, CertificateStore, Entry, IfPresent, KeyBinding, Location, PropertyId,
    SystemStore, Thumbprint, WindowsStore,
};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

const PROVIDER: &str = "Microsoft Enhanced RSA and AES Cryptographic Provider";
const PROV_RSA_AES: u32 = 24;

fn issue(ca: &Identity, key: &dyn SigningKey) -> Certificate {
    let validity = Validity::from_now(Time::now().unwrap(), 30).unwrap();
    let (subject, serial) = ("CN=Bound Signer".parse().unwrap(), SerialNumber::random().unwrap());
    let public_key = key.public_key().clone();
    CertificateBuilder::new(Profile::CodeSigning, subject, public_key, validity, serial)
        .issued_by(ca, SignatureScheme::RsaPkcs1Sha256)
        .unwrap()
}

fn authority() -> Identity {
    let key = SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap();
    let validity = Validity::from_now(Time::now().unwrap(), 30).unwrap();
    let (subject, serial) = ("CN=Store Root".parse().unwrap(), SerialNumber::random().unwrap());
    let public_key = key.public_key().clone();
    let root = CertificateBuilder::new(Profile::RootCa, subject, public_key, validity, serial)
        .self_signed(&key, SignatureScheme::RsaPkcs1Sha256)
        .unwrap();
    Identity::new(key, root, &[]).unwrap()
}

/// Binds a new key to a certificate in `My`, finds the certificate by its thumbprint, and signs with the key that it
/// names. What is signed stays behind, for `cargo xtask windows` to ask others about.
#[test]
fn a_program_is_signed_by_the_key_of_a_certificate_found_by_thumbprint() {
    let keys = CspStore::new(PROVIDER, PROV_RSA_AES);
    let container = format!("chancery bound {}", std::process::id());
    // What an earlier run that failed left behind.
    let _ = keys.delete(&container);
    let template = KeyTemplate::new(KeyAlgorithm::Rsa { bits: 2048 }).with_label(&container);
    let (_, key) = keys.generate(&template).unwrap();
    let ca = authority();
    let certificate = issue(&ca, &*key);
    drop(key);

    let mut store = WindowsStore::new(SystemStore::new(Location::CurrentUser, "My").unwrap());
    let mut entry = Entry::new(certificate.clone());
    let mut binding = KeyBinding::new(&container, PROVIDER);
    binding.provider_type = PROV_RSA_AES;
    binding.key_spec = KeySpec::Signature.number();
    entry.properties_mut().set(PropertyId::KEY_PROVIDER_INFO, binding.encode().unwrap());
    store.add(entry, IfPresent::Refuse).unwrap();

    let sha1 = Thumbprint::of(certificate.as_der());
    let found = store.find(&CertificateQuery::any().with_sha1(sha1)).unwrap().one().unwrap();
    let bound = found.key_binding().unwrap().unwrap();
    let address = Address::from_provider_info(
        bound.provider.unwrap(),
        bound.container.unwrap(),
        bound.provider_type,
        bound.flags,
        bound.key_spec,
    );
    let pins = Arc::new(GivenPin::new(Pin::new(Vec::new())));
    let key = Keyring::new(None, pins).open(&KeyAddress::Cng(Box::new(address))).unwrap();
    // Windows itself comes to the same key.
    let acquired = open_for_certificate(found.der(), false).unwrap();
    assert_eq!(acquired.public_key(), key.public_key());
    let signature = acquired.sign(SignatureScheme::RsaPkcs1Sha256, b"message").unwrap();
    assert_eq!(signature, key.sign(SignatureScheme::RsaPkcs1Sha256, b"message").unwrap());

    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ca.pem"), to_pem("CERTIFICATE", ca.certificate().as_der())).unwrap();
    let program = folder.join("signed.exe");
    fs::write(&program, tiny_pe(&TinyPe::default())).unwrap();
    let chain = [ca.certificate().clone()];
    let identity = Identity::new(key, found.certificate().unwrap().clone(), &chain).unwrap();
    let options = SignFileOptions::new(SignOptions::new(SignatureScheme::RsaPkcs1Sha256));
    sign_file(&program, &identity, Time::now().unwrap(), &options).unwrap();

    store.remove(&sha1).unwrap();
    let gone = open_for_certificate(certificate.as_der(), false).unwrap_err();
    assert_eq!(gone.kind(), KeyErrorKind::NotFound);
    drop(acquired);
    drop(identity);
    keys.delete(&container).unwrap();
}
