//! Which path is found and what is said of it.

use chancery_chain::{
    Distrust, MAX_PATH_LEN, Outcome, Policy, Reason, RevocationMode, Status, TrustAnchors, validate,
};
use chancery_key::DigestAlgorithm;
use chancery_x509::Certificate;
use chancery_x509::asn1;
use chancery_x509::oid::{BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE};

use crate::maker::{
    BEGIN, CERTIFICATE_POLICIES, END, INHIBIT_ANY_POLICY, Maker, NAME_CONSTRAINTS, NOW,
    POLICY_CONSTRAINTS, POLICY_MAPPINGS, Party, SUBJECT_ALT_NAME, general_name, time,
};
use crate::scenarios;

/// The certificates of parties, as candidates or anchors.
pub fn certificates(parties: &[&Party]) -> Vec<Certificate> {
    parties.iter().map(|party| party.certificate.clone()).collect()
}

pub fn anchors(parties: &[&Party]) -> TrustAnchors {
    certificates(parties).into_iter().collect()
}

pub fn reasons(outcome: &Outcome) -> Vec<&'static str> {
    outcome.findings.iter().map(|finding| finding.reason.name()).collect()
}

fn policy() -> Policy {
    let mut policy = Policy::code_signing(time(NOW));
    policy.revocation = RevocationMode::Off;
    policy
}

fn judge(leaf: &Party, candidates: &[&Party], trusted: &[&Party]) -> Outcome {
    judge_by(&policy(), leaf, candidates, trusted)
}

fn judge_by(policy: &Policy, leaf: &Party, candidates: &[&Party], trusted: &[&Party]) -> Outcome {
    validate(&leaf.certificate, &certificates(candidates), &anchors(trusted), &[], policy)
}

#[test]
fn every_scenario_is_judged_as_expected() {
    let mut failures = Vec::new();
    for scenario in scenarios::all() {
        let outcome = validate(
            &scenario.leaf,
            &scenario.candidates,
            &scenario.trust(),
            &scenario.crls,
            &scenario.policy(),
        );
        let names = reasons(&outcome);
        let right = match scenario.reason {
            None => outcome.status == Status::Trusted && names.is_empty(),
            Some(reason) => outcome.status != Status::Trusted && names.contains(&reason),
        };
        if !right {
            failures.push(format!("{}: {} {names:?}", scenario.name, outcome.status));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_path_is_returned_from_leaf_to_anchor() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let outcome = judge(&leaf, &[&root, &ca, &leaf], &[&root]);
    assert_eq!(outcome.path, certificates(&[&leaf, &ca, &root]));
    assert_eq!((outcome.status, outcome.signature_checks), (Status::Trusted, 2));
}

#[test]
fn of_two_cross_certificates_the_good_one_is_taken() {
    let (old, new) =
        (Maker::ca("CN=Old Root").self_signed(), Maker::ca("CN=New Root").self_signed());
    let by_old = Maker::ca("CN=CA").valid(BEGIN, "2024-01-01").issued_by(&old);
    let by_new = Maker::ca("CN=CA").key(&by_old.key).issued_by(&new);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&by_old);
    for candidates in [[&by_old, &by_new], [&by_new, &by_old]] {
        let outcome = judge(&leaf, &candidates, &[&old, &new]);
        assert_eq!(outcome.path, certificates(&[&leaf, &by_new, &new]));
        // The expired one is tried last.
        assert_eq!((outcome.status, outcome.signature_checks), (Status::Trusted, 2));
    }
    // Only the expired one leads to the old root.
    let outcome = judge(&leaf, &[&by_new, &by_old], &[&old]);
    assert_eq!(outcome.status, Status::Expired);
    assert_eq!(outcome.path, certificates(&[&leaf, &by_old, &old]));
}

#[test]
fn a_path_to_an_anchor_says_more_than_one_to_nowhere() {
    let (root, stranger) =
        (Maker::ca("CN=Root").self_signed(), Maker::ca("CN=Stranger").self_signed());
    let by_stranger = Maker::ca("CN=CA").issued_by(&stranger);
    let by_root = Maker::leaf("CN=CA").key(&by_stranger.key).issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&by_root);
    let outcome = judge(&leaf, &[&by_stranger, &stranger, &by_root], &[&root]);
    assert_eq!(reasons(&outcome), ["not-a-ca", "cert-sign-not-allowed"]);
    assert_eq!(outcome.path, certificates(&[&leaf, &by_root, &root]));
}

