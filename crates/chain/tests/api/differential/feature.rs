//! What a chain can have: each feature with the verdict it deserves and who is known to see it otherwise.

use chancery_key::{DigestAlgorithm, PublicKey};
use chancery_x509::oid::{
    ANY_EXTENDED_KEY_USAGE, BASIC_CONSTRAINTS, CODE_SIGNING, EXTENDED_KEY_USAGE, KEY_USAGE,
};
use const_oid::ObjectIdentifier;

use crate::maker::{END, Maker};

use super::names;
use super::plan::{Damage, EXPIRED, NOT_YET, Numbers, Plan, Shape, UNTIL_NOW};
use super::rule::Rule;

const UNKNOWN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const EMAIL_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");

/// What of a plan a feature changes. Features that change the same do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    RootValidity,
    RootExtensions,
    RootConstraints,
    CaValidity,
    CaBasics,
    CaUsage,
    CaPurpose,
    CaExtension,
    CaConstraints,
    CaKey,
    LeafValidity,
    LeafUsage,
    LeafPurpose,
    LeafExtension,
    LeafNames,
    LeafBasics,
    LeafSerial,
    LeafKey,
    /// Where the path goes, or ends.
    Path,
    Noise,
}

/// Everything above the leaf: a shape that doubles CAs would double what is wrong with them.
const ABOVE: &[Slot] = &[
    Slot::Path,
    Slot::RootValidity,
    Slot::RootExtensions,
    Slot::RootConstraints,
    Slot::CaValidity,
    Slot::CaBasics,
    Slot::CaUsage,
    Slot::CaPurpose,
    Slot::CaExtension,
    Slot::CaConstraints,
    Slot::CaKey,
];

#[derive(Clone, Debug)]
pub struct Feature {
    pub name: &'static str,
    pub slots: &'static [Slot],
    pub apply: fn(&mut Plan, &mut Numbers),
    /// The reason against it by RFC 5280 alone, if any.
    pub rfc5280: Option<&'static str>,
    /// The reason against it where code is signed.
    pub code_signing: Option<&'static str>,
    /// The path ends there, so that nothing above is looked at.
    pub ends_path: bool,
    pub openssl: Option<Rule>,
    pub webpki: Option<Rule>,
}

impl Feature {
    pub const fn new(
        name: &'static str,
        slots: &'static [Slot],
        apply: fn(&mut Plan, &mut Numbers),
    ) -> Self {
        Self {
            name,
            slots,
            apply,
            rfc5280: None,
            code_signing: None,
            ends_path: false,
            openssl: None,
            webpki: None,
        }
    }

    /// RFC 5280 is against it.
    pub const fn refused(mut self, reason: &'static str) -> Self {
        self.rfc5280 = Some(reason);
        self.unfit(reason)
    }

    /// It does not do for signing code.
    pub const fn unfit(mut self, reason: &'static str) -> Self {
        self.code_signing = Some(reason);
        self
    }

    /// RFC 5280 is against it and looks no further.
    const fn ends(mut self, reason: &'static str) -> Self {
        self.ends_path = true;
        self.refused(reason)
    }

    const fn openssl(mut self, rule: Rule) -> Self {
        self.openssl = Some(rule);
        self
    }

    pub const fn webpki(mut self, rule: Rule) -> Self {
        self.webpki = Some(rule);
        self
    }
}

/// Every feature.
pub fn all() -> Vec<Feature> {
    [times(), usages(), cas(), leaves(), shapes(), keys(), names::features()].concat()
}

fn times() -> Vec<Feature> {
    let anchor = Rule::WebpkiAnchorIsNameAndKey;
    vec![
        Feature::new("expired leaf", &[Slot::LeafValidity], |plan, _| {
            plan.change_leaf(|leaf| leaf.valid(EXPIRED.0, EXPIRED.1));
        })
        .refused("expired"),
        Feature::new("leaf of tomorrow", &[Slot::LeafValidity], |plan, _| {
            plan.change_leaf(|leaf| leaf.valid(NOT_YET.0, NOT_YET.1));
        })
        .refused("not-yet-valid"),
        Feature::new("last second of the leaf", &[Slot::LeafValidity], |plan, _| {
            plan.change_leaf(|leaf| leaf.valid(UNTIL_NOW.0, UNTIL_NOW.1));
        })
        .openssl(Rule::OpensslLastSecond),
        Feature::new("leaf outlives its CA", &[Slot::LeafValidity, Slot::CaValidity], |plan, _| {
            plan.change_leaf(|leaf| leaf.valid("2021-01-01", "2031-01-01"));
        }),
        Feature::new("expired CA", &[Slot::CaValidity], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.valid(EXPIRED.0, EXPIRED.1));
        })
        .refused("expired"),
        Feature::new("CA of tomorrow", &[Slot::CaValidity], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.valid(NOT_YET.0, NOT_YET.1));
        })
        .refused("not-yet-valid"),
        Feature::new("expired root", &[Slot::RootValidity], |plan, _| {
            plan.change_root(|root| root.valid(EXPIRED.0, EXPIRED.1));
        })
        .refused("expired")
        .webpki(anchor),
        Feature::new("root of tomorrow", &[Slot::RootValidity], |plan, _| {
            plan.change_root(|root| root.valid(NOT_YET.0, END));
        })
        .refused("not-yet-valid")
        .webpki(anchor),
    ]
}

