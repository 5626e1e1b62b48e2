//! Checking the signatures of a file.

use chancery_chain::{Crl, Policy, Purpose, Revocation, TrustAnchors, validate};
use chancery_cms::{SignedData, SignerInfo};
use chancery_key::DigestAlgorithm;
use chancery_timestamp::TimestampVerifier;
use chancery_x509::asn1::tag;
use chancery_x509::{Certificate, Time, digest_from_algorithm};

use crate::report::Severity;
use crate::spc::{self, IndirectData};
use crate::{
    ChainStatus, Embedded, Measurement, PageHashStatus, Reason, Report, Request, SignatureReport,
    Verdict, oid, timestamps,
};

/// The most signatures checked in one file, nested ones included.
const MAX_SIGNATURES: usize = 128;

/// Says what must be measured to check these signatures: SHA-256 always, and what they were made with.
#[must_use]
pub fn requested_measurement(embedded: &Embedded) -> Request {
    let mut digests = vec![DigestAlgorithm::Sha256];
    let mut page_hashes = Vec::new();
    for_each_signature(embedded, &mut |signed_data, _| {
        let content = signed_data.ok().and_then(|data| data.content);
        let Some(Ok(data)) = content.map(IndirectData::from_tlv) else { return };
        digests.extend(data.algorithm());
        if let Ok(Some((algorithm, _))) = data.page_hashes() {
            page_hashes.push(algorithm);
        }
    });
    page_hashes.sort_unstable();
    page_hashes.dedup();
    Request { page_hashes, ..Request::digests(digests) }
}

/// Walks all signatures in report order: each entry of the file, then those nested in it. Tells whether it
/// came to the end before [`MAX_SIGNATURES`].
fn for_each_signature(
    embedded: &Embedded,
    visit: &mut dyn FnMut(Result<&SignedData<'_>, chancery_cms::Error>, Place<'_>),
) -> bool {
    let mut count = 0_usize;
    for signature in &embedded.signatures {
        count = count.saturating_add(1);
        if count > MAX_SIGNATURES {
            return false;
        }
        match SignedData::from_der_prefix(&signature.bytes) {
            Ok((outer, rest)) => {
                visit(Ok(&outer), Place::Entry { rest });
                for value in nested_values(&outer) {
                    count = count.saturating_add(1);
                    if count > MAX_SIGNATURES {
                        return false;
                    }
                    match SignedData::from_der(value) {
                        Ok(inner) => visit(Ok(&inner), Place::Nested),
                        Err(error) => visit(Err(error), Place::Nested),
                    }
                }
            }
            Err(error) => visit(Err(error), Place::Entry { rest: &[] }),
        }
    }
    true
}

fn nested_values<'a>(outer: &SignedData<'a>) -> Vec<&'a [u8]> {
    let unsigned = outer.signers.iter().filter_map(|signer| signer.unsigned_attributes.as_ref());
    let values = unsigned.flat_map(|attributes| attributes.values(oid::NESTED_SIGNATURE));
    values.map(|value| value.raw).collect()
}

/// Where a signature was found.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// As an entry of its own, followed by `rest`.
    Entry { rest: &'a [u8] },
    /// In an unsigned attribute of the entry before it.
    Nested,
}

/// Judges files by trust anchors at a time.
#[derive(Clone, Debug)]
pub struct Verifier {
    anchors: TrustAnchors,
    /// Those of timestamps, where they are others.
    timestamp_anchors: Option<TrustAnchors>,
    timestamp_verifier: Option<TimestampVerifier>,
    crls: Vec<Crl>,
    certificates: Vec<Certificate>,
    policy: Policy,
}

impl Verifier {
    /// Judges by these anchors, at this time, as [`Policy::code_signing`] has it.
    #[must_use]
    pub const fn new(anchors: TrustAnchors, time: Time) -> Self {
        Self {
            anchors,
            timestamp_anchors: None,
            timestamp_verifier: None,
            crls: Vec::new(),
            certificates: Vec::new(),
            policy: Policy::code_signing(time),
        }
    }

