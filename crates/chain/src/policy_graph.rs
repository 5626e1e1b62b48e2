//! Certificate policies along a path (RFC 5280 sections 6.1.2 to 6.1.5).
//!
//! The RFC describes a tree with a node for each way by which a policy can be reached, of which there can be
//! exponentially many. Here nodes of one level that have the same policy are one node with several parents:
//! a graph whose size is linear in the certificates, with the same answers.

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;

use crate::certificate_policies::PolicyExtensions;
use crate::{Policy, oid};

/// Policies that a mapping in the issuer's certificate led to this one from.
type Parents = BTreeSet<ObjectIdentifier>;

/// All policies of one certificate's depth in the tree.
#[derive(Clone, Debug)]
struct Level {
    /// By valid_policy. A node without parents is a child of the anyPolicy node above.
    nodes: BTreeMap<ObjectIdentifier, Parents>,
    /// Whether there is a node for anyPolicy, which is always a child of another one.
    any: bool,
}

/// The state variables of the RFC that concern policies.
#[derive(Clone, Debug)]
pub(crate) struct PolicyGraph {
    /// The levels of the certificates that are done.
    done: Vec<Level>,
    /// Before a certificate's turn: the policies expected of it. After: those it has.
    current: Level,
    explicit: u32,
    mapping: u32,
    any: u32,
}

/// Mappings must not have anyPolicy on either side (RFC 5280 section 6.1.4 (a)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnyPolicyMapped;

impl PolicyGraph {
    /// Starts at an anchor above `length` certificates (RFC 5280 section 6.1.2).
    pub(crate) fn new(policy: &Policy, length: usize) -> Self {
        let never = u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1);
        let initial = |now: bool| if now { 0 } else { never };
        Self {
            done: Vec::new(),
            current: Level { nodes: BTreeMap::new(), any: true },
            explicit: initial(policy.require_explicit_policy),
            mapping: initial(policy.inhibit_policy_mapping),
            any: initial(policy.inhibit_any_policy),
        }
    }

    /// Takes in a certificate's policies (RFC 5280 section 6.1.3 (d) and (e)).
    ///
    /// `is_intermediate_self_issued`: whether it is self-issued and not the last one.
    pub(crate) fn enter(
        &mut self,
        extensions: &PolicyExtensions,
        is_intermediate_self_issued: bool,
    ) {
        let Some(policies) = &extensions.policies else {
            self.current = Level { nodes: BTreeMap::new(), any: false };
            return;
        };
        let any_allowed = self.any > 0 || is_intermediate_self_issued;
        let has_any = policies.contains(&oid::ANY_POLICY) && any_allowed;
        let had_any = self.current.any;
        if !has_any {
            // Those expected and not named here have no child.
            self.current.nodes.retain(|policy, _| policies.contains(policy));
            self.current.any = false;
        }
        if had_any {
            for policy in policies.iter().filter(|policy| **policy != oid::ANY_POLICY) {
                self.current.nodes.entry(*policy).or_default();
            }
        }
    }

    /// Prepares for the certificate below (RFC 5280 section 6.1.4 (a), (b), (h) to (j)).
    pub(crate) fn descend(
        &mut self,
        extensions: &PolicyExtensions,
        is_self_issued: bool,
    ) -> Result<(), AnyPolicyMapped> {
        let mappings = &extensions.mappings;
        if mappings.iter().any(|(from, to)| *from == oid::ANY_POLICY || *to == oid::ANY_POLICY) {
            return Err(AnyPolicyMapped);
        }
        let mapped: BTreeSet<ObjectIdentifier> = mappings.iter().map(|(from, _)| *from).collect();
        let mut expected = Level { nodes: BTreeMap::new(), any: self.current.any };
        if self.mapping > 0 {
            if self.current.any {
                // anyPolicy stands for every policy, those that are mapped among them.
                for policy in &mapped {
                    self.current.nodes.entry(*policy).or_default();
                }
            }
            for (from, to) in mappings {
                if self.current.nodes.contains_key(from) {
                    expected.nodes.entry(*to).or_default().insert(*from);
                }
            }
        } else {
            self.current.nodes.retain(|policy, _| !mapped.contains(policy));
        }
        for policy in self.current.nodes.keys().filter(|policy| !mapped.contains(*policy)) {
            expected.nodes.entry(*policy).or_default().insert(*policy);
        }
        self.done.push(core::mem::replace(&mut self.current, expected));

        if !is_self_issued {
            for counter in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *counter = counter.saturating_sub(1);
            }
        }
        let limit =
            |counter: &mut u32, to: Option<u32>| *counter = to.unwrap_or(*counter).min(*counter);
        limit(&mut self.explicit, extensions.require_explicit);
        limit(&mut self.mapping, extensions.inhibit_mapping);
        limit(&mut self.any, extensions.inhibit_any);
        Ok(())
    }

    /// Ends with the last certificate (RFC 5280 section 6.1.5 (a), (b), (g)): the policies that are valid for
    /// the user, as the anchor's domain calls them, anyPolicy standing for all; `None` where there has to be
    /// one and is not.
    pub(crate) fn finish(
        mut self,
        extensions: &PolicyExtensions,
        initial: &[ObjectIdentifier],
    ) -> Option<Vec<ObjectIdentifier>> {
        self.explicit = self.explicit.saturating_sub(1);
        if extensions.require_explicit == Some(0) {
            self.explicit = 0;
        }
        let explicit = self.explicit == 0;
        let any = self.current.any;
        let mut valid = self.roots();
        if !initial.is_empty() && !initial.contains(&oid::ANY_POLICY) {
            valid.retain(|policy| initial.contains(policy));
            if any {
                valid.extend(initial);
            }
        } else if any {
            valid.insert(oid::ANY_POLICY);
        }
        (!explicit || !valid.is_empty()).then(|| valid.into_iter().collect())
    }

    /// Follows every policy of the last certificate up to where it is a child of anyPolicy.
    fn roots(self) -> BTreeSet<ObjectIdentifier> {
        let mut roots = BTreeSet::new();
        let mut reachable: BTreeSet<ObjectIdentifier> =
            self.current.nodes.keys().copied().collect();
        for level in core::iter::once(&self.current).chain(self.done.iter().rev()) {
            let mut above = BTreeSet::new();
            for (policy, parents) in &level.nodes {
                if !reachable.contains(policy) {
                    continue;
                }
                if parents.is_empty() {
                    roots.insert(*policy);
                }
                above.extend(parents);
            }
            reachable = above;
        }
        roots
    }
}

