//! What a path is asked for.

use chancery_x509::{Name, Time};
use const_oid::ObjectIdentifier;

/// What the leaf's key is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Anything: neither extKeyUsage nor keyUsage of the leaf is looked at.
    Any,
    /// Signing code: id-kp-codeSigning in the leaf, and in CAs that have an extKeyUsage.
    CodeSigning,
    /// Signing timestamps: id-kp-timeStamping in the leaf, critical and alone (RFC 3161 section 2.3).
    TimeStamping,
}

/// What is done where it cannot be told whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationMode {
    /// Revocation lists are not looked at.
    Off,
    /// A certificate without a usable list passes; one that a list names does not.
    Soft,
    /// Every certificate below the anchor needs a usable list.
    Hard,
}

/// Something that is not trusted, whatever leads to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// One certificate, by the SHA-256 of its DER.
    Certificate([u8; 32]),
    /// One key in whatever certificate, by the SHA-256 of its DER `SubjectPublicKeyInfo`.
    PublicKey([u8; 32]),
    /// One certificate, by who issued it and its serial number's contents octets.
    IssuerAndSerial {
        /// The issuer.
        issuer: Name,
        /// Contents octets of the INTEGER.
        serial: Vec<u8>,
    },
}

/// What a path has to satisfy to be trusted: start from a preset and change what should differ.
///
/// ```
/// use chancery_chain::{Policy, RevocationMode};
/// use chancery_x509::Time;
///
/// let mut policy = Policy::code_signing(Time::now()?);
/// policy.revocation = RevocationMode::Hard;
/// policy.min_rsa_bits = 3072;
/// # Ok::<(), chancery_x509::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The time the path has to be valid at: that of the signature where a timestamp proves it, else now.
    pub time: Time,
    /// The time revocation lists have to be current at. Where it is later than [`time`](Self::time), a
    /// certificate revoked only after `time` is
    /// [`RevokedLater`](crate::Revocation::RevokedLater) and not a failure.
    pub now: Time,
    /// What the leaf's key is used for.
    pub purpose: Purpose,
    /// What is done about revocation.
    pub revocation: RevocationMode,
    /// Take a compromised key's signatures for forged whenever they were made, even before the date of
    /// revocation. Off in every preset: the date is back-dated to the compromise.
    pub distrust_compromised_keys: bool,
    /// Accept signatures over SHA-1.
    pub allow_sha1: bool,
    /// The shortest RSA modulus accepted, in bits.
    pub min_rsa_bits: u32,
    /// Refuse certificates without keyUsage, which by RFC 5280 may be used for anything.
    pub require_key_usage: bool,
    /// Refuse a leaf without extKeyUsage, which Windows takes for one for all purposes.
    pub require_extended_key_usage: bool,
    /// Refuse timestamps by a server whose extKeyUsage is not critical, as RFC 3161 section 2.3 demands. The
    /// certificates of Microsoft's servers were like that until about 2021.
    pub require_critical_purpose: bool,
    /// Accept a leaf that is a CA.
    pub allow_ca_leaf: bool,
    /// Refuse what RFC 5280 tells issuers not to do and verifiers to bear with: certificates before version
    /// 3 (always refused for intermediates) and serial numbers below 1.
    pub strict_fields: bool,
    /// Hold the anchor's certificate to what it says too: validity, key size, basicConstraints, extKeyUsage,
    /// name constraints. By RFC 5280 section 6.1.1 (d) only its name and key count; Windows looks at all
    /// of it.
    pub check_anchor: bool,
    /// Certificate policies of which one has to be valid (user-initial-policy-set); none means any.
    pub initial_policies: Vec<ObjectIdentifier>,
    /// Require a valid policy (initial-explicit-policy).
    pub require_explicit_policy: bool,
    /// Do not follow policy mappings (initial-policy-mapping-inhibit).
    pub inhibit_policy_mapping: bool,
    /// Do not take anyPolicy for any policy (initial-any-policy-inhibit).
    pub inhibit_any_policy: bool,
    /// What is refused in whatever path.
    pub distrusted: Vec<Distrust>,
}

impl Policy {
    /// Signing code, valid at `time`: extKeyUsage codeSigning, keyUsage digitalSignature where there is a
    /// keyUsage, RSA of 2048 bits, SHA-2, soft revocation, a checked anchor.
    #[must_use]
    pub const fn code_signing(time: Time) -> Self {
        Self {
            time,
            now: time,
            purpose: Purpose::CodeSigning,
            revocation: RevocationMode::Soft,
            distrust_compromised_keys: false,
            allow_sha1: false,
            min_rsa_bits: 2048,
            require_key_usage: false,
            require_extended_key_usage: true,
            require_critical_purpose: true,
            allow_ca_leaf: false,
            strict_fields: true,
            check_anchor: true,
            initial_policies: Vec::new(),
            require_explicit_policy: false,
            inhibit_policy_mapping: false,
            inhibit_any_policy: false,
            distrusted: Vec::new(),
        }
    }

    /// Signing timestamps, valid at `time`: a critical extKeyUsage with timeStamping alone, otherwise as
    /// [`code_signing`](Self::code_signing).
    #[must_use]
    pub const fn time_stamping(time: Time) -> Self {
        let mut policy = Self::code_signing(time);
        policy.purpose = Purpose::TimeStamping;
        policy
    }

    /// RFC 5280 section 6.1 and nothing else: no purpose, revocation required, key sizes and hashes left to
    /// whoever verifies with them, the anchor a name and a key.
    #[must_use]
    pub const fn rfc5280(time: Time) -> Self {
        let mut policy = Self::code_signing(time);
        policy.purpose = Purpose::Any;
        policy.revocation = RevocationMode::Hard;
        policy.allow_sha1 = true;
        policy.min_rsa_bits = 0;
        policy.require_extended_key_usage = false;
        policy.allow_ca_leaf = true;
        policy.strict_fields = false;
        policy.check_anchor = false;
        policy
    }

    /// Judges a signature whose time a timestamp proves: the path at that time, revocation lists at `now`.
    #[must_use]
    pub const fn signed_at(mut self, time: Time, now: Time) -> Self {
        self.time = time;
        self.now = now;
        self
    }

    /// What the certificates of those who sign revocation lists have to satisfy.
    pub(crate) fn for_crl_signer(&self) -> Self {
        Self {
            time: self.now,
            purpose: Purpose::Any,
            require_extended_key_usage: false,
            allow_ca_leaf: true,
            initial_policies: Vec::new(),
            require_explicit_policy: false,
            ..self.clone()
        }
    }
}
