//! From certificates, lists and a policy to an outcome.

use chancery_x509::Certificate;

use crate::effort::Effort;
use crate::pool::Pool;
use crate::revocation::CrlIndex;
use crate::search::{Question, World, best_path};
use crate::{Crl, Finding, Outcome, Policy, TrustAnchors};

/// Looks for a path from `leaf` over `candidates` to an anchor and judges it by RFC 5280 section 6 and the
/// policy.
///
/// `candidates` and `crls` are hints in any order, and may hold anything: what has no place in a path is
/// passed over. Of several paths a trusted one is returned, else the least bad one that reaches an anchor,
/// else the least bad one. The time this takes is linear in what is given, whatever it is:
/// [`MAX_PATH_LEN`](crate::MAX_PATH_LEN), [`MAX_SIGNATURE_CHECKS`](crate::MAX_SIGNATURE_CHECKS) and
/// [`MAX_PATHS`](crate::MAX_PATHS) bound the search.
#[must_use]
pub fn validate(
    leaf: &Certificate,
    candidates: &[Certificate],
    anchors: &TrustAnchors,
    crls: &[Crl],
    policy: &Policy,
) -> Outcome {
    let world = World {
        pool: Pool::new(leaf, candidates, anchors, policy.time),
        crls: CrlIndex::new(crls, policy),
    };
    let mut effort = Effort::default();
    let question = Question { policy, anchor: None, depth: 0 };
    let judged = best_path(&world, question, &world.pool.leaf, &mut effort);
    Outcome {
        status: judged.status(),
        findings: judged
            .findings
            .iter()
            .map(|(index, reason)| Finding {
                index: *index,
                subject: judged
                    .path
                    .get(*index)
                    .map(|node| node.certificate.subject().to_string())
                    .unwrap_or_default(),
                reason: reason.clone(),
            })
            .collect(),
        revocation: judged.revocation,
        policies: judged.policies,
        signature_checks: effort.signature_checks(),
        path: judged.path.iter().map(|node| node.certificate.clone()).collect(),
    }
}
