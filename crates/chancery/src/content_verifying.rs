//! Whether PKCS#7 and CMS signatures over files hold.

use std::path::Path;

use chancery_authenticode::Verdict;
use chancery_chain::{Crl, Finding, Policy, Purpose, Status, TrustAnchors, validate};
use chancery_cms::{CertificateBinding, SignedData, SignerInfo, certificate_binding, oid};
use chancery_key::{DigestAlgorithm, SignatureScheme};
use chancery_timestamp::{TimestampReport, TimestampVerifier};
use chancery_x509::asn1::{Tlv, tag};
use chancery_x509::{Certificate, Time};

use crate::content_signing::hash_file;
use crate::{Error, ErrorKind};

/// How many timestamps of one signature are judged.
const MAX_TIMESTAMPS: usize = 8;

/// Judges signatures over content by trust anchors at a time.
#[derive(Clone, Debug)]
pub struct ContentVerifier {
    anchors: TrustAnchors,
    timestamp_anchors: Option<TrustAnchors>,
    crls: Vec<Crl>,
    certificates: Vec<Certificate>,
    policy: Policy,
}

/// What was found about the signatures of one SignedData.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContentReport {
    /// The verdict over all of them.
    pub verdict: Verdict,
    /// Whether the content is elsewhere.
    pub detached: bool,
    /// Each signature, in their order.
    pub signatures: Vec<ContentSignature>,
}

/// What was found about one signature.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContentSignature {
    /// The hash, where it is one we know.
    pub digest: Option<DigestAlgorithm>,
    /// The scheme, where it is one we know.
    pub scheme: Option<SignatureScheme>,
    /// The signer's certificate, where it is there.
    pub signer: Option<Certificate>,
    /// When the signer says to have signed.
    pub signing_time: Option<Time>,
    /// What became of the path to a trust anchor; nothing where nobody is trusted.
    pub chain: Option<Status>,
    /// What is wrong with the path, certificate by certificate.
    pub chain_findings: Vec<Finding>,
    /// The timestamps.
    pub timestamps: Vec<TimestampReport>,
    /// Everything that is wrong, by stable names.
    pub reasons: Vec<&'static str>,
    verdict: Verdict,
}

impl ContentVerifier {
    /// Judges by these anchors at this time: certificates for signing code, or with [`Purpose::Any`] all.
    #[must_use]
    pub fn new(anchors: TrustAnchors, time: Time, purpose: Purpose) -> Self {
        let mut policy = Policy::code_signing(time);
        policy.purpose = purpose;
        policy.require_extended_key_usage = purpose != Purpose::Any;
        Self {
            anchors,
            timestamp_anchors: None,
            crls: Vec::new(),
            certificates: Vec::new(),
            policy,
        }
    }

    /// Judges timestamps by these anchors, and not by those of the signers.
    #[must_use]
    pub fn with_timestamp_anchors(mut self, anchors: TrustAnchors) -> Self {
        self.timestamp_anchors = Some(anchors);
        self
    }

    /// Takes these revocation lists for evidence.
    #[must_use]
    pub fn with_crls(mut self, crls: Vec<Crl>) -> Self {
        self.crls = crls;
        self
    }