#[test]
fn of_paths_equally_bad_the_one_with_fewer_findings_is_returned() {
    let root = Maker::ca("CN=Root").self_signed();
    let worse = Maker::leaf("CN=CA").issued_by(&root);
    let bad = Maker::ca("CN=CA").key(&worse.key).key_usage(&[0x02]).issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&worse);
    for candidates in [[&worse, &bad], [&bad, &worse]] {
        let outcome = judge(&leaf, &candidates, &[&root]);
        assert_eq!(reasons(&outcome), ["cert-sign-not-allowed"]);
    }
}

#[test]
fn a_certificate_signed_with_its_own_key_is_a_root_only_by_its_own_name() {
    let key = Maker::ca("CN=Somebody").self_signed();
    let leaf = Maker::leaf("CN=Leaf").key(&key.key).issued_by(&key);
    assert_eq!(reasons(&judge(&leaf, &[], &[])), ["issuer-not-found"]);
}

#[test]
fn an_extension_that_is_not_what_its_type_says_is_named() {
    let root = Maker::ca("CN=Root").self_signed();
    let constraining = || Maker::ca("CN=CA").constrains(&[], &[general_name(2, "example.com")]);
    let null = vec![5, 0];
    let in_leaf = [
        BASIC_CONSTRAINTS,
        KEY_USAGE,
        EXTENDED_KEY_USAGE,
        SUBJECT_ALT_NAME,
        CERTIFICATE_POLICIES,
        POLICY_MAPPINGS,
        POLICY_CONSTRAINTS,
        INHIBIT_ANY_POLICY,
    ];
    for oid in in_leaf {
        let ca = constraining().issued_by(&root);
        let leaf = Maker::leaf("CN=Leaf").with(oid, false, null.clone()).issued_by(&ca);
        let outcome = judge(&leaf, &[&ca], &[&root]);
        assert_eq!(outcome.findings.len(), 1, "{oid}");
        assert_eq!(outcome.findings[0].reason, Reason::MalformedExtension(oid));
    }
    for oid in [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, NAME_CONSTRAINTS] {
        let ca = constraining().with(oid, false, null.clone()).issued_by(&root);
        let outcome = judge(&Maker::leaf("CN=Leaf").issued_by(&ca), &[&ca], &[&root]);
        assert_eq!(outcome.findings.len(), 1, "{oid}");
        assert_eq!(outcome.findings[0].reason, Reason::MalformedExtension(oid));
        assert_eq!(outcome.findings[0].index, 1);
    }
}

#[test]
fn an_unknown_policy_qualifier_is_refused_in_a_critical_extension() {
    let root = Maker::ca("CN=Root").self_signed();
    let qualifier = asn1::sequence(&[&asn1::object_identifier(&KEY_USAGE), &[5, 0]]);
    let policy = asn1::object_identifier(&"2.23.140.1.4.1".parse().unwrap());
    let policy = asn1::sequence(&[&policy, &asn1::sequence(&[&qualifier])]);
    let leaf = |critical| {
        let value = asn1::sequence(&[&policy]);
        Maker::leaf("CN=Leaf").with(CERTIFICATE_POLICIES, critical, value).issued_by(&root)
    };
    assert!(judge(&leaf(false), &[], &[&root]).is_trusted());
    let outcome = judge(&leaf(true), &[], &[&root]);
    assert_eq!(outcome.findings[0].reason, Reason::UnknownCriticalExtension(CERTIFICATE_POLICIES));
}

#[test]
fn the_anchor_is_tried_before_a_cross_certificate_of_it() {
    let other = Maker::ca("CN=Other").self_signed();
    let root = Maker::ca("CN=Root").valid(BEGIN, "2024-01-01").self_signed();
    let cross = Maker::ca("CN=Root").key(&root.key).issued_by(&other);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&root);
    let mut policy = policy();
    policy.check_anchor = false;
    let outcome = judge_by(&policy, &leaf, &[&cross], &[&other, &root]);
    assert_eq!(outcome.path, certificates(&[&leaf, &root]));
    policy.check_anchor = true;
    let outcome = judge_by(&policy, &leaf, &[&cross], &[&other, &root]);
    assert_eq!(outcome.path, certificates(&[&leaf, &cross, &other]));
    assert!(outcome.is_trusted());
}

#[test]
fn a_new_root_is_reached_through_the_old_one() {
    let old = Maker::ca("CN=Root").self_signed();
    let new = Maker::ca("CN=Root").self_signed();
    let new_by_old = Maker::ca("CN=Root").key(&new.key).issued_by(&old);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&new);
    let outcome = judge(&leaf, &[&new, &new_by_old], &[&old]);
    assert_eq!(outcome.status, Status::Trusted);
    assert_eq!(outcome.path, certificates(&[&leaf, &new_by_old, &old]));
    assert_eq!(judge(&leaf, &[&new], &[&old]).status, Status::Untrusted);
}

