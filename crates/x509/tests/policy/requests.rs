//! What the keys of a request mean.

use chancery_key::{DigestAlgorithm, EcCurve, KeyAlgorithm, SignatureScheme as S, SigningKey};
use chancery_x509::{Error, NoticeKind, RequestKind, SerialNumber, Time, oid};

use super::support::{ARTICLE, p256, policy, read, request, rsa, with};

/// Returns keys and names of the notices.
fn notices(lines: &str) -> Vec<(String, &'static str)> {
    let (_, notices) = with(lines).unwrap();
    notices.into_iter().map(|notice| (notice.place.key, notice.kind.name())).collect()
}

#[test]
fn the_request_of_the_article_is_made_as_it_says() {
    let (policy, notices) = read(ARTICLE).unwrap();
    let subject = "CN=example.com,C=US,ST=Washington,L=Seattle,O=ExampleOrg,OU=WebServer";
    assert_eq!(policy.subject().to_string(), subject);
    // X.500 order: organizationalUnitName, 2.5.4.11, is first in the encoding, commonName last.
    assert_eq!(policy.subject().as_der()[6..11], [0x06, 0x03, 0x55, 0x04, 0x0b]);
    assert_eq!(policy.key().algorithm, KeyAlgorithm::Rsa { bits: 2048 });
    assert_eq!(policy.key().provider.as_deref(), Some("Cavium Key Storage Provider"));
    assert_eq!(policy.key().container, None);
    assert!(policy.key().machine && !policy.key().existing && !policy.key().exportable);
    assert_eq!(policy.digest(), DigestAlgorithm::Sha256);
    assert_eq!(policy.scheme(), S::RsaPkcs1Sha256);
    assert_eq!(policy.kind(), RequestKind::Pkcs10);
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((notice.kind, notice.place.position.unwrap().line), (NoticeKind::Weak, 7));

    let request = policy.sign(rsa()).unwrap();
    assert_eq!(request.subject().to_string(), subject);
    assert_eq!(request.scheme(), S::RsaPkcs1Sha256);
    assert_eq!(request.public_key(), rsa().public_key());
    let extensions: Vec<_> = request.extensions().iter().collect();
    let [usage] = extensions[..] else { panic!("{extensions:?}") };
    assert_eq!((usage.oid, usage.critical), (oid::KEY_USAGE, true));
    assert_eq!(usage.value, [3, 2, 7, 0x80]);
}

#[test]
fn every_encoding_of_the_file_is_the_same_request() {
    let utf16 = ARTICLE.encode_utf16().flat_map(u16::to_le_bytes);
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16).collect();
    let inf = chancery_inf::Document::from_bytes(&bytes).unwrap();
    let (policy, _) = chancery_x509::RequestPolicy::from_inf(&inf).unwrap();
    assert_eq!(policy.subject(), read(ARTICLE).unwrap().0.subject());
}

#[test]
fn the_order_of_the_subject_can_be_turned() {
    let forward = policy("X500NameFlags = 0x1000000\n");
    let text = "[NewRequest]\nSubject = \"CN=a,O=b\"\n";
    let reversed = read(text).unwrap().0;
    let forward_two = read(&format!("{text}X500NameFlags=CERT_NAME_STR_FORWARD_FLAG")).unwrap().0;
    assert_eq!(forward.subject().to_string(), "CN=a");
    assert_eq!(reversed.subject().to_string(), "CN=a,O=b");
    assert_eq!(forward_two.subject().to_string(), "O=b,CN=a");
    // Unquoted, the comma is the INF's, and the subject the same.
    let plain = read("[NewRequest]\nSubject = CN=a,O=b").unwrap().0;
    assert_eq!(plain.subject(), reversed.subject());
    let inc = read("[NewRequest]\nSubject = \"CN=\"\"A, Inc.\"\",O=B\"").unwrap().0;
    assert_eq!(inc.subject().common_name().as_deref(), Some("A, Inc."));
}

