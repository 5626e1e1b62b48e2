//! Whether a certificate is revoked (RFC 5280 section 6.3).

use std::collections::{BTreeSet, HashMap};

use chancery_key::DigestAlgorithm;
use chancery_x509::KeyUsage;

use crate::crl::{DistributionPoint, Reasons};
use crate::effort::{Effort, Exhausted};
use crate::normal_name::NormalName;
use crate::pool::Node;
use crate::search::{Judged, Question, World, best_path};
use crate::{Crl, CrlProblem, Policy, Revocation, RevocationReason, RevokedEntry, Status};

/// How many lists deep: the list about the signer of the list about a certificate is the second. Signers that
/// vouch for each other in a circle end here too.
const MAX_CRL_DEPTH: usize = 3;

/// The revocation lists at hand by their issuers, the newest first.
#[derive(Debug)]
pub(crate) struct CrlIndex<'a> {
    by_issuer: HashMap<&'a NormalName, Vec<Listed<'a>>>,
    /// What the certificates of their signers have to satisfy.
    signer_policy: Policy,
}

/// A list and its number among those given.
type Listed<'a> = (usize, &'a Crl);

impl<'a> CrlIndex<'a> {
    pub(crate) fn new(crls: &'a [Crl], policy: &Policy) -> Self {
        let mut by_issuer: HashMap<&NormalName, Vec<Listed<'a>>> = HashMap::new();
        for (index, crl) in crls.iter().enumerate() {
            by_issuer.entry(&crl.normal_issuer).or_default().push((index, crl));
        }
        for lists in by_issuer.values_mut() {
            lists.sort_by(|(_, a), (_, b)| b.age().cmp(&a.age()));
        }
        Self { by_issuer, signer_policy: policy.for_crl_signer() }
    }

    fn of(&self, issuer: &NormalName) -> &[Listed<'a>] {
        self.by_issuer.get(issuer).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Finds out whether the certificate at `index` of a path that reaches an anchor is revoked.
pub(crate) fn of_certificate<'a>(
    world: &'a World<'a>,
    question: Question<'_>,
    path: &[&'a Node<'a>],
    index: usize,
    effort: &mut Effort,
) -> Result<Revocation, Exhausted> {
    let (Some(node), Some(above)) = (path.get(index), path.get(index.saturating_add(1)..)) else {
        return Ok(Revocation::NotChecked);
    };
    let mut inquiry = Inquiry {
        world,
        question,
        node,
        above,
        is_ca: matches!(node.certificate.extensions().ca(), Ok(Some(_))),
        answered: Reasons::NONE,
        problems: BTreeSet::new(),
    };
    let points = DistributionPoint::of(node.certificate, &node.issuer).unwrap_or_else(|_| {
        inquiry.problems.insert(CrlProblem::MalformedDistributionPoints);
        Vec::new()
    });
    let implied = DistributionPoint::implied(&node.issuer);
    for point in points.iter().chain([&implied]) {
        if let Some(entry) = inquiry.consult(point, effort)? {
            return Ok(judge(entry, question.policy));
        }
        if !Reasons::ALL.adds_to(inquiry.answered) {
            return Ok(Revocation::Good);
        }
    }
    if inquiry.answered != Reasons::NONE {
        inquiry.problems.insert(CrlProblem::SomeReasonsOnly);
    }
    if inquiry.problems.is_empty() {
        inquiry.problems.insert(CrlProblem::Missing);
    }
    if inquiry.problems.len() > 1 {
        // Everything else says more: that there is a complete list, for one.
        inquiry.problems.remove(&CrlProblem::DeltaWithoutBase);
    }
    Ok(Revocation::Unknown(inquiry.problems.into_iter().collect()))
}

/// Decides whether a revocation counts at the time asked for.
fn judge(entry: RevokedEntry, policy: &Policy) -> Revocation {
    let forged_ever = policy.distrust_compromised_keys
        && entry.reason.is_some_and(RevocationReason::is_compromise);
    // Without a proof that the signature is older, it may as well have been made after.
    let is_later = policy.time < policy.now && policy.time < entry.since();
    if is_later && !forged_ever {
        Revocation::RevokedLater(entry)
    } else {
        Revocation::Revoked(entry)
    }
}

/// The state variables of RFC 5280 section 6.3.2 for one certificate.
struct Inquiry<'a, 'q> {
    world: &'a World<'a>,
    question: Question<'q>,
    node: &'q Node<'a>,
    /// The path above the certificate, up to the anchor.
    above: &'q [&'a Node<'a>],
    is_ca: bool,
    /// reasons_mask: for which reasons there is an answer, which is no.
    answered: Reasons,
    problems: BTreeSet<CrlProblem>,
}

impl<'a> Inquiry<'a, '_> {
    /// Goes through the lists of a distribution point; the newest speaks first, and an older one only for
    /// reasons that are still open.
    fn consult(
        &mut self,
        point: &DistributionPoint,
        effort: &mut Effort,
    ) -> Result<Option<RevokedEntry>, Exhausted> {
        let world = self.world;
        let own_issuer = [self.node.issuer.clone()];
        let issuers: &[NormalName] =
            if point.crl_issuers.is_empty() { &own_issuer } else { &point.crl_issuers };
        for (number, crl) in issuers.iter().flat_map(|issuer| world.crls.of(issuer)) {
            if crl.is_delta() {
                self.problems.insert(CrlProblem::DeltaWithoutBase);
                continue;
            }
            let Some(reasons) = crl.scope.covers(self.is_ca, point) else {
                self.problems.insert(CrlProblem::OutOfScope);
                continue;
            };
            if !reasons.adds_to(self.answered) {
                continue;
            }
            if crl.has_unprocessed_extension() {
                self.problems.insert(CrlProblem::UnknownCriticalExtension);
                continue;
            }
            let signer = match self.signer((*number, crl), point, effort)? {
                Ok(signer) => signer,
                Err(problem) => {
                    self.problems.insert(problem);
                    continue;
                }
            };
            let delta = self.delta_for(crl, signer, effort)?;
            if let Some(entry) = self.entry_in(crl, delta) {
                return Ok(Some(entry));
            }
            // A list that is not of now can still bring bad news, and no good ones.
            let now = self.question.policy.now;
            if delta.is_some() || crl.is_current(now) {
                self.answered = self.answered.union(reasons);
            } else if now < crl.this_update() {
                self.problems.insert(CrlProblem::NotYetValid);
            } else {
                self.problems.insert(CrlProblem::Expired);
            }
        }
        Ok(None)
    }

