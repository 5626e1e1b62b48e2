//! From a signer to a trust anchor.
//!
//! Paths over any number of intermediates that RFC 5280 section 6.1 accepts by name, signature, validity,
//! basicConstraints and keyUsage, with the code-signing purpose along the path. What it does not process (name
//! constraints, policies) makes it refuse the path where it is critical.

use chancery_key::{DigestAlgorithm, KeyAlgorithm};
use chancery_x509::{Certificate, Time, oid};
use const_oid::ObjectIdentifier;

use crate::ChainStatus;

/// The longest path, leaf and anchor included.
const MAX_PATH: usize = 10;

/// The most signatures verified in search of one path: a hostile bag can hold many certificates of
/// one name.
const MAX_VERIFICATIONS: usize = 64;

/// Extensions whose critical flag is honoured because what they say is.
const PROCESSED: [ObjectIdentifier; 5] = [
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::BASIC_CONSTRAINTS,
    oid::SUBJECT_KEY_IDENTIFIER,
    oid::AUTHORITY_KEY_IDENTIFIER,
];

/// The certificates trusted to say who may sign, whatever else they may be.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors(Vec<Certificate>);

impl TrustAnchors {
    /// Trusts nobody: every verdict is at most `untrusted`.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Trusts these.
    #[must_use]
    pub const fn new(certificates: Vec<Certificate>) -> Self {
        Self(certificates)
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks for a path from `leaf` over the certificates of `bag` to an anchor, and judges it at `time`.
    ///
    /// Of several paths a trusted one wins; else the first that reached an anchor tells what is wrong.
    #[must_use]
    pub fn judge(&self, leaf: &Certificate, bag: &[Certificate], time: Time) -> ChainStatus {
        if self.is_empty() {
            return ChainStatus::NotChecked;
        }
        let mut search = Search { anchors: &self.0, bag, time, verifications: 0, best: None };
        let mut path = vec![leaf];
        search.extend(&mut path);
        search.best.unwrap_or_else(|| {
            let ends_in_itself =
                core::iter::once(leaf).chain(bag).any(|certificate| certificate.is_self_issued());
            if ends_in_itself { ChainStatus::Untrusted } else { ChainStatus::Incomplete }
        })
    }
}

struct Search<'a> {
    anchors: &'a [Certificate],
    bag: &'a [Certificate],
    time: Time,
    verifications: usize,
    best: Option<ChainStatus>,
}

impl<'a> Search<'a> {
    /// Tries every issuer of the path's end, anchors first, until one path is trusted.
    fn extend(&mut self, path: &mut Vec<&'a Certificate>) {
        let Some(last) = path.last().copied() else { return };
        if self.anchors.contains(last) {
            self.settle(path);
            return;
        }
        if path.len() >= MAX_PATH || last.is_self_issued() && self.verify(last, last) {
            return;
        }
        for issuer in self.anchors.iter().chain(self.bag) {
            if self.best == Some(ChainStatus::Trusted) {
                return;
            }
            let loops = path.iter().any(|on_path| {
                on_path.subject() == issuer.subject() && on_path.public_key() == issuer.public_key()
            });
            if !loops && last.names_as_issuer(issuer) && self.verify(last, issuer) {
                path.push(issuer);
                self.extend(path);
                path.pop();
            }
        }
    }

    fn verify(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.verifications = self.verifications.saturating_add(1);
        self.verifications <= MAX_VERIFICATIONS
            && certificate.verify_signature(issuer.public_key()).is_ok()
    }

    /// Judges a path that reached an anchor.
    fn settle(&mut self, path: &[&Certificate]) {
        let status = judge_path(path, self.time);
        if self.best.is_none() || status == ChainStatus::Trusted {
            self.best = Some(status);
        }
    }
}

/// Judges a path from leaf to anchor whose signatures hold.
fn judge_path(path: &[&Certificate], time: Time) -> ChainStatus {
    let Some((leaf, issuers)) = path.split_first() else { return ChainStatus::Incomplete };
    // What says whether it is a CA must be readable in a leaf too, which may then be none.
    let not_processed = path.iter().any(|certificate| {
        let extensions = certificate.extensions();
        extensions.ca().is_err()
            || extensions
                .iter()
                .any(|extension| extension.critical && !PROCESSED.contains(&extension.oid))
    });
    let may_issue = |(below, issuer): (usize, &&Certificate)| {
        let purposes = issuer.extensions().extended_key_usage();
        let for_code = purposes.is_ok_and(|list| {
            list.is_none_or(|list| {
                list.contains(&oid::CODE_SIGNING) || list.contains(&oid::ANY_EXTENDED_KEY_USAGE)
            })
        });
        // Self-issued intermediates do not count towards pathLen (RFC 5280 section 6.1.4 (l)).
        let between = issuers
            .get(..below)
            .unwrap_or_default()
            .iter()
            .filter(|certificate| !certificate.is_self_issued())
            .count();
        let short_enough = match issuer.extensions().ca() {
            Ok(Some(ca)) => ca
                .path_len
                .and_then(|len| usize::try_from(len).ok())
                .is_none_or(|len| between <= len),
            _ => false,
        };
        issuer.is_ca() && for_code && short_enough
    };
    // A root made before basicConstraints is an anchor because the user says so; what stands between must be
    // CAs.
    let anchor = issuers.last();
    let old_root = |issuer: &Certificate| {
        anchor.is_some_and(|anchor| *anchor == issuer) && issuer.extensions().is_empty()
    };
    let issuers_in_order = issuers
        .iter()
        .enumerate()
        .all(|(below, issuer)| old_root(issuer) || may_issue((below, issuer)));

    if not_processed || !issuers_in_order {
        ChainStatus::Untrusted
    } else if !leaf.may_sign_code() {
        ChainStatus::WrongUsage
    } else if path.iter().any(|certificate| !certificate.is_valid_at(time)) {
        ChainStatus::Expired
    } else if path.iter().any(|certificate| has_weak_key(certificate))
        || signed_below_anchor(path).any(has_weak_signature)
    {
        ChainStatus::Weak
    } else {
        ChainStatus::Trusted
    }
}

/// Every certificate but the anchor, whose own signature nobody relies on.
fn signed_below_anchor<'a>(path: &'a [&'a Certificate]) -> impl Iterator<Item = &'a Certificate> {
    path.iter().rev().skip(1).copied()
}

fn has_weak_key(certificate: &Certificate) -> bool {
    match certificate.public_key().algorithm() {
        KeyAlgorithm::Rsa { bits } => bits < 2048,
        KeyAlgorithm::Ec(_) => false,
        _ => true,
    }
}

fn has_weak_signature(certificate: &Certificate) -> bool {
    certificate.scheme().is_none_or(|scheme| scheme.digest() == DigestAlgorithm::Sha1)
}
