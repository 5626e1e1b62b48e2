//! What the verifier checks, and how much each finding weighs under each policy.
//!
//! The table below is the only place where a weight is written: `docs/verification.md` is rendered from it, and a
//! test compares the two.

use crate::Severity;

/// Which rules findings are weighed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerificationPolicy {
    /// Nothing hides in the file and whoever signed is trusted.
    #[default]
    Strict,
    /// What WinVerifyTrust would say, as far as it is documented or was measured.
    Windows,
    /// As strict, and nobody is asked who signed: digests and signatures alone.
    Integrity,
}

impl VerificationPolicy {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Windows, Self::Integrity];

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Windows => "windows",
            Self::Integrity => "integrity",
        }
    }
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a file has signatures, and nothing else is judged")]
pub enum Scope {
    /// The place for signatures, or the file: it counts whichever signature has to hold.
    File,
    /// One signature.
    Signature,
}

/// Writes the enum and its table in one, so that no check is without a row.
macro_rules! checks {
    ($($variant:ident $name:literal $scope:ident $strict:ident $windows:ident $integrity:ident $meaning:literal;)*) => {
        /// Something the verifier looks at. Each has a stable kebab-case name and a weight under each policy.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Check {
            $(#[doc = concat!("`", $name, "`: ", $meaning, ".")] $variant,)*
        }

        impl Check {
            /// Every check, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns what it means where it is found, in a clause without a full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// Tells what it is about.
            #[must_use]
            pub const fn scope(self) -> Scope {
                match self { $(Self::$variant => Scope::$scope,)* }
            }

            /// Returns how much it weighs under a policy.
            #[must_use]
            pub const fn severity(self, policy: VerificationPolicy) -> Severity {
                let (strict, windows, integrity) = match self {
                    $(Self::$variant => (Severity::$strict, Severity::$windows, Severity::$integrity),)*
                };
                match policy {
                    VerificationPolicy::Strict => strict,
                    VerificationPolicy::Windows => windows,
                    VerificationPolicy::Integrity => integrity,
                }
            }
        }
    };
}

