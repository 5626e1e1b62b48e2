//! Paths from a signer to a trust anchor, and bags that try to make one up.

use chancery_authenticode::{ChainStatus as Status, TrustAnchors};
use chancery_chain::{Policy, validate};
use chancery_key::{EcCurve, PublicKey, SignatureScheme, SigningKey};
use chancery_softkey::SoftKey;
use chancery_x509::{Certificate, oid};
use const_oid::ObjectIdentifier;

use super::support::{ec, now, p256, rsa};
use chancery_examiner::forge::{CERTIFIES, ForgedCertificate as Forged, SIGNS, UNKNOWN, purposes};

fn judge(anchor: &Certificate, leaf: &Certificate, bag: &[&Certificate]) -> Status {
    let bag: Vec<Certificate> = bag.iter().copied().cloned().collect();
    let anchors = TrustAnchors::new(vec![anchor.clone()]);
    validate(leaf, &bag, &anchors, &[], &Policy::code_signing(now())).status.into()
}

/// Root, one CA and one leaf, each with its key, to be changed one at a time.
struct Chain {
    keys: [SoftKey; 3],
    root: Forged,
    ca: Forged,
    leaf: Forged,
}

impl Chain {
    fn new() -> Self {
        let keys = [0; 3].map(|_| p256());
        Self {
            root: Forged::ca("CN=Root", "CN=Root", &keys[0]),
            ca: Forged::ca("CN=Root", "CN=CA", &keys[1]),
            leaf: Forged::leaf("CN=CA", &keys[2]),
            keys,
        }
    }

    fn judge(&self) -> Status {
        let root = self.root.by(&self.keys[0]);
        let ca = self.ca.by(&self.keys[0]);
        let leaf = self.leaf.by(&self.keys[1]);
        let forward = judge(&root, &leaf, &[&leaf, &ca, &root]);
        assert_eq!(judge(&root, &leaf, &[&root, &ca, &leaf]), forward);
        assert_eq!(judge(&root, &leaf, &[&ca]), forward);
        forward
    }
}

fn with(change: impl FnOnce(&mut Chain)) -> Status {
    let mut chain = Chain::new();
    change(&mut chain);
    chain.judge()
}

#[test]
fn a_path_over_any_number_of_authorities_is_trusted() {
    let keys = [0; 10].map(|_| p256());
    let names = ["CN=0", "CN=1", "CN=2", "CN=3", "CN=4", "CN=5", "CN=6", "CN=7", "CN=8", "CN=9"];
    let root = Forged::ca("CN=0", "CN=0", &keys[0]).by(&keys[0]);
    let mut bag = Vec::new();
    for depth in 1..10 {
        let above = depth - 1;
        let leaf = Forged::leaf(names[above], &p256()).by(&keys[above]);
        let bag_of_all: Vec<&Certificate> = bag.iter().collect();
        // The anchor, `above` authorities and the leaf: ten are the most.
        assert_eq!(judge(&root, &leaf, &bag_of_all), Status::Trusted, "{above} authorities");
        if let Some(nearest) = bag.last() {
            let rest: Vec<&Certificate> = bag.iter().filter(|other| *other != nearest).collect();
            assert_eq!(judge(&root, &leaf, &rest), Status::Incomplete);
        }
        bag.push(Forged::ca(names[above], names[depth], &keys[depth]).by(&keys[above]));
    }
    let leaf = Forged::leaf(names[9], &p256()).by(&keys[9]);
    let bag: Vec<&Certificate> = bag.iter().collect();
    assert_eq!(judge(&root, &leaf, &bag), Status::Untrusted, "eleven certificates");
}

#[test]
fn a_signer_who_is_an_anchor_needs_nobody() {
    let key = p256();
    let leaf = Forged { issuer: "CN=Leaf", ..Forged::leaf("", &key) };
    let own = leaf.by(&key);
    assert_eq!(judge(&own, &own, &[]), Status::Trusted);
    let issued = Forged::leaf("CN=Somebody", &key).by(&p256());
    assert_eq!(judge(&issued, &issued, &[]), Status::Trusted);
    let expired = leaf.clone().valid("200101000000Z", "250101000000Z").by(&key);
    assert_eq!(judge(&expired, &expired, &[]), Status::Expired);
    let other = leaf.without(oid::EXTENDED_KEY_USAGE).by(&key);
    assert_eq!(judge(&own, &other, &[]), Status::Untrusted, "equal in name and key alone");
}

