//! Chains of one, two or three features, the same for the same seed.

use core::fmt;

use chancery_chain::TrustAnchors;
use chancery_x509::Certificate;

use super::feature::{self, Feature};
use super::plan::{Keys, Made, Numbers, Plan};
use super::rule::Rule;

/// A chain and what its maker knows of it.
#[derive(Clone, Debug)]
pub struct Chain {
    number: usize,
    features: Vec<Feature>,
    pub leaf: Certificate,
    pub candidates: Vec<Certificate>,
    pub anchor: Certificate,
}

/// Makes chains: each has one feature in turn and up to two others that go with it.
pub fn generate(seed: u64, count: usize) -> Vec<Chain> {
    let mut numbers = Numbers::new(seed);
    let (keys, features) = (Keys::new(), feature::all());
    (0..count)
        .map(|number| {
            let mut chosen = vec![features[number % features.len()].clone()];
            for _ in 0..numbers.below(3) {
                let other = &features[numbers.below(features.len())];
                let is_free = |slot| chosen.iter().all(|one| !one.slots.contains(slot));
                if !other.slots.is_empty() && other.slots.iter().all(is_free) {
                    chosen.push(other.clone());
                }
            }
            let mut plan = Plan::new(1 + numbers.below(4));
            // What changes how many CAs there are comes before what changes one of them.
            chosen.sort_by_key(|feature| !feature.slots.contains(&feature::Slot::Path));
            for feature in &chosen {
                (feature.apply)(&mut plan, &mut numbers);
            }
            let Made { leaf, candidates, anchor } = plan.make(&keys, &mut numbers);
            Chain { number, features: chosen, leaf, candidates, anchor }
        })
        .collect()
}

impl Chain {
    pub fn trust(&self) -> TrustAnchors {
        TrustAnchors::new(vec![self.anchor.clone()])
    }

    pub fn rfc5280_reasons(&self) -> Vec<&'static str> {
        self.reasons(|feature| feature.rfc5280)
    }

    pub fn code_signing_reasons(&self) -> Vec<&'static str> {
        self.reasons(|feature| feature.code_signing)
    }

    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|one| one.name == feature)
    }

    /// What OpenSSL should say, where we go by RFC 5280, and the rules that play a part in it.
    pub fn openssl(&self) -> (bool, Vec<Rule>) {
        self.predicted(|feature| (feature.rfc5280, feature.openssl))
    }

    /// What rustls-webpki should say, where we go by the policy for signing code.
    pub fn webpki(&self) -> (bool, Vec<Rule>) {
        self.predicted(|feature| (feature.code_signing, feature.webpki))
    }

    fn predicted(
        &self,
        of: impl Fn(&Feature) -> (Option<&'static str>, Option<Rule>),
    ) -> (bool, Vec<Rule>) {
        let accepts = self.features.iter().all(|feature| match of(feature) {
            (reason, None) => reason.is_none(),
            (_, Some(rule)) => rule.accepts(),
        });
        (accepts, self.features.iter().filter_map(|feature| of(feature).1).collect())
    }

    /// Where the path ends early, that is the one thing to be said for certain.
    fn reasons(&self, of: impl Fn(&Feature) -> Option<&'static str>) -> Vec<&'static str> {
        let ends = self.features.iter().find(|feature| feature.ends_path);
        match ends {
            Some(feature) => of(feature).into_iter().collect(),
            None => self.features.iter().filter_map(of).collect(),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.features.iter().map(|feature| feature.name).collect();
        write!(f, "chain {}: {}", self.number, names.join(" + "))
    }
}
