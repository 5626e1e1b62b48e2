//! Judging one path (RFC 5280 section 6.1).

use chancery_key::{DigestAlgorithm, KeyAlgorithm};
use chancery_sigverify::digest;
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Certificate, oid as x509_oid};
use const_oid::ObjectIdentifier;

use crate::certificate_policies::PolicyExtensions;
use crate::name_constraints::{Constraints, NameConstraints, Violation};
use crate::normal_name::NormalName;
use crate::policy_graph::PolicyGraph;
use crate::pool::Node;
use crate::{Distrust, Policy, Reason, oid, usage};

/// Extensions that may be critical because what they say is honoured.
const PROCESSED: [ObjectIdentifier; 12] = [
    x509_oid::SUBJECT_KEY_IDENTIFIER,
    x509_oid::KEY_USAGE,
    x509_oid::BASIC_CONSTRAINTS,
    x509_oid::AUTHORITY_KEY_IDENTIFIER,
    x509_oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
];

/// What is wrong with the certificates of a path, by their index, and which policies are valid along it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) findings: Vec<(usize, Reason)>,
    pub(crate) policies: Vec<ObjectIdentifier>,
}

/// Judges a path whose signatures hold, from its end to the leaf, which comes first in it. `is_anchored`: its
/// end is an anchor.
pub(crate) fn judge(path: &[&Node<'_>], is_anchored: bool, policy: &Policy) -> Judgement {
    // An anchor that is the leaf is judged as a leaf.
    let below =
        if is_anchored && path.len() > 1 { path.len().saturating_sub(1) } else { path.len() };
    let mut walk = Walk {
        policy,
        findings: Vec::new(),
        constraints: Constraints::default(),
        graph: PolicyGraph::new(policy, below),
        cas_left: u32::MAX,
    };
    if let Some(anchor) = path.get(below) {
        walk.anchor(below, anchor);
    }
    let mut policies = Vec::new();
    let certificates = path.get(..below).unwrap_or_default();
    for (index, node) in certificates.iter().enumerate().rev() {
        let is_signed = index.saturating_add(1) < path.len();
        walk.any_certificate(index, node, is_signed);
        let extensions = walk.policies_of(index, node.certificate);
        walk.graph.enter(&extensions, index > 0 && node.is_self_issued());
        if index > 0 {
            walk.intermediate(index, node, &extensions);
        } else {
            usage::check_leaf(node.certificate, policy, |reason| walk.findings.push((0, reason)));
            let finished = walk.graph.clone().finish(&extensions, &policy.initial_policies);
            match finished {
                Some(valid) => policies = valid,
                None => walk.report(0, Reason::NoValidPolicy),
            }
        }
    }
    Judgement { findings: walk.findings, policies }
}

/// The state variables of RFC 5280 section 6.1.2 on the way down.
struct Walk<'p> {
    policy: &'p Policy,
    findings: Vec<(usize, Reason)>,
    constraints: Constraints,
    graph: PolicyGraph,
    /// max_path_length: how many CAs that are not self-issued may follow.
    cas_left: u32,
}

