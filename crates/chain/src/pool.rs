//! Every certificate at hand, indexed so that a search never looks at all of them.

use std::collections::{HashMap, HashSet};

use chancery_key::PublicKey;
use chancery_x509::{Certificate, Time};

use crate::TrustAnchors;
use crate::normal_name::NormalName;

/// Which key, among all in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(usize);

/// Which certificate, among all in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId(usize);

/// A certificate and what the search compares, worked out once.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) id: NodeId,
    pub(crate) key: KeyId,
    pub(crate) certificate: &'a Certificate,
    pub(crate) subject: NormalName,
    pub(crate) issuer: NormalName,
    pub(crate) is_anchor: bool,
    key_identifier: Option<&'a [u8]>,
    /// How unlikely it is to be a good issuer, apart from its name: not a CA, not valid.
    demerits: u8,
}

impl Node<'_> {
    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Two certificates for one name and key are one entity: passing both would be going in circles.
    pub(crate) fn is_same_entity(&self, other: &Self) -> bool {
        self.key == other.key && self.subject == other.subject
    }
}

/// Leaf, anchors and candidates, none twice.
#[derive(Clone, Debug)]
pub(crate) struct Pool<'a> {
    /// The certificate the pool was made for, number 0.
    pub(crate) leaf: Node<'a>,
    /// The others, from number 1.
    others: Vec<Node<'a>>,
    by_subject: HashMap<NormalName, Vec<NodeId>>,
}

impl<'a> Pool<'a> {
    pub(crate) fn new(
        leaf: &'a Certificate,
        candidates: &'a [Certificate],
        anchors: &'a TrustAnchors,
        time: Time,
    ) -> Self {
        let trusted: HashSet<&[u8]> = anchors.iter().map(Certificate::as_der).collect();
        let mut keys: HashMap<&PublicKey, KeyId> = HashMap::new();
        let mut node = |id: NodeId, certificate: &'a Certificate| {
            let next_key = KeyId(keys.len());
            Node {
                id,
                key: *keys.entry(certificate.public_key()).or_insert(next_key),
                certificate,
                subject: NormalName::of(certificate.subject()),
                issuer: NormalName::of(certificate.issuer()),
                is_anchor: trusted.contains(certificate.as_der()),
                key_identifier: certificate.extensions().subject_key_identifier().unwrap_or(None),
                demerits: u8::from(!certificate.is_ca())
                    .saturating_mul(2)
                    .saturating_add(u8::from(!certificate.is_valid_at(time))),
            }
        };
        let leaf_node = node(NodeId(0), leaf);
        let mut seen: HashSet<&[u8]> = HashSet::from([leaf.as_der()]);
        let others = anchors.iter().chain(candidates);
        let others = others.filter(|certificate| seen.insert(certificate.as_der()));
        let others: Vec<Node<'a>> =
            (1..).zip(others).map(|(number, one)| node(NodeId(number), one)).collect();
        let mut by_subject: HashMap<NormalName, Vec<NodeId>> = HashMap::new();
        for node in core::iter::once(&leaf_node).chain(&others) {
            by_subject.entry(node.subject.clone()).or_default().push(node.id);
        }
        Self { leaf: leaf_node, others, by_subject }
    }

    fn get(&self, NodeId(number): NodeId) -> Option<&Node<'a>> {
        match number.checked_sub(1) {
            None => Some(&self.leaf),
            Some(index) => self.others.get(index),
        }
    }

    /// Returns everything with this subject, most promising first: anchors, then by whether the key identifier
    /// is the wanted one, then CAs that are valid. The identifier is a hint (RFC 5280 section 4.2.1.1):
    /// the signature decides.
    pub(crate) fn with_subject(
        &self,
        subject: &NormalName,
        key_identifier: Option<&[u8]>,
    ) -> Vec<&Node<'a>> {
        let ids = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<&Node<'a>> = ids.iter().filter_map(|id| self.get(*id)).collect();
        found.sort_by_key(|node| {
            let identifier = match (key_identifier, node.key_identifier) {
                (Some(wanted), Some(own)) if wanted == own => 0,
                (Some(_), Some(_)) => 2,
                _ => 1_u8,
            };
            (!node.is_anchor, identifier, node.demerits)
        });
        found
    }

    /// Returns those that may have issued `node`, by name.
    pub(crate) fn issuers_of(&self, node: &Node<'_>) -> Vec<&Node<'a>> {
        let wanted = node.certificate.extensions().authority_key_identifier().unwrap_or(None);
        self.with_subject(&node.issuer, wanted)
    }
}
