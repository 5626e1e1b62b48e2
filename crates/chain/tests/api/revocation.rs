//! Whether a certificate is revoked, since when, and who may say so.

use chancery_chain::{
    Crl, CrlProblem, Outcome, Policy, Revocation, RevocationMode, RevocationReason, Status,
    validate,
};
use chancery_x509::{Certificate, asn1};

use crate::maker::{
    CRL_DISTRIBUTION_POINTS, CrlMaker, Maker, NOW, Party, directory_name, general_name, point_name,
    sequence_of, time,
};
use crate::paths::{anchors, certificates, reasons};

/// A root and a leaf right below it, so that one list decides.
struct Pair {
    root: Party,
    leaf: Party,
}

impl Pair {
    fn new() -> Self {
        Self::with(Maker::leaf("CN=Leaf"))
    }

    fn with(leaf: Maker) -> Self {
        let root = Maker::ca("CN=Root").self_signed();
        let leaf = leaf.issued_by(&root);
        Self { root, leaf }
    }

    fn judge(&self, crls: &[Crl], policy: &Policy) -> Outcome {
        self.judge_with(&[], crls, policy)
    }

    fn judge_with(&self, others: &[&Party], crls: &[Crl], policy: &Policy) -> Outcome {
        let others = certificates(others);
        validate(&self.leaf.certificate, &others, &anchors(&[&self.root]), crls, policy)
    }

    fn list(&self) -> CrlMaker {
        CrlMaker::of(&self.root)
    }

    fn certificate(&self) -> &Certificate {
        &self.leaf.certificate
    }
}

fn in_mode(revocation: RevocationMode) -> Policy {
    let mut policy = Policy::code_signing(time(NOW));
    policy.revocation = revocation;
    policy
}

fn hard() -> Policy {
    in_mode(RevocationMode::Hard)
}

fn soft() -> Policy {
    in_mode(RevocationMode::Soft)
}

#[test]
fn the_mode_decides_what_a_missing_list_means() {
    let pair = Pair::new();
    let outcome = pair.judge(&[], &in_mode(RevocationMode::Off));
    assert_eq!(
        (outcome.status, outcome.revocation),
        (Status::Trusted, vec![Revocation::NotChecked])
    );
    let unknown = vec![Revocation::Unknown(vec![CrlProblem::Missing])];
    let outcome = pair.judge(&[], &soft());
    assert_eq!((outcome.status, &outcome.revocation), (Status::Trusted, &unknown));
    let outcome = pair.judge(&[], &hard());
    assert_eq!((outcome.status, &outcome.revocation), (Status::RevocationUnknown, &unknown));
    assert_eq!(reasons(&outcome), ["crl-missing"]);
    let list = [pair.list().sign()];
    assert_eq!(pair.judge(&list, &hard()).revocation, [Revocation::Good]);
}

#[test]
fn a_revoked_certificate_is_refused_in_every_mode_that_looks() {
    let pair = Pair::new();
    let list = [pair.list().revoking_for(pair.certificate(), "2025-05-01", 1).sign()];
    for mode in [RevocationMode::Soft, RevocationMode::Hard] {
        let outcome = pair.judge(&list, &in_mode(mode));
        assert_eq!((reasons(&outcome), outcome.status), (vec!["revoked"], Status::Revoked));
        let Revocation::Revoked(entry) = outcome.revocation[0] else { panic!("not revoked") };
        assert_eq!(entry.date, time("2025-05-01"));
        assert_eq!(entry.reason, Some(RevocationReason::KeyCompromise));
    }
    assert!(pair.judge(&list, &in_mode(RevocationMode::Off)).is_trusted());
}

#[test]
fn a_signature_that_is_proved_older_than_the_revocation_stays_good() {
    let pair = Pair::new();
    let list = [pair.list().revoking(pair.certificate(), "2025-05-01").sign()];
    let signed = |date| hard().signed_at(time(date), time(NOW));
    let outcome = pair.judge(&list, &signed("2025-04-30"));
    assert_eq!(outcome.status, Status::Trusted);
    assert!(matches!(outcome.revocation[0], Revocation::RevokedLater(_)));
    assert_eq!(outcome.revocation[0].revoked_since(), Some(time("2025-05-01")));
    assert_eq!(pair.judge(&list, &signed("2025-05-01")).status, Status::Revoked);
    assert_eq!(pair.judge(&list, &signed("2025-05-02")).status, Status::Revoked);
    // Without a proof of its age the signature may have been made after the revocation.
    let announced = [pair.list().revoking(pair.certificate(), "2025-06-05").sign()];
    assert_eq!(pair.judge(&announced, &hard()).status, Status::Revoked);
}

