//! What is carried to the key and back.

use chancery_authenticode::{
    DigestFile, Error, PeSubject, PreparedSignature, SignOptions, Verdict,
};
use chancery_key::SignatureScheme as S;
use chancery_x509::Identity;
use proptest::prelude::*;

use super::support::{embed, measure, p256_signer, program, reasons, verify};

fn made(identity: &Identity) -> DigestFile {
    let program = program();
    let options = SignOptions::new(S::EcdsaSha256).with_page_hashes();
    let measurement = measure(&program, &options.request());
    let subject = PeSubject::parse(program.as_slice()).unwrap();
    let certificates = [identity.certificate()];
    let prepared = PreparedSignature::new(&subject, &measurement, &certificates, &options);
    DigestFile::new("pe", "set\u{7}up.exe", program.len() as u64, prepared.unwrap())
}

#[test]
fn what_comes_back_fits_the_file() {
    let identity = p256_signer();
    let file = made(&identity);
    let read = DigestFile::from_der(&file.to_der()).unwrap();
    assert_eq!(read, file);
    assert_eq!((read.file_name.as_str(), read.file_len), ("setup.exe", program().len() as u64));
    let signed = read.prepared.sign(&identity).unwrap();
    let report = verify(&embed(&program(), &[&signed]), &[identity.certificate()]);
    assert_eq!(report.verdict, Verdict::Valid, "{:?}", reasons(&report));
    assert_eq!(report.signatures[0].page_hashes.name(), "match");
}

#[test]
fn other_versions_and_cut_files_are_refused() {
    let der = made(&p256_signer()).to_der();
    let mut other = der.clone();
    let version = der.windows(3).position(|octets| octets == [2, 1, 1]).unwrap();
    other[version + 2] = 2;
    assert!(matches!(DigestFile::from_der(&other), Err(Error::NotPrepared { .. })));
    for len in 0..der.len() {
        assert!(DigestFile::from_der(&der[..len]).is_err(), "{len}");
    }
    assert!(DigestFile::from_der(&[&der[..], &[0]].concat()).is_err());
}

proptest! {
    #[test]
    fn changed_files_are_refused_or_written_again_as_they_were(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut der = made(&p256_signer()).to_der();
        for (at, octet) in changes {
            let at = at.index(der.len());
            der[at] = octet;
        }
        if let Ok(read) = DigestFile::from_der(&der) {
            prop_assert_eq!(DigestFile::from_der(&read.to_der()).ok(), Some(read));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = DigestFile::from_der(&bytes);
        let _ = PreparedSignature::from_content_info(&bytes);
    }
}
