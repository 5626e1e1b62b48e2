//! Input that was made to be slow, to crash, or to hide something.

use std::sync::LazyLock;

use chancery_chain::{
    Crl, MAX_PATHS, MAX_SIGNATURE_CHECKS, Policy, RevocationMode, Status, TrustAnchors, validate,
};
use chancery_x509::Certificate;
use proptest::prelude::*;

use crate::maker::{CrlMaker, Maker, NOW, Party, general_name, time};
use crate::paths::{anchors, certificates, reasons};

fn policy(revocation: RevocationMode) -> Policy {
    let mut policy = Policy::code_signing(time(NOW));
    policy.revocation = revocation;
    policy
}

/// Changes serial numbers in an encoding, which makes certificates that nobody signed.
fn with_serial(template: &Party, number: u32) -> Certificate {
    let mut der = template.certificate.as_der().to_vec();
    let serial = template.certificate.serial();
    let start = der.windows(serial.len()).position(|window| window == serial).unwrap();
    der[start + 1..start + 5].copy_from_slice(&number.to_be_bytes());
    Certificate::from_der(&der).unwrap()
}

#[test]
fn a_loop_ends() {
    let (a, b) = (Maker::ca("CN=A").self_signed(), Maker::ca("CN=B").self_signed());
    let a_by_b = Maker::ca("CN=A").key(&a.key).issued_by(&b);
    let b_by_a = Maker::ca("CN=B").key(&b.key).issued_by(&a);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&a);
    let outcome = validate(
        &leaf.certificate,
        &certificates(&[&a_by_b, &b_by_a]),
        &TrustAnchors::none(),
        &[],
        &policy(RevocationMode::Off),
    );
    assert_eq!((outcome.status, outcome.path.len()), (Status::Incomplete, 3));
}

#[test]
fn many_cas_of_one_name_do_not_hide_the_right_one() {
    let root = Maker::ca("CN=Root").self_signed();
    let right = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&right);
    let mut crowd: Vec<Party> = (0..64).map(|_| Maker::ca("CN=CA").issued_by(&root)).collect();
    crowd.push(right);
    let crowd: Vec<&Party> = crowd.iter().collect();
    let outcome = validate(
        &leaf.certificate,
        &certificates(&crowd),
        &anchors(&[&root]),
        &[],
        &policy(RevocationMode::Off),
    );
    assert_eq!((outcome.status, outcome.signature_checks), (Status::Trusted, 66));
}

#[test]
fn a_mesh_of_cross_certificates_stays_within_the_bounds() {
    let cas: Vec<Party> =
        (0..16).map(|number| Maker::ca(&format!("CN=CA {number}")).self_signed()).collect();
    let mut mesh = Vec::new();
    for subject in &cas {
        for issuer in &cas {
            let name = subject.certificate.subject().to_string();
            mesh.push(Maker::ca(&name).key(&subject.key).issued_by(issuer).certificate);
        }
    }
    let leaf = Maker::leaf("CN=Leaf").issued_by(&cas[0]);
    let stranger = Maker::ca("CN=Stranger").self_signed();
    let judge = |trusted: &Party| {
        let trusted = anchors(&[trusted]);
        validate(&leaf.certificate, &mesh, &trusted, &[], &policy(RevocationMode::Off))
    };
    let outcome = judge(&stranger);
    assert_eq!(outcome.status, Status::Untrusted);
    assert!(reasons(&outcome).contains(&"search-limit"));
    assert!(outcome.signature_checks <= MAX_SIGNATURE_CHECKS);
    assert!(judge(&cas[1]).is_trusted());
}

