//! The timestamps of a signature, and what they prove together.

use chancery_cms::{SignerInfo, oid as cms_oid};
use chancery_timestamp::{Reason as Wrong, TimestampReport, TimestampVerifier};
use chancery_x509::{Certificate, Time};

use crate::{Check, Reason, oid};

/// The most timestamps judged in one signature. Real ones have one, or one of each kind.
const MAX_TIMESTAMPS: usize = 8;

/// What was found about the timestamps of one signature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timestamps {
    pub(crate) reports: Vec<TimestampReport>,
    pub(crate) reasons: Vec<Reason>,
    /// The earliest time a valid one proves.
    pub(crate) proved: Option<Time>,
}

/// Judges every timestamp of a signer, whose SignedData has these certificates.
pub(crate) fn judge(
    signer: &SignerInfo<'_>,
    bag: &[Certificate],
    verifier: &TimestampVerifier,
) -> Timestamps {
    let Some(unsigned) = &signer.unsigned_attributes else { return Timestamps::default() };
    let mut found = Timestamps::default();
    let tokens = unsigned.values(oid::RFC3161_COUNTER_SIGNATURE).map(|value| (true, value.raw));
    let legacy = unsigned.values(cms_oid::COUNTER_SIGNATURE).map(|value| (false, value.raw));
    for (number, (is_token, value)) in tokens.chain(legacy).enumerate() {
        if number >= MAX_TIMESTAMPS {
            found.reasons.push(Reason::new(Check::TooManyTimestamps));
            break;
        }
        found.reports.push(if is_token {
            verifier.token(value, signer.signature, bag)
        } else {
            verifier.counter_signature(value, bag, signer.signature)
        });
    }
    let valid = || found.reports.iter().filter(|report| report.is_valid());
    found.proved = valid().filter_map(|report| report.time).map(|time| time.time()).min();
    let all_hold = found.reports.iter().all(TimestampReport::holds);
    found.reasons.extend(match (found.proved, all_hold) {
        // Anybody can add to the unsigned attributes: what is wrong beside a timestamp that proves its time
        // takes nothing away from it.
        (Some(_), false) => Some(Reason::new(Check::AnotherTimestampInvalid)),
        (None, false) => Some(Reason::new(Check::TimestampInvalid)),
        (None, true) if !found.reports.is_empty() => Some(Reason::new(Check::TimestampUntrusted)),
        _ => None,
    });
    for (tolerated, check) in [
        (Wrong::PurposeNotCritical, Check::TimestampPurposeNotCritical),
        (Wrong::BareHashSignature, Check::TimestampBareHash),
    ] {
        if found.reports.iter().any(|report| report.tolerated.contains(&tolerated)) {
            found.reasons.push(Reason::new(check));
        }
    }
    found
}
