//! Certificates, requests, names, and the files they are kept in.

use chancery_x509::asn1::Tlv;
use chancery_x509::{
    Certificate, CertificationRequest, Extensions, Name, NameError, read_certificates,
    read_documents, to_pem,
};

/// Reads the bytes as each of them, and writes again what can be written.
pub fn certificate(data: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(data) {
        check_certificate(&certificate, data);
    }
    if let Ok(request) = CertificationRequest::from_der(data) {
        check_request(&request, data);
    }
    let _ = CertificationRequest::from_file_contents(data);
    if let Ok(name) = Name::from_der(data) {
        assert_eq!(name.as_der(), data);
        check_name(&name);
    }
    match core::str::from_utf8(data).map(str::parse::<Name>) {
        Ok(Ok(name)) => {
            check_name(&name);
            assert_eq!(Name::from_der(name.as_der()).as_ref().ok(), Some(&name));
        }
        Ok(Err(error)) => {
            let shown = error.to_string();
            assert!(!shown.contains(char::is_control), "{shown:?}");
        }
        Err(_) => {}
    }
    check_file(data);
}

fn check_certificate(certificate: &Certificate, der: &[u8]) {
    assert_eq!(certificate.as_der(), der);
    let tbs = certificate.tbs_der();
    assert!(Tlv::parse(tbs).is_ok(), "the signed part is one value");
    check_extensions(certificate.extensions());
    check_name(certificate.subject());
    check_name(certificate.issuer());
    let (first, last) = (certificate.not_before(), certificate.not_after());
    assert_eq!(certificate.is_valid_at(first), first <= last);
    assert!(!certificate.is_valid_at(first.minus_seconds(1)) || first.unix() == 0);
    let _ = (
        certificate.is_ca(),
        certificate.may_sign_code(),
        certificate.names_as_issuer(certificate),
    );
    let key = certificate.public_key();
    if certificate.verify_signature(key).is_ok() {
        let mut changed = der.to_vec();
        // The last octet of what is signed, whatever it means.
        let outer = Tlv::parse(der).expect("it was read before");
        let at = outer.reader().offset() + tbs.len() - 1;
        changed[at] ^= 1;
        let holds = |certificate: Certificate| certificate.verify_signature(key).is_ok();
        assert!(!Certificate::from_der(&changed).is_ok_and(holds));
    }
}

fn check_request(request: &CertificationRequest, der: &[u8]) {
    assert_eq!(request.as_der(), der);
    check_extensions(request.extensions());
    check_name(request.subject());
    let again = CertificationRequest::from_file_contents(request.to_pem().as_bytes());
    assert_eq!(again.expect("what we write is read").as_der(), der);
}

fn check_extensions(extensions: &Extensions) {
    for extension in extensions.iter() {
        assert_eq!(extensions.get(extension.oid), Some(extension), "none is there twice");
    }
    if let Ok(Some(usage)) = extensions.key_usage() {
        assert!(usage.allows(usage) && usage.union(usage) == usage);
        let _ = usage.names();
    }
    let _ = extensions.extended_key_usage();
    let _ = extensions.ca();
    let _ = extensions.subject_key_identifier();
    let _ = extensions.authority_key_identifier();
}

/// What is displayed is one line, and is read as a name that displays the same.
///
/// A certificate may hold what we would not write, as letters outside ASCII in a country: that is
/// displayed and refused.
fn check_name(name: &Name) {
    assert!(name.matches(name));
    let _ = name.common_name();
    let shown = name.to_string();
    assert!(!shown.contains(char::is_control), "{shown:?}");
    match shown.parse::<Name>() {
        Ok(again) => {
            assert!(again.matches(name) && name.matches(&again), "{shown}");
            assert_eq!(again.to_string().parse().as_ref(), Ok(&again), "{shown}");
        }
        Err(NameError::BadValue(_)) => {}
        Err(NameError::Empty) if name.is_empty() => {}
        Err(error) => panic!("{shown:?}: {error}"),
    }
}

fn check_file(data: &[u8]) {
    let documents = read_documents(data);
    let certificates = read_certificates(data);
    let Ok(documents) = documents else {
        assert!(certificates.is_err());
        return;
    };
    for document in &documents {
        let pem = to_pem("CERTIFICATE", &document.der);
        let again = read_documents(pem.as_bytes()).expect("what we write is read");
        let [again] = again.as_slice() else { panic!("{} documents", again.len()) };
        assert_eq!(again.der, document.der);
        assert_eq!(again.label.as_deref(), Some("CERTIFICATE"));
    }
    assert!(certificates.map_or(0, |all| all.len()) <= documents.len());
}
