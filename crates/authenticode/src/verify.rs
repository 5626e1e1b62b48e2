//! Checking the signatures of a file.

use chancery_chain::{Crl, Policy, Purpose, TrustAnchors, validate};
use chancery_cms::{SignedData, SignerInfo};
use chancery_key::DigestAlgorithm;
use chancery_timestamp::TimestampVerifier;
use chancery_x509::{Certificate, Time, oid as x509_oid};

use crate::prepared::is_in_authenticode;
use crate::report::worst;
use crate::signature_checks::{
    check_algorithms, check_attributes, check_bag, check_content, check_rest, is_revoked_later,
};
use crate::spc::IndirectData;
use crate::{
    ChainStatus, Check, Embedded, Measurement, Reason, Report, Request, Require, Severity,
    SignatureReport, Verdict, VerificationPolicy, oid, timestamps,
};

/// The most signatures checked in one file, nested ones included.
pub const MAX_SIGNATURES: usize = 128;

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
    rules: VerificationPolicy,
    require: Require,
    /// Weights that differ from those of the rules; the last of a check counts.
    weights: Vec<(Check, Severity)>,
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
            rules: VerificationPolicy::Strict,
            require: Require::All,
            weights: Vec::new(),
        }
    }

    /// Weighs by these rules in place of the strict ones.
    ///
    /// [`VerificationPolicy::Windows`] also takes a certificate without extKeyUsage for one for all purposes, and
    /// accepts RSA keys of 1024 bits, signatures over SHA-1 in paths and counter-signatures over a bare hash, and
    /// asks for the primary signature alone.
    /// Call [`with_policy`](Self::with_policy) and [`requiring`](Self::requiring) after this, where they differ.
    #[must_use]
    pub const fn under(mut self, rules: VerificationPolicy) -> Self {
        self.rules = rules;
        self.require = match rules {
            VerificationPolicy::Windows => Require::Primary,
            _ => Require::All,
        };
        if matches!(rules, VerificationPolicy::Windows) {
            self.policy.require_extended_key_usage = false;
            self.policy.min_rsa_bits = 1024;
            self.policy.allow_sha1 = true;
            self.policy.strict_fields = false;
        }
        self
    }

    /// Asks for these signatures to hold.
    #[must_use]
    pub const fn requiring(mut self, require: Require) -> Self {
        self.require = require;
        self
    }

    /// Refuses files with this finding, whatever the rules say of it.
    #[must_use]
    pub fn denying(mut self, check: Check) -> Self {
        let severity = check.severity(self.rules).max(Severity::Invalid);
        self.weights.push((check, severity));
        self
    }

    /// Takes this finding for a note. Those that every policy refuses are left as they are:
    /// [`Check::is_essential`].
    #[must_use]
    pub fn allowing(mut self, check: Check) -> Self {
        if !check.is_essential() {
            self.weights.push((check, Severity::Note));
        }
        self
    }

    fn weigh(&self, reasons: &mut [Reason]) {
        for reason in reasons {
            let changed = self.weights.iter().rev().find(|(check, _)| *check == reason.check());
            let severity = changed.map(|(_, severity)| *severity);
            let severity = severity.unwrap_or_else(|| reason.check().severity(self.rules));
            *reason = reason.weighing(severity);
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
        let verifier = TimestampVerifier::new(anchors, policy.now)
            .with_crls(self.crls.clone())
            .with_policy(policy)
            .tolerating_purpose_not_critical();
        match self.rules {
            VerificationPolicy::Windows => verifier.tolerating_bare_hash(),
            _ => verifier,
        }
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
            reasons.push(Reason::new(match measurement.section_order.is_empty() {
                true => Check::SectionOrderImpossible,
                false => Check::SectionOrderDiffers,
            }));
        }
        if !all {
            reasons.push(Reason::new(Check::TooManySignatures));
        }
        if matches!(self.require, Require::Index(index) if index >= signatures.len()) {
            reasons.push(Reason::new(Check::RequiredSignatureMissing));
        }
        self.weigh(&mut reasons);
        for signature in &mut signatures {
            self.weigh(&mut signature.reasons);
        }
        Report {
            verdict: self.verdict(&reasons, &signatures),
            policy: self.rules,
            reasons,
            authentihash: measurement.authentihash().to_vec(),
            section_order_digests: measurement.section_order.clone(),
            signatures,
        }
    }

    /// Comes to the verdict: what was found about the file, and about the signatures that have to hold.
    fn verdict(&self, reasons: &[Reason], signatures: &[SignatureReport]) -> Verdict {
        let required: Vec<&SignatureReport> = match self.require {
            Require::All => signatures.iter().collect(),
            Require::Any => {
                signatures.iter().min_by_key(|report| report.severity()).into_iter().collect()
            }
            Require::Primary => signatures.first().into_iter().collect(),
            Require::Index(index) => signatures.get(index).into_iter().collect(),
        };
        let found = || reasons.iter().chain(required.iter().flat_map(|report| &report.reasons));
        let of_signatures = required.iter().map(|report| report.severity()).max();
        match worst(reasons).max(of_signatures.unwrap_or(Severity::Note)) {
            Severity::Malformed => Verdict::Malformed,
            _ if signatures.is_empty() => Verdict::Unsigned,
            Severity::Invalid => {
                let only_unsupported = found().all(|reason| {
                    reason.severity() < Severity::Invalid
                        || reason.name().starts_with("unsupported-")
                });
                if only_unsupported { Verdict::Unsupported } else { Verdict::Invalid }
            }
            Severity::Untrusted => Verdict::Untrusted,
            Severity::Note => Verdict::Valid,
        }
    }

    fn check(
        &self,
        index: usize,
        signed_data: Result<&SignedData<'_>, chancery_cms::Error>,
        place: Place<'_>,
        measurement: &Measurement,
        timestamps: &TimestampVerifier,
    ) -> SignatureReport {
        let mut report = SignatureReport::new(index, self.policy.time);
        let Ok(signed_data) = signed_data else {
            report.found(Check::NotSignedData);
            return report;
        };
        if let Place::Entry { rest } = place {
            check_rest(rest, &mut report);
        }
        check_content(signed_data, measurement, &mut report);
        let [signer] = signed_data.signers.as_slice() else {
            report.found(Check::NotOneSigner);
            return report;
        };
        // Authenticode is PKCS#7 1.5, where both are 1. No signature covers these numbers.
        if signed_data.version != 1 || signer.version != 1 {
            report.found(Check::VersionNot1);
        }
        check_algorithms(signed_data, signer, &mut report);
        self.check_signer(signed_data, signer, timestamps, &mut report);
        check_attributes(signer, matches!(place, Place::Nested), &mut report);
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
            report.found(Check::UnreadableCertificates);
        }
        let certificate =
            bag.readable.iter().find(|certificate| signer.identifier.names(certificate));
        let Some(certificate) = certificate else {
            report.found(Check::SignerCertificateMissing);
            return;
        };
        report.signer = Some(certificate.clone());
        let content = signed_data.content.map(|content| content.contents).unwrap_or_default();
        let check = signer.check(signed_data.content_type, content, certificate.public_key());
        report.scheme = check.scheme;
        report.signature_valid = check.holds();
        report.message_digest_matches = check.message_digest_matches;
        report.attributes_verify = check.signature_valid;
        let purposes = certificate.extensions().extended_key_usage();
        report.lifetime_signing = purposes.is_ok_and(|purposes| {
            purposes.is_some_and(|all| all.contains(&x509_oid::LIFETIME_SIGNING))
        });
        if !check.scheme.is_some_and(is_in_authenticode) {
            report.found(Check::UnsupportedSignature);
        } else if !check.signature_valid {
            report.found(Check::SignatureMismatch);
        }
        if !check.message_digest_matches {
            report.found(Check::MessageDigestMismatch);
        }
        if !check.content_type_matches {
            report.found(Check::ContentTypeMismatch);
        }

        let stamped = timestamps::judge(signer, &bag.readable, timestamps);
        report.timestamps = stamped.reports;
        report.reasons.extend(stamped.reasons);
        let policy = match stamped.proved {
            Some(time) => self.policy.clone().signed_at(time, self.policy.now),
            None => self.policy.clone(),
        };
        report.judged_at = policy.time;
        let candidates = [bag.readable.as_slice(), &self.certificates].concat();
        let outcome = validate(certificate, &candidates, &self.anchors, &self.crls, &policy);
        report.path = outcome.path;
        if !self.anchors.is_empty() && self.rules != VerificationPolicy::Integrity {
            report.chain = outcome.status.into();
            report.chain_findings = outcome.findings;
            report.revocation = outcome.revocation;
            if is_revoked_later(&report.revocation) {
                report.found(Check::RevokedAfterTimestamp);
            }
        }
        let found = match report.chain {
            ChainStatus::Trusted => None,
            ChainStatus::NotChecked => Some(Check::NoTrustAnchors),
            ChainStatus::Incomplete => Some(Check::ChainIncomplete),
            ChainStatus::Expired => Some(Check::ChainExpired),
            ChainStatus::WrongUsage => Some(Check::ChainWrongUsage),
            ChainStatus::Weak => Some(Check::ChainWeak),
            ChainStatus::Revoked => Some(Check::ChainRevoked),
            ChainStatus::RevocationUnknown => Some(Check::ChainRevocationUnknown),
            ChainStatus::Untrusted => Some(Check::ChainUntrusted),
        };
        // Under the integrity policy nobody asked.
        if let Some(check) = found.filter(|_| self.rules != VerificationPolicy::Integrity) {
            report.found(check);
        }
        check_bag(&bag.readable, report);
    }
}
