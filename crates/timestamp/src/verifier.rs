//! Whether a timestamp proves what it says.

use chancery_chain::{Crl, Policy, Status, TrustAnchors, validate};
use chancery_cms::{CertificateBinding, SignerInfo, certificate_binding, oid as cms_oid};
use chancery_key::{DigestAlgorithm, SchemeFamily, SignatureScheme};
use chancery_sigverify::hazmat;
use chancery_x509::{Certificate, Time, oid as x509_oid};

use crate::report::{TimestampKind, TimestampReport};
use crate::{GenTime, Reason, Token};

/// How far the time of a timestamp may be ahead of the verifier's clock, in seconds.
const MAX_CLOCK_SKEW: u64 = 600;

/// Judges timestamps by trust anchors.
///
/// The path above a server is judged at the timestamp's own time, as Windows does, so that a timestamp outlives
/// the certificate of its server. A revoked server counts for what it stamped before, unless its key was
/// compromised: who has the key can write any time.
#[derive(Clone, Debug)]
pub struct TimestampVerifier {
    anchors: TrustAnchors,
    crls: Vec<Crl>,
    policy: Policy,
    bare_hash: bool,
    purpose_not_critical: bool,
    unexpired: bool,
}

impl TimestampVerifier {
    /// Judges by these anchors at this time, as [`Policy::time_stamping`] has it.
    #[must_use]
    pub const fn new(anchors: TrustAnchors, now: Time) -> Self {
        let mut policy = Policy::time_stamping(now);
        policy.distrust_compromised_keys = true;
        Self {
            anchors,
            crls: Vec::new(),
            policy,
            bare_hash: false,
            purpose_not_critical: false,
            unexpired: false,
        }
    }

    /// Takes these revocation lists for evidence.
    #[must_use]
    pub fn with_crls(mut self, crls: Vec<Crl>) -> Self {
        self.crls = crls;
        self
    }

    /// Judges the path above a server by this policy, whose [`now`](Policy::now) is the verifier's clock and
    /// whose [`allow_sha1`](Policy::allow_sha1) is for imprints and digests too. Its time is each timestamp's
    /// own.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Tolerates counter-signatures over a bare hash, as old servers of VeriSign and Symantec made them.
    #[must_use]
    pub const fn tolerating_bare_hash(mut self) -> Self {
        self.bare_hash = true;
        self
    }

    /// Tolerates servers whose purpose is timestamping alone, and not marked critical, as Microsoft's were until
    /// about 2021.
    #[must_use]
    pub const fn tolerating_purpose_not_critical(mut self) -> Self {
        self.purpose_not_critical = true;
        self
    }

    /// Demands that the server's certificate has not expired since.
    #[must_use]
    pub const fn demanding_unexpired_signer(mut self) -> Self {
        self.unexpired = true;
        self
    }

