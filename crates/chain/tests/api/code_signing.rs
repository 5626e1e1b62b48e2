//! What code signing and timestamping ask of certificates beyond RFC 5280.

use chancery_chain::{Outcome, Policy, Status, validate};
use chancery_key::{DigestAlgorithm, PublicKey};
use chancery_x509::oid::{
    ANY_EXTENDED_KEY_USAGE, CODE_SIGNING, EXTENDED_KEY_USAGE, KEY_USAGE, LIFETIME_SIGNING,
    TIME_STAMPING,
};

use crate::maker::{BEGIN, CrlMaker, Maker, NOW, Party, new_rsa_key, time};
use crate::paths::{anchors, certificates, reasons};

fn judge(policy: &Policy, leaf: Maker) -> Outcome {
    judge_under(policy, leaf, Maker::ca("CN=CA"))
}

fn judge_under(policy: &Policy, leaf: Maker, ca: Maker) -> Outcome {
    let root = Maker::ca("CN=Root").self_signed();
    let ca = ca.issued_by(&root);
    let leaf = leaf.issued_by(&ca);
    validate(&leaf.certificate, &certificates(&[&ca]), &anchors(&[&root]), &[], policy)
}

fn code_signing() -> Policy {
    Policy::code_signing(time(NOW))
}

fn leaf() -> Maker {
    Maker::leaf("CN=Leaf")
}

#[test]
fn a_leaf_must_be_for_signing_code() {
    assert!(judge(&code_signing(), leaf()).is_trusted());
    let also = leaf().purposes(false, &[TIME_STAMPING, CODE_SIGNING]);
    assert!(judge(&code_signing(), also).is_trusted());
    for (leaf, reason) in [
        (leaf().purposes(false, &[TIME_STAMPING]), "wrong-purpose"),
        (leaf().purposes(false, &[ANY_EXTENDED_KEY_USAGE]), "wrong-purpose"),
        (leaf().without(EXTENDED_KEY_USAGE), "extended-key-usage-missing"),
        (leaf().key_usage(&[0x40]), "signing-not-allowed"),
        (leaf().basic_constraints(None), "leaf-is-ca"),
    ] {
        let outcome = judge(&code_signing(), leaf);
        assert_eq!(reasons(&outcome), [reason]);
        assert_eq!(outcome.status, Status::WrongUsage);
    }
}

#[test]
fn what_a_leaf_lacks_is_the_policys_choice() {
    let mut lenient = code_signing();
    lenient.require_extended_key_usage = false;
    lenient.allow_ca_leaf = true;
    let bare = leaf().without(EXTENDED_KEY_USAGE).without(KEY_USAGE);
    assert!(judge(&lenient, bare.clone().basic_constraints(None)).is_trusted());
    lenient.require_key_usage = true;
    assert_eq!(reasons(&judge(&lenient, bare)), ["key-usage-missing"]);
    let ca = Maker::ca("CN=CA").without(KEY_USAGE);
    let outcome = judge_under(&lenient, leaf(), ca);
    assert_eq!((reasons(&outcome), outcome.findings[0].index), (vec!["key-usage-missing"], 1));
}

#[test]
fn the_purposes_of_a_ca_limit_those_below() {
    for (purposes, trusted) in
        [(&[CODE_SIGNING][..], true), (&[ANY_EXTENDED_KEY_USAGE], true), (&[TIME_STAMPING], false)]
    {
        let ca = Maker::ca("CN=CA").purposes(false, purposes);
        let outcome = judge_under(&code_signing(), leaf(), ca);
        assert_eq!(outcome.is_trusted(), trusted, "{purposes:?}");
        if !trusted {
            assert_eq!(reasons(&outcome), ["issuer-wrong-purpose"]);
            assert_eq!(outcome.status, Status::WrongUsage);
        }
    }
}

#[test]
fn a_timestamp_certificate_is_for_timestamps_alone() {
    let policy = Policy::time_stamping(time(NOW));
    let good = leaf().purposes(true, &[TIME_STAMPING]);
    assert!(judge(&policy, good.clone()).is_trusted());
    assert!(judge(&policy, good.clone().key_usage(&[0x40])).is_trusted(), "nonRepudiation");
    for (leaf, reason) in [
        (leaf().purposes(false, &[TIME_STAMPING]), "purpose-not-exclusive"),
        (leaf().purposes(true, &[TIME_STAMPING, CODE_SIGNING]), "purpose-not-exclusive"),
        (leaf().purposes(true, &[CODE_SIGNING]), "wrong-purpose"),
        (good.key_usage(&[0x20]), "signing-not-allowed"),
    ] {
        assert_eq!(reasons(&judge(&policy, leaf)), [reason]);
    }
}