checks! {
    TableAtZeroOffset "table-at-zero-offset" File Note Note Note
        "the directory entry for signatures has a size and no offset, so there are none";
    TableOfZeroSize "table-of-zero-size" File Note Note Note
        "the directory entry for signatures has an offset and no size, so there are none";
    TableOutsideFile "table-outside-file" File Malformed Malformed Malformed
        "the certificate table begins outside the file";
    TableInsideHeaders "table-inside-headers" File Malformed Malformed Malformed
        "the certificate table begins inside the headers";
    TablePastEndOfFile "table-past-end-of-file" File Malformed Malformed Malformed
        "the certificate table ends after the file";
    DataAfterTable "data-after-table" File Malformed Malformed Malformed
        "data follows the certificate table";
    TableMisaligned "table-misaligned" File Malformed Malformed Malformed
        "the certificate table does not begin on a multiple of eight";
    TableOverlapsSection "table-overlaps-section" File Malformed Malformed Malformed
        "a section reaches into the certificate table";
    UnreadableTable "unreadable-table" File Malformed Malformed Malformed
        "the certificate table is broken in another way";
    BadLength "bad-length" File Malformed Malformed Malformed
        "an entry of the table is shorter than its own header";
    BeyondEnd "beyond-end" File Malformed Malformed Malformed
        "an entry of the table ends after the table";
    LengthNotRoundedSum "length-not-rounded-sum" File Note Note Note
        "the table's size is not the sum of its entries, each rounded up to eight";
    WrongRevision "wrong-revision" File Note Note Note
        "an entry of the table is not of revision 2.0";
    UnknownType "unknown-type" File Invalid Invalid Invalid
        "an entry of the table is no PKCS#7 SignedData";
    TrailingData "trailing-data" File Malformed Malformed Malformed
        "data follows the last entry inside the table";
    TooManyEntries "too-many-entries" File Malformed Malformed Malformed
        "the table has more entries than are read";
    SeveralEntries "several-certificate-entries" File Note Note Note
        "the table has several entries, and Windows reads the first";
    TooManySignatures "too-many-signatures" File Malformed Malformed Malformed
        "there are more signatures than are checked";
    RequiredSignatureMissing "required-signature-missing" File Invalid Invalid Invalid
        "there is no signature of the index that has to hold";
    SectionOrderDiffers "section-order-digest-differs" File Note Note Note
        "read section by section, as some firmware does, the file has another digest";
    SectionOrderImpossible "section-order-impossible" File Note Note Note
        "the file cannot be read section by section: its sections contradict its length";
    NotSignedData "not-signed-data" Signature Malformed Malformed Malformed
        "the signature is no DER SignedData, or beyond a limit";
    DataAfterSignature "data-after-signature" Signature Invalid Note Invalid
        "bytes that nobody signed follow the signature in its entry (CVE-2013-3900)";
    ExcessPadding "excess-padding" Signature Invalid Note Invalid
        "eight or more zero bytes follow the signature in its entry";
    NotIndirectData "not-indirect-data" Signature Invalid Invalid Invalid
        "what is signed is no SpcIndirectDataContent";
    BadIndirectData "bad-indirect-data" Signature Malformed Malformed Malformed
        "the SpcIndirectDataContent cannot be read";
    AnotherFormat "another-format" Signature Invalid Invalid Invalid
        "the signature is for a file of another format";
    UnsupportedDigest "unsupported-digest-algorithm" Signature Invalid Invalid Invalid
        "the hash is unknown, MD5, or not of the digest's length";
    DigestMismatch "digest-mismatch" Signature Invalid Invalid Invalid
        "the digest in the signature is not the file's";
    Sha1Digest "sha1-digest" Signature Untrusted Note Note
        "the file's digest is SHA-1, for which another file can be made";
    PageHashMismatch "page-hash-mismatch" Signature Invalid Note Invalid
        "the page hashes in the signature are not the file's; Windows looks when it loads a page";
    NotOneSigner "not-exactly-one-signer" Signature Invalid Invalid Invalid
        "there is not exactly one SignerInfo";
    VersionNot1 "version-not-1" Signature Note Note Note
        "SignedData or SignerInfo is not of version 1";
    DigestAlgorithmsDiffer "digest-algorithms-differ" Signature Invalid Note Invalid
        "SignedData, SignerInfo and the content do not name one hash";
    UnreadableCertificates "unreadable-certificates" Signature Note Note Note
        "something in the bag of certificates is no certificate";
    UnusedCertificates "unused-certificates" Signature Note Note Note
        "a certificate in the bag is in no path of signer or timestamp";
    SignerCertificateMissing "signer-certificate-missing" Signature Invalid Invalid Invalid
        "the signer's certificate is not in the signature";
    UnsupportedSignature "unsupported-signature-algorithm" Signature Invalid Invalid Invalid
        "the signature algorithm is unknown, EdDSA, or does not fit its hash";
    SignatureMismatch "signature-mismatch" Signature Invalid Invalid Invalid
        "the signature over the attributes does not verify";
    MessageDigestMismatch "message-digest-mismatch" Signature Invalid Invalid Invalid
        "messageDigest is not there once, or not the hash of the content";
    ContentTypeMismatch "content-type-mismatch" Signature Invalid Invalid Invalid
        "contentType is not there once, or not that of the content";
    TooManyTimestamps "too-many-timestamps" Signature Invalid Invalid Invalid
        "there are more timestamps than are judged";
    AnotherTimestampInvalid "another-timestamp-invalid" Signature Note Note Note
        "beside a valid timestamp there is one that does not hold";
    TimestampInvalid "timestamp-invalid" Signature Invalid Invalid Invalid
        "a timestamp does not hold, and none proves a time";
    TimestampUntrusted "timestamp-untrusted" Signature Note Note Note
        "nobody trusted vouches for a timestamp: it proves nothing";
    TimestampPurposeNotCritical "timestamp-purpose-not-critical" Signature Note Note Note
        "the purpose of the timestamp server is not critical, as Microsoft's were until about 2021";
    TimestampBareHash "timestamp-bare-hash" Signature Note Note Note
        "a counter-signature is over a bare hash, as old servers made them";
    NestedTooDeep "nested-too-deep" Signature Invalid Note Invalid
        "a nested signature has another nested in it, which nobody checks";
    UnknownUnsignedAttribute "unknown-unsigned-attribute" Signature Untrusted Note Note
        "an attribute that nobody signed is neither timestamp nor signature";
    RevokedAfterTimestamp "revoked-after-timestamp" Signature Note Note Note
        "a certificate was revoked after the time that is proved";
    NoTrustAnchors "no-trust-anchors" Signature Untrusted Untrusted Note
        "nobody is trusted, so nobody looked for a path";
    ChainIncomplete "chain-incomplete" Signature Untrusted Untrusted Note
        "an issuer's certificate is missing";
    ChainExpired "chain-expired" Signature Untrusted Untrusted Note
        "a certificate was not valid at the time";
    ChainWrongUsage "chain-wrong-usage" Signature Untrusted Untrusted Note
        "a certificate is not for signing code";
    ChainWeak "chain-weak" Signature Untrusted Untrusted Note
        "a key or hash in the path is too weak";
    ChainRevoked "chain-revoked" Signature Untrusted Untrusted Note
        "a certificate is revoked";
    ChainRevocationUnknown "chain-revocation-unknown" Signature Untrusted Untrusted Note
        "whether a certificate is revoked cannot be told, and has to be";
    ChainUntrusted "chain-untrusted" Signature Untrusted Untrusted Note
        "the path ends in no trust anchor, or breaks a rule of RFC 5280";
}

