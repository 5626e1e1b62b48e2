//! A timestamp authority over any [`Identity`]: what it answers to requests, and a small server to answer with.
//!
//! For trying things out and for closed networks. Its clock is this machine's: nobody audits it.

mod http;
mod server;

use chancery_chain::{Policy, Status, TrustAnchors, validate};
use chancery_cms::{NewAttribute, SignedDataBuilder, oid as cms_oid, signing_certificate_v2};
use chancery_key::{DigestAlgorithm, KeyAlgorithm, SchemeFamily, SignatureScheme};
use chancery_x509::asn1;
use chancery_x509::{Identity, SerialNumber, Time};
use const_oid::ObjectIdentifier;

use crate::{
    Accuracy, Failure, GenTime, LegacyRequest, LegacyResponse, Nonce, Stamp, StampError,
    StampErrorKind, TimeStampRequest, TimeStampResponse, Timestamper, TstInfo, oid,
};

pub use server::Server;

/// The policy stamps are made under where none is set: from the arc for examples (RFC 5612), so that nobody
/// takes it for an audited one.
const DEFAULT_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.1.1");

/// Why an identity is no authority.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// Its certificate is not for signing timestamps.
    #[error("the certificate of `{subject}` is not for timestamps: {why}")]
    Certificate {
        /// Subject of the certificate.
        subject: String,
        /// What it lacks.
        why: String,
    },
    /// No scheme with a strong hash that Windows verifies in timestamps fits its key.
    #[error("timestamps are signed with RSA and ECDSA keys, and not with one of {key}")]
    Key {
        /// The type of the key.
        key: KeyAlgorithm,
    },
}

/// Somebody who stamps: an identity, a policy, an accuracy. It has no clock: every answer is given the time.
#[derive(Clone, Debug)]
pub struct Authority {
    identity: Identity,
    scheme: SignatureScheme,
    policy: ObjectIdentifier,
    accuracy: Accuracy,
}

impl Authority {
    /// Makes an authority that claims to be accurate to one second.
    ///
    /// # Errors
    /// [`AuthorityError::Certificate`] where verifiers would refuse the identity's certificate: extKeyUsage has to
    /// be critical and timeStamping alone (RFC 3161 section 2.3). [`AuthorityError::Key`] for a key of Ed25519 or unknown type.
    pub fn new(identity: Identity) -> Result<Self, AuthorityError> {
        let certificate = identity.certificate();
        let policy = Policy::time_stamping(certificate.not_before());
        let outcome = validate(certificate, &[], &TrustAnchors::none(), &[], &policy);
        let unfit = outcome.findings.iter().find(|finding| {
            finding.index == 0
                && matches!(finding.reason.status(), Status::WrongUsage | Status::Weak)
        });
        if let Some(finding) = unfit {
            return Err(AuthorityError::Certificate {
                subject: certificate.subject().to_string(),
                why: finding.reason.to_string(),
            });
        }
        let scheme = identity
            .conventional_scheme()
            .filter(|scheme| scheme.family() != SchemeFamily::EdDsa)
            .ok_or_else(|| AuthorityError::Key { key: certificate.public_key().algorithm() })?;
        Ok(Self { identity, scheme, policy: DEFAULT_POLICY, accuracy: Accuracy::seconds(1) })
    }

    /// Stamps under this policy, and no other.
    #[must_use]
    pub const fn with_policy(mut self, policy: ObjectIdentifier) -> Self {
        self.policy = policy;
        self
    }

    /// Claims this accuracy.
    #[must_use]
    pub const fn with_accuracy(mut self, accuracy: Accuracy) -> Self {
        self.accuracy = accuracy;
        self
    }

