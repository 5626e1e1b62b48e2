//! What was found about one timestamp.

use chancery_chain::{Finding, Status};
use chancery_key::DigestAlgorithm;
use chancery_x509::Certificate;

use crate::{GenTime, Reason, TstInfo};

/// The two kinds of timestamps that Authenticode signatures carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimestampKind {
    /// A token by RFC 3161.
    Rfc3161,
    /// A PKCS#9 counter-signature with a signingTime, from before RFC 3161 was taken up.
    Legacy,
}

impl TimestampKind {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc3161 => "rfc3161",
            Self::Legacy => "legacy",
        }
    }
}

impl core::fmt::Display for TimestampKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What was found about one timestamp.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimestampReport {
    /// Which kind it is.
    pub kind: TimestampKind,
    /// When it says it was made. True where [`is_valid`](Self::is_valid).
    pub time: Option<GenTime>,
    /// What it is over: the imprint's hash function, or the counter-signature's.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// The `TSTInfo`, of a token that could be read.
    pub info: Option<TstInfo>,
    /// The server's certificate, where it is there.
    pub signer: Option<Certificate>,
    /// What became of the path to a trust anchor; nothing where nobody is trusted.
    pub chain: Option<Status>,
    /// The best path there is: the server first, last the anchor or where it ends early.
    pub path: Vec<Certificate>,
    /// What is wrong with the path, certificate by certificate.
    pub chain_findings: Vec<Finding>,
    /// Everything that is wrong with the timestamp.
    pub reasons: Vec<Reason>,
    /// What would be wrong with it, had the verifier not been told to tolerate it.
    pub tolerated: Vec<Reason>,
}

impl TimestampReport {
    pub(crate) const fn new(kind: TimestampKind) -> Self {
        Self {
            kind,
            time: None,
            digest_algorithm: None,
            info: None,
            signer: None,
            chain: None,
            path: Vec::new(),
            chain_findings: Vec::new(),
            reasons: Vec::new(),
            tolerated: Vec::new(),
        }
    }

    /// Tells whether it proves that the signature was there at its time.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Tells whether it is what it says it is, however far its server is trusted.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.reasons.iter().all(|reason| reason.is_about_trust())
    }
}