    /// Judges timestamps by these anchors, and not by those of the signers.
    #[must_use]
    pub fn with_timestamp_anchors(mut self, anchors: TrustAnchors) -> Self {
        self.timestamp_anchors = Some(anchors);
        self
    }

    /// Judges timestamps by this verifier, in place of one that shares anchors, revocation lists and strength of
    /// algorithms with the rest, and tolerates servers whose purpose is not critical.
    #[must_use]
    pub fn with_timestamp_verifier(mut self, verifier: TimestampVerifier) -> Self {
        self.timestamp_verifier = Some(verifier);
        self
    }

    /// Returns the verifier of timestamps.
    fn timestamp_verifier(&self) -> TimestampVerifier {
        if let Some(verifier) = &self.timestamp_verifier {
            return verifier.clone();
        }
        let mut policy = self.policy.clone();
        policy.purpose = Purpose::TimeStamping;
        policy.require_extended_key_usage = true;
        policy.allow_ca_leaf = false;
        policy.distrust_compromised_keys = true;
        let anchors = self.timestamp_anchors.as_ref().unwrap_or(&self.anchors).clone();
        TimestampVerifier::new(anchors, policy.now)
            .with_crls(self.crls.clone())
            .with_policy(policy)
            .tolerating_purpose_not_critical()
    }

    /// Takes these revocation lists for evidence.
    #[must_use]
    pub fn with_crls(mut self, crls: Vec<Crl>) -> Self {
        self.crls = crls;
        self
    }