impl Walk<'_> {
    fn report(&mut self, index: usize, reason: Reason) {
        self.findings.push((index, reason));
    }

    fn anchor(&mut self, index: usize, node: &Node<'_>) {
        if !self.policy.check_anchor {
            if is_distrusted(node, self.policy) {
                self.report(index, Reason::Distrusted);
            }
            return;
        }
        self.distrust_time_and_key(index, node);
        // A root made before there were extensions is a CA because the user says so.
        if !node.certificate.extensions().is_empty() {
            self.critical_extensions(index, node.certificate);
            self.issuer(index, node.certificate);
        }
    }

    /// What holds for leaf and intermediates alike (RFC 5280 section 6.1.3).
    fn any_certificate(&mut self, index: usize, node: &Node<'_>, is_signed: bool) {
        let certificate = node.certificate;
        self.distrust_time_and_key(index, node);
        let hash = certificate.scheme().map(|scheme| scheme.digest());
        if is_signed && hash == Some(DigestAlgorithm::Sha1) && !self.policy.allow_sha1 {
            self.report(index, Reason::WeakSignature(DigestAlgorithm::Sha1));
        }
        if !is_version_3(certificate) && (index > 0 || self.policy.strict_fields) {
            self.report(index, Reason::NotVersion3);
        }
        if self.policy.strict_fields && !is_positive(certificate.serial()) {
            self.report(index, Reason::SerialNotPositive);
        }
        self.critical_extensions(index, certificate);
        // A CA may certify a new key of its own whatever it is called.
        if index == 0 || !node.is_self_issued() {
            let reason = match self.constraints.check(certificate) {
                Ok(None) => return,
                Ok(Some(Violation::NotPermitted)) => Reason::NameNotPermitted,
                Ok(Some(Violation::Excluded)) => Reason::NameExcluded,
                Ok(Some(Violation::UnsupportedForm)) => Reason::NameFormUnsupported,
                Ok(Some(Violation::TooMany)) => Reason::TooManyNames,
                Err(_) => Reason::MalformedExtension(oid::SUBJECT_ALT_NAME),
            };
            self.report(index, reason);
        }
    }

    fn distrust_time_and_key(&mut self, index: usize, node: &Node<'_>) {
        let certificate = node.certificate;
        if is_distrusted(node, self.policy) {
            self.report(index, Reason::Distrusted);
        }
        if self.policy.time < certificate.not_before() {
            self.report(index, Reason::NotYetValid { not_before: certificate.not_before() });
        }
        if self.policy.time > certificate.not_after() {
            self.report(index, Reason::Expired { not_after: certificate.not_after() });
        }
        let key = certificate.public_key().algorithm();
        match key {
            KeyAlgorithm::Rsa { bits } if bits < self.policy.min_rsa_bits => {
                self.report(index, Reason::WeakKey(key));
            }
            KeyAlgorithm::Rsa { .. } | KeyAlgorithm::Ec(_) | KeyAlgorithm::Ed25519 => {}
            _ => self.report(index, Reason::UnsupportedKey(key)),
        }
    }

    fn critical_extensions(&mut self, index: usize, certificate: &Certificate) {
        for extension in certificate.extensions().iter() {
            if extension.critical && !PROCESSED.contains(&extension.oid) {
                self.report(index, Reason::UnknownCriticalExtension(extension.oid));
            }
        }
    }

    fn policies_of(&mut self, index: usize, certificate: &Certificate) -> PolicyExtensions {
        let read = PolicyExtensions::read(certificate.extensions());
        if read.as_ref().is_ok_and(|all| all.unknown_critical_qualifier) {
            self.report(index, Reason::UnknownCriticalExtension(oid::CERTIFICATE_POLICIES));
        }
        read.unwrap_or_else(|oid| {
            self.report(index, Reason::MalformedExtension(oid));
            PolicyExtensions::default()
        })
    }

    /// Prepares for the certificate below (RFC 5280 section 6.1.4).
    fn intermediate(&mut self, index: usize, node: &Node<'_>, extensions: &PolicyExtensions) {
        if !node.is_self_issued() {
            if self.cas_left == 0 {
                self.report(index, Reason::PathLengthExceeded);
            }
            self.cas_left = self.cas_left.saturating_sub(1);
        }
        self.issuer(index, node.certificate);
        if self.graph.descend(extensions, node.is_self_issued()).is_err() {
            self.report(index, Reason::AnyPolicyMapped);
        }
    }

    /// What a CA is and what it says of those below, be it an intermediate or an anchor.
    fn issuer(&mut self, index: usize, certificate: &Certificate) {
        usage::check_issuer(certificate, self.policy, |reason| self.findings.push((index, reason)));
        let extensions = certificate.extensions();
        if let Ok(Some(ca)) = extensions.ca() {
            self.cas_left = ca.path_len.unwrap_or(u32::MAX).min(self.cas_left);
        }
        if let Some(extension) = extensions.get(oid::NAME_CONSTRAINTS) {
            match NameConstraints::from_der(&extension.value) {
                Ok(constraints) => self.constraints.add(constraints),
                Err(_) => self.report(index, Reason::MalformedExtension(oid::NAME_CONSTRAINTS)),
            }
        }
    }
}

fn is_distrusted(node: &Node<'_>, policy: &Policy) -> bool {
    let certificate = node.certificate;
    policy.distrusted.iter().any(|distrust| match distrust {
        Distrust::Certificate(hash) => certificate.thumbprint_sha256() == *hash,
        Distrust::PublicKey(hash) => {
            digest(DigestAlgorithm::Sha256, certificate.public_key().spki_der()) == hash
        }
        Distrust::IssuerAndSerial { issuer, serial } => {
            certificate.serial() == serial && node.issuer == NormalName::of(issuer)
        }
    })
}

/// Reads the version, which stands first: `[0] EXPLICIT INTEGER`, left out for version 1.
fn is_version_3(certificate: &Certificate) -> bool {
    let version = || {
        let first = Tlv::parse(certificate.tbs_der())?.reader().read()?;
        first.expect(tag::context_constructed(0), "version")?.only()?.small_integer()
    };
    version().is_ok_and(|version| version == 2)
}

/// Tells whether a number in two's complement is above zero.
fn is_positive(octets: &[u8]) -> bool {
    octets.first().is_some_and(|first| *first < 0x80) && octets.iter().any(|octet| *octet != 0)
}