#[test]
fn the_date_of_compromise_counts_where_it_is_earlier() {
    let pair = Pair::new();
    let list = [pair.list().revoking_since(pair.certificate(), "2025-05-01", "2025-03-01").sign()];
    let signed = |date| hard().signed_at(time(date), time(NOW));
    assert_eq!(pair.judge(&list, &signed("2025-04-01")).status, Status::Revoked);
    assert_eq!(pair.judge(&list, &signed("2025-02-01")).status, Status::Trusted);
}

#[test]
fn a_policy_may_distrust_everything_a_compromised_key_signed() {
    let pair = Pair::new();
    let mut policy = hard().signed_at(time("2025-01-01"), time(NOW));
    policy.distrust_compromised_keys = true;
    let because =
        |reason| [pair.list().revoking_for(pair.certificate(), "2025-05-01", reason).sign()];
    assert_eq!(pair.judge(&because(1), &policy).status, Status::Revoked);
    assert_eq!(pair.judge(&because(4), &policy).status, Status::Trusted);
}

#[test]
fn a_list_that_is_not_of_now_brings_bad_news_only() {
    let pair = Pair::new();
    for (from, until, problem) in [
        ("2025-05-01", Some("2025-05-31"), "crl-expired"),
        ("2025-05-01", None, "crl-expired"),
        ("2025-06-02", Some("2025-07-01"), "crl-not-yet-valid"),
    ] {
        let list = || pair.list().valid(from, until);
        let outcome = pair.judge(&[list().sign()], &hard());
        assert_eq!(reasons(&outcome), [problem]);
        let named = list().revoking(pair.certificate(), "2025-05-01").sign();
        assert_eq!(pair.judge(&[named], &soft()).status, Status::Revoked);
    }
}

#[test]
fn the_newest_list_speaks() {
    let pair = Pair::new();
    let day = |day: &str| pair.list().valid(&format!("2025-05-{day}"), Some("2025-06-10"));
    let held = |list: CrlMaker| list.revoking_for(pair.certificate(), "2025-05-01", 6);
    let released = [held(day("20")).sign(), day("21").sign()];
    let held_now = [day("20").sign(), held(day("21")).sign()];
    for (mut lists, status) in [(released, Status::Trusted), (held_now, Status::Revoked)] {
        assert_eq!(pair.judge(&lists, &hard()).status, status);
        lists.reverse();
        assert_eq!(pair.judge(&lists, &hard()).status, status);
    }
}

#[test]
fn a_delta_adds_to_the_list_it_belongs_to_and_takes_away() {
    let pair = Pair::new();
    let complete = |number| pair.list().number(number);
    let delta = |base| pair.list().number(9).delta_to(base);
    let revoked = delta(3).revoking(pair.certificate(), "2025-05-30").sign();
    let outcome = pair.judge(&[complete(3).sign(), revoked.clone()], &hard());
    assert_eq!(outcome.status, Status::Revoked);
    assert_eq!(
        reasons(&pair.judge(std::slice::from_ref(&revoked), &hard())),
        ["crl-delta-without-base"]
    );
    // The complete list is older than the delta's base: there may be a gap between them.
    assert!(pair.judge(&[complete(2).sign(), revoked], &hard()).is_trusted());

    let held = complete(3).revoking_for(pair.certificate(), "2025-05-01", 6).sign();
    let released = delta(3).revoking_for(pair.certificate(), "2025-05-30", 8).sign();
    assert_eq!(pair.judge(std::slice::from_ref(&held), &hard()).status, Status::Revoked);
    assert!(pair.judge(&[held, released.clone()], &hard()).is_trusted());

    // With a current delta the complete list may be old.
    let old = complete(3).valid("2025-05-01", Some("2025-05-20")).sign();
    assert!(pair.judge(&[old.clone(), delta(3).sign()], &hard()).is_trusted());
    let old_delta = delta(3).valid("2025-05-02", Some("2025-05-20")).sign();
    assert_eq!(reasons(&pair.judge(&[old, old_delta], &hard())), ["crl-expired"]);
}

#[test]
fn a_delta_of_another_key_or_scope_is_not_used() {
    let pair = Pair::new();
    let stranger = Maker::ca("CN=Root").self_signed();
    let complete = pair.list().number(3).sign();
    for delta in [
        CrlMaker::of(&stranger).number(9).delta_to(3),
        pair.list().number(9).delta_to(3).scope(&[&[0x81, 1, 0xff]]),
    ] {
        let delta = delta.revoking(pair.certificate(), "2025-05-30").sign();
        assert!(pair.judge(&[complete.clone(), delta], &hard()).is_trusted());
    }
}

