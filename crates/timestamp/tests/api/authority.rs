//! Our authority by OpenSSL, and OpenSSL's by us.

use std::path::Path;
use std::process::Output;

use chancery_key::DigestAlgorithm;
use chancery_testkit::openssl::openssl;
use chancery_timestamp::tsa::{Authority, AuthorityError, LocalTimestamper};
use chancery_timestamp::{
    Accuracy, Failure, GenTime, Stamp, TimeStampRequest, TimestampVerifier, Timestamper, Token,
    accept_response,
};
use chancery_x509::{oid as x509_oid, to_pem};

use super::forge::{Maker, Time, VALUE, World, stamped, time};

fn run(dir: &Path, args: &[&str]) -> Output {
    let at = |arg: &&str| match arg.strip_prefix('@') {
        Some(name) => dir.join(name).to_str().unwrap().to_owned(),
        None => (*arg).to_owned(),
    };
    openssl(args.iter().map(at).collect::<Vec<String>>())
}

fn succeed(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn openssl_verifies_what_the_authority_answers() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let world = World::new();
    std::fs::write(dir.join("data"), VALUE).unwrap();
    std::fs::write(dir.join("other"), b"other").unwrap();
    std::fs::write(dir.join("ca.pem"), to_pem("CERTIFICATE", world.root.certificate.as_der()))
        .unwrap();
    std::fs::write(dir.join("tsa.pem"), to_pem("CERTIFICATE", world.server.certificate.as_der()))
        .unwrap();
    let authority = Authority::new(world.identity())
        .unwrap()
        .with_policy("1.2.3.4.5".parse().unwrap())
        .with_accuracy(Accuracy::seconds(2));
    for options in [
        &["-sha256", "-cert"][..],
        &["-sha512", "-cert", "-no_nonce"],
        &["-sha384", "-cert", "-tspolicy", "1.2.3.4.5"],
        &["-sha256"],
    ] {
        let query = [&["ts", "-query", "-data", "@data", "-out", "@q"], options].concat();
        succeed(dir, &query);
        let request = std::fs::read(dir.join("q")).unwrap();
        let now = GenTime::new(time("2026-06-01T12:00:00Z"), 250_000_000).unwrap();
        std::fs::write(dir.join("r"), authority.respond(&request, now).to_der()).unwrap();
        let text = succeed(dir, &["ts", "-reply", "-in", "@r", "-text"]);
        for line in [
            "Status: Granted.",
            "Policy OID: 1.2.3.4.5",
            "Jun  1 12:00:00.25 2026 GMT",
            "0x02 seconds",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        let verify = |data: &'static str| {
            let base =
                ["ts", "-verify", "-in", "@r", "-CAfile", "@ca.pem", "-untrusted", "@tsa.pem"];
            run(dir, &[&base[..], &["-attime", "1780315200"], &["-data", data]].concat())
        };
        let output = verify("@data");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{options:?}: {said}");
        assert!(!verify("@other").status.success());
        let query = ["ts", "-verify", "-in", "@r", "-CAfile", "@ca.pem", "-queryfile", "@q"];
        let more = ["-untrusted", "@tsa.pem", "-attime", "1780315200"];
        succeed(dir, &[&query[..], &more].concat());
    }
}