#[test]
fn a_key_identifier_is_a_hint_and_the_signature_decides() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").key_identifiers(b"one", b"root").issued_by(&root);
    let other = Maker::ca("CN=CA").key_identifiers(b"two", b"root").issued_by(&root);
    let right = Maker::leaf("CN=Leaf").key_identifiers(b"leaf", b"one").issued_by(&ca);
    let outcome = judge(&right, &[&other, &ca], &[&root]);
    assert_eq!((outcome.status, outcome.signature_checks), (Status::Trusted, 2));
    let wrong = Maker::leaf("CN=Leaf").key_identifiers(b"leaf", b"two").issued_by(&ca);
    let outcome = judge(&wrong, &[&other, &ca], &[&root]);
    assert_eq!((outcome.status, outcome.signature_checks), (Status::Trusted, 3));
}

#[test]
fn every_finding_of_the_path_is_returned_with_its_certificate() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").key_usage(&[0x02]).valid(BEGIN, "2024-01-01").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").key_usage(&[0x40]).issued_by(&ca);
    let outcome = judge(&leaf, &[&ca], &[&root]);
    let found: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| (finding.index, finding.subject.as_str(), finding.reason.name()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "CN=CA", "expired"),
            (1, "CN=CA", "cert-sign-not-allowed"),
            (0, "CN=Leaf", "signing-not-allowed"),
        ]
    );
    assert_eq!(outcome.status, Status::Untrusted, "the gravest decides");
    assert_eq!(outcome.findings[0].to_string(), "`CN=CA`: not valid after 2024-01-01T00:00:00Z");
}

#[test]
fn where_the_path_ends_decides_between_incomplete_and_untrusted() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let outcome = judge(&leaf, &[], &[&root]);
    assert_eq!((outcome.status, outcome.path.len()), (Status::Incomplete, 1));
    let outcome = judge(&leaf, &[&ca], &[]);
    assert_eq!((outcome.status, outcome.path.len()), (Status::Incomplete, 2));
    let outcome = judge(&leaf, &[&ca, &root], &[]);
    assert_eq!((outcome.status, outcome.path.len()), (Status::Untrusted, 3));
    assert_eq!(reasons(&outcome), ["untrusted-root"]);
    let alone = Maker::leaf("CN=Leaf").self_signed();
    assert_eq!(reasons(&judge(&alone, &[], &[&root])), ["untrusted-root"]);
}

#[test]
fn a_leaf_or_an_intermediate_can_be_an_anchor() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    assert_eq!(judge(&leaf, &[], &[&ca]).path, certificates(&[&leaf, &ca]));
    let outcome = judge(&leaf, &[], &[&leaf]);
    assert_eq!((outcome.status, outcome.path.len()), (Status::Trusted, 1));
    // Being trusted does not make it good for everything.
    assert_eq!(judge(&root, &[], &[&root]).status, Status::WrongUsage);
}

#[test]
fn an_anchor_is_not_whoever_claims_its_name_and_key() {
    let anchor = Maker::leaf("CN=Leaf").valid(BEGIN, "2024-01-01").self_signed();
    let thief = Maker::new("CN=Thief");
    let copy = Maker::leaf("CN=Leaf").public_key(anchor.certificate.public_key().clone());
    let copy = copy.key(&thief.self_signed().key).self_signed();
    assert_eq!(copy.certificate.public_key(), anchor.certificate.public_key());
    assert_eq!(judge(&copy, &[], &[&anchor]).status, Status::Incomplete);
    assert!(judge(&copy, &[], &[&anchor, &copy]).is_trusted());
}

#[test]
fn the_certificate_of_an_anchor_is_looked_at_if_the_policy_says_so() {
    let root =
        Maker::ca("CN=Root").basic_constraints(Some(0)).valid(BEGIN, "2024-01-01").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    assert_eq!(reasons(&judge(&leaf, &[&ca], &[&root])), ["expired", "path-length-exceeded"],);
    let mut name_and_key = policy();
    name_and_key.check_anchor = false;
    assert!(judge_by(&name_and_key, &leaf, &[&ca], &[&root]).is_trusted());
    // A root older than extensions says nothing that could be held against it.
    let ancient = Maker::new("CN=Ancient").version(1).self_signed();
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ancient);
    assert!(judge(&leaf, &[], &[&ancient]).is_trusted());
    let no_ca = Maker::leaf("CN=Not a CA").self_signed();
    let leaf = Maker::leaf("CN=Leaf").issued_by(&no_ca);
    let names = reasons(&judge(&leaf, &[], &[&no_ca]));
    assert_eq!(names, ["not-a-ca", "cert-sign-not-allowed"]);
}

