//! What certificates are for, and where what belongs to them is found.

use chancery_key::{KeyAlgorithm, PublicKey};
use const_oid::ObjectIdentifier;

use crate::asn1::{self, tag};
use crate::{AlternativeName, Extensions, KeyUsage, Location, oid};

/// What a certificate is for, and with that its extensions (RFC 5280; CA/Browser Forum Code Signing
/// Baseline Requirements 3.10 section 7.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// A root: a CA without limit, keyCertSign and cRLSign, no extKeyUsage.
    RootCa,
    /// An issuing CA under a root: pathLen 0, extKeyUsage codeSigning.
    IntermediateCa,
    /// An end entity that signs code: critical digitalSignature, extKeyUsage codeSigning.
    CodeSigning,
    /// A timestamping authority: critical digitalSignature, extKeyUsage timeStamping alone and critical (RFC 3161
    /// section 2.3).
    TimeStamping,
    /// A TLS server: critical digitalSignature, keyEncipherment with RSA, extKeyUsage serverAuth, and at least one
    /// subjectAltName (RFC 6125, RFC 9525).
    TlsServer,
}

impl Profile {
    /// Tells whether it is that of a certificate authority.
    #[must_use]
    pub const fn is_ca(self) -> bool {
        matches!(self, Self::RootCa | Self::IntermediateCa)
    }

    /// Returns the purposes its extKeyUsage names; a root has none.
    #[must_use]
    pub const fn purposes(self) -> &'static [ObjectIdentifier] {
        match self {
            Self::RootCa => &[],
            Self::IntermediateCa | Self::CodeSigning => &[oid::CODE_SIGNING],
            Self::TimeStamping => &[oid::TIME_STAMPING],
            Self::TlsServer => &[oid::SERVER_AUTHENTICATION],
        }
    }

    /// Makes the extensions that say so of a key.
    pub(crate) fn extensions(self, key: &PublicKey) -> Extensions {
        let mut extensions = Extensions::default();
        match self {
            Self::RootCa => extensions.set_ca(None),
            Self::IntermediateCa => extensions.set_ca(Some(0)),
            Self::CodeSigning | Self::TimeStamping | Self::TlsServer => {}
        }
        let rsa = matches!(key.algorithm(), KeyAlgorithm::Rsa { .. });
        extensions.set_key_usage(match self {
            Self::RootCa | Self::IntermediateCa => {
                KeyUsage::KEY_CERT_SIGN.union(KeyUsage::CRL_SIGN)
            }
            Self::TlsServer if rsa => KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT),
            Self::CodeSigning | Self::TimeStamping | Self::TlsServer => KeyUsage::DIGITAL_SIGNATURE,
        });
        if !self.purposes().is_empty() {
            let critical = self == Self::TimeStamping;
            extensions.set_extended_key_usage(critical, self.purposes());
        }
        extensions
    }
}

/// What the issuer adds to a certificate: further names, its policies, and where to find what belongs to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions {
    pub(crate) names: Vec<AlternativeName>,
    pub(crate) policies: Vec<ObjectIdentifier>,
    pub(crate) crl: Vec<Location>,
    pub(crate) ocsp: Vec<Location>,
    pub(crate) ca_issuers: Vec<Location>,
}

impl Additions {
    /// Adds the extensions for what there is. Where the subject is empty, its alternative names are critical
    /// (RFC 5280 section 4.2.1.6).
    pub(crate) fn apply(&self, extensions: &mut Extensions, subject_is_empty: bool) {
        let sequence = |parts: Vec<Vec<u8>>| {
            asn1::sequence(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        if !self.names.is_empty() {
            let names = self.names.iter().map(|name| name.as_der().to_vec()).collect();
            extensions.set(oid::SUBJECT_ALTERNATIVE_NAME, subject_is_empty, sequence(names));
        }
        if !self.policies.is_empty() {
            let policy = |oid| asn1::sequence(&[&asn1::object_identifier(oid)]);
            let policies = self.policies.iter().map(policy).collect();
            extensions.set(oid::CERTIFICATE_POLICIES, false, sequence(policies));
        }
        if !self.crl.is_empty() {
            // One list that is found at several places: several names of one point (section 4.2.1.13).
            let names: Vec<Vec<u8>> = self.crl.iter().map(Location::general_name).collect();
            let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
            let full_name = asn1::tlv(tag::context_constructed(0), &names);
            let name = asn1::tlv(tag::context_constructed(0), &[&full_name]);
            let value = asn1::sequence(&[&asn1::sequence(&[&name])]);
            extensions.set(oid::CRL_DISTRIBUTION_POINTS, false, value);
        }
        let access = |method: ObjectIdentifier| {
            move |location: &Location| {
                asn1::sequence(&[&asn1::object_identifier(&method), &location.general_name()])
            }
        };
        let descriptions: Vec<Vec<u8>> = (self.ocsp.iter().map(access(oid::OCSP)))
            .chain(self.ca_issuers.iter().map(access(oid::CA_ISSUERS)))
            .collect();
        if !descriptions.is_empty() {
            extensions.set(oid::AUTHORITY_INFORMATION_ACCESS, false, sequence(descriptions));
        }
    }
}
