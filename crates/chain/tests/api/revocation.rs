//! Whether a certificate is revoked, since when, and who may say so.

use chancery_chain::{
    Crl, CrlProblem, Outcome, Policy, Revocation, RevocationMode, RevocationReason, Status,
    validate,
};
use chancery_x509::{Certificate, asn1};

use crate::maker::{
    CRL_DISTRIBUTION_POINTS, CrlMaker, Maker, NOW, Party, general_name, point_name, sequence_of,
    time,
};
use crate::paths::{anchors, certificates, reasons};

/// A root and a leaf right below it, so that one list decides.
pub struct Pair {
    pub root: Party,
    pub leaf: Party,
}

impl Pair {
    pub fn new() -> Self {
        Self::with(Maker::leaf("CN=Leaf"))
    }

    pub fn with(leaf: Maker) -> Self {
        let root = Maker::ca("CN=Root").self_signed();
        let leaf = leaf.issued_by(&root);
        Self { root, leaf }
    }

    pub fn judge(&self, crls: &[Crl], policy: &Policy) -> Outcome {
        self.judge_with(&[], crls, policy)
    }

    pub fn judge_with(&self, others: &[&Party], crls: &[Crl], policy: &Policy) -> Outcome {
        let others = certificates(others);
        validate(&self.leaf.certificate, &others, &anchors(&[&self.root]), crls, policy)
    }

    pub fn list(&self) -> CrlMaker {
        CrlMaker::of(&self.root)
    }

    pub fn certificate(&self) -> &Certificate {
        &self.leaf.certificate
    }
}

fn in_mode(revocation: RevocationMode) -> Policy {
    let mut policy = Policy::code_signing(time(NOW));
    policy.revocation = revocation;
    policy
}

pub fn hard() -> Policy {
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
    let outcome = pair.judge(&[old, old_delta], &hard());
    assert_eq!(outcome.revocation, [Revocation::Unknown(vec![CrlProblem::Expired])]);
}

#[test]
fn a_delta_that_does_not_fit_is_not_used() {
    let pair = Pair::new();
    let stranger = Maker::ca("CN=Root").self_signed();
    let complete = pair.list().number(3).sign();
    let unknown = const_oid::ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
    for delta in [
        CrlMaker::of(&stranger).number(9).delta_to(3),
        pair.list().number(9).delta_to(3).scope(&[&[0x81, 1, 0xff]]),
        pair.list().number(9).delta_to(3).with(unknown, true, vec![5, 0]),
        // As old as the complete list.
        pair.list().number(3).delta_to(3),
    ] {
        let delta = delta.revoking(pair.certificate(), "2025-05-30").sign();
        assert!(pair.judge(&[complete.clone(), delta], &hard()).is_trusted());
    }
}

/// cRLDistributionPoints with one point of these parts.
pub fn one_point(parts: &[&[u8]]) -> Vec<u8> {
    sequence_of(&[asn1::sequence(parts)])
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
fn a_point_for_some_reasons_answers_for_those() {
    let here = point_name("http://example.com/1.crl");
    let there = point_name("http://example.com/2.crl");
    let (compromise, others): (&[u8], &[u8]) = (&[0x81, 2, 5, 0x60], &[0x81, 3, 7, 0x1f, 0x80]);
    let points =
        sequence_of(&[asn1::sequence(&[&here, compromise]), asn1::sequence(&[&there, others])]);
    let pair = Pair::with(Maker::leaf("CN=Leaf").with(CRL_DISTRIBUTION_POINTS, false, points));
    let at = |point: &[u8]| pair.list().scope(&[point]).sign();
    assert_eq!(reasons(&pair.judge(&[at(&here)], &hard())), ["crl-some-reasons-only"]);
    assert!(pair.judge(&[at(&here), at(&there)], &hard()).is_trusted());
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
fn distribution_points_that_cannot_be_read_are_named() {
    let broken = one_point(&[&general_name(6, "http://example.com/")]);
    let pair = Pair::with(Maker::leaf("CN=Leaf").with(CRL_DISTRIBUTION_POINTS, false, broken));
    assert_eq!(
        pair.judge(&[], &hard()).revocation,
        [Revocation::Unknown(vec![CrlProblem::MalformedDistributionPoints])]
    );
}