    /// Answers a request, also one that is none: then with a rejection that says why.
    #[must_use]
    pub fn respond(&self, request: &[u8], now: GenTime) -> TimeStampResponse {
        let rejected = TimeStampResponse::rejected;
        let Ok(request) = TimeStampRequest::from_der(request) else {
            return rejected(Failure::BadDataFormat, "not a timestamp request");
        };
        if !request.extensions.is_empty() {
            return rejected(Failure::UnacceptedExtension, "no extension is known here");
        }
        let digest = request.imprint.digest().filter(|digest| *digest != DigestAlgorithm::Sha1);
        let Some(digest) = digest else {
            return rejected(Failure::BadAlgorithm, "SHA-256, SHA-384 and SHA-512 are stamped");
        };
        if request.imprint.hash.len() != digest.output_len() {
            return rejected(Failure::BadDataFormat, "a hash of another length");
        }
        if request.policy.is_some_and(|policy| policy != self.policy) {
            return rejected(Failure::UnacceptedPolicy, "another policy");
        }
        if !self.identity.certificate().is_valid_at(now.time()) {
            return rejected(
                Failure::TimeNotAvailable,
                "the server's certificate is not valid now",
            );
        }
        match self.token(&request, now) {
            Ok(token) => TimeStampResponse::granted(token),
            Err(_) => rejected(Failure::SystemFailure, "the token could not be signed"),
        }
    }

    /// Signs a token (RFC 3161 section 2.4.2).
    fn token(
        &self,
        request: &TimeStampRequest,
        now: GenTime,
    ) -> Result<Vec<u8>, chancery_cms::Error> {
        let serial = SerialNumber::random()?;
        // A positive INTEGER in its shortest form, as a nonce is.
        let serial = Nonce::from_unsigned(serial.as_octets()).as_octets().to_vec();
        let mut info = TstInfo::new(self.policy, request.imprint.clone(), serial, now);
        info.accuracy = Some(self.accuracy);
        info.nonce = request.nonce.clone();
        let certificate = self.identity.certificate();
        let builder = SignedDataBuilder::new(oid::TST_INFO, asn1::octet_string(&info.to_der()))?
            .version(3)
            .signed_attribute(signing_certificate_v2(certificate));
        if request.certificate_wanted {
            return builder.sign(&self.identity, self.scheme);
        }
        let message = builder.message(self.scheme.digest());
        let signature = self.identity.key().sign(self.scheme, &message);
        let signature = signature.map_err(chancery_cms::Error::Key)?;
        builder.assemble(certificate, &[], self.scheme, &message, signature.as_bytes())
    }

    /// Answers a legacy request in Base64 with a SignedData in Base64: the signature value, counter-signed.
    ///
    /// # Errors
    /// [`Error`](crate::Error) where it is none, or the key does not sign.
    pub fn respond_legacy(&self, request: &[u8], now: GenTime) -> Result<String, crate::Error> {
        let request = LegacyRequest::from_base64(request)?;
        let content = asn1::octet_string(request.signature_value());
        let builder = SignedDataBuilder::new(cms_oid::DATA, content)?
            .signed_attribute(NewAttribute::new(cms_oid::SIGNING_TIME, now.time().to_der()?));
        Ok(LegacyResponse::to_base64(&builder.sign(&self.identity, self.scheme)?))
    }
}

/// An authority in this process, and a clock.
#[derive(Clone, Debug)]
pub struct LocalTimestamper {
    authority: Authority,
    digest: DigestAlgorithm,
    clock: fn() -> Result<Time, chancery_x509::Error>,
}

impl LocalTimestamper {
    /// Stamps by an authority, imprints by `digest`, times by a clock such as [`Time::now`].
    #[must_use]
    pub const fn new(
        authority: Authority,
        digest: DigestAlgorithm,
        clock: fn() -> Result<Time, chancery_x509::Error>,
    ) -> Self {
        Self { authority, digest, clock }
    }
}

impl Timestamper for LocalTimestamper {
    fn stamp(&self, signature_value: &[u8]) -> Result<Stamp, StampError> {
        let unavailable = |what: &str| {
            StampError::new(StampErrorKind::Unavailable, format!("local authority: {what}"))
        };
        let now = (self.clock)().map_err(|error| unavailable("no time").with_source(error))?;
        let request = TimeStampRequest::new(self.digest, signature_value)
            .map_err(|error| unavailable("no request").with_source(error))?;
        let response = self.authority.respond(&request.to_der(), now.into());
        response.token.map(Stamp::Rfc3161).ok_or_else(|| {
            let text = response.text.join(", ");
            StampError::new(StampErrorKind::Rejected, format!("local authority: {text}"))
        })
    }
}