fn usages() -> Vec<Feature> {
    let anchor = Rule::WebpkiAnchorIsNameAndKey;
    vec![
        Feature::new("leaf for servers", &[Slot::LeafPurpose], |plan, _| {
            plan.change_leaf(|leaf| leaf.purposes(false, &[SERVER_AUTH]));
        })
        .unfit("wrong-purpose"),
        Feature::new(
            "leaf for anything by anyExtendedKeyUsage",
            &[Slot::LeafPurpose],
            |plan, _| {
                plan.change_leaf(|leaf| leaf.purposes(false, &[ANY_EXTENDED_KEY_USAGE]));
            },
        )
        .unfit("wrong-purpose"),
        Feature::new("leaf of two purposes", &[Slot::LeafPurpose], |plan, _| {
            plan.change_leaf(|leaf| leaf.purposes(true, &[EMAIL_PROTECTION, CODE_SIGNING]));
        }),
        Feature::new("leaf without extKeyUsage", &[Slot::LeafPurpose], |plan, _| {
            plan.change_leaf(|leaf| leaf.without(EXTENDED_KEY_USAGE));
        })
        .unfit("extended-key-usage-missing")
        .webpki(Rule::WebpkiEkuOptional),
        Feature::new("CA for code", &[Slot::CaPurpose], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.purposes(false, &[CODE_SIGNING]));
        }),
        Feature::new("CA for servers", &[Slot::CaPurpose], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.purposes(false, &[SERVER_AUTH]));
        })
        .unfit("issuer-wrong-purpose"),
        Feature::new("CA for anything", &[Slot::CaPurpose], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.purposes(false, &[ANY_EXTENDED_KEY_USAGE]));
        })
        .webpki(Rule::WebpkiNoAnyEku),
        Feature::new("root for servers", &[Slot::RootExtensions], |plan, _| {
            plan.change_root(|root| root.purposes(false, &[SERVER_AUTH]));
        })
        .unfit("issuer-wrong-purpose")
        .webpki(anchor),
        Feature::new("leaf without keyUsage", &[Slot::LeafUsage], |plan, _| {
            plan.change_leaf(|leaf| leaf.without(KEY_USAGE));
        }),
        Feature::new("leaf that may not sign", &[Slot::LeafUsage], |plan, _| {
            plan.change_leaf(|leaf| leaf.key_usage(&[0x20]));
        })
        .unfit("signing-not-allowed")
        .webpki(Rule::WebpkiNoKeyUsage),
        Feature::new("CA without keyUsage", &[Slot::CaUsage, Slot::CaBasics], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.without(KEY_USAGE));
        }),
        Feature::new("CA without keyCertSign", &[Slot::CaUsage], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.key_usage(&[0x02]));
        })
        .refused("cert-sign-not-allowed")
        .webpki(Rule::WebpkiNoKeyUsage),
        Feature::new("root without keyCertSign", &[Slot::RootExtensions], |plan, _| {
            plan.change_root(|root| root.key_usage(&[0x02]));
        })
        .refused("cert-sign-not-allowed")
        .webpki(anchor),
    ]
}

