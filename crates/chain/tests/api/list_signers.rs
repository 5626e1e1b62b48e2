//! Who may sign a revocation list.

use chancery_chain::{Crl, Status, validate};
use chancery_x509::asn1;

use crate::maker::{
    CRL_DISTRIBUTION_POINTS, CrlMaker, Maker, NOW, POLICY_CONSTRAINTS, Party, directory_name, time,
};
use crate::paths::{anchors, certificates, reasons};
use crate::revocation::{Pair, hard, one_point};

fn crl_issuer(name: &str) -> Vec<u8> {
    asn1::tlv(0xa2, &[&directory_name(name)])
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
fn a_new_key_of_a_ca_does_not_vouch_for_itself() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let new = Maker::ca("CN=CA").issued_by(&ca);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let judge = |lists: &[Crl]| {
        let others = certificates(&[&ca, &new]);
        validate(&leaf.certificate, &others, &anchors(&[&root]), lists, &hard())
    };
    let lists = [CrlMaker::of(&root).sign(), CrlMaker::of(&new).sign()];
    assert_eq!(reasons(&judge(&lists)), ["crl-bad-signature"]);
    // The old key says that the new one is good, of a day before the new key's list.
    let by_old =
        CrlMaker::of(&ca).valid("2025-05-24", Some("2025-06-10")).scope(&[&[0x82, 1, 0xff]]);
    let [by_root, by_new] = lists;
    assert!(judge(&[by_root, by_new, by_old.sign()]).is_trusted());
}

#[test]
fn a_list_has_to_be_signed_in_its_own_issuers_name() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let lists = [CrlMaker::of(&root).sign(), CrlMaker::of(&root).naming_issuer("CN=CA").sign()];
    let others = certificates(&[&ca]);
    let outcome = validate(&leaf.certificate, &others, &anchors(&[&root]), &lists, &hard());
    assert_eq!(reasons(&outcome), ["crl-bad-signature"]);
}

#[test]
fn who_signs_lists_needs_none_of_the_leafs_policies() {
    let (one, two) = ("2.23.140.1.4.1", "2.23.140.1.4.2");
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").policies(&[one]).issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").policies(&[one]).issued_by(&ca);
    let mut policy = hard();
    policy.require_explicit_policy = true;
    policy.initial_policies = vec![one.parse().unwrap()];
    let judge = |signer: Maker| {
        let signer = signer.serial(&[7]).key_usage(&[0x02]).issued_by(&root);
        let lists = [CrlMaker::of(&signer).sign(), CrlMaker::of(&root).sign()];
        let others = certificates(&[&ca, &signer]);
        validate(&leaf.certificate, &others, &anchors(&[&root]), &lists, &policy).status
    };
    assert_eq!(judge(Maker::new("CN=CA")), Status::Trusted);
    let strict = |maker: Maker| maker.with(POLICY_CONSTRAINTS, true, vec![0x30, 3, 0x80, 1, 0]);
    assert_eq!(judge(strict(Maker::new("CN=CA").policies(&[two]))), Status::Trusted);
    assert_eq!(judge(strict(Maker::new("CN=CA"))), Status::RevocationUnknown);
}

#[test]
fn who_vouches_for_whom_has_an_end() {
    let indirect: &[u8] = &[0x84, 1, 0xff];
    let listed_by = |maker: Maker, name: &str| {
        maker.with(CRL_DISTRIBUTION_POINTS, false, one_point(&[&crl_issuer(name)]))
    };
    let judge = |names: &[&str]| {
        let pair = Pair::with(listed_by(Maker::leaf("CN=Leaf"), names[0]));
        // Each signer's list is about the one before; the last speaks for itself.
        let nexts = names.iter().skip(1).chain(names.last());
        let signers: Vec<Party> = names
            .iter()
            .zip(nexts)
            .map(|(name, next)| {
                listed_by(Maker::new(name).key_usage(&[0x02]), next).issued_by(&pair.root)
            })
            .collect();
        let lists: Vec<Crl> =
            signers.iter().map(|signer| CrlMaker::of(signer).scope(&[indirect]).sign()).collect();
        pair.judge_with(&signers.iter().collect::<Vec<_>>(), &lists, &hard()).status
    };
    assert_eq!(judge(&["CN=One"]), Status::Trusted);
    assert_eq!(judge(&["CN=One", "CN=Two"]), Status::Trusted);
    assert_eq!(judge(&["CN=One", "CN=Two", "CN=Three"]), Status::RevocationUnknown);
}

#[test]
fn who_signs_lists_is_judged_by_the_time_of_the_lists() {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = Maker::ca("CN=CA").issued_by(&root);
    let leaf = Maker::leaf("CN=Leaf").issued_by(&ca);
    let judge = |from, until| {
        let signer = Maker::new("CN=CA").serial(&[7]).key_usage(&[0x02]).valid(from, until);
        let signer = signer.issued_by(&root);
        let lists = [CrlMaker::of(&signer).sign(), CrlMaker::of(&root).sign()];
        let policy = hard().signed_at(time("2023-01-01"), time(NOW));
        let others = certificates(&[&ca, &signer]);
        validate(&leaf.certificate, &others, &anchors(&[&root]), &lists, &policy).status
    };
    assert_eq!(judge("2025-01-01", "2026-01-01"), Status::Trusted);
    assert_eq!(judge("2022-01-01", "2024-01-01"), Status::RevocationUnknown);
}
