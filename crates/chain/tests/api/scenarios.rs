//! Chains good and bad, for us and for OpenSSL to judge.

use chancery_chain::{Crl, Policy, RevocationMode, TrustAnchors};
use chancery_x509::Certificate;
use chancery_x509::asn1;

use crate::maker::{
    BEGIN, CrlMaker, END, Maker, NOW, POLICY_MAPPINGS, Party, directory_name, general_name, time,
};

const UNKNOWN: const_oid::ObjectIdentifier =
    const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");

/// A question and its answer.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    pub leaf: Certificate,
    pub candidates: Vec<Certificate>,
    pub anchors: Vec<Certificate>,
    pub crls: Vec<Crl>,
    /// Whether a policy has to be valid.
    pub explicit: bool,
    /// Why OpenSSL is known to say something else.
    pub openssl_differs: Option<&'static str>,
    /// The name of the reason against it; `None` where it is trusted.
    pub reason: Option<&'static str>,
}

impl Scenario {
    /// A leaf and a path to the last certificate, which is trusted.
    fn new(name: &'static str, path: &[&Party], reason: Option<&'static str>) -> Self {
        let certificates: Vec<Certificate> =
            path.iter().map(|party| party.certificate.clone()).collect();
        let [leaf, between @ .., anchor] = &certificates[..] else { panic!("{name}: no path") };
        Self {
            name,
            leaf: leaf.clone(),
            candidates: between.to_vec(),
            anchors: vec![anchor.clone()],
            crls: Vec::new(),
            explicit: false,
            openssl_differs: None,
            reason,
        }
    }

    fn with_crls(self, crls: Vec<Crl>) -> Self {
        Self { crls, ..self }
    }

    fn explicit(self) -> Self {
        Self { explicit: true, ..self }
    }

    fn where_openssl_differs(self, why: &'static str) -> Self {
        Self { openssl_differs: Some(why), ..self }
    }

    /// RFC 5280 as OpenSSL has it: everybody's dates, the anchor's constraints.
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::rfc5280(time(NOW));
        policy.check_anchor = true;
        policy.require_explicit_policy = self.explicit;
        if self.crls.is_empty() {
            policy.revocation = RevocationMode::Off;
        }
        policy
    }

    pub fn trust(&self) -> TrustAnchors {
        TrustAnchors::new(self.anchors.clone())
    }
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    [dates_and_signatures(), constraints(), names(), policies(), revocation()].concat()
}

fn ca() -> Maker {
    Maker::ca("CN=Issuing CA")
}

fn leaf() -> Maker {
    Maker::leaf("CN=Leaf,O=Example,C=GB")
}

fn dates_and_signatures() -> Vec<Scenario> {
    let root = Maker::ca("CN=Root").self_signed();
    let ca_ = ca().issued_by(&root);
    let leaf_ = leaf().issued_by(&ca_);
    let over = |name, between: Maker, reason| {
        let between = between.issued_by(&root);
        Scenario::new(name, &[&leaf().issued_by(&between), &between, &root], reason)
    };
    let under = |name, leaf: Maker, reason| {
        Scenario::new(name, &[&leaf.issued_by(&ca_), &ca_, &root], reason)
    };
    let imposter = Maker::ca("CN=Issuing CA").issued_by(&root);
    let mut unsorted = Scenario::new("a path hidden among others", &[&leaf_, &ca_, &root], None)
        .where_openssl_differs("it takes the first certificate of the issuer's name");
    unsorted.candidates.insert(0, imposter.certificate.clone());
    unsorted.candidates.push(root.certificate.clone());
    let other_root = Maker::ca("CN=Other Root").self_signed();
    let mut no_issuer = Scenario::new("no issuer", &[&leaf_, &root], Some("issuer-not-found"));
    no_issuer.candidates.clear();
    let mut untrusted = Scenario::new(
        "a root nobody trusts",
        &[&leaf_, &ca_, &root, &other_root],
        Some("untrusted-root"),
    );
    untrusted.anchors = vec![other_root.certificate.clone()];
    let expired_root = Maker::ca("CN=Old Root").valid(BEGIN, "2024-01-01").self_signed();
    vec![
        Scenario::new("a good path", &[&leaf_, &ca_, &root], None),
        Scenario::new("right below the root", &[&leaf().issued_by(&root), &root], None),
        unsorted,
        no_issuer,
        untrusted,
        Scenario::new("signed by another", &[&leaf_, &imposter, &root], Some("bad-signature")),
        under("an expired leaf", leaf().valid(BEGIN, "2025-05-31"), Some("expired")),
        under("the last second", leaf().valid(BEGIN, NOW), None)
            .where_openssl_differs("it takes the last second for the first after the end"),
        under("the first second", leaf().valid(NOW, END), None),
        under("a leaf of tomorrow", leaf().valid("2025-06-02", END), Some("not-yet-valid")),
        over("an expired CA", ca().valid(BEGIN, "2025-05-31"), Some("expired")),
        over("a CA of tomorrow", ca().valid("2025-06-02", END), Some("not-yet-valid")),
        Scenario::new(
            "an expired root",
            &[&leaf().issued_by(&expired_root), &expired_root],
            Some("expired"),
        ),
        under("another issuer's name", leaf().naming_issuer("CN=Nobody"), Some("issuer-not-found")),
        under("a name in another case", leaf().naming_issuer("CN=ISSUING  ca"), None),
        under("a negative serial number", leaf().serial(&[0x80]), None),
    ]
}