    /// Looks the certificate up, in the delta first: it may say that a hold is over.
    fn entry_in(&self, complete: &Crl, delta: Option<&Crl>) -> Option<RevokedEntry> {
        let serial = self.node.certificate.serial();
        let find = |crl: &Crl| crl.find_normal(&self.node.issuer, serial);
        let entry = delta.and_then(find).or_else(|| find(complete))?;
        (entry.reason != Some(RevocationReason::RemoveFromCrl)).then_some(entry)
    }

    /// Finds the newest current delta of a complete list, signed by the same key.
    fn delta_for(
        &self,
        complete: &Crl,
        signer: &Node<'a>,
        effort: &mut Effort,
    ) -> Result<Option<&'a Crl>, Exhausted> {
        let now = self.question.policy.now;
        for (number, crl) in self.world.crls.of(&complete.normal_issuer) {
            let is_usable =
                crl.updates(complete) && !crl.has_unprocessed_extension() && crl.is_current(now);
            if is_usable && effort.is_crl_signed_by((*number, crl), signer)? {
                return Ok(Some(crl));
            }
        }
        Ok(None)
    }

    /// Finds who signed a list and is trusted to (RFC 5280 section 6.3.3 (f) and (g)).
    fn signer(
        &self,
        list: Listed<'_>,
        point: &DistributionPoint,
        effort: &mut Effort,
    ) -> Result<Result<&'a Node<'a>, CrlProblem>, Exhausted> {
        let (_, crl) = list;
        match crl.scheme().map(|scheme| scheme.digest()) {
            None => return Ok(Err(CrlProblem::BadSignature)),
            Some(DigestAlgorithm::Sha1) if !self.question.policy.allow_sha1 => {
                return Ok(Err(CrlProblem::WeakSignature));
            }
            Some(_) => {}
        }
        // Whoever stands in the path is judged with it.
        let in_path = self.above.iter().filter(|node| node.subject == crl.normal_issuer);
        let elsewhere = self.world.pool.with_subject(&crl.normal_issuer, crl.key_identifier());
        let is_in_path = |node: &Node<'_>| self.above.iter().any(|above| above.id == node.id);
        let elsewhere = elsewhere.into_iter().filter(|node| !is_in_path(node));
        let mut problem = CrlProblem::IssuerNotFound;
        for (node, is_judged) in
            in_path.map(|node| (*node, true)).chain(elsewhere.map(|node| (node, false)))
        {
            if !effort.is_crl_signed_by(list, node)? {
                problem = problem.max(CrlProblem::BadSignature);
            } else if !may_sign_crls(node) {
                problem = problem.max(CrlProblem::SigningNotAllowed);
            } else if is_judged || self.is_trusted_signer(node, point, effort)? {
                return Ok(Ok(node));
            }
        }
        Ok(Err(problem))
    }

    /// Tells whether a certificate outside of the path leads to the same anchor.
    fn is_trusted_signer(
        &self,
        node: &'a Node<'a>,
        point: &DistributionPoint,
        effort: &mut Effort,
    ) -> Result<bool, Exhausted> {
        if node.id == self.node.id {
            // A key that speaks for itself is believed where the certificate says that it should: there the
            // one who issued the certificate wanted it so, and no other list can exist.
            return Ok(!point.crl_issuers.is_empty());
        }
        let depth = self.question.depth.saturating_add(1);
        if depth >= MAX_CRL_DEPTH {
            return Ok(false);
        }
        let question = Question {
            policy: &self.world.crls.signer_policy,
            anchor: self.above.last().map(|anchor| anchor.id),
            depth,
        };
        let judged: Judged<'_> = best_path(self.world, question, node, effort);
        if effort.is_exhausted() {
            return Err(Exhausted);
        }
        Ok(judged.is_anchored && judged.status() == Status::Trusted)
    }
}

fn may_sign_crls(node: &Node<'_>) -> bool {
    let usage = node.certificate.extensions().key_usage();
    usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.allows(KeyUsage::CRL_SIGN)))
}
