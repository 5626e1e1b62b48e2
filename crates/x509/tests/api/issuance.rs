//! The rules certificates are held against before they are signed.

use std::fmt::Debug;

use chancery_key::{EcCurve, PublicKey, SignatureScheme as S, SigningKey};
use chancery_x509::{
    Certificate, CertificateBuilder, Error, IssuanceFinding, IssuancePolicy, Location, Profile,
    SerialNumber, Validity, oid,
};

use super::support::{ec, issue, name, p256, root_identity, rsa, time};

const BASELINE: IssuancePolicy = IssuancePolicy::CodeSigningBaseline;

fn location(text: &str) -> [Location; 1] {
    [text.parse().unwrap()]
}

/// A plan for a leaf that breaks no rule, to be changed.
fn good(profile: Profile, key: &PublicKey) -> CertificateBuilder {
    of(profile, key, "CN=Example Ltd,O=Example Ltd,C=GB", ("2026-04-01", "2027-04-01"))
        .crl_locations(location("http://crl.example/ca.crl"))
        .ca_issuers(location("http://ca.example/ca.cer"))
        .policies([oid::CABF_CODE_SIGNING])
}

fn of(
    profile: Profile,
    key: &PublicKey,
    subject: &str,
    (from, to): (&str, &str),
) -> CertificateBuilder {
    let validity = Validity::new(time(from), time(to)).unwrap();
    let serial = SerialNumber::from_octets([0x55; 20]);
    CertificateBuilder::new(profile, name(subject), key.clone(), validity, serial)
}

fn names(findings: &[IssuanceFinding]) -> Vec<&'static str> {
    for finding in findings {
        assert!(!finding.to_string().is_empty());
    }
    findings.iter().map(IssuanceFinding::name).collect()
}

fn against(builder: &CertificateBuilder, issuer: &Certificate) -> Vec<&'static str> {
    names(&builder.findings(BASELINE, Some(issuer), S::EcdsaSha256))
}

#[test]
fn what_keeps_the_rules_has_no_findings() {
    let root = root_identity("CN=Root");
    let key = p256();
    for profile in [Profile::IntermediateCa, Profile::CodeSigning, Profile::TimeStamping] {
        let none: [&str; 0] = [];
        assert_eq!(against(&good(profile, key.public_key()), root.certificate()), none);
    }
    let own = of(Profile::RootCa, key.public_key(), "CN=Root", ("2026-01-01", "2056-01-01"));
    assert_eq!(own.findings(BASELINE, None, S::EcdsaSha256), []);
}

#[test]
fn keys_are_as_long_as_the_certificate_asks() {
    let root = root_identity("CN=Root");
    let key = rsa().public_key();
    for profile in [Profile::CodeSigning, Profile::IntermediateCa] {
        assert_eq!(against(&good(profile, key), root.certificate()), ["rsa-key-too-short"]);
        let private = good(profile, key).findings(
            IssuancePolicy::Private,
            Some(root.certificate()),
            S::EcdsaSha256,
        );
        assert_eq!(private, []);
    }
    // 2^2047 + 1 is divisible by 3, and 3 is no exponent to ask for.
    let mut modulus = vec![0; 256];
    (modulus[0], modulus[255]) = (0x80, 1);
    let weak = PublicKey::from_rsa_numbers(&modulus, &[3]).unwrap();
    let plan = good(Profile::CodeSigning, &weak);
    assert_eq!(
        against(&plan, root.certificate()),
        ["rsa-key-too-short", "modulus-factor", "small-exponent"]
    );
    let private = plan.findings(IssuancePolicy::Private, None, S::RsaPkcs1Sha1);
    assert_eq!(names(&private), ["modulus-factor", "weak-hash"]);
}

#[test]
fn validity_has_an_end_that_depends_on_its_beginning() {
    let root = root_identity("CN=Root");
    let key = p256();
    let find = |profile, from, to| {
        let subject = "CN=Example";
        let plan = of(profile, key.public_key(), subject, (from, to))
            .crl_locations(location("http://crl.example/ca.crl"))
            .ca_issuers(location("http://ca.example/ca.cer"))
            .policies([oid::CABF_TIME_STAMPING]);
        against(&plan, root.certificate())
    };
    let none: [&str; 0] = [];
    for (profile, from, last, too_long) in [
        (Profile::CodeSigning, "2026-02-28", "2029-05-27T23:59:59Z", "2029-05-28"),
        (Profile::CodeSigning, "2026-03-01", "2027-06-03T23:59:59Z", "2027-06-04"),
        (Profile::TimeStamping, "2026-03-01", "2037-05-31T23:59:59Z", "2037-06-01"),
    ] {
        assert_eq!(find(profile, from, last), none, "{profile:?} from {from} to {last}");
        assert_eq!(find(profile, from, too_long), ["validity-too-long"], "{profile:?} {from}");
    }
    for (from, to) in [("2024-12-31", "2025-06-01"), ("2044-06-01", "2045-01-01T00:00:01Z")] {
        assert_eq!(find(Profile::CodeSigning, from, to), ["outside-issuer-validity"]);
    }
}

