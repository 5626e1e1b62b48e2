//! What a verifier thinks of one signature, field by field, so that two can be compared.

use chancery_authenticode::{ChainStatus, SignatureReport};

/// The fields of an [`Opinion`], in order.
pub const FIELDS: [&str; 4] = ["digest", "signature", "chain", "timestamp"];

/// One verifier's answers about one signature; `None` where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opinion {
    /// The digest is the file's.
    pub digest: Option<bool>,
    /// The signature is one by the signer's key, over this content.
    pub signature: Option<bool>,
    /// There is a path to a trust anchor with nothing wrong on it.
    pub chain: Option<bool>,
    /// A timestamp proves a time.
    pub timestamp: Option<bool>,
}

impl Opinion {
    /// Reads ours.
    #[must_use]
    pub fn ours(report: &SignatureReport) -> Self {
        let stamps = &report.timestamps;
        Self {
            digest: Some(report.digest_matches),
            signature: Some(report.signature_valid),
            chain: (report.chain != ChainStatus::NotChecked)
                .then_some(report.chain == ChainStatus::Trusted),
            timestamp: (!stamps.is_empty()).then(|| stamps.iter().any(|stamp| stamp.is_valid())),
        }
    }

    /// Returns the answers in the order of [`FIELDS`].
    #[must_use]
    pub const fn answers(&self) -> [Option<bool>; 4] {
        [self.digest, self.signature, self.chain, self.timestamp]
    }
}

/// How our answer stands to another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "two answers of yes or no, and what explains them")]
pub enum Agreement {
    /// Both say the same.
    Same,
    /// We refuse what the other accepts.
    Stricter,
    /// We accept what the other refuses, and it was shown that what it refuses is genuine.
    Refuted,
    /// We accept this field and refuse the signature for another, where the other tool refuses it for this one.
    Elsewhere,
    /// We accept what the other refuses, and nothing shows that we may.
    Weaker,
    /// The other does not say.
    Silent,
}

impl Agreement {
    /// Every one, in the order of the tables.
    pub const ALL: [Self; 6] =
        [Self::Same, Self::Stricter, Self::Refuted, Self::Elsewhere, Self::Weaker, Self::Silent];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Stricter => "stricter",
            Self::Refuted => "refuted",
            Self::Elsewhere => "elsewhere",
            Self::Weaker => "weaker",
            Self::Silent => "silent",
        }
    }
}

/// Compares an answer of ours with another's, before anybody asks what shows which is right.
#[must_use]
pub fn compare(ours: Option<bool>, other: Option<bool>) -> Agreement {
    match (ours, other) {
        (_, None) | (None, _) => Agreement::Silent,
        (Some(false), Some(true)) => Agreement::Stricter,
        (Some(true), Some(false)) => Agreement::Weaker,
        _ => Agreement::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_compared_only_with_an_answer() {
        assert_eq!(compare(Some(true), Some(true)), Agreement::Same);
        assert_eq!(compare(Some(false), Some(true)), Agreement::Stricter);
        assert_eq!(compare(Some(true), Some(false)), Agreement::Weaker);
        assert_eq!(compare(Some(true), None), Agreement::Silent);
    }
}