#[test]
fn path_lengths_are_kept() {
    let keys = [0; 4].map(|_| p256());
    let leaf = Forged::leaf("CN=Below", &keys[3]).by(&keys[2]);
    let below = Forged::ca("CN=CA", "CN=Below", &keys[2]).by(&keys[1]);
    let root = |len| Forged::ca_above(len, "CN=Root", "CN=Root", &keys[0]).by(&keys[0]);
    let ca = |len| Forged::ca_above(len, "CN=Root", "CN=CA", &keys[1]).by(&keys[0]);
    for (root_len, ca_len, expected) in [
        (2, 1, Status::Trusted),
        (127, 127, Status::Trusted),
        (2, 0, Status::Untrusted),
        (1, 1, Status::Untrusted),
        (0, 1, Status::Untrusted),
    ] {
        let found = judge(&root(root_len), &leaf, &[&ca(ca_len), &below]);
        assert_eq!(found, expected, "{root_len} and {ca_len}");
    }
    // A CA that certifies its own new key is not counted.
    let new_key = p256();
    let rollover = Forged::ca("CN=CA", "CN=CA", &new_key).by(&keys[1]);
    let leaf = Forged::leaf("CN=CA", &keys[3]).by(&new_key);
    assert_eq!(judge(&root(1), &leaf, &[&ca(0), &rollover]), Status::Trusted);
    assert_eq!(judge(&root(0), &leaf, &[&ca(0), &rollover]), Status::Untrusted);
}

#[test]
fn every_certificate_is_valid_at_the_time() {
    assert_eq!(with(|_| {}), Status::Trusted);
    let changes: [fn(&mut Chain) -> &mut Forged; 3] =
        [|chain| &mut chain.leaf, |chain| &mut chain.ca, |chain| &mut chain.root];
    for of in changes {
        for (from, to, expected) in [
            ("200101000000Z", "291231235959Z", Status::Expired),
            ("300101000001Z", "450101000000Z", Status::Expired),
            ("300101000000Z", "300101000000Z", Status::Trusted),
        ] {
            assert_eq!(with(|chain| of(chain).times = (from, to)), expected, "{from} to {to}");
        }
    }
}

/// Changes one extension of one certificate of a chain.
fn altered(
    of: fn(&mut Chain) -> &mut Forged,
    oid: ObjectIdentifier,
    value: Option<&[u8]>,
) -> Status {
    with(|chain| {
        let forged = of(chain);
        *forged = match value {
            Some(value) => forged.clone().with(oid, true, value),
            None => forged.clone().without(oid),
        };
    })
}

#[test]
fn the_signer_may_sign_code() {
    let leaf = |oid, value: Option<&[u8]>| altered(|chain| &mut chain.leaf, oid, value);
    let purpose = |list: &[ObjectIdentifier]| leaf(oid::EXTENDED_KEY_USAGE, Some(&purposes(list)));
    assert_eq!(purpose(&[oid::TIME_STAMPING, oid::CODE_SIGNING]), Status::Trusted);
    assert_eq!(purpose(&[oid::TIME_STAMPING]), Status::WrongUsage);
    assert_eq!(purpose(&[oid::ANY_EXTENDED_KEY_USAGE]), Status::WrongUsage);
    assert_ne!(purpose(&[]), Status::Trusted);
    assert_eq!(leaf(oid::EXTENDED_KEY_USAGE, Some(&[5, 0])), Status::Untrusted);
    // To Windows none at all restricts nothing; the policy wants to be told.
    assert_eq!(leaf(oid::EXTENDED_KEY_USAGE, None), Status::WrongUsage);
    assert_eq!(leaf(oid::KEY_USAGE, None), Status::Trusted);
    assert_eq!(leaf(oid::KEY_USAGE, Some(CERTIFIES)), Status::WrongUsage);
    assert_ne!(leaf(oid::KEY_USAGE, Some(&[3, 1, 0])), Status::Trusted);
    assert_ne!(leaf(oid::KEY_USAGE, Some(&[3, 2, 2, 0x84, 0])), Status::Trusted);
    assert_eq!(leaf(oid::BASIC_CONSTRAINTS, Some(&[0x30, 0])), Status::Trusted);
    assert_eq!(leaf(oid::BASIC_CONSTRAINTS, Some(&[0x30, 3, 1, 1, 1])), Status::Untrusted);
}

