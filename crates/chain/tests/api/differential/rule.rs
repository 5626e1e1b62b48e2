//! What the oracles are known to see otherwise than we do.

/// Why an oracle differs; each is one decision of its authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    OpensslFirstIssuer,
    OpensslLaxRoot,
    OpensslLastSecond,
    OpensslNoPathLimit,
    WebpkiAnchorIsNameAndKey,
    WebpkiNoKeyUsage,
    WebpkiNoKeySize,
    WebpkiEkuOptional,
    WebpkiNoAnyEku,
    WebpkiNoSuchConstraint,
    WebpkiNamesAreBytes,
    WebpkiCountsSelfIssued,
    WebpkiShortPaths,
    WebpkiAnySerial,
}

impl Rule {
    pub const OPENSSL: &[Self] = &[
        Self::OpensslFirstIssuer,
        Self::OpensslLaxRoot,
        Self::OpensslLastSecond,
        Self::OpensslNoPathLimit,
    ];

    pub const WEBPKI: &[Self] = &[
        Self::WebpkiAnchorIsNameAndKey,
        Self::WebpkiNoKeyUsage,
        Self::WebpkiNoKeySize,
        Self::WebpkiEkuOptional,
        Self::WebpkiNoAnyEku,
        Self::WebpkiNoSuchConstraint,
        Self::WebpkiNamesAreBytes,
        Self::WebpkiCountsSelfIssued,
        Self::WebpkiShortPaths,
        Self::WebpkiAnySerial,
    ];

    /// Whether the oracle accepts what the rule is about, where we may not; else it refuses it.
    pub const fn accepts(self) -> bool {
        match self {
            Self::OpensslLaxRoot
            | Self::OpensslNoPathLimit
            | Self::WebpkiAnchorIsNameAndKey
            | Self::WebpkiNoKeyUsage
            | Self::WebpkiNoKeySize
            | Self::WebpkiEkuOptional
            | Self::WebpkiAnySerial => true,
            Self::OpensslFirstIssuer
            | Self::OpensslLastSecond
            | Self::WebpkiNoAnyEku
            | Self::WebpkiNoSuchConstraint
            | Self::WebpkiNamesAreBytes
            | Self::WebpkiCountsSelfIssued
            | Self::WebpkiShortPaths => false,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::OpensslFirstIssuer => "openssl-first-issuer",
            Self::OpensslLaxRoot => "openssl-lax-root",
            Self::OpensslLastSecond => "openssl-last-second",
            Self::OpensslNoPathLimit => "openssl-no-path-limit",
            Self::WebpkiAnchorIsNameAndKey => "webpki-anchor-is-name-and-key",
            Self::WebpkiNoKeyUsage => "webpki-no-key-usage",
            Self::WebpkiNoKeySize => "webpki-no-key-size",
            Self::WebpkiEkuOptional => "webpki-eku-optional",
            Self::WebpkiNoAnyEku => "webpki-no-any-eku",
            Self::WebpkiNoSuchConstraint => "webpki-no-such-constraint",
            Self::WebpkiNamesAreBytes => "webpki-names-are-bytes",
            Self::WebpkiCountsSelfIssued => "webpki-counts-self-issued",
            Self::WebpkiShortPaths => "webpki-short-paths",
            Self::WebpkiAnySerial => "webpki-any-serial",
        }
    }

    pub const fn why(self) -> &'static str {
        match self {
            Self::OpensslFirstIssuer => "it follows one issuer by name and does not go back",
            Self::OpensslLaxRoot => "a root without basicConstraints may have keyUsage instead",
            Self::OpensslLastSecond => "notAfter is the first second after, not the last within",
            Self::OpensslNoPathLimit => "paths may have a hundred certificates, ours ten",
            Self::WebpkiAnchorIsNameAndKey => {
                "of a root only name, key and name constraints count (RFC 5280 section 6.1.1 d)"
            }
            Self::WebpkiNoKeyUsage => "keyUsage is not looked at",
            Self::WebpkiNoKeySize => "the leaf's own key is not looked at",
            Self::WebpkiEkuOptional => {
                "extKeyUsage can be required of all certificates or of none; none here"
            }
            Self::WebpkiNoAnyEku => "anyExtendedKeyUsage of a CA does not stand for the purpose",
            Self::WebpkiNoSuchConstraint => {
                "a constrained directory name, mailbox or URI is refused, whatever it is"
            }
            Self::WebpkiNamesAreBytes => "names are compared as bytes",
            Self::WebpkiCountsSelfIssued => "self-issued CAs count for pathLenConstraint",
            Self::WebpkiShortPaths => "a path may have six intermediates, ours eight",
            Self::WebpkiAnySerial => "serial numbers below 1 are let pass",
        }
    }
}