impl Check {
    /// Finds a check by its stable name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|check| check.name() == name)
    }

    /// Tells whether every policy refuses what has this finding: such a check cannot be allowed.
    #[must_use]
    pub fn is_essential(self) -> bool {
        VerificationPolicy::ALL.iter().all(|policy| self.severity(*policy) >= Severity::Invalid)
    }
}

/// Which of several signatures have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a caller shows each in its own way")]
pub enum Require {
    /// Every one.
    All,
    /// At least one.
    Any,
    /// The first one, as WinVerifyTrust does unless it is told otherwise.
    Primary,
    /// That of this index, counted from 0.
    Index(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_kebab_case_and_found_again() {
        for check in Check::ALL {
            let name = check.name();
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
            assert_eq!(Check::named(name), Some(*check));
        }
        assert_eq!(Check::named("no-such-check"), None);
    }

    #[test]
    fn no_policy_is_harder_than_strict() {
        for check in Check::ALL {
            for policy in VerificationPolicy::ALL {
                assert!(check.severity(policy) <= check.severity(VerificationPolicy::Strict));
            }
        }
    }

    #[test]
    fn cryptography_counts_under_every_policy_and_padding_does_not() {
        for check in [Check::DigestMismatch, Check::SignatureMismatch, Check::MessageDigestMismatch]
        {
            assert!(check.is_essential());
        }
        assert!(!Check::DataAfterSignature.is_essential());
        assert!(!Check::ChainUntrusted.is_essential());
    }

    #[test]
    fn every_fault_of_a_table_has_a_check() {
        let sources =
            [include_str!("../../pe/src/table.rs"), include_str!("../../pe/src/certificates.rs")];
        let mut seen = 0;
        for source in sources {
            let body = source.split("fn name(").nth(1).unwrap().split("\n    }\n").next().unwrap();
            for name in body.split('"').skip(1).step_by(2) {
                assert!(Check::named(name).is_some(), "{name}");
                seen += 1;
            }
        }
        assert!(seen >= 15);
    }
}