#[test]
fn key_and_scheme_are_chosen() {
    for (lines, algorithm, scheme) in [
        ("", KeyAlgorithm::Rsa { bits: 2048 }, S::RsaPkcs1Sha256),
        (
            "KeyLength=4096\nHashAlgorithm=sha-512",
            KeyAlgorithm::Rsa { bits: 4096 },
            S::RsaPkcs1Sha512,
        ),
        (
            "KeyAlgorithm=rsa\nAlternateSignatureAlgorithm=1\nHashAlgorithm=SHA384",
            KeyAlgorithm::Rsa { bits: 2048 },
            S::RsaPssSha384,
        ),
        ("AlternateSignatureAlgorithm=no", KeyAlgorithm::Rsa { bits: 2048 }, S::RsaPkcs1Sha256),
        ("KeyAlgorithm=ECDSA_P384", KeyAlgorithm::Ec(EcCurve::P384), S::EcdsaSha256),
        (
            "KeyAlgorithm=ecdsa_p521\nKeyLength=521\nHashAlgorithm=SHA512",
            KeyAlgorithm::Ec(EcCurve::P521),
            S::EcdsaSha512,
        ),
    ] {
        let (policy, _) = read(&format!("[NewRequest]\nSubject=CN=a\n{lines}")).unwrap();
        assert_eq!((policy.key().algorithm, policy.scheme()), (algorithm, scheme), "{lines}");
    }
}

#[test]
fn a_key_that_is_there_is_not_made() {
    let new = policy("KeyContainer = \"release 2026\"\n");
    let template = new.key().template().unwrap();
    assert_eq!(template.label.as_deref(), Some("release 2026"));
    assert_eq!(template.algorithm, KeyAlgorithm::Ec(EcCurve::P256));
    let existing = policy("UseExistingKeySet = yes\nKeyContainer = {1234}\n");
    assert_eq!(existing.key().template(), None);
    assert_eq!(existing.key().container.as_deref(), Some("{1234}"));
    // It may be of another kind than the file says.
    assert_eq!(existing.scheme_for(KeyAlgorithm::Rsa { bits: 3072 }), Some(S::RsaPkcs1Sha256));
    assert_eq!(existing.sign(rsa()).unwrap().scheme(), S::RsaPkcs1Sha256);
}

#[test]
fn pss_is_never_given_up() {
    let (pss, _) = read("[NewRequest]\nSubject=CN=a\nAlternateSignatureAlgorithm=true\n").unwrap();
    assert_eq!(pss.sign(rsa()).unwrap().scheme(), S::RsaPssSha256);
    assert_eq!(pss.scheme_for(KeyAlgorithm::Ec(EcCurve::P256)), None);
    assert!(matches!(pss.sign(&p256()), Err(Error::Scheme { scheme: S::RsaPssSha256 })));
}

#[test]
fn key_usage_joins_numbers_and_names() {
    let usage = |lines: &str| request(lines).extensions().key_usage().unwrap();
    assert_eq!(usage("KeyUsage = 0xa0").unwrap().names(), ["digitalSignature", "keyEncipherment"]);
    assert_eq!(
        usage("KeyUsage = \"CERT_DIGITAL_SIGNATURE_KEY_USAGE | CERT_NON_REPUDIATION_KEY_USAGE\"")
            .unwrap()
            .names(),
        ["digitalSignature", "nonRepudiation"]
    );
    assert_eq!(usage(""), None, "nothing is in a request but what the file says");
}