#[test]
fn ten_thousand_intermediates_are_looked_up_and_not_tried() {
    let root = Maker::ca("CN=Root").self_signed();
    let serial = &[1, 0, 0, 0, 0, 0x5a, 0xa5, 0x5a, 0xa5];
    let right = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&right);
    let judge = |crowd: &Maker| {
        let template = crowd.clone().serial(serial).issued_by(&root);
        let mut crowd: Vec<Certificate> =
            (1..=10_000).map(|number| with_serial(&template, number)).collect();
        crowd.push(right.certificate.clone());
        let trusted = anchors(&[&root]);
        validate(&leaf.certificate, &crowd, &trusted, &[], &policy(RevocationMode::Off))
    };
    let others = judge(&Maker::ca("CN=Another"));
    assert_eq!((others.status, others.signature_checks), (Status::Trusted, 2));
    // All of the issuer's name, and one key that is not the issuer's.
    let same_name = judge(&Maker::ca("CN=CA"));
    assert_eq!((same_name.status, same_name.signature_checks), (Status::Trusted, 3));
    // All of the issuer's name and key, and signed by nobody.
    let same_key = judge(&Maker::ca("CN=CA").key(&right.key));
    assert!(reasons(&same_key).contains(&"search-limit"));
    assert!(same_key.signature_checks <= MAX_PATHS.min(MAX_SIGNATURE_CHECKS) + 1);
}

#[test]
fn intermediates_of_one_name_and_key_count_even_where_every_signature_holds() {
    let stranger = Maker::ca("CN=Stranger").self_signed();
    let key = Maker::ca("CN=CA").self_signed().key;
    let make = |number: u16| {
        let serial = [&[1], &number.to_be_bytes()[..]].concat();
        Maker::ca("CN=CA").key(&key).serial(&serial).issued_by(&stranger)
    };
    let crowd: Vec<Party> = (1..=300).map(make).collect();
    let crowd: Vec<&Party> = crowd.iter().chain([&stranger]).collect();
    let leaf = Maker::leaf("CN=Leaf").issued_by(crowd[0]);
    let root = Maker::ca("CN=Root").self_signed();
    let outcome = validate(
        &leaf.certificate,
        &certificates(&crowd),
        &anchors(&[&root]),
        &[],
        &policy(RevocationMode::Off),
    );
    assert!(reasons(&outcome).contains(&"search-limit"), "{:?}", reasons(&outcome));
    // The leaf's, each intermediate's once, and the stranger's own.
    assert!(outcome.signature_checks <= MAX_PATHS.min(MAX_SIGNATURE_CHECKS) + 2);
}

#[test]
fn a_crowd_cannot_hide_a_revocation_where_lists_are_optional() {
    let root = Maker::ca("CN=Root").self_signed();
    let leaf = Maker::leaf("CN=Leaf").issued_by(&root);
    let signer = Maker::new("CN=Root").serial(&[9]).key_usage(&[0x02]).issued_by(&root);
    let list = [CrlMaker::of(&signer).revoking(&leaf.certificate, "2025-05-01").sign()];
    let judge = |crowd: usize| {
        // Each might be the one who signed the list, and comes before the one who did.
        let mut crowd: Vec<Certificate> =
            (0..crowd).map(|_| Maker::ca("CN=Root").issued_by(&root).certificate).collect();
        crowd.push(signer.certificate.clone());
        let trusted = anchors(&[&root]);
        validate(&leaf.certificate, &crowd, &trusted, &list, &policy(RevocationMode::Soft))
    };
    assert_eq!(judge(3).status, Status::Revoked);
    let outcome = judge(MAX_SIGNATURE_CHECKS);
    assert_eq!(outcome.status, Status::Untrusted);
    assert_eq!(reasons(&outcome), ["search-limit"]);
    assert_eq!(outcome.signature_checks, MAX_SIGNATURE_CHECKS);
}

#[test]
fn nor_can_a_crowd_above_the_signer_of_the_list() {
    let root = Maker::ca("CN=Root").self_signed();
    let leaf = Maker::leaf("CN=Leaf").issued_by(&root);
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let signer = Maker::new("CN=Root").serial(&[9]).key_usage(&[0x02]).issued_by(&ca);
    let list = [CrlMaker::of(&signer).revoking(&leaf.certificate, "2025-05-01").sign()];
    let judge = |crowd: usize| {
        let mut crowd: Vec<Certificate> =
            (0..crowd).map(|_| Maker::ca("CN=CA").issued_by(&root).certificate).collect();
        crowd.extend(certificates(&[&ca, &signer]));
        let trusted = anchors(&[&root]);
        validate(&leaf.certificate, &crowd, &trusted, &list, &policy(RevocationMode::Soft))
    };
    assert_eq!(judge(3).status, Status::Revoked);
    assert_eq!(reasons(&judge(MAX_SIGNATURE_CHECKS)), ["search-limit"]);
}