#[test]
fn a_path_has_a_longest_length() {
    let mut chain = vec![Maker::ca("CN=Root").self_signed()];
    for level in 1..MAX_PATH_LEN {
        let next = Maker::ca(&format!("CN=CA {level}")).issued_by(chain.last().unwrap());
        chain.push(next);
    }
    let candidates: Vec<&Party> = chain.iter().collect();
    let fits = Maker::leaf("CN=Leaf").issued_by(&chain[MAX_PATH_LEN - 2]);
    assert!(judge(&fits, &candidates, &candidates[..1]).is_trusted());
    let outcome = judge(
        &Maker::leaf("CN=Leaf").issued_by(&chain[MAX_PATH_LEN - 1]),
        &candidates,
        &candidates[..1],
    );
    assert_eq!(reasons(&outcome), ["path-too-long"]);
    assert_eq!((outcome.status, outcome.path.len()), (Status::Untrusted, MAX_PATH_LEN));
}

#[test]
fn what_is_distrusted_is_so_in_whatever_path() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let sha256 = |bytes: &[u8]| {
        chancery_sigverify::digest(DigestAlgorithm::Sha256, bytes).try_into().unwrap()
    };
    let serial = |party: &Party, issuer: &str| Distrust::IssuerAndSerial {
        issuer: issuer.parse().unwrap(),
        serial: party.certificate.serial().to_vec(),
    };
    for (index, distrust) in [
        (0, Distrust::Certificate(leaf.certificate.thumbprint_sha256())),
        (1, Distrust::PublicKey(sha256(ca.certificate.public_key().spki_der()))),
        (0, serial(&leaf, "CN=ca")),
        (2, Distrust::Certificate(root.certificate.thumbprint_sha256())),
    ] {
        for check_anchor in [true, false] {
            let mut policy = policy();
            policy.check_anchor = check_anchor;
            policy.distrusted = vec![distrust.clone()];
            let outcome = judge_by(&policy, &leaf, &[&ca], &[&root]);
            assert_eq!(reasons(&outcome), ["distrusted"]);
            assert_eq!(outcome.findings[0].index, index);
        }
    }
    let mut policy = policy();
    policy.distrusted = vec![
        Distrust::Certificate([0; 32]),
        Distrust::PublicKey([0; 32]),
        serial(&leaf, "CN=Root"),
    ];
    assert!(judge_by(&policy, &leaf, &[&ca], &[&root]).is_trusted());
}

#[test]
fn a_signature_algorithm_that_is_not_known_is_named() {
    let root = Maker::ca("CN=Root").self_signed();
    let leaf = Maker::leaf("CN=Leaf").issued_by(&root);
    // ecdsa-with-SHA256 becomes ecdsa-with-SHA224, inside and outside.
    let mut der = leaf.certificate.as_der().to_vec();
    let oid = asn1::object_identifier(&chancery_x509::oid::ECDSA_WITH_SHA256);
    let starts: Vec<usize> =
        (0..der.len()).filter(|start| der[*start..].starts_with(&oid)).collect();
    for start in &starts {
        der[start + oid.len() - 1] = 1;
    }
    assert_eq!(starts.len(), 2);
    let leaf = Certificate::from_der(&der).unwrap();
    let outcome = validate(&leaf, &[], &anchors(&[&root]), &[], &policy());
    assert_eq!(reasons(&outcome), ["unsupported-signature-algorithm"]);
    assert_eq!(outcome.status, Status::Untrusted);
}

#[test]
fn time_is_that_of_the_policy_alone() {
    let root = Maker::ca("CN=Root").self_signed();
    let leaf = Maker::leaf("CN=Leaf").valid("2021-01-01", "2022-01-01").issued_by(&root);
    let at = |date| {
        let mut policy = policy();
        policy.time = time(date);
        judge_by(&policy, &leaf, &[], &[&root]).findings.pop().map(|finding| finding.reason)
    };
    assert_eq!(at("2021-06-01"), None);
    assert_eq!(at("2020-12-31"), Some(Reason::NotYetValid { not_before: time("2021-01-01") }));
    assert_eq!(at(END).map(|reason| reason.name()), Some("expired"));
}