#[test]
fn what_changes_nothing_is_reported() {
    let lines = "KeySpec=0\nProviderType=24\nSilent=yes\nSMIME=false\nSuppressDefaults=true\n\
                 KeyProtection=0\nRequesterName=\"A\\b\"\nSecurityDescriptor=\"D:P(A;;GA;;;SY)\"\n\
                 ExportableEncrypted=false\nPrivateKeyArchive=false\nEncryptionAlgorithm=aes\n\
                 EncryptionLength=256\nRenewalCert=\"00\"\nSubjectNameFlags=0\n";
    let found = notices(lines);
    let keys: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
    let written: Vec<_> = lines.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(keys, written);
    assert!(found.iter().all(|(_, kind)| *kind == "not-applicable"));

    assert_eq!(notices("Exportable=true"), [("Exportable".into(), "not-applicable")]);
    assert_eq!(notices("Exportable=false"), []);
    assert_eq!(notices("KeyLength=256"), [("KeyLength".into(), "not-applicable")]);
    assert_eq!(notices("KeyUsageProperty=2"), []);
    assert_eq!(
        notices("KeyUsageProperty=NCRYPT_ALLOW_ALL_USAGES"),
        [("KeyUsageProperty".into(), "not-applicable")]
    );
    assert_eq!(notices("HashAlgorithm=SHA1"), [("HashAlgorithm".into(), "weak")]);
    assert_eq!(notices("X500NameFlags=0x20000"), [("X500NameFlags".into(), "not-applicable")]);
    assert_eq!(notices("NotBefore=2026-01-31"), [("NotBefore".into(), "not-applicable")]);
    assert_eq!(notices("[Version]\nClass=x"), [("Class".into(), "not-applicable")]);
    let weak = |lines: &str| {
        let (_, notices) = read(&format!("[NewRequest]\nSubject=CN=a\n{lines}")).unwrap();
        notices.iter().any(|notice| notice.kind == NoticeKind::Weak)
    };
    assert!(weak("") && weak("KeyLength=2048"));
    assert!(!weak("KeyLength=3072") && !weak("UseExistingKeySet=1\nKeyContainer=a"));
    let (_, unversioned) = read("[NewRequest]\nSubject=CN=a\nKeyLength=3072").unwrap();
    assert_eq!(unversioned[0].kind, NoticeKind::NoVersion);
    assert_eq!(
        with("\nSilent=1").unwrap().1[0].to_string(),
        "line 7, column 1: [NewRequest] Silent: not-applicable: Nothing is shown."
    );
}

#[test]
fn a_certificate_can_be_signed_at_once() {
    let lines = "RequestType=Cert\nNotBefore=\"January 31, 2026 12:00 PM\"\nValidityPeriod=Months\n\
                 ValidityPeriodUnits=1\nKeyUsage=0x80\nFriendlyName=\"My signer\"\n\
                 [EnhancedKeyUsageExtension]\nOID=1.3.6.1.5.5.7.3.3\n";
    let policy = policy(lines);
    assert!(matches!(policy.kind(), RequestKind::SelfSigned(_)));
    assert_eq!(policy.friendly_name(), Some("My signer"));
    let key = p256();
    let now = Time::parse_rfc3339("2026-06-01").unwrap();
    let serial = SerialNumber::from_octets([1; 20]);
    let certificate = policy.self_sign(&key, now, serial).unwrap();
    assert_eq!(certificate.not_before().to_string(), "2026-01-31T12:00:00Z");
    assert_eq!(certificate.not_after().to_string(), "2026-02-28T12:00:00Z");
    assert_eq!(certificate.subject(), certificate.issuer());
    assert!(certificate.may_sign_code());
    assert!(!certificate.is_ca());
    assert!(certificate.extensions().subject_key_identifier().unwrap().is_some());
    certificate.verify_signature(key.public_key()).unwrap();

    let year = super::support::policy("RequestType=4");
    let certificate = year.self_sign(&key, now, SerialNumber::from_octets([1; 20])).unwrap();
    assert_eq!(certificate.not_after().to_string(), "2027-06-01T00:00:00Z");
    let end = super::support::policy("RequestType=cert\nNotAfter=2026-05-31");
    let late = end.self_sign(&key, now, SerialNumber::from_octets([1; 20]));
    assert!(matches!(late, Err(Error::Validity)), "it ended yesterday");
}