#[test]
fn an_issuer_is_an_authority_for_code_signing() {
    for of in [(|chain| &mut chain.ca) as fn(&mut Chain) -> &mut Forged, |chain| &mut chain.root] {
        let ca = |oid, value: Option<&[u8]>| altered(of, oid, value);
        let purpose =
            |list: &[ObjectIdentifier]| ca(oid::EXTENDED_KEY_USAGE, Some(&purposes(list)));
        assert_eq!(purpose(&[oid::CODE_SIGNING]), Status::Trusted);
        assert_eq!(purpose(&[oid::ANY_EXTENDED_KEY_USAGE]), Status::Trusted);
        assert_eq!(purpose(&[oid::TIME_STAMPING]), Status::WrongUsage);
        assert_ne!(purpose(&[]), Status::Trusted);
        assert_eq!(ca(oid::KEY_USAGE, None), Status::Trusted);
        assert_eq!(ca(oid::KEY_USAGE, Some(SIGNS)), Status::Untrusted);
        assert_eq!(ca(oid::KEY_USAGE, Some(&[5, 0])), Status::Untrusted);
        assert_eq!(ca(oid::BASIC_CONSTRAINTS, None), Status::Untrusted);
        for no_ca in [&[0x30, 0][..], &[0x30, 3, 1, 1, 0], &[0x30, 3, 2, 1, 5], &[5, 0]] {
            assert_eq!(ca(oid::BASIC_CONSTRAINTS, Some(no_ca)), Status::Untrusted, "{no_ca:?}");
        }
        let huge = [0x30, 10, 1, 1, 0xff, 2, 5, 1, 0, 0, 0, 0];
        assert_eq!(ca(oid::BASIC_CONSTRAINTS, Some(&huge)), Status::Untrusted);
    }
    // A signer's own certificate issues nothing, however good it is.
    assert_eq!(
        with(|chain| chain.ca =
            Forged { subject: "CN=CA", ..Forged::leaf("CN=Root", &chain.keys[1]) }),
        Status::Untrusted
    );
}

#[test]
fn a_root_from_before_extensions_is_an_anchor_and_no_such_intermediate_is() {
    assert_eq!(with(|chain| chain.root.extensions.clear()), Status::Trusted);
    assert_eq!(with(|chain| chain.ca.extensions.clear()), Status::Untrusted);
}

