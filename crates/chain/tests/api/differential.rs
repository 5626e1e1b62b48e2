//! Five hundred generated chains, judged by us and by two verifiers that share no code with us.
//!
//! OpenSSL is asked about RFC 5280, rustls-webpki about signing code. What each is known to see otherwise is a
//! [`Rule`](rule::Rule) of a [`Feature`](feature::Feature): the verdict of an oracle has to be the one these
//! predict, so that a difference nobody explained and an explanation nobody needs both fail the test.

mod chains;
mod feature;
mod names;
mod oracle;
mod plan;
mod rule;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chancery_chain::{Outcome, Policy, RevocationMode, validate};

use crate::maker::{NOW, time};
use crate::openssl;
use crate::paths::reasons;

use self::chains::Chain;
use self::rule::Rule;

const SEED: u64 = 0x6368_616e_6365_7279;

static CHAINS: LazyLock<Vec<Chain>> = LazyLock::new(|| chains::generate(SEED, 500));

/// RFC 5280, everybody's dates and key sizes: what `openssl verify -purpose any` looks at.
fn rfc5280() -> Policy {
    let mut policy = Policy::rfc5280(time(NOW));
    policy.revocation = RevocationMode::Off;
    policy.check_anchor = true;
    policy.allow_sha1 = false;
    policy.min_rsa_bits = 2048;
    policy
}

fn code_signing() -> Policy {
    let mut policy = Policy::code_signing(time(NOW));
    policy.revocation = RevocationMode::Off;
    policy
}

fn judge(chain: &Chain, policy: &Policy) -> Outcome {
    validate(&chain.leaf, &chain.candidates, &chain.trust(), &[], policy)
}

/// Says what is wrong with our own verdict, where something is.
fn dispute(chain: &Chain, what: &str, outcome: &Outcome, expected: &[&str]) -> Option<String> {
    let found = reasons(outcome);
    let right = outcome.is_trusted() == expected.is_empty()
        && expected.iter().all(|reason| found.contains(reason));
    (!right).then(|| format!("{chain}: {what} expects {expected:?}, found {found:?}"))
}

#[test]
fn generated_chains_are_judged_as_their_makers_know() {
    let mut disputes = Vec::new();
    for chain in CHAINS.iter() {
        let strict = judge(chain, &rfc5280());
        disputes.extend(dispute(chain, "RFC 5280", &strict, &chain.rfc5280_reasons()));
        let signing = judge(chain, &code_signing());
        disputes.extend(dispute(chain, "code signing", &signing, &chain.code_signing_reasons()));
    }
    assert!(disputes.is_empty(), "{}", disputes.join("\n"));
}

/// How often an oracle agreed with us, and by which rules it did not.
#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    agreed: usize,
    by_rule: BTreeMap<Rule, usize>,
    wrong: Vec<String>,
}

impl Tally {
    /// Counts one verdict: ours, the oracle's, and what the rules said the oracle would say.
    fn count(
        &mut self,
        chain: &Chain,
        ours: bool,
        (accepts, said): (bool, String),
        (predicted, rules): (bool, Vec<Rule>),
    ) {
        self.asked += 1;
        if accepts == ours {
            self.agreed += 1;
        } else {
            for rule in rules {
                *self.by_rule.entry(rule).or_default() += 1;
            }
        }
        if accepts != predicted {
            self.wrong.push(format!("{chain}: accepted: {accepts}, said: {said}"));
        }
    }

    fn print(&self, oracle: &str) {
        println!("{oracle}: {} chains, {} agree", self.asked, self.agreed);
        for (rule, count) in &self.by_rule {
            println!("  {count:4} differ: {} ({})", rule.name(), rule.why());
        }
    }
}

#[test]
fn openssl_differs_only_by_rules_that_have_a_name() {
    if !openssl::is_there() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut tally = Tally::default();
    for chain in CHAINS.iter() {
        let ours = judge(chain, &rfc5280()).is_trusted();
        let verdict = oracle::ask_openssl(chain, dir.path());
        tally.count(chain, ours, verdict, chain.openssl());
    }
    tally.print("openssl");
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert_every_rule_is_needed(&tally, Rule::OPENSSL);
}

#[test]
fn webpki_differs_only_by_rules_that_have_a_name() {
    let mut tally = Tally::default();
    for chain in CHAINS.iter() {
        let ours = judge(chain, &code_signing()).is_trusted();
        tally.count(chain, ours, oracle::ask_webpki(chain), chain.webpki());
    }
    tally.print("rustls-webpki");
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n"));
    assert_every_rule_is_needed(&tally, Rule::WEBPKI);
}

fn assert_every_rule_is_needed(tally: &Tally, rules: &[Rule]) {
    let idle: Vec<&str> = rules
        .iter()
        .filter(|rule| !tally.by_rule.contains_key(rule))
        .map(|rule| rule.name())
        .collect();
    assert!(idle.is_empty(), "no chain is judged otherwise by {}", idle.join(", "));
}

#[test]
fn one_seed_makes_one_list_of_chains_and_uses_every_feature() {
    let of = |seed| -> Vec<String> {
        chains::generate(seed, 50).iter().map(ToString::to_string).collect()
    };
    assert_eq!(of(SEED), of(SEED));
    assert_ne!(of(SEED), of(SEED + 1));
    for feature in feature::all() {
        let chains = CHAINS.iter().filter(|chain| chain.has(feature.name)).count();
        assert!(chains >= 3, "{} in {chains} chains", feature.name);
    }
}