fn cas() -> Vec<Feature> {
    let anchor = Rule::WebpkiAnchorIsNameAndKey;
    let no_ca = "not-a-ca";
    vec![
        Feature::new("CA without basicConstraints", &[Slot::CaBasics], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.without(BASIC_CONSTRAINTS));
        })
        .refused(no_ca),
        Feature::new("CA that says it is none", &[Slot::CaBasics], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.with(BASIC_CONSTRAINTS, true, vec![0x30, 0]));
        })
        .refused(no_ca),
        Feature::new(
            "CA of version 1",
            &[
                Slot::CaBasics,
                Slot::CaUsage,
                Slot::CaPurpose,
                Slot::CaExtension,
                Slot::CaConstraints,
                Slot::CaValidity,
                Slot::CaKey,
                Slot::Path,
            ],
            |plan, _| plan.cas[0] = Maker::new("CN=CA 0,O=Example,C=GB").version(1),
        )
        .refused("not-version-3"),
        Feature::new("root without basicConstraints", &[Slot::RootExtensions], |plan, _| {
            plan.change_root(|root| root.without(BASIC_CONSTRAINTS));
        })
        .refused(no_ca)
        .openssl(Rule::OpensslLaxRoot)
        .webpki(anchor),
        Feature::new(
            "root of version 1",
            &[Slot::RootExtensions, Slot::RootConstraints, Slot::RootValidity],
            |plan, _| plan.root = Maker::new("CN=Root,O=Example,C=GB").version(1),
        ),
        Feature::new("pathLen exceeded", &[Slot::CaBasics, Slot::Path], |plan, _| {
            plan.lengthen(2);
            plan.cas[0] = plan.cas[0].clone().basic_constraints(Some(0));
        })
        .refused("path-length-exceeded"),
        Feature::new("pathLen kept", &[Slot::CaBasics, Slot::Path], |plan, _| {
            plan.lengthen(3);
            let below = u8::try_from(plan.cas.len() - 1).unwrap();
            plan.cas[0] = plan.cas[0].clone().basic_constraints(Some(below));
        }),
        Feature::new("pathLen of the root exceeded", &[Slot::RootExtensions], |plan, _| {
            plan.change_root(|root| root.basic_constraints(Some(0)));
        })
        .refused("path-length-exceeded")
        .webpki(anchor),
        Feature::new(
            "unknown critical extension of a CA",
            &[Slot::CaExtension],
            |plan, numbers| {
                plan.change_ca(numbers, |ca| ca.with(UNKNOWN, true, vec![5, 0]));
            },
        )
        .refused("unknown-critical-extension"),
        Feature::new("unknown extension of a CA", &[Slot::CaExtension], |plan, numbers| {
            plan.change_ca(numbers, |ca| ca.with(UNKNOWN, false, vec![5, 0]));
        }),
        Feature::new(
            "unknown critical extension of the root",
            &[Slot::RootExtensions],
            |plan, _| {
                plan.change_root(|root| root.with(UNKNOWN, true, vec![5, 0]));
            },
        )
        .refused("unknown-critical-extension")
        .webpki(anchor),
    ]
}

fn leaves() -> Vec<Feature> {
    vec![
        Feature::new("leaf that is a CA", &[Slot::LeafBasics], |plan, _| {
            plan.change_leaf(|leaf| leaf.basic_constraints(None));
        })
        .unfit("leaf-is-ca"),
        Feature::new("leaf of version 1", LEAF, |plan, _| {
            plan.leaf = Maker::new("CN=Leaf,O=Example,C=GB").version(1);
        })
        .unfit("not-version-3"),
        Feature::new(
            "unknown critical extension of the leaf",
            &[Slot::LeafExtension],
            |plan, _| {
                plan.change_leaf(|leaf| leaf.with(UNKNOWN, true, vec![5, 0]));
            },
        )
        .refused("unknown-critical-extension"),
        Feature::new("unknown extension of the leaf", &[Slot::LeafExtension], |plan, _| {
            plan.change_leaf(|leaf| leaf.with(UNKNOWN, false, vec![5, 0]));
        }),
        Feature::new("negative serial number", &[Slot::LeafSerial], |plan, _| {
            plan.change_leaf(|leaf| leaf.serial(&[0x80]));
        })
        .unfit("serial-not-positive")
        .webpki(Rule::WebpkiAnySerial),
        Feature::new("serial number zero", &[Slot::LeafSerial], |plan, _| {
            plan.change_leaf(|leaf| leaf.serial(&[0]));
        })
        .unfit("serial-not-positive")
        .webpki(Rule::WebpkiAnySerial),
    ]
}

/// A leaf without extensions goes with nothing that needs them, nor with another leaf.
const LEAF: &[Slot] = &[
    Slot::LeafValidity,
    Slot::LeafUsage,
    Slot::LeafPurpose,
    Slot::LeafExtension,
    Slot::LeafNames,
    Slot::LeafBasics,
    Slot::LeafSerial,
    Slot::LeafKey,
    Slot::Path,
];