    /// Takes these certificates for possible parts of paths, beside those that are in signatures.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Vec<Certificate>) -> Self {
        self.certificates = certificates;
        self
    }

    /// Judges the path to an anchor by this policy instead.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Checks every signature of a file against what was measured of it.
    ///
    /// Every check is made and reported, whatever failed before it; the verdict is the most severe finding.
    #[must_use]
    pub fn verify(&self, embedded: &Embedded, measurement: &Measurement) -> Report {
        let mut signatures: Vec<SignatureReport> = Vec::new();
        let timestamps = self.timestamp_verifier();
        let all = for_each_signature(embedded, &mut |signed_data, place| {
            let index = signatures.len();
            signatures.push(self.check(index, signed_data, place, measurement, &timestamps));
        });
        let mut reasons = embedded.reasons.clone();
        if !measurement.readings_agree {
            reasons.push(Reason::note("section-order-digest-differs"));
        }
        if !all {
            reasons.push(Reason::malformed("too-many-signatures"));
        }
        let found = || reasons.iter().chain(signatures.iter().flat_map(|report| &report.reasons));
        let most_severe = found().map(|reason| reason.severity()).max();
        let verdict = match most_severe {
            Some(Severity::Malformed) => Verdict::Malformed,
            _ if signatures.is_empty() => Verdict::Unsigned,
            Some(Severity::Invalid) => {
                let only_unsupported = found().all(|reason| {
                    reason.severity() < Severity::Invalid
                        || reason.name().starts_with("unsupported-")
                });
                if only_unsupported { Verdict::Unsupported } else { Verdict::Invalid }
            }
            Some(Severity::Untrusted) => Verdict::Untrusted,
            Some(Severity::Note) | None => Verdict::Valid,
        };
        Report { verdict, reasons, authentihash: measurement.authentihash().to_vec(), signatures }
    }

    fn check(
        &self,
        index: usize,
        signed_data: Result<&SignedData<'_>, chancery_cms::Error>,
        place: Place<'_>,
        measurement: &Measurement,
        timestamps: &TimestampVerifier,
    ) -> SignatureReport {
        let mut report = SignatureReport {
            index,
            digest_algorithm: None,
            digest_matches: false,
            signature_valid: false,
            signer: None,
            scheme: None,
            chain: ChainStatus::NotChecked,
            chain_findings: Vec::new(),
            timestamps: Vec::new(),
            judged_at: self.policy.time,
            page_hashes: PageHashStatus::Absent,
            description: None,
            url: None,
            reasons: Vec::new(),
        };
        let Ok(signed_data) = signed_data else {
            report.reasons.push(Reason::malformed("not-signed-data"));
            return report;
        };
        if let Place::Entry { rest } = place {
            check_rest(rest, &mut report);
        }
        check_content(signed_data, measurement, &mut report);
        let [signer] = signed_data.signers.as_slice() else {
            report.reasons.push(Reason::invalid("not-exactly-one-signer"));
            return report;
        };
        // Authenticode is PKCS#7 1.5, where both are 1. No signature covers these numbers.
        if signed_data.version != 1 || signer.version != 1 {
            report.reasons.push(Reason::note("version-not-1"));
        }
        check_algorithms(signed_data, signer, &mut report);
        self.check_signer(signed_data, signer, timestamps, &mut report);
        check_attributes(signer, place, &mut report);
        report
    }

    /// Checks the cryptography of the signer, the timestamps, and the path above the signer.
    fn check_signer(
        &self,
        signed_data: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        timestamps: &TimestampVerifier,
        report: &mut SignatureReport,
    ) {
        let bag = signed_data.read_certificates();
        if bag.skipped > 0 {
            report.reasons.push(Reason::note("unreadable-certificates"));
        }
        let certificate =
            bag.readable.iter().find(|certificate| signer.identifier.names(certificate));
        let Some(certificate) = certificate else {
            report.reasons.push(Reason::invalid("signer-certificate-missing"));
            return;
        };
        report.signer = Some(certificate.clone());
        let content = signed_data.content.map(|content| content.contents).unwrap_or_default();
        let check = signer.check(signed_data.content_type, content, certificate.public_key());
        report.scheme = check.scheme;
        report.signature_valid = check.holds();
        if check.scheme.is_none() {
            report.reasons.push(Reason::invalid("unsupported-signature-algorithm"));
        } else if !check.signature_valid {
            report.reasons.push(Reason::invalid("signature-mismatch"));
        }
        if !check.message_digest_matches {
            report.reasons.push(Reason::invalid("message-digest-mismatch"));
        }
        if !check.content_type_matches {
            report.reasons.push(Reason::invalid("content-type-mismatch"));
        }

        let stamped = timestamps::judge(signer, &bag.readable, timestamps);
        report.timestamps = stamped.reports;
        report.reasons.extend(stamped.reasons);
        let policy = match stamped.proved {
            Some(time) => self.policy.clone().signed_at(time, self.policy.now),
            None => self.policy.clone(),
        };
        report.judged_at = policy.time;
        if !self.anchors.is_empty() {
            let candidates = [bag.readable.as_slice(), &self.certificates].concat();
            let outcome = validate(certificate, &candidates, &self.anchors, &self.crls, &policy);
            report.chain = outcome.status.into();
            report.chain_findings = outcome.findings;
            let later = |revocation: &Revocation| matches!(revocation, Revocation::RevokedLater(_));
            if outcome.revocation.iter().any(later) {
                report.reasons.push(Reason::note("revoked-after-timestamp"));
            }
        }
        report.reasons.extend(match report.chain {
            ChainStatus::Trusted => None,
            ChainStatus::NotChecked => Some(Reason::new("no-trust-anchors", Severity::Untrusted)),
            ChainStatus::Incomplete => Some(Reason::new("chain-incomplete", Severity::Untrusted)),
            ChainStatus::Expired => Some(Reason::new("chain-expired", Severity::Untrusted)),
            ChainStatus::WrongUsage => Some(Reason::new("chain-wrong-usage", Severity::Untrusted)),
            ChainStatus::Weak => Some(Reason::new("chain-weak", Severity::Untrusted)),
            ChainStatus::Revoked => Some(Reason::new("chain-revoked", Severity::Untrusted)),
            ChainStatus::RevocationUnknown => {
                Some(Reason::new("chain-revocation-unknown", Severity::Untrusted))
            }
            ChainStatus::Untrusted => Some(Reason::new("chain-untrusted", Severity::Untrusted)),
        });
    }
}

