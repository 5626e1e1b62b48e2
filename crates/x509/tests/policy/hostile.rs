//! Text made to do harm.

use std::time::{Duration, Instant};

use chancery_inf::Document;
use chancery_x509::{RequestPolicy, SerialNumber, Time};
use proptest::prelude::*;

use super::support::p256;

/// Reads a text as far as it can be read.
fn read(text: &str) -> Option<RequestPolicy> {
    let inf: Document = text.parse().ok()?;
    RequestPolicy::from_inf(&inf).ok().map(|(policy, _)| policy)
}

/// A request of known keys, each with a value that may fit it.
fn request() -> impl Strategy<Value = String> {
    let keys: Vec<&str> = RequestPolicy::keys()
        .iter()
        .filter(|key| key.section() == "NewRequest")
        .map(|key| key.name())
        .collect();
    let value = prop_oneof![
        prop::sample::select(vec![
            "true",
            "0",
            "1",
            "4",
            "0x80",
            "2048",
            "RSA",
            "ECDSA_P256",
            "SHA256",
            "Cert",
            "2026-01-31",
            "Years",
            "\"CN=a,O=b\"",
            "\"\"",
            "0x1000000",
            "a",
        ])
        .prop_map(str::to_owned),
        "\"[ -!#-~]{0,20}\"",
    ];
    let entry =
        (prop::sample::select(keys), value).prop_map(|(key, value)| format!("{key}={value}\n"));
    let extension = (
        "(2\\.5\\.29\\.(15|17|19|37)|Critical|1\\.2\\.3)",
        "(\\{(text|hex|asn)\\})?[0-9a-z=&.,:{}]{0,30}",
    )
        .prop_map(|(key, value)| format!("{key}=\"{value}\"\n"));
    (prop::collection::vec(entry, 0..6), prop::collection::vec(extension, 0..3)).prop_map(
        |(entries, extensions)| {
            format!(
                "[NewRequest]\nSubject=CN=a\n{}[Extensions]\n{}",
                entries.concat(),
                extensions.concat()
            )
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_does_harm(text in "(\\[NewRequest\\]\n)?[ -~\n]{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_value_does_harm_and_what_is_accepted_can_be_signed(text in request()) {
        if let Some(policy) = read(&text) {
            prop_assert_eq!(policy.scheme_for(policy.key().algorithm), Some(policy.scheme()));
            let key = p256();
            if policy.scheme_for(chancery_key::SigningKey::public_key(&key).algorithm()).is_some()
                && policy.digest() != chancery_key::DigestAlgorithm::Sha1
            {
                let request = policy.sign(&key).unwrap();
                prop_assert_eq!(request.subject(), policy.subject());
                prop_assert_eq!(request.extensions(), policy.request().extensions());
                let now = Time::parse_rfc3339("2026-01-01").unwrap();
                let _ = policy.self_sign(&key, now, SerialNumber::from_octets([1; 20]));
            }
        }
    }
}

/// A quarter of a megabyte of anything takes well under a second; what is quadratic takes minutes.
#[test]
fn time_is_linear_in_the_text() {
    const LEN: usize = 256 * 1024;
    let head = "[NewRequest]\nSubject=CN=a\n";
    let extensions: String =
        (0..LEN / 20).map(|number| format!("1.2.{number}={{hex}}0500\n")).collect();
    for (what, text) in [
        ("a long subject", format!("[NewRequest]\nSubject=\"{}\"", "CN=a,".repeat(LEN / 5))),
        ("a long unknown key", format!("{head}{}=1", "K".repeat(LEN))),
        (
            "names in a line",
            format!("{head}[Extensions]\n2.5.29.17={{text}}{}", "dns=a&".repeat(LEN / 6)),
        ),
        (
            "names in lines",
            format!(
                "{head}[Extensions]\n2.5.29.17={{text}}\n{}",
                "_continue_=dns=a\n".repeat(LEN / 17)
            ),
        ),
        ("many extensions", format!("{head}[Extensions]\n{extensions}")),
        ("hexadecimal", format!("{head}[Extensions]\n1.2.3={{hex}}{}", "30 ".repeat(LEN / 3))),
        ("Base64", format!("{head}[Extensions]\n1.2.3={}", "AAAA".repeat(LEN / 4))),
        (
            "purposes",
            format!("{head}[EnhancedKeyUsageExtension]\n{}", "OID=1.2.3\n".repeat(LEN / 10)),
        ),
        ("critical", format!("{head}[Extensions]\nCritical={}", "1.2.3,".repeat(LEN / 6))),
        ("flags", format!("{head}KeyUsage={}", "0x80|".repeat(LEN / 5))),
        ("ignored", format!("{head}[Version]\n{}", "Class=x\n".repeat(LEN / 8))),
        ("a long date", format!("{head}NotBefore={}", "1 ".repeat(LEN / 2))),
    ] {
        let start = Instant::now();
        let _ = read(&text);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
    }
}
