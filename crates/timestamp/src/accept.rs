//! Whether an answer is one to this request: everything is checked before anything is embedded.

use core::fmt;

use crate::{
    Error, Failure, LegacyResponse, Reason, Stamp, Status, TimeStampRequest, TimeStampResponse,
    TimestampReport, TimestampVerifier,
};

/// Why an answer is not accepted.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be read: an error page, for one.
    Malformed(Error),
    /// The server says no.
    Status {
        /// In these terms.
        status: Status,
        /// For these reasons.
        failures: Vec<Failure>,
        /// In these words.
        text: Vec<String>,
    },
    /// The server says yes, and gives no token.
    TokenMissing,
    /// The imprint is by another hash function, or over something else.
    ImprintMismatch,
    /// The token has no nonce, and the request has one.
    NonceMissing,
    /// The token is for another request.
    NonceMismatch,
    /// The token is under another policy than was asked for.
    PolicyMismatch,
    /// The token is none that anybody would accept.
    Invalid(Vec<Reason>),
}

impl Refusal {
    /// Returns the stable name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Status { .. } => "rejected",
            Self::TokenMissing => "token-missing",
            Self::ImprintMismatch => "imprint-mismatch",
            Self::NonceMissing => "nonce-missing",
            Self::NonceMismatch => "nonce-mismatch",
            Self::PolicyMismatch => "policy-mismatch",
            Self::Invalid(reasons) => reasons.first().map_or("invalid", |reason| reason.name()),
        }
    }

    /// Tells whether the same server may answer better later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { status: Status::Waiting, .. } => true,
            Self::Status { failures, .. } => failures.iter().any(|failure| failure.is_transient()),
            _ => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(_) => f.write_str("the answer is no timestamp response"),
            Self::Status { status, failures, text } => {
                write!(f, "{status}")?;
                for failure in failures {
                    write!(f, ", {}", failure.name())?;
                }
                for text in text {
                    // What a server says is printed on a terminal: no control characters.
                    write!(f, ", `{}`", text.escape_debug())?;
                }
                Ok(())
            }
            Self::TokenMissing => f.write_str("granted, without a token"),
            Self::ImprintMismatch => f.write_str("the token is over something else"),
            Self::NonceMissing => f.write_str("the token has no nonce, and the request has one"),
            Self::NonceMismatch => f.write_str("the token has the nonce of another request"),
            Self::PolicyMismatch => f.write_str("the token is under another policy"),
            Self::Invalid(reasons) => {
                f.write_str("the token does not hold:")?;
                for reason in reasons {
                    write!(f, " {reason}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

/// Checks an RFC 3161 response against the request it should answer, and the token over `signature_value` by
/// everything there is to check.
///
/// A verifier that trusts nobody checks all but who the server is.
///
/// # Errors
/// [`Refusal`].
pub fn accept_response(
    response: &[u8],
    request: &TimeStampRequest,
    signature_value: &[u8],
    verifier: &TimestampVerifier,
) -> Result<(Stamp, TimestampReport), Refusal> {
    let response = TimeStampResponse::from_der(response).map_err(Refusal::Malformed)?;
    if !response.status.is_granted() {
        let TimeStampResponse { status, failures, text, .. } = response;
        return Err(Refusal::Status { status, failures, text });
    }
    let token = response.token.ok_or(Refusal::TokenMissing)?;
    let report = verifier.token(&token, signature_value, &[]);
    if let Some(info) = &report.info {
        if info.imprint != request.imprint {
            return Err(Refusal::ImprintMismatch);
        }
        match (&request.nonce, &info.nonce) {
            (Some(_), None) => return Err(Refusal::NonceMissing),
            (Some(asked), Some(answered)) if asked != answered => {
                return Err(Refusal::NonceMismatch);
            }
            _ => {}
        }
        if request.policy.is_some_and(|policy| policy != info.policy) {
            return Err(Refusal::PolicyMismatch);
        }
    }
    accept_report(report, verifier).map(|report| (Stamp::Rfc3161(token), report))
}

/// Checks a legacy server's answer over `signature_value`.
///
/// # Errors
/// [`Refusal`].
pub fn accept_legacy_response(
    response: &[u8],
    signature_value: &[u8],
    verifier: &TimestampVerifier,
) -> Result<(Stamp, TimestampReport), Refusal> {
    let response = LegacyResponse::from_base64(response).map_err(Refusal::Malformed)?;
    let (signer, certificates) = (&response.counter_signature, &response.certificates);
    let report = verifier.counter_signature(signer, certificates, signature_value);
    accept_report(report, verifier).map(|report| (Stamp::Legacy(response), report))
}

fn accept_report(
    report: TimestampReport,
    verifier: &TimestampVerifier,
) -> Result<TimestampReport, Refusal> {
    let counts = |reason: &Reason| !verifier.trusts_nobody() || *reason != Reason::NoTrustAnchors;
    let reasons: Vec<Reason> = report.reasons.iter().copied().filter(counts).collect();
    if reasons.is_empty() { Ok(report) } else { Err(Refusal::Invalid(reasons)) }
}