    /// Tells whether nobody is trusted.
    #[must_use]
    pub const fn trusts_nobody(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Judges a token over a signature value. `others` are more certificates that may stand between the server
    /// and an anchor.
    ///
    /// Every check is made and reported, whatever failed before it.
    #[must_use]
    pub fn token(
        &self,
        token: &[u8],
        signature_value: &[u8],
        others: &[Certificate],
    ) -> TimestampReport {
        let mut report = TimestampReport::new(TimestampKind::Rfc3161);
        let Ok(token) = Token::from_der(token) else {
            report.reasons.push(Reason::Malformed);
            return report;
        };
        report.time = Some(token.info.gen_time);
        report.digest_algorithm = token.info.imprint.digest();
        report.info = Some(token.info.clone());
        match token.info.imprint.digest() {
            None => report.reasons.push(Reason::UnsupportedImprintAlgorithm),
            Some(_) if !token.info.imprint.is_of(signature_value) => {
                report.reasons.push(Reason::ImprintMismatch);
            }
            Some(digest) if self.is_weak(digest) => report.reasons.push(Reason::WeakImprint),
            Some(_) => {}
        }
        if token.info.extensions.iter().any(|extension| extension.critical) {
            report.reasons.push(Reason::UnknownCriticalExtension);
        }
        let [signer] = token.signed_data.signers.as_slice() else {
            report.reasons.push(Reason::NotExactlyOneSigner);
            return report;
        };
        let bag = token.signed_data.read_certificates().readable;
        let Some(certificate) = bag.iter().find(|one| signer.identifier.names(one)) else {
            report.reasons.push(Reason::SignerCertificateMissing);
            return report;
        };
        let check =
            signer.check(token.signed_data.content_type, token.content, certificate.public_key());
        if !check.scheme.is_some_and(is_in_timestamps) {
            report.reasons.push(Reason::UnsupportedSignatureAlgorithm);
        } else if !check.signature_valid {
            report.reasons.push(Reason::SignatureMismatch);
        }
        match &signer.signed_attributes {
            None => report.reasons.push(Reason::SignedAttributesMissing),
            Some(attributes) => {
                if !check.content_type_matches {
                    report.reasons.push(Reason::ContentTypeMismatch);
                }
                if !check.message_digest_matches {
                    report.reasons.push(Reason::MessageDigestMismatch);
                }
                match certificate_binding(attributes, certificate) {
                    // The hash was never meant to withstand more than what the signature itself does.
                    CertificateBinding::Bound(_) => {}
                    CertificateBinding::Another => {
                        report.reasons.push(Reason::SigningCertificateMismatch)
                    }
                    CertificateBinding::Missing => {
                        report.reasons.push(Reason::SigningCertificateAttributeMissing);
                    }
                }
            }
        }
        if check.digest.is_some_and(|digest| self.is_weak(digest)) {
            report.reasons.push(Reason::WeakDigest);
        }
        self.check_server(certificate, bag.iter().chain(others), &mut report);
        report
    }

    /// Judges a legacy counter-signature, given as DER of its SignerInfo, over a signature value.
    /// `certificates` are those of the signature it is in, among them the server's.
    #[must_use]
    pub fn counter_signature(
        &self,
        signer_info: &[u8],
        certificates: &[Certificate],
        signature_value: &[u8],
    ) -> TimestampReport {
        let mut report = TimestampReport::new(TimestampKind::Legacy);
        let Ok(signer) = SignerInfo::from_der(signer_info) else {
            report.reasons.push(Reason::Malformed);
            return report;
        };
        report.digest_algorithm = signer.digest();
        let Some(attributes) = &signer.signed_attributes else {
            report.reasons.push(Reason::SignedAttributesMissing);
            return report;
        };
        let time = attributes.single(cms_oid::SIGNING_TIME);
        match time.and_then(|time| Time::from_tlv(time).ok()) {
            Some(time) => report.time = Some(GenTime::from(time)),
            None => report.reasons.push(Reason::SigningTimeMissing),
        }
        let Some(certificate) = certificates.iter().find(|one| signer.identifier.names(one)) else {
            report.reasons.push(Reason::SignerCertificateMissing);
            return report;
        };
        let check = signer.check(cms_oid::DATA, signature_value, certificate.public_key());
        match check.scheme.filter(|scheme| is_in_timestamps(*scheme)) {
            None => report.reasons.push(Reason::UnsupportedSignatureAlgorithm),
            Some(_) if check.signature_valid => {}
            Some(scheme) => {
                let digest =
                    chancery_sigverify::digest(scheme.digest(), &attributes.signed_bytes());
                let is_bare = scheme.family() == SchemeFamily::RsaPkcs1
                    && hazmat::verify_bare_hash(
                        certificate.public_key(),
                        scheme.digest(),
                        &digest,
                        signer.signature,
                    )
                    .is_ok();
                match (is_bare, self.bare_hash) {
                    (false, _) => report.reasons.push(Reason::SignatureMismatch),
                    (true, false) => report.reasons.push(Reason::BareHashSignature),
                    (true, true) => report.tolerated.push(Reason::BareHashSignature),
                }
            }
        }
        // RFC 5652 section 11.4 wants no contentType in a counter-signature; the servers write id-data.
        let mut stated_types = attributes.values(cms_oid::CONTENT_TYPE);
        if !check.content_type_matches && stated_types.next().is_some() {
            report.reasons.push(Reason::ContentTypeMismatch);
        }
        if !check.message_digest_matches {
            report.reasons.push(Reason::MessageDigestMismatch);
        }
        if check.digest.is_some_and(|digest| self.is_weak(digest)) {
            report.reasons.push(Reason::WeakDigest);
        }
        self.check_server(certificate, certificates.iter(), &mut report);
        report
    }

    fn is_weak(&self, digest: DigestAlgorithm) -> bool {
        digest == DigestAlgorithm::Sha1 && !self.policy.allow_sha1
    }

    /// Checks the certificate of the server, the path above it, and the time.
    fn check_server<'a>(
        &self,
        certificate: &Certificate,
        candidates: impl Iterator<Item = &'a Certificate>,
        report: &mut TimestampReport,
    ) {
        report.signer = Some(certificate.clone());
        let Some(time) = report.time.map(GenTime::time) else { return };
        let now = self.policy.now;
        if time.unix() > now.unix().saturating_add(MAX_CLOCK_SKEW) {
            report.reasons.push(Reason::TimeInTheFuture);
        }
        if self.unexpired && now > certificate.not_after() {
            report.reasons.push(Reason::SignerCertificateExpiredSince);
        }
        let candidates: Vec<Certificate> = candidates.cloned().collect();
        let mut policy = self.policy.clone().signed_at(time, now);
        if is_for_timestamps_but_not_critical(certificate) && policy.require_critical_purpose {
            policy.require_critical_purpose = false;
            match self.purpose_not_critical {
                true => report.tolerated.push(Reason::PurposeNotCritical),
                false => report.reasons.push(Reason::PurposeNotCritical),
            }
        }
        let outcome = validate(certificate, &candidates, &self.anchors, &self.crls, &policy);
        report.path.clone_from(&outcome.path);
        if self.anchors.is_empty() {
            // Whom to trust is open; whether the certificate may sign timestamps, and was valid, is not.
            let own = outcome.findings.into_iter().filter(|finding| {
                let status = finding.reason.status();
                finding.index == 0 && !matches!(status, Status::Incomplete | Status::Untrusted)
            });
            report.chain_findings = own.collect();
            let worst = report.chain_findings.iter().map(|finding| finding.reason.status()).max();
            report.reasons.extend(worst.map(Reason::Chain));
            report.reasons.push(Reason::NoTrustAnchors);
            return;
        }
        if !outcome.is_trusted() {
            report.reasons.push(Reason::Chain(outcome.status));
        }
        report.chain = Some(outcome.status);
        report.chain_findings = outcome.findings;
    }
}

/// Tells whether the only thing wrong with a certificate's purpose is that it is not critical.
fn is_for_timestamps_but_not_critical(certificate: &Certificate) -> bool {
    let extensions = certificate.extensions();
    let critical = extensions.get(x509_oid::EXTENDED_KEY_USAGE).is_none_or(|one| one.critical);
    let purposes = extensions.extended_key_usage();
    !critical && purposes.is_ok_and(|list| list.as_deref() == Some(&[x509_oid::TIME_STAMPING]))
}

/// Tells whether those who verify timestamps know a scheme: Windows does not know EdDSA.
const fn is_in_timestamps(scheme: SignatureScheme) -> bool {
    match scheme.family() {
        SchemeFamily::RsaPkcs1 | SchemeFamily::RsaPss | SchemeFamily::Ecdsa => true,
        SchemeFamily::EdDsa => false,
    }
}