/// cRLDistributionPoints with one point of these parts.
fn one_point(parts: &[&[u8]]) -> Vec<u8> {
    sequence_of(&[asn1::sequence(parts)])
}

fn crl_issuer(name: &str) -> Vec<u8> {
    asn1::tlv(0xa2, &[&directory_name(name)])
}

#[test]
fn a_list_answers_at_its_own_distribution_point() {
    let here = point_name("http://example.com/1.crl");
    let there = point_name("http://example.com/2.crl");
    let leaf = Maker::leaf("CN=Leaf").with(CRL_DISTRIBUTION_POINTS, false, one_point(&[&here]));
    let pair = Pair::with(leaf);
    assert!(pair.judge(&[pair.list().scope(&[&here]).sign()], &hard()).is_trusted());
    assert!(pair.judge(&[pair.list().sign()], &hard()).is_trusted());
    let outcome = pair.judge(&[pair.list().scope(&[&there]).sign()], &hard());
    assert_eq!(reasons(&outcome), ["crl-out-of-scope"]);
}

#[test]
fn lists_for_some_reasons_must_together_be_for_all() {
    let pair = Pair::new();
    let compromise: &[u8] = &[0x83, 2, 5, 0x60];
    let others: &[u8] = &[0x83, 3, 7, 0x1f, 0x80];
    let of = |flags: &[u8]| pair.list().scope(&[flags]);
    let outcome = pair.judge(&[of(compromise).sign()], &hard());
    assert_eq!(reasons(&outcome), ["crl-some-reasons-only"]);
    assert!(pair.judge(&[of(compromise).sign(), of(others).sign()], &hard()).is_trusted());
    let named = of(others).revoking_for(pair.certificate(), "2025-05-01", 4).sign();
    assert_eq!(pair.judge(&[of(compromise).sign(), named], &hard()).status, Status::Revoked);
}

#[test]
fn somebody_else_may_issue_the_list_if_the_certificate_says_so() {
    let elsewhere = one_point(&[&crl_issuer("CN=Lists")]);
    let leaf = || Maker::leaf("CN=Leaf");
    let pair = Pair::with(leaf().with(CRL_DISTRIBUTION_POINTS, false, elsewhere));
    let signer = Maker::new("CN=Lists").key_usage(&[0x02]).issued_by(&pair.root);
    let about_signer = pair.list().sign();
    let indirect: &[u8] = &[0x84, 1, 0xff];
    let list = || CrlMaker::of(&signer).scope(&[indirect]);
    let issuer = |name: &str| {
        const CERTIFICATE_ISSUER: const_oid::ObjectIdentifier =
            const_oid::ObjectIdentifier::new_unwrap("2.5.29.29");
        (CERTIFICATE_ISSUER, true, asn1::sequence(&[&directory_name(name)]))
    };
    let naming = |name: &str| {
        list().entry(pair.certificate().serial(), "2025-05-01", &[issuer(name)]).sign()
    };
    let judge = |list: Crl| pair.judge_with(&[&signer], &[about_signer.clone(), list], &hard());
    // The root's own list would have done, were it not for the certificate.
    assert_eq!(judge(list().sign()).status, Status::Trusted);
    assert_eq!(judge(naming("CN=Root")).status, Status::Revoked);
    assert_eq!(judge(naming("CN=Somebody else")).status, Status::Trusted);
    // A list that does not say that it is for others is not.
    let silent = CrlMaker::of(&signer).revoking(pair.certificate(), "2025-05-01").sign();
    let outcome = pair.judge_with(&[&signer], &[silent], &hard());
    assert_eq!(reasons(&outcome), ["crl-out-of-scope"]);
}

#[test]
fn who_signs_a_list_must_lead_to_the_same_anchor_and_not_be_revoked() {
    let ca = |root: &Party| Maker::ca("CN=CA").issued_by(root);
    let (root, other_root) =
        (Maker::ca("CN=Root").self_signed(), Maker::ca("CN=Other Root").self_signed());
    let issuing = ca(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&issuing);
    let judge = |signer: &Party, root_list: CrlMaker| {
        let lists =
            [CrlMaker::of(signer).sign(), root_list.sign(), CrlMaker::of(&other_root).sign()];
        let others = certificates(&[&issuing, signer]);
        let trusted = anchors(&[&root, &other_root]);
        validate(&leaf.certificate, &others, &trusted, &lists, &hard())
    };
    let signer = |root: &Party| Maker::new("CN=CA").serial(&[7]).key_usage(&[0x02]).issued_by(root);
    let good = signer(&root);
    assert!(judge(&good, CrlMaker::of(&root)).is_trusted());
    let revoked = CrlMaker::of(&root).revoking(&good.certificate, "2025-05-01");
    // The leaf's issuer has the list's name too and did not sign it.
    assert_eq!(reasons(&judge(&good, revoked)), ["crl-bad-signature"]);
    assert_eq!(reasons(&judge(&signer(&other_root), CrlMaker::of(&root))), ["crl-bad-signature"]);
}