fn shapes() -> Vec<Feature> {
    vec![
        Feature::new("plain", &[], |_, _| {}),
        Feature::new("strangers among the candidates", &[Slot::Noise], |plan, numbers| {
            plan.noise = 1 + numbers.below(5);
        }),
        Feature::new("two certificates of a CA, the good one first", ABOVE, |plan, _| {
            plan.shape = Shape::Crossed { good_first: true };
        }),
        Feature::new("two certificates of a CA, the good one last", ABOVE, |plan, _| {
            plan.shape = Shape::Crossed { good_first: false };
        })
        .openssl(Rule::OpensslFirstIssuer),
        Feature::new("CA with a new key", ABOVE, |plan, _| {
            plan.shape = Shape::Rekeyed { path_len: None };
        }),
        Feature::new("CA with a new key below pathLen 0", ABOVE, |plan, _| {
            plan.shape = Shape::Rekeyed { path_len: Some(0) };
        })
        .webpki(Rule::WebpkiCountsSelfIssued),
        Feature::new("imposter", ABOVE, |plan, _| {
            plan.shape = Shape::Imposter { has_key_identifiers: false };
        })
        .openssl(Rule::OpensslFirstIssuer),
        Feature::new("imposter with another key identifier", ABOVE, |plan, _| {
            plan.shape = Shape::Imposter { has_key_identifiers: true };
        }),
        Feature::new("loop beside the path", ABOVE, |plan, _| plan.shape = Shape::Loop),
        Feature::new("loop without an exit", ABOVE, |plan, _| {
            plan.shape = Shape::LoopWithoutExit;
        })
        .ends("issuer-not-found"),
        Feature::new("missing CA", ABOVE, |plan, _| plan.shape = Shape::Missing)
            .ends("issuer-not-found"),
        Feature::new("untrusted root", ABOVE, |plan, _| plan.shape = Shape::Untrusted)
            .ends("untrusted-root"),
        Feature::new("damaged leaf", &[Slot::Path], |plan, _| plan.damage = Some(Damage::Leaf))
            .ends("bad-signature"),
        Feature::new("damaged CA", &[Slot::Path], |plan, numbers| {
            plan.damage = Some(Damage::Ca(numbers.below(plan.cas.len())));
        })
        .ends("bad-signature"),
        Feature::new("damaged root", &[Slot::Path], |plan, _| plan.damage = Some(Damage::Root)),
        Feature::new("unknown issuer", &[Slot::Path], |plan, _| {
            plan.change_leaf(|leaf| leaf.naming_issuer("CN=Nobody"));
        })
        .ends("issuer-not-found"),
        Feature::new("issuer in another case", &[Slot::Path], |plan, _| {
            let name = format!("CN=ca {},O=EXAMPLE,C=GB", plan.cas.len() - 1);
            plan.change_leaf(|leaf| leaf.naming_issuer(&name));
        })
        .webpki(Rule::WebpkiNamesAreBytes),
        Feature::new("eight CAs", &[Slot::Path], |plan, _| plan.lengthen(8))
            .webpki(Rule::WebpkiShortPaths),
        Feature::new("nine CAs", ABOVE, |plan, _| plan.lengthen(9))
            .ends("path-too-long")
            .openssl(Rule::OpensslNoPathLimit),
    ]
}

fn keys() -> Vec<Feature> {
    vec![
        Feature::new("leaf with a short RSA key", &[Slot::LeafKey], |plan, _| {
            let key = PublicKey::from_rsa_numbers(&[0xc5; 128], &[1, 0, 1]).unwrap();
            plan.change_leaf(|leaf| leaf.public_key(key));
        })
        .refused("weak-key")
        .webpki(Rule::WebpkiNoKeySize),
        Feature::new("leaf with a long RSA key", &[Slot::LeafKey], |plan, _| {
            let key = PublicKey::from_rsa_numbers(&[0xc5; 384], &[1, 0, 1]).unwrap();
            plan.change_leaf(|leaf| leaf.public_key(key));
        }),
        Feature::new("leaf signed over SHA-1", &[Slot::CaKey, Slot::Path], |plan, _| {
            plan.rsa_issuer = true;
            plan.change_leaf(|leaf| leaf.digest(DigestAlgorithm::Sha1));
        })
        .refused("weak-signature"),
        Feature::new("leaf signed with RSA over SHA-512", &[Slot::CaKey, Slot::Path], |plan, _| {
            plan.rsa_issuer = true;
            plan.change_leaf(|leaf| leaf.digest(DigestAlgorithm::Sha512));
        }),
        Feature::new("leaf signed with P-256 over SHA-384", &[Slot::CaKey], |plan, _| {
            plan.change_leaf(|leaf| leaf.digest(DigestAlgorithm::Sha384));
        }),
    ]
}
