//! What `verify` says of a file.

use std::collections::BTreeMap;
use std::path::Path;

use chancery::VerifiedFile;
use chancery::authenticode::{SignatureReport, TimestampReport};
use chancery::chain::Revocation;
use chancery::key::DigestAlgorithm;
use chancery::x509::Certificate;
use serde::Serialize;

use super::{FileName, Finding, digests, findings, hex};
use crate::commands::usages;

/// A file that was verified.
#[derive(Debug, Serialize)]
pub(crate) struct Verified {
    schema: u32,
    r#type: &'static str,
    #[serde(flatten)]
    file: FileName,
    format: &'static str,
    verdict: &'static str,
    reasons: Vec<&'static str>,
    policy: &'static str,
    authentihash: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    section_order_digests: BTreeMap<&'static str, String>,
    signatures: Vec<Signature>,
}

#[derive(Debug, Serialize)]
struct Signature {
    index: usize,
    content_type: Option<String>,
    digest: Option<String>,
    named_digests: NamedDigests,
    digest_algorithm: Option<&'static str>,
    digest_matches: bool,
    signature_valid: bool,
    message_digest_matches: bool,
    attributes_verify: bool,
    signer: Option<String>,
    thumbprint: Option<String>,
    thumbprint_sha256: Option<String>,
    scheme: Option<&'static str>,
    key_usage: Option<Vec<&'static str>>,
    extended_key_usage: Option<Vec<String>>,
    lifetime_signing: bool,
    chain: &'static str,
    path: Vec<PathStep>,
    chain_findings: Vec<Finding>,
    page_hashes: &'static str,
    timestamps: Vec<Timestamp>,
    judged_at: String,
    description: Option<String>,
    url: Option<String>,
    unknown_attributes: Vec<UnknownAttribute>,
    unused_certificates: Vec<UnusedCertificate>,
    reasons: Vec<&'static str>,
}

/// The hashes a signature names; null where one is unknown.
#[derive(Debug, Serialize)]
struct NamedDigests {
    declared: Vec<Option<&'static str>>,
    signer: Option<&'static str>,
    content: Option<&'static str>,
}

/// A certificate of the path. `revocation` is absent for the anchor, and where nobody looked.
#[derive(Debug, Serialize)]
struct PathStep {
    subject: String,
    thumbprint_sha256: String,
    not_after: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_since: Option<String>,
}

#[derive(Debug, Serialize)]
struct UnknownAttribute {
    oid: String,
    signed: bool,
    length: usize,
}

#[derive(Debug, Serialize)]
struct UnusedCertificate {
    subject: String,
    thumbprint_sha256: String,
    length: usize,
}

/// A timestamp that was judged. `time` and `signer` are null where they cannot be read.
#[derive(Debug, Serialize)]
struct Timestamp {
    kind: &'static str,
    time: Option<String>,
    valid: bool,
    signer: Option<String>,
    digest_algorithm: Option<&'static str>,
    chain: &'static str,
    chain_findings: Vec<Finding>,
    reasons: Vec<&'static str>,
}

impl Timestamp {
    fn new(report: &TimestampReport) -> Self {
        Self {
            kind: report.kind.name(),
            time: report.time.map(|time| time.time().to_string()),
            valid: report.is_valid(),
            signer: report.signer.as_ref().map(|signer| signer.subject().to_string()),
            digest_algorithm: report.digest_algorithm.map(|digest| digest.name()),
            chain: report.chain.map_or("not-checked", |status| status.name()),
            chain_findings: findings(&report.chain_findings),
            reasons: report.reasons.iter().map(|reason| reason.name()).collect(),
        }
    }
}

impl Verified {
    pub(crate) fn new(file: &Path, verified: &VerifiedFile) -> Self {
        let report = &verified.report;
        Self {
            schema: 1,
            r#type: "verified",
            file: FileName::new(file),
            format: verified.format,
            verdict: report.verdict.name(),
            reasons: report.reasons.iter().map(|reason| reason.name()).collect(),
            policy: report.policy.name(),
            authentihash: digests(&report.authentihash),
            section_order_digests: digests(&report.section_order_digests),
            signatures: report.signatures.iter().map(Signature::new).collect(),
        }
    }
}

impl Signature {
    fn new(report: &SignatureReport) -> Self {
        let signer = report.signer.as_ref();
        let (key_usage, extended_key_usage) =
            signer.map_or((None, None), |signer| usages(signer.extensions()));
        let declared = report.named_digests.declared.iter().copied();
        let steps = report.path.iter().enumerate();
        let attributes = report.unknown_attributes.iter();
        let unused = report.unused_certificates.iter();
        Self {
            index: report.index,
            content_type: report.content_type.map(|oid| oid.to_string()),
            digest: report.digest.as_deref().map(hex),
            named_digests: NamedDigests {
                declared: declared.map(|one| one.map(DigestAlgorithm::name)).collect(),
                signer: report.named_digests.signer.map(DigestAlgorithm::name),
                content: report.named_digests.content.map(DigestAlgorithm::name),
            },
            digest_algorithm: report.digest_algorithm.map(DigestAlgorithm::name),
            digest_matches: report.digest_matches,
            signature_valid: report.signature_valid,
            message_digest_matches: report.message_digest_matches,
            attributes_verify: report.attributes_verify,
            signer: signer.map(|signer| signer.subject().to_string()),
            thumbprint: signer.map(|signer| hex(&signer.thumbprint_sha1())),
            thumbprint_sha256: signer.map(|signer| hex(&signer.thumbprint_sha256())),
            scheme: report.scheme.map(|scheme| scheme.name()),
            key_usage,
            extended_key_usage,
            lifetime_signing: report.lifetime_signing,
            chain: report.chain.name(),
            path: steps.map(|(index, one)| step(one, report.revocation.get(index))).collect(),
            chain_findings: findings(&report.chain_findings),
            page_hashes: report.page_hashes.name(),
            timestamps: report.timestamps.iter().map(Timestamp::new).collect(),
            judged_at: report.judged_at.to_string(),
            description: report.description.clone(),
            url: report.url.clone(),
            unknown_attributes: attributes
                .map(|one| UnknownAttribute {
                    oid: one.oid.to_string(),
                    signed: one.is_signed,
                    length: one.len,
                })
                .collect(),
            unused_certificates: unused
                .map(|one| UnusedCertificate {
                    subject: one.subject().to_string(),
                    thumbprint_sha256: hex(&one.thumbprint_sha256()),
                    length: one.as_der().len(),
                })
                .collect(),
            reasons: report.reasons.iter().map(|reason| reason.name()).collect(),
        }
    }
}

fn step(certificate: &Certificate, revocation: Option<&Revocation>) -> PathStep {
    let known = match revocation {
        Some(Revocation::Good) => Some("good"),
        Some(Revocation::Revoked(_)) => Some("revoked"),
        Some(Revocation::RevokedLater(_)) => Some("revoked-later"),
        Some(Revocation::Unknown(_)) => Some("unknown"),
        _ => None,
    };
    let since = revocation.and_then(Revocation::revoked_since);
    PathStep {
        subject: certificate.subject().to_string(),
        thumbprint_sha256: hex(&certificate.thumbprint_sha256()),
        not_after: certificate.not_after().to_string(),
        revocation: known,
        revoked_since: since.map(|time| time.to_string()),
    }
}
