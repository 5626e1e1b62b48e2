//! OpenSSL accepts the requests, and shows in them what the INF asks for.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use chancery_testkit::openssl::openssl;
use chancery_x509::CertificationRequest;

use super::support::{ARTICLE, p256, policy, read, request, rsa};

/// Has OpenSSL verify a request, and returns what it shows of it, with single blanks. `None` where there is no OpenSSL, which
/// `CHANCERY_REQUIRE_ORACLES=1` makes a failure.
fn shown(name: &str, request: &[u8]) -> Option<(bool, String)> {
    let there = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        let required = std::env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|v| v == "1");
        assert!(!required, "openssl is required and cannot be run");
        println!("skipped: openssl cannot be run");
        return None;
    }
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("x509-policy");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(name);
    fs::write(&path, request).unwrap();
    let file = path.to_str().unwrap();
    let output = openssl([
        "req", "-inform", "DER", "-in", file, "-verify", "-text", "-noout", "-nameopt", "RFC2253",
    ]);
    let said = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&said);
    let text = words.split_whitespace().collect::<Vec<_>>().join(" ").replace(" = ", "=");
    Some((output.status.success(), text))
}

fn assert_shows(name: &str, request: &CertificationRequest, expected: &[&str]) {
    let Some((accepted, text)) = shown(name, request.as_der()) else { return };
    assert!(accepted && text.contains("verify OK"), "{text}");
    for line in expected {
        assert!(text.contains(line), "no `{line}` in: {text}");
    }
    let mut changed = request.as_der().to_vec();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    let (_, text) = shown(&format!("{name}-changed"), &changed).unwrap();
    assert!(!text.contains("verify OK"), "{text}");
}

#[test]
fn openssl_accepts_the_request_of_the_article() {
    let request = read(ARTICLE).unwrap().0.sign(rsa()).unwrap();
    assert_shows(
        "article",
        &request,
        &[
            "CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer",
            "Public-Key: (2048 bit)",
            "X509v3 Key Usage: critical Digital Signature",
            "Signature Algorithm: sha256WithRSAEncryption",
        ],
    );
}

#[test]
fn openssl_shows_alternative_names_of_every_kind() {
    let request = request(
        "[Extensions]\n2.5.29.17 = \"{text}\"\n_continue_ = \"dns=example.com&dns=*.example.com&\"\n\
         _continue_ = \"email=a@example.com\"\n_continue_ = \"upn=a@corp.example&\"\n\
         _continue_ = \"url=https://example.com/x\"\n_continue_ = \"ipaddress=10.0.0.1\"\n\
         _continue_ = \"ipaddress=2001:db8::1\"\n_continue_ = \"dn=CN=Some One,O=Example\"\n\
         _continue_ = \"guid=f7c3ac41-b8ce-4fb4-aa58-3d1dc0e36b39\"\n_continue_ = \"oid=1.2.3.4\"\n\
         _continue_ = \"1.2.3.5={utf8}text\"\n",
    );
    assert_shows(
        "names",
        &request,
        &[
            "X509v3 Subject Alternative Name:",
            "DNS:example.com, DNS:*.example.com, email:a@example.com",
            "UPN",
            "a@corp.example",
            "URI:https://example.com/x",
            "IP Address:10.0.0.1",
            "IP Address:2001:DB8:0:0:0:0:0:1",
            "DirName:",
            "CN=Some One",
            "Registered ID:1.2.3.4",
            "1.3.6.1.4.1.311.25.1",
            "1.2.3.5",
        ],
    );
}

#[test]
fn openssl_shows_the_other_extensions_and_attributes() {
    let lines = "KeyUsage=\"CERT_KEY_CERT_SIGN_KEY_USAGE|CERT_CRL_SIGN_KEY_USAGE\"\n\
                 [BasicConstraintsExtension]\nPathLength=1\n\
                 [EnhancedKeyUsageExtension]\nOID=1.3.6.1.5.5.7.3.3\n\
                 [ApplicationPolicyExtension]\nOID=1.3.6.1.5.5.7.3.3\n\
                 [RequestAttributes]\nCertificateTemplate=CodeSigning\n";
    assert_shows(
        "extensions",
        &policy(lines).sign(&p256()).unwrap(),
        &[
            "X509v3 Key Usage: critical Certificate Sign, CRL Sign",
            "X509v3 Basic Constraints: critical CA:TRUE, pathlen:1",
            "X509v3 Extended Key Usage: Code Signing",
            "1.3.6.1.4.1.311.21.10",
            "1.3.6.1.4.1.311.13.2.1",
        ],
    );
}

#[test]
fn openssl_accepts_pss_and_a_request_without_a_subject() {
    let pss =
        "[NewRequest]\nSubject=CN=a\nAlternateSignatureAlgorithm=true\nHashAlgorithm=SHA384\n";
    let request = read(pss).unwrap().0.sign(rsa()).unwrap();
    assert_shows("pss", &request, &["Signature Algorithm: rsassaPss", "Hash Algorithm: sha384"]);
    let nameless = "[NewRequest]\nSubject=\nKeyAlgorithm=ECDSA_P256\n[Extensions]\n2.5.29.17={text}dns=a.example\n";
    let request = read(nameless).unwrap().0.sign(&p256()).unwrap();
    assert_shows(
        "nameless",
        &request,
        &["X509v3 Subject Alternative Name: critical DNS:a.example"],
    );
}