#[test]
fn lifetime_signing_ends_with_the_certificate_and_other_signatures_do_not() {
    let (signed, now) = (time("2023-01-01"), time(NOW));
    let until_2024 = leaf().valid(BEGIN, "2024-01-01");
    let policy = code_signing().signed_at(signed, now);
    assert!(judge(&policy, until_2024.clone()).is_trusted());
    let lifetime = until_2024.purposes(false, &[CODE_SIGNING, LIFETIME_SIGNING]);
    let outcome = judge(&policy, lifetime.clone());
    assert_eq!(reasons(&outcome), ["lifetime-signing-expired"]);
    assert_eq!(outcome.status, Status::Expired);
    assert!(judge(&code_signing().signed_at(signed, signed), lifetime).is_trusted());
}

#[test]
fn old_versions_and_serial_numbers_that_are_none_are_named() {
    let bare = Maker::new("CN=Leaf").version(1);
    let mut policy = code_signing();
    policy.require_extended_key_usage = false;
    assert_eq!(reasons(&judge(&policy, bare.clone())), ["not-version-3"]);
    for serial in [&[0][..], &[0xff], &[0x80, 0, 1]] {
        assert_eq!(reasons(&judge(&policy, leaf().serial(serial))), ["serial-not-positive"]);
    }
    assert!(judge(&policy, leaf().serial(&[0, 0x80])).is_trusted());
    policy.strict_fields = false;
    assert!(judge(&policy, leaf().serial(&[0xff])).is_trusted());
    assert!(judge(&policy, bare).is_trusted());
}

#[test]
fn short_keys_are_weak() {
    let rsa = |bits: usize| {
        let mut modulus = vec![0xff; bits / 8];
        modulus[0] = 0x80;
        PublicKey::from_rsa_numbers(&modulus, &[1, 0, 1]).unwrap()
    };
    let outcome = judge(&code_signing(), leaf().public_key(rsa(1024)));
    assert_eq!((reasons(&outcome), outcome.status), (vec!["weak-key"], Status::Weak));
    assert!(judge(&code_signing(), leaf().public_key(rsa(2048))).is_trusted());
    let mut strong = code_signing();
    strong.min_rsa_bits = 3072;
    assert_eq!(reasons(&judge(&strong, leaf().public_key(rsa(2048)))), ["weak-key"]);
}

#[test]
fn sha_1_is_weak_except_under_the_anchor_itself() {
    let sha1 = DigestAlgorithm::Sha1;
    let root = Maker::ca("CN=Root").key(&new_rsa_key()).digest(sha1).self_signed();
    let good = leaf().issued_by(&root);
    let bad = leaf().digest(sha1).issued_by(&root);
    let judge = |policy: &Policy, leaf: &Party, crls: &[_]| {
        validate(&leaf.certificate, &[], &anchors(&[&root]), crls, policy)
    };
    assert!(judge(&code_signing(), &good, &[]).is_trusted());
    let outcome = judge(&code_signing(), &bad, &[]);
    assert_eq!((reasons(&outcome), outcome.status), (vec!["weak-signature"], Status::Weak));

    let alone = leaf().key(&root.key).digest(sha1).self_signed();
    let trusted = anchors(&[&alone]);
    assert!(validate(&alone.certificate, &[], &trusted, &[], &code_signing()).is_trusted());

    let mut policy = code_signing();
    policy.revocation = chancery_chain::RevocationMode::Hard;
    let list = CrlMaker::of(&root).digest(sha1).sign();
    let outcome = judge(&policy, &good, std::slice::from_ref(&list));
    assert_eq!(reasons(&outcome), ["crl-weak-signature"]);
    assert_eq!(outcome.status, Status::RevocationUnknown);
    policy.allow_sha1 = true;
    assert!(judge(&policy, &bad, &[list]).is_trusted());
}