#[cfg(test)]
mod tests {
    use chancery_x509::Time;

    use super::*;

    fn p(number: u32) -> ObjectIdentifier {
        format!("2.16.840.1.101.3.2.1.48.{number}").parse().unwrap()
    }

    fn with(policies: &[ObjectIdentifier]) -> PolicyExtensions {
        PolicyExtensions {
            policies: Some(policies.iter().copied().collect()),
            ..PolicyExtensions::default()
        }
    }

    fn mapping(
        policies: &[ObjectIdentifier],
        mappings: &[(ObjectIdentifier, ObjectIdentifier)],
    ) -> PolicyExtensions {
        PolicyExtensions { mappings: mappings.to_vec(), ..with(policies) }
    }

    fn explicit() -> Policy {
        let mut policy = Policy::rfc5280(Time::from_unix(0).unwrap());
        policy.require_explicit_policy = true;
        policy
    }

    fn run(
        policy: &Policy,
        certificates: &[PolicyExtensions],
        initial: &[ObjectIdentifier],
    ) -> Option<Vec<ObjectIdentifier>> {
        let mut graph = PolicyGraph::new(policy, certificates.len());
        let (last, above) = certificates.split_last()?;
        for certificate in above {
            graph.enter(certificate, false);
            graph.descend(certificate, false).ok()?;
        }
        graph.enter(last, false);
        graph.finish(last, initial)
    }

    #[test]
    fn a_policy_has_to_be_in_every_certificate() {
        let policy = explicit();
        let both = [with(&[p(1), p(2)]), with(&[p(1)])];
        assert_eq!(run(&policy, &both, &[]), Some(vec![p(1)]));
        assert_eq!(run(&policy, &both, &[p(1), p(3)]), Some(vec![p(1)]));
        assert_eq!(run(&policy, &both, &[p(2)]), None);
        let gap = [with(&[p(1)]), PolicyExtensions::default(), with(&[p(1)])];
        assert_eq!(run(&policy, &gap, &[]), None);
        let relaxed = Policy { require_explicit_policy: false, ..policy };
        assert_eq!(run(&relaxed, &gap, &[]), Some(vec![]));
    }

