//! Certificates without a signature.

use std::fs;

use chancery_cms::{SignedData, bare_signed_data, certificate_bundle, wrap_signed_data};
use chancery_x509::to_pem;

use super::openssl::{find, run};
use super::support::with_chain;

#[test]
fn openssl_prints_the_certificates_of_a_bundle() {
    let Some(dir) = find("bundle") else { return };
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let identity = with_chain();
    let certificates: Vec<_> = identity.certificates_to_embed().cloned().collect();
    assert!(certificates.len() > 1);
    let der = certificate_bundle(&certificates);
    fs::write(at("bundle.der"), &der).unwrap();
    fs::write(at("bundle.p7b"), to_pem("PKCS7", &der)).unwrap();
    for (form, file) in [("DER", "bundle.der"), ("PEM", "bundle.p7b")] {
        let (prints, said) = run(&["pkcs7", "-print_certs", "-inform", form, "-in", &at(file)]);
        assert!(prints, "{said}");
        for certificate in &certificates {
            let pem = to_pem("CERTIFICATE", certificate.as_der());
            assert!(said.contains(pem.trim()), "{said}");
        }
        assert_eq!(said.matches("BEGIN CERTIFICATE").count(), certificates.len());
    }
    fs::write(at("cut.der"), &der[..der.len() - 1]).unwrap();
    assert!(!run(&["pkcs7", "-print_certs", "-inform", "DER", "-in", &at("cut.der")]).0);
}

#[test]
fn a_bundle_of_nothing_is_one_too() {
    let Some(dir) = find("empty-bundle") else { return };
    let path = dir.join("empty.der");
    fs::write(&path, certificate_bundle(&[])).unwrap();
    let (prints, said) =
        run(&["pkcs7", "-print_certs", "-inform", "DER", "-in", path.to_str().unwrap()]);
    assert!(prints && !said.contains("BEGIN"), "{said}");
}

#[test]
fn a_bundle_is_read_back_and_has_no_signer() {
    let identity = with_chain();
    let certificates: Vec<_> = identity.certificates_to_embed().cloned().collect();
    let der = certificate_bundle(&certificates);
    let read = SignedData::from_der(&der).unwrap();
    assert_eq!((read.signers.len(), read.content.is_none()), (0, true));
    let again = read.read_certificates();
    assert_eq!(again.readable.len(), certificates.len());
    assert!(certificates.iter().all(|one| again.readable.contains(one)));
}

#[test]
fn a_signed_data_is_taken_out_of_its_content_info_and_put_back() {
    let whole = certificate_bundle(with_chain().certificates_to_embed());
    let bare = bare_signed_data(&whole).unwrap();
    assert!(SignedData::from_der(bare).is_err());
    assert_eq!(wrap_signed_data(bare).unwrap(), whole);
    // What has the wrapper gets no second one, and what is no SignedData none.
    assert!(wrap_signed_data(&whole).is_err());
    assert!(bare_signed_data(bare).is_err());
    for other in [&[][..], b"text", &[0x30, 0], &bare[..bare.len() - 1]] {
        assert!(bare_signed_data(other).is_err() && wrap_signed_data(other).is_err());
    }
}
