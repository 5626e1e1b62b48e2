//! How much is done to answer one question, and never twice.

use std::collections::HashMap;

use crate::Crl;
use crate::pool::{KeyId, Node, NodeId};

/// The most signatures verified to judge one leaf, those of revocation lists included. A hostile bag can
/// hold any number of certificates of one name.
pub const MAX_SIGNATURE_CHECKS: usize = 128;

/// The most paths looked at to judge one leaf, those to the issuers of revocation lists included. CAs
/// that certify each other make exponentially many.
pub const MAX_PATHS: usize = 128;

/// A limit is reached. What has not been looked at is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

/// Signatures that were verified and paths that were tried.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    signature_checks: usize,
    paths: usize,
    is_exhausted: bool,
    certificates: HashMap<(NodeId, KeyId), bool>,
    crls: HashMap<(usize, KeyId), bool>,
}

impl Effort {
    pub(crate) const fn signature_checks(&self) -> usize {
        self.signature_checks
    }

    /// Tells whether a certificate is signed by the key of another.
    pub(crate) fn is_issued_by(
        &mut self,
        node: &Node<'_>,
        issuer: &Node<'_>,
    ) -> Result<bool, Exhausted> {
        if let Some(known) = self.certificates.get(&(node.id, issuer.key)) {
            return Ok(*known);
        }
        self.count_check()?;
        let holds = node.certificate.verify_signature(issuer.certificate.public_key()).is_ok();
        self.certificates.insert((node.id, issuer.key), holds);
        Ok(holds)
    }

    /// Tells whether the list number `index` is signed by the key of a certificate.
    pub(crate) fn is_crl_signed_by(
        &mut self,
        (index, crl): (usize, &Crl),
        signer: &Node<'_>,
    ) -> Result<bool, Exhausted> {
        if let Some(known) = self.crls.get(&(index, signer.key)) {
            return Ok(*known);
        }
        self.count_check()?;
        let holds = crl.is_signed_by(signer.certificate.public_key());
        self.crls.insert((index, signer.key), holds);
        Ok(holds)
    }

    /// Tells whether a limit was reached at any time.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Counts a path before it is looked at.
    pub(crate) fn count_path(&mut self) -> Result<(), Exhausted> {
        self.is_exhausted |= self.paths >= MAX_PATHS;
        self.paths = self.paths.saturating_add(1);
        if self.is_exhausted { Err(Exhausted) } else { Ok(()) }
    }

    fn count_check(&mut self) -> Result<(), Exhausted> {
        self.is_exhausted |= self.signature_checks >= MAX_SIGNATURE_CHECKS;
        if self.is_exhausted {
            return Err(Exhausted);
        }
        self.signature_checks = self.signature_checks.saturating_add(1);
        Ok(())
    }
}
