//! Requests, beside OpenSSL's.

use chancery_key::DigestAlgorithm;
use chancery_testkit::openssl::openssl;
use chancery_timestamp::{Nonce, TimeStampRequest};

use super::forge::VALUE;

/// Has OpenSSL write a request over [`VALUE`].
fn by_openssl(options: &[&str]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let (data, query) = (dir.path().join("data"), dir.path().join("query"));
    std::fs::write(&data, VALUE).unwrap();
    let mut args = vec!["ts", "-query", "-data", data.to_str().unwrap()];
    args.extend(options);
    args.extend(["-out", query.to_str().unwrap()]);
    let output = openssl(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(query).unwrap()
}

#[test]
fn requests_are_the_bytes_that_openssl_writes() {
    for (digest, name) in [
        (DigestAlgorithm::Sha256, "-sha256"),
        (DigestAlgorithm::Sha384, "-sha384"),
        (DigestAlgorithm::Sha512, "-sha512"),
    ] {
        let mut request = TimeStampRequest::new(digest, VALUE).unwrap();
        request.nonce = None;
        assert_eq!(request.to_der(), by_openssl(&[name, "-cert", "-no_nonce"]));
        request.certificate_wanted = false;
        request.policy = Some("1.2.3.4.1".parse().unwrap());
        let theirs = by_openssl(&[name, "-no_nonce", "-tspolicy", "1.2.3.4.1"]);
        assert_eq!(request.to_der(), theirs);
        assert_eq!(TimeStampRequest::from_der(&theirs).unwrap(), request);
    }
    let theirs = by_openssl(&["-sha256", "-cert"]);
    let read = TimeStampRequest::from_der(&theirs).unwrap();
    assert!(read.nonce.is_some() && read.certificate_wanted);
    assert_eq!(read.to_der(), theirs);
}

#[test]
fn openssl_reads_the_nonce() {
    let dir = tempfile::tempdir().unwrap();
    let query = dir.path().join("query");
    let mut request = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap();
    for (nonce, shown) in [
        (Nonce::from_unsigned(&[0, 0, 0x7f, 1]), "0x7F01"),
        (Nonce::from_unsigned(&[0xff; 8]), "0xFFFFFFFFFFFFFFFF"),
    ] {
        request.nonce = Some(nonce);
        std::fs::write(&query, request.to_der()).unwrap();
        let output = openssl(["ts", "-query", "-in", query.to_str().unwrap(), "-text"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("Nonce: {shown}\n")), "{text}");
        assert!(text.contains("Certificate required: yes"), "{text}");
    }
}

#[test]
fn every_request_has_a_nonce_of_its_own() {
    let [one, other] =
        [0; 2].map(|_| TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap());
    assert_ne!(one.nonce, other.nonce);
    assert!(one.nonce.unwrap().as_octets().len() <= 9);
}

#[test]
fn broken_requests_are_refused() {
    let der = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap().to_der();
    for len in 0..der.len() {
        assert!(TimeStampRequest::from_der(&der[..len]).is_err(), "{len}");
    }
    let mut version_2 = der.clone();
    version_2[4] = 2;
    assert!(TimeStampRequest::from_der(&version_2).is_err());
    let mut longer = der;
    longer.push(0);
    assert!(TimeStampRequest::from_der(&longer).is_err());
}