/// Checks what follows the DER of an entry: zeros up to the next multiple of eight are padding, anything
/// else is data that no signature covers (CVE-2013-3900).
fn check_rest(rest: &[u8], report: &mut SignatureReport) {
    if rest.iter().any(|byte| *byte != 0) {
        report.reasons.push(Reason::invalid("data-after-signature"));
    } else if rest.len() >= 8 {
        report.reasons.push(Reason::invalid("excess-padding"));
    }
}

/// Checks that the content speaks of this file.
fn check_content(
    signed_data: &SignedData<'_>,
    measurement: &Measurement,
    report: &mut SignatureReport,
) {
    if signed_data.content_type != oid::SPC_INDIRECT_DATA {
        report.reasons.push(Reason::invalid("not-indirect-data"));
        return;
    }
    let Some(Ok(data)) = signed_data.content.map(IndirectData::from_tlv) else {
        report.reasons.push(Reason::malformed("bad-indirect-data"));
        return;
    };
    // sbsign writes the individual-purpose identifier in its place, in EFI programs.
    if !matches!(data.data_type, oid::SPC_PE_IMAGE_DATA | oid::SPC_INDIVIDUAL) {
        report.reasons.push(Reason::invalid("another-format"));
    }
    report.digest_algorithm = data.algorithm();
    match data.algorithm() {
        None => report.reasons.push(Reason::invalid("unsupported-digest-algorithm")),
        Some(algorithm) => {
            report.digest_matches = measurement.digest(algorithm) == Some(data.digest);
            if !report.digest_matches {
                report.reasons.push(Reason::invalid("digest-mismatch"));
            }
            if algorithm == DigestAlgorithm::Sha1 {
                report.reasons.push(Reason::note("sha1-digest"));
            }
        }
    }
    report.page_hashes = match data.page_hashes() {
        Ok(None) => PageHashStatus::Absent,
        Ok(Some((algorithm, table))) => {
            let mut measured = measurement.page_hashes.iter();
            match measured.any(|(by, ours)| *by == algorithm && ours == table) {
                true => PageHashStatus::Match,
                false => PageHashStatus::Mismatch,
            }
        }
        Err(_) => PageHashStatus::Mismatch,
    };
    if report.page_hashes == PageHashStatus::Mismatch {
        report.reasons.push(Reason::invalid("page-hash-mismatch"));
    }
}

/// Checks that the hashes named in three places are one.
fn check_algorithms(
    signed_data: &SignedData<'_>,
    signer: &SignerInfo<'_>,
    report: &mut SignatureReport,
) {
    let declared: Vec<_> = signed_data
        .digest_algorithms
        .iter()
        .map(|algorithm| digest_from_algorithm(*algorithm).ok())
        .collect();
    let used = signer.digest();
    if used.is_none() {
        report.reasons.push(Reason::invalid("unsupported-digest-algorithm"));
    } else if declared != [used] || report.digest_algorithm != used {
        report.reasons.push(Reason::note("digest-algorithms-differ"));
    }
}

/// Reads what the attributes add.
fn check_attributes(signer: &SignerInfo<'_>, place: Place<'_>, report: &mut SignatureReport) {
    if let Some(signed) = &signer.signed_attributes {
        let opus = signed.single(oid::SPC_SP_OPUS_INFO).filter(|value| value.tag == tag::SEQUENCE);
        if let Some(value) = opus {
            (report.description, report.url) = spc::read_opus_info(value);
        }
    }
    let Some(unsigned) = &signer.unsigned_attributes else { return };
    for attribute in unsigned.iter() {
        match attribute.oid {
            // Judged with the signer.
            oid::RFC3161_COUNTER_SIGNATURE | chancery_cms::oid::COUNTER_SIGNATURE => {}
            oid::NESTED_SIGNATURE => {
                if matches!(place, Place::Nested) {
                    report.reasons.push(Reason::invalid("nested-too-deep"));
                }
            }
            _ => report.reasons.push(Reason::note("unknown-unsigned-attribute")),
        }
    }
}