#[test]
fn a_key_vouches_for_itself_only_where_its_issuer_wants_it() {
    let own = one_point(&[&crl_issuer("CN=Lists")]);
    let points = |maker: Maker| maker.with(CRL_DISTRIBUTION_POINTS, false, own.clone());
    let pair = Pair::with(points(Maker::leaf("CN=Leaf")));
    let indirect: &[u8] = &[0x84, 1, 0xff];
    let signer = || Maker::new("CN=Lists").key_usage(&[0x02]);
    let designated = points(signer()).issued_by(&pair.root);
    let list = |party| CrlMaker::of(party).scope(&[indirect]).sign();
    assert!(pair.judge_with(&[&designated], &[list(&designated)], &hard()).is_trusted());
    let plain = signer().issued_by(&pair.root);
    let outcome = pair.judge_with(&[&plain], &[list(&plain)], &hard());
    assert_eq!(outcome.status, Status::RevocationUnknown);
}

#[test]
fn distribution_points_that_cannot_be_read_are_named() {
    let broken = one_point(&[&general_name(6, "http://example.com/")]);
    let pair = Pair::with(Maker::leaf("CN=Leaf").with(CRL_DISTRIBUTION_POINTS, false, broken));
    assert_eq!(
        pair.judge(&[], &hard()).revocation,
        [Revocation::Unknown(vec![CrlProblem::MalformedDistributionPoints])]
    );
}

#[test]
fn a_list_is_what_was_written() {
    let pair = Pair::new();
    let issuer = pair.root.certificate.subject();
    let list = pair
        .list()
        .number(5)
        .entry(&[3], "2025-05-02", &[])
        .entry(&[0x80], "2025-05-03", &[])
        .entry(&[3], "2025-05-01", &[])
        .entry(&[1, 0], "2025-05-04", &[])
        .sign();
    assert_eq!((list.issuer(), list.number(), list.len()), (issuer, Some(&[5][..]), 4));
    assert_eq!(list.this_update(), time("2025-05-25"));
    assert_eq!(list.next_update(), Some(time("2025-06-10")));
    assert!(!list.is_delta() && !list.is_empty());
    let date = |serial: &[u8]| list.find(issuer, serial).map(|entry| entry.date);
    assert_eq!(date(&[3]), Some(time("2025-05-01")), "the earlier of two");
    assert_eq!(date(&[0x80]), Some(time("2025-05-03")));
    assert_eq!(date(&[1, 0]), Some(time("2025-05-04")));
    assert_eq!(date(&[0]), None);
    assert_eq!(list.find(pair.leaf.certificate.subject(), &[3]), None);
    assert_eq!(Crl::from_der(list.as_der()).unwrap(), list);
}

#[test]
fn what_is_no_list_is_refused() {
    let pair = Pair::new();
    let der = pair.list().number(5).entry(&[3], "2025-05-02", &[]).der();
    assert!(Crl::from_der(&der).is_ok());
    for length in 0..der.len() {
        assert!(Crl::from_der(&der[..length]).is_err(), "{length} bytes");
    }
    assert!(Crl::from_der(&[der.clone(), vec![0]].concat()).is_err());
    assert!(Crl::from_der(pair.certificate().as_der()).is_err());
    let twice = pair.list().number(5).number(6);
    assert!(Crl::from_der(&twice.der()).is_err());
    let no_reason = pair.list().revoking_for(pair.certificate(), "2025-05-01", 7);
    assert!(Crl::from_der(&no_reason.der()).is_err());
    let outer = asn1::Tlv::parse(&der).unwrap();
    let parts: Vec<&[u8]> = outer.reader().map(|part| part.unwrap().raw).collect();
    let other_algorithm =
        chancery_x509::algorithm_identifier(chancery_key::SignatureScheme::EcdsaSha384);
    let mismatch = asn1::sequence(&[parts[0], &other_algorithm, parts[2]]);
    assert!(matches!(Crl::from_der(&mismatch), Err(chancery_x509::Error::AlgorithmMismatch)));
}
