//! Algorithms that are named and not verified.

use std::fs;

use chancery_testkit::openssl::openssl;
use chancery_x509::asn1::{self, tag};
use chancery_x509::{
    Certificate, CertificationRequest, Error, UnverifiedRequest, read_certificates,
};
use const_oid::ObjectIdentifier;

use super::support::name;

#[test]
fn a_curve_that_is_not_verified_is_read_and_named() {
    let folder = std::env::temp_dir().join(format!("chancery-edwards-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for named in ["Ed448"] {
        for (kind, out) in [(&["-x509"][..], at("cert.pem")), (&[], at("request.csr"))] {
            let mut args = vec!["req", "-new", "-newkey", named, "-noenc", "-subj", "/CN=Edwards"];
            args.extend(kind);
            let key = at("key.pem");
            args.extend(["-addext", "extendedKeyUsage=codeSigning", "-keyout", &key, "-out", &out]);
            let output = openssl(&args);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let certificate = read_certificates(&fs::read(at("cert.pem")).unwrap()).unwrap().remove(0);
        assert_eq!(certificate.public_key().algorithm().to_string(), named);
        assert_eq!(certificate.signature_algorithm().to_string(), named);
        assert_eq!(certificate.scheme(), None);
        assert_eq!(certificate.subject().to_string(), "CN=Edwards");
        let refused = certificate.verify_signature(certificate.public_key());
        assert!(matches!(refused, Err(Error::UnknownAlgorithm)));
        assert!(!certificate.is_self_signed(), "nobody has verified it");

        let bytes = fs::read(at("request.csr")).unwrap();
        let request = UnverifiedRequest::from_file_contents(&bytes).unwrap();
        assert_eq!(request.signature_algorithm().to_string(), named);
        assert_eq!(request.public_key().algorithm().to_string(), named);
        assert!(!request.extensions().is_empty());
        assert!(matches!(request.verify(), Err(Error::UnknownAlgorithm)));
        let refused = CertificationRequest::from_file_contents(&bytes);
        assert!(matches!(refused, Err(Error::UnknownAlgorithm)));
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn post_quantum_algorithms_are_read_and_named() {
    for (arcs, named, key_len, signature_len) in [
        ("2.16.840.1.101.3.4.3.17", "ML-DSA-44", 1312, 2420),
        ("2.16.840.1.101.3.4.3.18", "ML-DSA-65", 1952, 3309),
        ("2.16.840.1.101.3.4.3.19", "ML-DSA-87", 2592, 4627),
        ("2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s", 32, 7856),
        ("2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f", 64, 49_856),
        ("1.2.3.4", "1.2.3.4", 32, 32),
    ] {
        let oid = ObjectIdentifier::new_unwrap(arcs);
        let algorithm = asn1::sequence(&[&asn1::object_identifier(&oid)]);
        let spki = asn1::sequence(&[&algorithm, &asn1::bit_string(&vec![1; key_len])]);
        let time = asn1::tlv(tag::UTC_TIME, &[b"250101000000Z"]);
        let subject = name("CN=Lattice");
        let signature = asn1::bit_string(&vec![2; signature_len]);
        let tbs = asn1::sequence(&[
            &asn1::unsigned_integer(&[7]),
            &algorithm,
            subject.as_der(),
            &asn1::sequence(&[&time, &time]),
            subject.as_der(),
            &spki,
        ]);
        let der = asn1::sequence(&[&tbs, &algorithm, &signature]);
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.signature_algorithm().to_string(), named);
        assert_eq!(certificate.signature_algorithm().oid(), Some(oid));
        assert!(certificate.public_key().algorithm().to_string().ends_with(named));
        assert!(certificate.verify_signature(certificate.public_key()).is_err());

        let info = asn1::sequence(&[
            &asn1::unsigned_integer(&[0]),
            subject.as_der(),
            &spki,
            &asn1::tlv(tag::context_constructed(0), &[]),
        ]);
        let der = asn1::sequence(&[&info, &algorithm, &signature]);
        let request = UnverifiedRequest::from_der(&der).unwrap();
        assert_eq!(request.signature_algorithm().to_string(), named);
        assert!(request.verify().is_err());
    }
}