#[test]
fn names_and_places_are_asked_for() {
    let root = root_identity("CN=Root");
    let key = p256();
    let dates = ("2026-04-01", "2027-04-01");
    let bare = of(Profile::CodeSigning, key.public_key(), "O=Example,DC=example", dates);
    assert_eq!(
        against(&bare, root.certificate()),
        ["no-common-name", "domain-component", "no-policies", "no-crl-location", "no-ca-issuers"]
    );
    let own = of(Profile::CodeSigning, key.public_key(), "CN=Example", dates)
        .crl_locations(location("ldap://crl.example/ca"))
        .ca_issuers(location("https://ca.example/ca.cer"))
        .policies([oid::ANY_EXTENDED_KEY_USAGE]);
    assert_eq!(
        against(&own, root.certificate()),
        ["no-forum-policy", "location-not-http", "location-not-http"]
    );
    let root = of(Profile::RootCa, key.public_key(), "CN=R", dates).policies([oid::CRL_NUMBER]);
    assert_eq!(names(&root.findings(BASELINE, None, S::EcdsaSha384)), ["policies-in-root"]);
    let tls = good(Profile::TlsServer, key.public_key());
    assert_eq!(
        names(&tls.findings(BASELINE, None, S::EcdsaSha256)),
        ["forbidden-purpose", "code-or-time"]
    );
    let short = CertificateBuilder::new(
        Profile::RootCa,
        name("CN=R"),
        key.public_key().clone(),
        Validity::new(time("2026-01-01"), time("2027-01-01")).unwrap(),
        SerialNumber::from_octets([0; 20]),
    );
    assert_eq!(names(&short.findings(BASELINE, None, S::EcdsaSha256)), ["serial-too-short"]);
}

#[test]
fn an_issuer_hands_on_its_own_purposes_only() {
    let root = root_identity("CN=Root");
    let ca = issue(&root, Profile::IntermediateCa, "CN=CA", &p256()).unwrap();
    let key = p256();
    let none: [&str; 0] = [];
    assert_eq!(against(&good(Profile::CodeSigning, key.public_key()), &ca), none);
    let plan = good(Profile::TimeStamping, key.public_key());
    let found = plan.findings(IssuancePolicy::Private, Some(&ca), S::EcdsaSha256);
    assert_eq!(found, [IssuanceFinding::PurposeNotOfIssuer { purpose: oid::TIME_STAMPING }]);
    assert!(found[0].to_string().contains("timeStamping"));
}

#[track_caller]
fn shows<T: Debug>(value: T, part: &str) {
    let text = format!("{value:?}");
    assert!(text.contains(part), "{part} in {text}");
}

#[test]
fn a_timestamp_certificate_is_for_that_alone_and_critically() {
    let root = root_identity("CN=Root");
    let leaf = issue(&root, Profile::TimeStamping, "CN=TSA", &p256()).unwrap();
    let extensions = leaf.extensions();
    assert_eq!(extensions.extended_key_usage().unwrap(), Some(vec![oid::TIME_STAMPING]));
    assert!(extensions.get(oid::EXTENDED_KEY_USAGE).unwrap().critical);
    assert!(!leaf.may_sign_code());
}

#[test]
fn a_tls_server_has_names_and_an_rsa_one_takes_keys() {
    let root = root_identity("CN=Root");
    let dates = ("2026-04-01", "2027-04-01");
    let nameless = of(Profile::TlsServer, rsa().public_key(), "CN=a.example", dates);
    let refused = nameless.issued_by(&root, S::EcdsaSha256);
    assert!(matches!(refused, Err(Error::NoAlternativeName)));
    let curve = ec(EcCurve::P384);
    for (key, usage) in [
        (rsa().public_key(), &["digitalSignature", "keyEncipherment"][..]),
        (curve.public_key(), &["digitalSignature"]),
    ] {
        let names = ["dns=a.example", "ip=192.0.2.1"].map(|name| name.parse().unwrap());
        let made = of(Profile::TlsServer, key, "CN=a.example", dates)
            .alternative_names(names)
            .issued_by(&root, S::EcdsaSha256)
            .unwrap();
        assert_eq!(made.extensions().key_usage().unwrap().unwrap().names(), usage);
        let san = made.extensions().get(oid::SUBJECT_ALTERNATIVE_NAME).unwrap();
        assert!(!san.critical);
        shows(chancery_x509::AlternativeName::all_of(made.extensions()), "ip=192.0.2.1");
    }
}

#[test]
fn every_profile_signs_itself() {
    let key = p256();
    for profile in [
        Profile::RootCa,
        Profile::IntermediateCa,
        Profile::CodeSigning,
        Profile::TimeStamping,
        Profile::TlsServer,
    ] {
        let made = good(profile, key.public_key())
            .alternative_names(["dns=a.example".parse().unwrap()])
            .self_signed(&key, S::EcdsaSha256)
            .unwrap();
        assert!(made.is_self_signed());
        assert_eq!(made.is_ca(), profile.is_ca());
    }
}