fn constraints() -> Vec<Scenario> {
    let root = Maker::ca("CN=Root").self_signed();
    let over = |name, between: Maker, reason| {
        let between = between.issued_by(&root);
        Scenario::new(name, &[&leaf().issued_by(&between), &between, &root], reason)
    };
    let with_two = |name, first: Maker, second: Maker, reason| {
        let first = first.issued_by(&root);
        let second = second.issued_by(&first);
        Scenario::new(name, &[&leaf().issued_by(&second), &second, &first, &root], reason)
    };
    let sub_ca = || Maker::ca("CN=Sub CA");
    let no_extensions = || Maker::new("CN=Issuing CA");
    let short_root = Maker::ca("CN=Short Root").basic_constraints(Some(0)).self_signed();
    let below_short = ca().issued_by(&short_root);
    let unknown = vec![5, 0];
    vec![
        over("no basicConstraints", no_extensions().key_usage(&[0x06]), Some("not-a-ca")),
        over("a leaf as issuer", Maker::leaf("CN=Issuing CA"), Some("not-a-ca")),
        over("a version 1 CA", no_extensions().version(1), Some("not-version-3")),
        over("no keyCertSign", ca().key_usage(&[0x02]), Some("cert-sign-not-allowed")),
        over("no keyUsage", no_extensions().basic_constraints(None), None),
        over("pathLen 0 above a leaf", ca().basic_constraints(Some(0)), None),
        with_two(
            "pathLen 0 above a CA",
            ca().basic_constraints(Some(0)),
            sub_ca(),
            Some("path-length-exceeded"),
        ),
        with_two("pathLen 1 above a CA", ca().basic_constraints(Some(1)), sub_ca(), None),
        with_two(
            "pathLen 0 and a new key of the same CA",
            ca().basic_constraints(Some(0)).key_identifiers(b"old", b"root"),
            ca().key_identifiers(b"new", b"old"),
            None,
        ),
        Scenario::new(
            "pathLen 0 in the root",
            &[&leaf().issued_by(&below_short), &below_short, &short_root],
            Some("path-length-exceeded"),
        ),
        over("an unknown extension", ca().with(UNKNOWN, false, unknown.clone()), None),
        over(
            "an unknown critical extension",
            ca().with(UNKNOWN, true, unknown),
            Some("unknown-critical-extension"),
        ),
    ]
}

fn names() -> Vec<Scenario> {
    let root = Maker::ca("CN=Root").self_signed();
    let case = |name, permitted: &[Vec<u8>], excluded: &[Vec<u8>], leaf: Maker, reason| {
        let ca = ca().constrains(permitted, excluded).issued_by(&root);
        Scenario::new(name, &[&leaf.issued_by(&ca), &ca, &root], reason)
    };
    let outside = Some("name-not-permitted");
    let inside = Some("name-excluded");
    let (mail, dns, uri) = (1, 2, 6);
    let network = || asn1::tlv(0x87, &[&[10, 1, 0, 0, 255, 255, 0, 0]]);
    let address = |octets: [u8; 4]| leaf().also_called(&[asn1::tlv(0x87, &[&octets])]);
    let called = |form, name| leaf().also_called(&[general_name(form, name)]);
    let registered = || asn1::tlv(0x88, &[&[42, 3]]);
    let here = || directory_name("O=Example,C=GB");
    vec![
        case("a permitted directory name", &[here()], &[], leaf(), None),
        case("another directory name", &[directory_name("O=Other,C=GB")], &[], leaf(), outside),
        case("an excluded directory name", &[], &[here()], leaf(), inside),
        case("not the excluded directory name", &[], &[directory_name("O=Other")], leaf(), None),
        case(
            "a permitted host",
            &[general_name(dns, "example.com")],
            &[],
            called(dns, "www.example.com"),
            None,
        ),
        case(
            "another host",
            &[general_name(dns, "example.com")],
            &[],
            called(dns, "myexample.com"),
            outside,
        ),
        case(
            "an excluded host",
            &[],
            &[general_name(dns, "example.com")],
            called(dns, "www.example.com"),
            inside,
        ),
        case(
            "a permitted mailbox",
            &[general_name(mail, "example.com")],
            &[],
            called(mail, "jo@EXAMPLE.com"),
            None,
        ),
        case(
            "another mailbox",
            &[general_name(mail, ".example.com")],
            &[],
            called(mail, "jo@example.com"),
            outside,
        ),
        case(
            "an excluded mailbox in the subject",
            &[],
            &[general_name(mail, "example.com")],
            Maker::leaf("EMAIL=jo@example.com,CN=Leaf"),
            inside,
        ),
        case(
            "a permitted URI",
            &[general_name(uri, ".example.com")],
            &[],
            called(uri, "https://www.example.com:8443/x"),
            None,
        ),
        case(
            "another URI",
            &[general_name(uri, ".example.com")],
            &[],
            called(uri, "https://www.example.org/example.com"),
            outside,
        ),
        case("a permitted address", &[network()], &[], address([10, 1, 2, 3]), None),
        case("another address", &[network()], &[], address([10, 2, 2, 3]), outside),
        case("an excluded address", &[], &[network()], address([10, 1, 2, 3]), inside),
        case(
            "a constrained form that is not understood",
            &[registered()],
            &[],
            leaf().also_called(&[registered()]),
            Some("name-form-unsupported"),
        ),
        case("a constrained form that is not used", &[registered()], &[], leaf(), None),
    ]
}