#[test]
fn what_is_critical_and_not_understood_breaks_the_path() {
    let all: [fn(&mut Chain) -> &mut Forged; 3] =
        [|chain| &mut chain.leaf, |chain| &mut chain.ca, |chain| &mut chain.root];
    for of in all {
        for (critical, expected) in [(true, Status::Untrusted), (false, Status::Trusted)] {
            let found = with(|chain| {
                let forged = of(chain);
                *forged = forged.clone().with(UNKNOWN, critical, &[5, 0]);
            });
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_look_alike_of_the_anchor_is_another() {
    let chain = Chain::new();
    let (ca, leaf) = (chain.ca.by(&chain.keys[0]), chain.leaf.by(&chain.keys[1]));
    let other = p256();
    let look_alike = Forged::ca("CN=Root", "CN=Root", &other).by(&other);
    let root = chain.root.by(&chain.keys[0]);
    assert_eq!(judge(&look_alike, &leaf, &[&ca, &root]), Status::Untrusted);
    assert_eq!(judge(&look_alike, &leaf, &[&ca]), Status::Untrusted);
    assert_eq!(judge(&root, &leaf, &[&look_alike, &ca]), Status::Trusted);
    // Signed by the look-alike, in the name of the root.
    let forged = Forged::leaf("CN=Root", &p256()).by(&other);
    assert_eq!(judge(&root, &forged, &[&look_alike]), Status::Untrusted);
}

#[test]
fn one_trusted_path_among_broken_ones_is_enough() {
    let chain = Chain::new();
    let root = chain.root.by(&chain.keys[0]);
    let leaf = chain.leaf.by(&chain.keys[1]);
    let good = chain.ca.by(&chain.keys[0]);
    let expired = chain.ca.clone().valid("200101000000Z", "250101000000Z").by(&chain.keys[0]);
    assert_eq!(judge(&root, &leaf, &[&expired]), Status::Expired);
    assert_eq!(judge(&root, &leaf, &[&expired, &good]), Status::Trusted);
    assert_eq!(judge(&root, &leaf, &[&good, &expired]), Status::Trusted);
}

#[test]
fn weak_keys_and_signatures_are_weak() {
    // Nobody has the private half: a signer's own key signs nothing on the path.
    let mut modulus = [0xc3; 128];
    modulus[127] = 1;
    let rsa_1024 = PublicKey::from_rsa_numbers(&modulus, &[1, 0, 1]).unwrap();
    assert_eq!(with(|chain| chain.leaf.public_key = rsa_1024), Status::Weak);
    assert_eq!(with(|chain| chain.leaf.public_key = rsa().public_key().clone()), Status::Trusted);

    let root_key = rsa();
    let root =
        |scheme| Forged { scheme, ..Forged::ca("CN=Root", "CN=Root", root_key) }.by(root_key);
    let leaf = |scheme| Forged { scheme, ..Forged::leaf("CN=Root", &p256()) }.by(root_key);
    let (sha1, sha256) = (SignatureScheme::RsaPkcs1Sha1, SignatureScheme::RsaPkcs1Sha256);
    assert_eq!(judge(&root(sha256), &leaf(sha1), &[]), Status::Weak);
    assert_eq!(judge(&root(sha256), &leaf(sha256), &[]), Status::Trusted);
    // Nobody relies on the signature of an anchor.
    assert_eq!(judge(&root(sha1), &leaf(sha256), &[]), Status::Trusted);
}

#[test]
fn authorities_that_certify_each_other_lead_nowhere() {
    let [one, other, stranger] = [0; 3].map(|_| p256());
    let one_by_other = Forged::ca("CN=Other", "CN=One", &one).by(&other);
    let other_by_one = Forged::ca("CN=One", "CN=Other", &other).by(&one);
    let leaf = Forged::leaf("CN=One", &p256()).by(&one);
    let root = Forged::ca("CN=Root", "CN=Root", &stranger).by(&stranger);
    assert_eq!(judge(&root, &leaf, &[&one_by_other, &other_by_one]), Status::Incomplete);
    // One bridge out of the loop, and there is a path.
    let bridge = Forged::ca("CN=Root", "CN=Other", &other).by(&stranger);
    let bag = [&one_by_other, &other_by_one, &bridge];
    assert_eq!(judge(&root, &leaf, &bag), Status::Trusted);
}

#[test]
fn the_search_gives_up_in_a_bag_of_look_alikes() {
    let keys: Vec<SoftKey> = (0..64).map(|_| p256()).collect();
    // Every one of them certifies every other: more paths than anybody could walk.
    let bag: Vec<Certificate> =
        keys.iter().map(|key| Forged::ca("CN=Same", "CN=Same", key).by(&keys[0])).collect();
    let stranger = ec(EcCurve::P384);
    let root = Forged {
        scheme: SignatureScheme::EcdsaSha384,
        ..Forged::ca("CN=Root", "CN=Root", &stranger)
    }
    .by(&stranger);
    let leaf = Forged::leaf("CN=Same", &p256()).by(&keys[63]);
    let all: Vec<&Certificate> = bag.iter().collect();
    assert_eq!(judge(&root, &leaf, &all), Status::Untrusted);

    // Look-alikes that did not sign cost one verification each: behind 60 of them the right one is found.
    let chain = Chain::new();
    let (root, ca) = (chain.root.by(&chain.keys[0]), chain.ca.by(&chain.keys[0]));
    let leaf = chain.leaf.by(&chain.keys[1]);
    let decoys: Vec<Certificate> = keys[..60]
        .iter()
        .map(|key| Forged::ca("CN=Root", "CN=CA", key).by(&chain.keys[0]))
        .collect();
    let bag: Vec<&Certificate> = decoys.iter().chain([&ca]).collect();
    assert_eq!(judge(&root, &leaf, &bag), Status::Trusted);
}