#[test]
fn copies_count_once() {
    let root = Maker::ca("CN=Root").self_signed();
    let right = Maker::ca("CN=CA").issued_by(&root);
    let astray = Maker::ca("CN=CA").key(&right.key).naming_issuer("CN=Nobody").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&right);
    let mut candidates = vec![astray.certificate; MAX_PATHS + 1];
    candidates.push(right.certificate);
    let trusted = anchors(&[&root]);
    let policy = policy(RevocationMode::Off);
    assert!(validate(&leaf.certificate, &candidates, &trusted, &[], &policy).is_trusted());
}

#[test]
fn names_and_constraints_are_not_multiplied_without_end() {
    let names = |count: usize, host: &str| -> Vec<Vec<u8>> {
        (0..count).map(|number| general_name(2, &format!("h{number}.{host}"))).collect()
    };
    let root = Maker::ca("CN=Root").self_signed();
    let judge = |count| {
        let ca = Maker::ca("CN=CA").constrains(&[], &names(count, "example.org")).issued_by(&root);
        let leaf = Maker::leaf("CN=Leaf").also_called(&names(count, "example.com")).issued_by(&ca);
        let others = certificates(&[&ca]);
        let trusted = anchors(&[&root]);
        validate(&leaf.certificate, &others, &trusted, &[], &policy(RevocationMode::Off))
    };
    assert!(judge(400).is_trusted());
    assert_eq!(reasons(&judge(600)), ["too-many-names"]);
}

/// A path of three with lists for both links.
struct Fixture {
    path: Vec<Certificate>,
    crls: Vec<Crl>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA")
        .constrains(&[general_name(2, "example.com")], &[])
        .policies(&["2.23.140.1.4.1"])
        .issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf")
        .also_called(&[general_name(2, "www.example.com")])
        .policies(&["2.23.140.1.4.1"])
        .issued_by(&ca);
    let other = Maker::leaf("CN=Other").issued_by(&ca);
    let list = |party| CrlMaker::of(party).number(1).revoking(&other.certificate, "2025-05-01");
    Fixture {
        path: certificates(&[&leaf, &ca, &root]),
        crls: vec![list(&root).scope(&[&[0x82, 1, 0xff]]).sign(), list(&ca).sign()],
    }
});

/// Judges the fixture with one certificate or list replaced by other bytes; `None` where these are none.
fn judge_with(place: usize, der: &[u8]) -> Option<Status> {
    let Fixture { mut path, mut crls } =
        Fixture { path: FIXTURE.path.clone(), crls: FIXTURE.crls.clone() };
    match place {
        0 | 1 => path[place] = Certificate::from_der(der).ok()?,
        _ => crls[place - 2] = Crl::from_der(der).ok()?,
    }
    let trusted = TrustAnchors::new(vec![FIXTURE.path[2].clone()]);
    let mut policy = policy(RevocationMode::Hard);
    policy.require_explicit_policy = true;
    Some(validate(&path[0], &path[1..], &trusted, &crls, &policy).status)
}

fn original(place: usize) -> Vec<u8> {
    match place {
        0 | 1 => FIXTURE.path[place].as_der().to_vec(),
        _ => FIXTURE.crls[place - 2].as_der().to_vec(),
    }
}

#[test]
fn the_fixture_is_trusted_as_long_as_nobody_touches_it() {
    for place in 0..4 {
        assert_eq!(judge_with(place, &original(place)), Some(Status::Trusted));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn one_changed_byte_anywhere_is_never_trusted(
        place in 0_usize..4,
        position in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut der = original(place);
        let position = position.index(der.len());
        der[position] ^= change;
        prop_assert_ne!(judge_with(place, &der), Some(Status::Trusted));
    }

    #[test]
    fn bytes_of_any_length_and_contents_never_panic(
        place in 0_usize..4,
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let mut der = original(place);
        for (position, value) in changes {
            let position = position.index(der.len());
            der[position] = value;
        }
        let _ = judge_with(place, &der);
        let _ = Crl::from_der(&der[..cut.index(der.len())]);
    }
}
