//! Signing on a Windows, with the key that a system store binds to a certificate.

#![cfg(windows)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use chancery::authenticode::SignOptions;
use chancery::certstore::{Location, SystemStore, Thumbprint};
use chancery::cng::{CspStore, KeySpec, open_for_certificate};
use chancery::key::{
    KeyAlgorithm, KeyErrorKind, KeyGenerator, KeyTemplate, Pin, SignatureScheme, SigningKey,
};
use chancery::softkey::SoftKey;
use chancery::x509::{
    Certificate, CertificateBuilder, Identity, Profile, SerialNumber, Time, Validity, to_pem,
};
use chancery::{
    GivenPin, KeyAddress, KeyFinder, KeyWanted, Keyring, Settings, SignFileOptions, Stores,
    sign_file,
};
use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
use sha2::{Digest, Sha256};

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
    let (made, key) = keys.generate(&template).unwrap();
    let ca = authority();
    let certificate = issue(&ca, &*key);
    drop(key);

    // Bound as a user does it, the key found by the certificate among those of the provider.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("signer.pem");
    fs::write(&file, to_pem("CERTIFICATE", certificate.as_der())).unwrap();
    let pins = Arc::new(GivenPin::new(Pin::new(Vec::new())));
    let (keyring, settings) = (Keyring::new(None, pins), Settings::default());
    let finder = KeyFinder::new(&keyring, &settings);
    let provider: KeyAddress =
        format!("cng:provider={PROVIDER};type={PROV_RSA_AES}").parse().unwrap();
    // Where no token is, Windows is asked itself, and comes to the same.
    assert_eq!(finder.find(&certificate, None).unwrap().address, made.address);
    let wanted = KeyWanted { finder: &finder, place: Some(&provider), provider: None };
    let (stores, my) =
        (Stores::of_windows(), SystemStore::new(Location::CurrentUser, "My").unwrap());
    let bound = stores.bind_file(&my, &file, &[], &wanted).unwrap();
    let address: KeyAddress = made.address.parse().unwrap();
    assert_eq!(bound.key.as_deref(), Some(made.address.as_str()));
    let binding = bound.entry.key_binding().unwrap().unwrap();
    assert_eq!(binding.provider.as_deref(), Some(PROVIDER));
    assert_eq!(binding.container.as_deref(), Some(container.as_str()));
    assert_eq!(
        (binding.provider_type, binding.key_spec),
        (PROV_RSA_AES, KeySpec::Signature.number())
    );
    assert!(stores.list().unwrap().contains(&my));

    // Windows itself comes to the same key.
    let key = keyring.open(&address).unwrap();
    let acquired = open_for_certificate(certificate.as_der(), false).unwrap();
    assert_eq!(acquired.public_key(), key.public_key());
    let scheme = SignatureScheme::RsaPkcs1Sha256;
    let signature = acquired.sign(scheme, b"message").unwrap();
    assert_eq!(signature, key.sign(scheme, b"message").unwrap());
    let digest = Sha256::digest(b"message");
    let by_digest = keyring.open_digest_signer(&address).unwrap().sign_digest(scheme, &digest);
    assert_eq!(signature, by_digest.unwrap());

    fs::write(folder.join("ca.pem"), to_pem("CERTIFICATE", ca.certificate().as_der())).unwrap();
    let program = folder.join("signed.exe");
    fs::write(&program, tiny_pe(&TinyPe::default())).unwrap();
    let sha1 = Thumbprint::of(certificate.as_der());
    let (identity, named) = stores.identity(&my, &sha1.to_string(), &finder).unwrap();
    assert_eq!(named, made.address);
    let options = SignFileOptions::new(SignOptions::new(scheme));
    sign_file(&program, &identity, Time::now().unwrap(), &options).unwrap();

    stores.open(&my).remove(&sha1).unwrap();
    let gone = open_for_certificate(certificate.as_der(), false).unwrap_err();
    assert_eq!(gone.kind(), KeyErrorKind::NotFound);
    drop(acquired);
    drop(identity);
    keys.delete(&container).unwrap();
}