fn policies() -> Vec<Scenario> {
    let root = Maker::ca("CN=Root").self_signed();
    let case = |name, ca: Maker, leaf: Maker, reason| {
        let ca = ca.issued_by(&root);
        Scenario::new(name, &[&leaf.issued_by(&ca), &ca, &root], reason).explicit()
    };
    let (one, two, any) = ("2.23.140.1.4.1", "2.23.140.1.4.2", "2.5.29.32.0");
    let mapping = |from: &str, to: &str| {
        let oid = |text: &str| asn1::object_identifier(&text.parse().unwrap());
        let pair = asn1::sequence(&[&oid(from), &oid(to)]);
        ca().policies(&[from]).with(POLICY_MAPPINGS, true, asn1::sequence(&[&pair]))
    };
    let none = Some("no-valid-policy");
    vec![
        case("one policy all along", ca().policies(&[one]), leaf().policies(&[one]), None),
        case("two policies", ca().policies(&[one]), leaf().policies(&[two]), none),
        case("no policies in the leaf", ca().policies(&[one]), leaf(), none),
        case("any policy of the CA", ca().policies(&[any]), leaf().policies(&[two]), None),
        case("a mapped policy", mapping(one, two), leaf().policies(&[two]), None),
        case("an unmapped policy", mapping(one, two), leaf().policies(&[one]), none),
        case(
            "anyPolicy mapped",
            mapping(any, two),
            leaf().policies(&[two]),
            Some("any-policy-mapped"),
        ),
    ]
}

fn revocation() -> Vec<Scenario> {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = ca().issued_by(&root);
    let leaf = leaf().issued_by(&ca);
    let by_root = || CrlMaker::of(&root).number(1);
    let by_ca = || CrlMaker::of(&ca).number(1);
    let case = |name, crls: &[CrlMaker], reason| {
        let crls = crls.iter().cloned().map(CrlMaker::sign).collect();
        Scenario::new(name, &[&leaf, &ca, &root], reason).with_crls(crls)
    };
    let mute = Maker::ca("CN=Mute CA").key_usage(&[0x04]).issued_by(&root);
    let below_mute = Maker::leaf("CN=Leaf").issued_by(&mute);
    let imposter = Maker::ca("CN=Issuing CA").issued_by(&Maker::ca("CN=Other").self_signed());
    vec![
        case("nothing revoked", &[by_root(), by_ca()], None),
        case(
            "others revoked",
            &[by_root().revoking(&leaf.certificate, "2025-05-01"), by_ca()],
            None,
        ),
        case(
            "a revoked leaf",
            &[by_root(), by_ca().revoking(&leaf.certificate, "2025-05-01")],
            Some("revoked"),
        ),
        case(
            "a revoked CA",
            &[by_root().revoking_for(&ca.certificate, "2025-05-01", 2), by_ca()],
            Some("revoked"),
        ),
        case("no list of the CA", &[by_root()], Some("crl-missing")),
        case(
            "a list out of date",
            &[by_root(), by_ca().valid("2025-05-01", Some("2025-05-20"))],
            Some("crl-expired"),
        ),
        case(
            "a list of tomorrow",
            &[by_root(), by_ca().valid("2025-06-02", Some("2025-06-20"))],
            Some("crl-not-yet-valid"),
        ),
        case(
            "a list for CAs only",
            &[by_root(), by_ca().scope(&[&[0x82, 1, 0xff]])],
            Some("crl-out-of-scope"),
        ),
        case("a list for leaves only", &[by_root(), by_ca().scope(&[&[0x81, 1, 0xff]])], None),
        case(
            "a list with an unknown critical extension",
            &[by_root(), by_ca().with(UNKNOWN, true, vec![5, 0])],
            Some("crl-unknown-critical-extension"),
        ),
        case(
            "a list signed by another",
            &[by_root(), CrlMaker::of(&imposter)],
            Some("crl-bad-signature"),
        ),
        Scenario::new(
            "a list of a CA that may not sign lists",
            &[&below_mute, &mute, &root],
            Some("crl-sign-not-allowed"),
        )
        .with_crls(vec![by_root().sign(), CrlMaker::of(&mute).sign()]),
    ]
}
