//! Looking for a path from a certificate to an anchor.

use chancery_key::KeyAlgorithm;
use const_oid::ObjectIdentifier;

use crate::effort::{Effort, Exhausted};
use crate::pool::{Node, NodeId, Pool};
use crate::revocation::{self, CrlIndex};
use crate::{Policy, Reason, Revocation, RevocationMode, Status, path};

/// The longest path, leaf and anchor included.
pub const MAX_PATH_LEN: usize = 10;

/// Everything the caller gave, which stays as it is.
#[derive(Debug)]
pub(crate) struct World<'a> {
    pub(crate) pool: Pool<'a>,
    pub(crate) crls: CrlIndex<'a>,
}

/// What is asked of one certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) policy: &'a Policy,
    /// The only anchor that counts, where not all do.
    pub(crate) anchor: Option<NodeId>,
    /// How many revocation lists depend on the answer: 0 for the leaf, 1 for who signed the list about a
    /// certificate above it, and so on.
    pub(crate) depth: usize,
}

/// A path and everything there is to say about it.
#[derive(Clone, Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) path: Vec<&'a Node<'a>>,
    pub(crate) is_anchored: bool,
    pub(crate) findings: Vec<(usize, Reason)>,
    pub(crate) revocation: Vec<Revocation>,
    pub(crate) policies: Vec<ObjectIdentifier>,
}

impl Judged<'_> {
    /// Returns what the gravest finding makes of it.
    pub(crate) fn status(&self) -> Status {
        let statuses = self.findings.iter().map(|(_, reason)| reason.status());
        statuses.max().unwrap_or(Status::Trusted)
    }

    /// Orders paths from better to worse.
    fn rank(&self) -> (bool, Status, usize) {
        (!self.is_anchored, self.status(), self.findings.len())
    }
}

/// Finds the best path from `start` to an anchor.
///
/// The search goes depth first and stops at the first path with nothing wrong with it; else the least bad
/// one is returned, and of several the first.
pub(crate) fn best_path<'a>(
    world: &'a World<'a>,
    question: Question<'_>,
    start: &'a Node<'a>,
    effort: &mut Effort,
) -> Judged<'a> {
    let mut search = Search { world, question, effort, best: None };
    let exhausted = search.extend(&mut vec![start]).is_err();
    let mut best = search.best.unwrap_or_else(|| Judged {
        path: vec![start],
        is_anchored: false,
        findings: Vec::new(),
        revocation: Vec::new(),
        policies: Vec::new(),
    });
    // A better path may be among those that were not looked at, or a list that names this one's leaf.
    if exhausted {
        best.findings.push((0, Reason::SearchLimit));
    }
    best
}

struct Search<'a, 'q> {
    world: &'a World<'a>,
    question: Question<'q>,
    effort: &'q mut Effort,
    best: Option<Judged<'a>>,
}

impl<'a> Search<'a, '_> {
    fn is_done(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.is_anchored && best.findings.is_empty())
    }

    /// Tries every issuer of the path's end until one leads to a trusted path.
    fn extend(&mut self, path: &mut Vec<&'a Node<'a>>) -> Result<(), Exhausted> {
        let Some(last) = path.last().copied() else { return Ok(()) };
        if last.is_anchor && self.question.anchor.is_none_or(|anchor| anchor == last.id) {
            return self.settle(path, None);
        }
        if path.len() >= MAX_PATH_LEN {
            return self.settle(path, Some(Reason::PathTooLong));
        }
        if last.certificate.scheme().is_none() {
            return self.settle(path, Some(Reason::UnsupportedSignatureAlgorithm));
        }
        let mut is_extended = false;
        let mut obstacle = Reason::IssuerNotFound;
        for issuer in self.world.pool.issuers_of(last) {
            if path.iter().any(|on_path| on_path.is_same_entity(issuer)) {
                continue;
            }
            if !self.effort.is_issued_by(last, issuer)? {
                obstacle = match issuer.certificate.public_key().algorithm() {
                    KeyAlgorithm::Other(_) => Reason::UnsupportedSignatureAlgorithm,
                    _ => Reason::BadSignature,
                };
                continue;
            }
            is_extended = true;
            path.push(issuer);
            let extended = self.extend(path);
            path.pop();
            extended?;
            if self.is_done() {
                return Ok(());
            }
        }
        if is_extended {
            return Ok(());
        }
        if last.is_self_issued() && self.effort.is_issued_by(last, last)? {
            obstacle = Reason::UntrustedRoot;
        }
        self.settle(path, Some(obstacle))
    }

    /// Judges a path that goes no further, because it is at an anchor or for the reason given.
    fn settle(&mut self, path: &[&'a Node<'a>], ended: Option<Reason>) -> Result<(), Exhausted> {
        self.effort.count_path()?;
        let is_anchored = ended.is_none();
        let judgement = path::judge(path, is_anchored, self.question.policy);
        let end = path.len().saturating_sub(1);
        let mut findings: Vec<(usize, Reason)> =
            ended.into_iter().map(|reason| (end, reason)).collect();
        findings.extend(judgement.findings);
        let mut judged = Judged {
            path: path.to_vec(),
            is_anchored,
            findings,
            revocation: vec![Revocation::NotChecked; end],
            policies: judgement.policies,
        };
        let checked = if is_anchored && self.question.policy.revocation != RevocationMode::Off {
            self.check_revocation(&mut judged)
        } else {
            Ok(())
        };
        if self.best.as_ref().is_none_or(|best| judged.rank() < best.rank()) {
            self.best = Some(judged);
        }
        checked
    }

    fn check_revocation(&mut self, judged: &mut Judged<'a>) -> Result<(), Exhausted> {
        let policy = self.question.policy;
        for (index, revocation) in judged.revocation.iter_mut().enumerate().rev() {
            *revocation = revocation::of_certificate(
                self.world,
                self.question,
                &judged.path,
                index,
                self.effort,
            )?;
            let reason = match revocation {
                Revocation::Revoked(entry) => {
                    Reason::Revoked { date: entry.since(), reason: entry.reason }
                }
                Revocation::Unknown(problems) if policy.revocation == RevocationMode::Hard => {
                    let Some(problem) = problems.last() else { continue };
                    Reason::RevocationUnknown(*problem)
                }
                _ => continue,
            };
            judged.findings.push((index, reason));
        }
        Ok(())
    }
}