    /// Looks for issuers among these certificates too. They are not trusted for being given.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Vec<Certificate>) -> Self {
        self.certificates = certificates;
        self
    }

    /// Checks every signature in the DER of a `ContentInfo`, over the content in it or, where it is detached, over
    /// a file, which is read once in constant memory.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] where it is no SignedData; [`ErrorKind::Usage`] where content is missing, or there
    /// twice; [`ErrorKind::Io`]. A signature that does not hold is no error: it is in the report.
    pub fn verify(&self, signature: &[u8], content: Option<&Path>) -> Result<ContentReport, Error> {
        let signed = SignedData::from_der(signature).map_err(malformed)?;
        let mut wanted: Vec<DigestAlgorithm> =
            signed.signers.iter().filter_map(SignerInfo::digest).collect();
        wanted.sort_unstable_by_key(|digest| digest.name());
        wanted.dedup();
        let usage = |text| Error::new(ErrorKind::Usage, text);
        let hashes = match (signed.content, content) {
            (Some(inside), None) => wanted
                .iter()
                .map(|digest| (*digest, chancery_sigverify::digest(*digest, inside.contents)))
                .collect(),
            (None, Some(path)) => hash_file(path, &wanted)?,
            (None, None) => return Err(usage("the signature is detached: name what it is over")),
            (Some(_), Some(_)) => return Err(usage("the signature has its content in it")),
        };
        let bag = signed.read_certificates().readable;
        let check = |signer| self.check(&signed, signer, &bag, &hashes);
        let signatures: Vec<ContentSignature> = signed.signers.iter().map(check).collect();
        let gravest = [Verdict::Invalid, Verdict::Unsupported, Verdict::Untrusted, Verdict::Valid];
        let verdict = gravest
            .into_iter()
            .find(|verdict| signatures.iter().any(|one| one.verdict == *verdict))
            .unwrap_or(Verdict::Unsigned);
        Ok(ContentReport { verdict, detached: signed.content.is_none(), signatures })
    }

    fn check(
        &self,
        signed: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        bag: &[Certificate],
        hashes: &[(DigestAlgorithm, Vec<u8>)],
    ) -> ContentSignature {
        let mut found = ContentSignature {
            digest: signer.digest(),
            scheme: None,
            signer: None,
            signing_time: None,
            chain: None,
            chain_findings: Vec::new(),
            timestamps: Vec::new(),
            reasons: Vec::new(),
            verdict: Verdict::Invalid,
        };
        let Some(certificate) = bag.iter().find(|one| signer.identifier.names(one)) else {
            found.reasons.push("signer-certificate-missing");
            return found;
        };
        found.signer = Some(certificate.clone());
        let hashed = hashes.iter().find(|(digest, _)| Some(*digest) == found.digest);
        let hashed = hashed.map(|(_, value)| value.as_slice());
        let (content_type, key) = (signed.content_type, certificate.public_key());
        let check = match signed.content.filter(|_| signer.signed_attributes.is_none()) {
            Some(inside) => signer.check(content_type, inside.contents, key),
            None => signer.check_digest(content_type, hashed, key),
        };
        found.scheme = check.scheme;
        if check.scheme.is_none() {
            found.reasons.push("unsupported-signature-algorithm");
            found.verdict = Verdict::Unsupported;
            return found;
        }
        let parts = [
            (check.content_type_matches, "content-type-mismatch"),
            (check.message_digest_matches, "message-digest-mismatch"),
            (check.signature_valid, "signature-mismatch"),
        ];
        found.reasons.extend(parts.iter().filter(|(holds, _)| !holds).map(|(_, name)| name));
        if let Some(attributes) = &signer.signed_attributes {
            if certificate_binding(attributes, certificate) == CertificateBinding::Another {
                found.reasons.push("signing-certificate-mismatch");
            }
            let time = attributes.single(oid::SIGNING_TIME);
            found.signing_time = time.and_then(|time| Time::from_tlv(time).ok());
        }
        if !found.reasons.is_empty() {
            return found;
        }
        self.judge_signer(signer, certificate, bag, &mut found);
        found.verdict = if found.reasons.is_empty() { Verdict::Valid } else { Verdict::Untrusted };
        found
    }

    /// Judges the timestamps, and the path above the signer at the time that they prove.
    fn judge_signer(
        &self,
        signer: &SignerInfo<'_>,
        certificate: &Certificate,
        bag: &[Certificate],
        found: &mut ContentSignature,
    ) {
        let anchors = self.timestamp_anchors.as_ref().unwrap_or(&self.anchors);
        let verifier =
            TimestampVerifier::new(anchors.clone(), self.policy.now).with_crls(self.crls.clone());
        let tokens = signer.unsigned_attributes.iter();
        let tokens = tokens.flat_map(|attributes| attributes.values(oid::TIME_STAMP_TOKEN));
        found.timestamps = tokens
            .take(MAX_TIMESTAMPS)
            .map(|token| verifier.token(token.raw, signer.signature, bag))
            .collect();
        if found.timestamps.iter().any(|stamp| !stamp.is_valid()) {
            found.reasons.push("timestamp-not-valid");
        }
        let proved = found.timestamps.iter().filter(|stamp| stamp.is_valid());
        let proved = proved.filter_map(|stamp| stamp.time).min();
        let policy = match proved {
            Some(time) => self.policy.clone().signed_at(time.time(), self.policy.now),
            None => self.policy.clone(),
        };
        if self.anchors.is_empty() {
            found.reasons.push("no-trust-anchors");
            return;
        }
        let candidates = [bag, &self.certificates].concat();
        let outcome = validate(certificate, &candidates, &self.anchors, &self.crls, &policy);
        if !outcome.is_trusted() {
            found.reasons.push("chain-not-trusted");
        }
        found.chain = Some(outcome.status);
        found.chain_findings = outcome.findings;
    }
}

/// Returns the content that is in a signature: the octets of an OCTET STRING, or in PKCS#7 any other value as it
/// stands.
///
/// # Errors
/// [`ErrorKind::Malformed`] where it is no SignedData; [`ErrorKind::Usage`] where the content is elsewhere.
pub fn extract_content(signature: &[u8]) -> Result<Vec<u8>, Error> {
    let content = SignedData::from_der(signature).map_err(malformed)?.content;
    let bytes = |tlv: Tlv<'_>| match tlv.tag {
        tag::OCTET_STRING => tlv.contents.to_vec(),
        _ => tlv.raw.to_vec(),
    };
    content.map(bytes).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "the signature is detached: there is no content in it")
    })
}

fn malformed(error: chancery_cms::Error) -> Error {
    Error::new(ErrorKind::Malformed, "no signature over content").with_source(error)
}