const CONFIGURATION: &str = "
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test
[ca_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[tsa_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
[plain_ext]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = timeStamping
";

/// Makes a root and a server by OpenSSL.
fn openssl_authority(dir: &Path) {
    std::fs::write(dir.join("cnf"), CONFIGURATION).unwrap();
    std::fs::write(dir.join("serial"), "01\n").unwrap();
    let key = ["-newkey", "rsa:2048", "-noenc"];
    let root =
        ["req", "-x509", "-config", "@cnf", "-extensions", "ca_ext", "-subj", "/CN=TSA Root"];
    succeed(dir, &[&root[..], &key, &["-keyout", "@ca.key", "-out", "@ca.pem"]].concat());
    let server =
        ["req", "-config", "@cnf", "-subj", "/CN=TSA", "-keyout", "@tsa.key", "-out", "@csr"];
    succeed(dir, &[&server[..], &key].concat());
    let issue = ["x509", "-req", "-in", "@csr", "-CA", "@ca.pem", "-CAkey", "@ca.key"];
    let extensions = ["-CAcreateserial", "-extfile", "@cnf", "-extensions", "tsa_ext"];
    succeed(dir, &[&issue[..], &extensions, &["-out", "@tsa.pem"]].concat());
}

/// Has OpenSSL answer a request; `more` goes into its configuration.
fn openssl_answer(dir: &Path, request: &[u8], more: &str) -> Vec<u8> {
    std::fs::write(dir.join("q"), request).unwrap();
    let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let tsa = format!(
        "{CONFIGURATION}\n[tsa]\ndefault_tsa = t\n[t]\nserial = {}\nsigner_cert = {}\nsigner_key = {}\n\
         certs = {}\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha512\n{more}\n",
        at("serial"),
        at("tsa.pem"),
        at("tsa.key"),
        at("ca.pem"),
    );
    std::fs::write(dir.join("tsa.cnf"), tsa).unwrap();
    succeed(dir, &["ts", "-reply", "-config", "@tsa.cnf", "-queryfile", "@q", "-out", "@r"]);
    std::fs::read(dir.join("r")).unwrap()
}

#[test]
fn what_openssl_answers_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    openssl_authority(dir);
    let root = std::fs::read(dir.join("ca.pem")).unwrap();
    let root = chancery_x509::read_certificates(&root).unwrap();
    let verifier = TimestampVerifier::new(root.into_iter().collect(), Time::now().unwrap());
    for more in [
        "accuracy = secs:1, millisecs:500, microsecs:100\ness_cert_id_alg = sha256",
        "ess_cert_id_alg = sha1\nordering = yes\ntsa_name = yes",
        "ess_cert_id_alg = sha512\nclock_precision_digits = 6",
        "ess_cert_id_chain = yes\ness_cert_id_alg = sha256",
    ] {
        let mut request = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap();
        let response = openssl_answer(dir, &request.to_der(), more);
        let (stamp, report) = accept_response(&response, &request, VALUE, &verifier)
            .unwrap_or_else(|refusal| panic!("{more}: {refusal}"));
        let info = report.info.unwrap();
        assert_eq!(info.accuracy.is_some(), more.contains("accuracy"));
        assert_eq!(
            (info.ordering, info.tsa.is_some()),
            (more.contains("ordering"), more.contains("tsa_name"))
        );
        if let Some(accuracy) = info.accuracy {
            assert_eq!((accuracy.seconds, accuracy.millis, accuracy.micros), (1, 500, 100));
        }
        let Stamp::Rfc3161(token) = stamp else { panic!("{stamp:?}") };
        assert_eq!(
            Token::from_der(&token).unwrap().info.to_der(),
            Token::from_der(&token).unwrap().content
        );
        // Another request with the same imprint has another nonce.
        request = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap();
        let refusal = accept_response(&response, &request, VALUE, &verifier).unwrap_err();
        assert_eq!(refusal.name(), "nonce-mismatch");
    }
    // OpenSSL ends with success where it rejects; the status says it.
    let request = TimeStampRequest::new(DigestAlgorithm::Sha384, VALUE).unwrap();
    let response = openssl_answer(dir, &request.to_der(), "ess_cert_id_alg = sha256");
    let refusal = accept_response(&response, &request, VALUE, &verifier).unwrap_err();
    assert_eq!((refusal.name(), refusal.is_transient()), ("rejected", false));
    assert!(refusal.to_string().contains("badAlg"), "{refusal}");
}

#[test]
fn bad_requests_are_rejected_by_name() {
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let reject = |request: &[u8]| {
        let response = authority.respond(request, stamped());
        assert!(response.token.is_none() && !response.status.is_granted());
        response.failures[0]
    };
    assert_eq!(reject(b"hello"), Failure::BadDataFormat);
    let good = TimeStampRequest::new(DigestAlgorithm::Sha256, VALUE).unwrap();
    let mut request = TimeStampRequest::new(DigestAlgorithm::Sha1, VALUE).unwrap();
    assert_eq!(reject(&request.to_der()), Failure::BadAlgorithm);
    request.imprint.algorithm = "1.2.840.113549.2.5".parse().unwrap();
    assert_eq!(reject(&request.to_der()), Failure::BadAlgorithm);
    request.imprint.algorithm = DigestAlgorithm::Sha256.oid();
    assert_eq!(reject(&request.to_der()), Failure::BadDataFormat, "20 bytes of SHA-256");
    let mut request = good.clone();
    request.policy = Some("1.2.3".parse().unwrap());
    assert_eq!(reject(&request.to_der()), Failure::UnacceptedPolicy);
    // An extension, put behind everything else.
    let mut der = good.to_der();
    let extension = [0xa0, 0x0a, 0x30, 8, 6, 2, 0x2a, 3, 4, 2, 5, 0];
    der[1] += u8::try_from(extension.len()).unwrap();
    der.extend(extension);
    assert_eq!(reject(&der), Failure::UnacceptedExtension);
    let late = authority.respond(&good.to_der(), time("2031-01-01").into());
    assert_eq!(late.failures, [Failure::TimeNotAvailable]);
    assert!(authority.respond(&good.to_der(), stamped()).status.is_granted());
}

#[test]
fn an_identity_for_something_else_is_no_authority() {
    for server in [
        Maker { purposes: None, ..Maker::server() },
        Maker { purposes: Some((false, vec![x509_oid::TIME_STAMPING])), ..Maker::server() },
        Maker { purposes: Some((true, vec![x509_oid::CODE_SIGNING])), ..Maker::server() },
        Maker { key_usage: 0x20, ..Maker::server() },
    ] {
        let error = Authority::new(World::with(&server).identity()).unwrap_err();
        assert!(matches!(error, AuthorityError::Certificate { .. }), "{error}");
        assert!(error.to_string().contains("CN=Server"), "{error}");
    }
}

#[test]
fn an_authority_in_this_process_stamps() {
    let world = World::new();
    let authority = Authority::new(world.identity()).unwrap();
    let clock = || Ok(time("2026-06-01"));
    let stamper = LocalTimestamper::new(authority, DigestAlgorithm::Sha384, clock);
    let stamp = stamper.stamp(VALUE).unwrap();
    let (attribute, token) = stamp.attribute();
    assert_eq!(attribute, chancery_timestamp::oid::RFC3161_COUNTER_SIGNATURE);
    let report = world.verifier().token(token, VALUE, &[]);
    assert!(report.is_valid());
    assert_eq!(report.digest_algorithm, Some(DigestAlgorithm::Sha384));
}