    #[test]
    fn certificates_may_require_a_policy_from_themselves_on() {
        let policy = Policy { require_explicit_policy: false, ..explicit() };
        let requiring =
            |skip| PolicyExtensions { require_explicit: Some(skip), ..PolicyExtensions::default() };
        let none = PolicyExtensions::default;
        assert_eq!(run(&policy, &[none(), none()], &[]), Some(vec![]));
        assert_eq!(run(&policy, &[none(), requiring(0)], &[]), None);
        assert_eq!(run(&policy, &[none(), requiring(1)], &[]), Some(vec![]));
        assert_eq!(run(&policy, &[requiring(1), none()], &[]), None);
        assert_eq!(run(&policy, &[requiring(2), none()], &[]), Some(vec![]));
    }

    #[test]
    fn any_policy_stands_for_all_until_it_is_inhibited() {
        let any = oid::ANY_POLICY;
        let path = [with(&[any]), with(&[any]), with(&[any])];
        assert_eq!(run(&explicit(), &path, &[]), Some(vec![any]));
        assert_eq!(run(&explicit(), &path, &[p(1)]), Some(vec![p(1)]));
        let inhibited = Policy { inhibit_any_policy: true, ..explicit() };
        assert_eq!(run(&inhibited, &path, &[]), None);
        let mut later = path.clone();
        later[0].inhibit_any = Some(1);
        assert_eq!(run(&explicit(), &later, &[]), None);
        later[2] = with(&[p(1)]);
        assert_eq!(run(&explicit(), &later, &[]), Some(vec![p(1)]));
    }

    #[test]
    fn policies_are_reported_as_the_anchor_calls_them() {
        let path = [mapping(&[p(1)], &[(p(1), p(2))]), with(&[p(2)])];
        assert_eq!(run(&explicit(), &path, &[]), Some(vec![p(1)]));
        assert_eq!(run(&explicit(), &path, &[p(1)]), Some(vec![p(1)]));
        assert_eq!(run(&explicit(), &path, &[p(2)]), None);
        let unmapped = [path[0].clone(), with(&[p(1)])];
        assert_eq!(run(&explicit(), &unmapped, &[]), None);
        let inhibited = Policy { inhibit_policy_mapping: true, ..explicit() };
        assert_eq!(run(&inhibited, &path, &[]), None);
    }

    #[test]
    fn two_policies_may_be_mapped_to_one() {
        let path = [mapping(&[p(1), p(2)], &[(p(1), p(3)), (p(2), p(3))]), with(&[p(3)])];
        assert_eq!(run(&explicit(), &path, &[]), Some(vec![p(1), p(2)]));
        assert_eq!(run(&explicit(), &path, &[p(2)]), Some(vec![p(2)]));
    }

    #[test]
    fn any_policy_can_be_mapped_from_through_its_meaning_and_not_by_its_name() {
        let path = [mapping(&[oid::ANY_POLICY], &[(p(1), p(2))]), with(&[p(2)])];
        assert_eq!(run(&explicit(), &path, &[]), Some(vec![p(1)]));
        let unmapped = [path[0].clone(), with(&[p(3)])];
        assert_eq!(run(&explicit(), &unmapped, &[]), Some(vec![p(3)]));
        let mut graph = PolicyGraph::new(&explicit(), 2);
        for bad in [(oid::ANY_POLICY, p(1)), (p(1), oid::ANY_POLICY)] {
            assert_eq!(graph.descend(&mapping(&[p(1)], &[bad]), false), Err(AnyPolicyMapped));
        }
    }

    #[test]
    fn a_mesh_of_mappings_costs_no_more_than_its_size() {
        // Every policy is mapped to every other at each of nine depths: 24⁹ ways in the RFC's tree.
        let all: Vec<_> = (1..25).map(p).collect();
        let pairs: Vec<_> =
            all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to))).collect();
        let path = vec![mapping(&all, &pairs); 9];
        assert_eq!(run(&explicit(), &path, &[]), Some(all));
    }
}
