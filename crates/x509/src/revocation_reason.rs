//! Why certificates are revoked.

use core::fmt;
use core::str::FromStr;

use chancery_key::UnknownName;

/// Why a certificate is revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// unspecified (0), which should not be written.
    Unspecified,
    /// keyCompromise (1).
    KeyCompromise,
    /// cACompromise (2).
    CaCompromise,
    /// affiliationChanged (3).
    AffiliationChanged,
    /// superseded (4).
    Superseded,
    /// cessationOfOperation (5).
    CessationOfOperation,
    /// certificateHold (6): revoked, for now.
    CertificateHold,
    /// removeFromCRL (8): in a delta list, the hold is over.
    RemoveFromCrl,
    /// privilegeWithdrawn (9).
    PrivilegeWithdrawn,
    /// aACompromise (10).
    AaCompromise,
}

impl RevocationReason {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::RemoveFromCrl,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// Returns the number in a revocation list.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// Finds the reason of a number; there is no 7.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// Returns the stable name, as in `key-compromise`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key-compromise",
            Self::CaCompromise => "ca-compromise",
            Self::AffiliationChanged => "affiliation-changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation-of-operation",
            Self::CertificateHold => "certificate-hold",
            Self::RemoveFromCrl => "remove-from-crl",
            Self::PrivilegeWithdrawn => "privilege-withdrawn",
            Self::AaCompromise => "aa-compromise",
        }
    }

    /// Tells whether somebody else may have the key.
    #[must_use]
    pub const fn is_compromise(self) -> bool {
        matches!(self, Self::KeyCompromise | Self::CaCompromise | Self::AaCompromise)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RevocationReason {
    type Err = UnknownName;

    /// Reads a name as people write it: `key-compromise`, `keyCompromise`, `KEY_COMPROMISE`.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_lowercase()
        };
        Self::ALL
            .into_iter()
            .find(|reason| plain(reason.name()) == plain(text))
            .ok_or_else(|| UnknownName::new(text, Self::ALL.map(Self::name).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_reason_seven() {
        let reasons: Vec<_> = (0..=11).filter_map(RevocationReason::from_code).collect();
        assert_eq!(reasons, RevocationReason::ALL);
        assert_eq!(RevocationReason::from_code(7), None);
        assert!(RevocationReason::KeyCompromise.is_compromise());
        assert!(!RevocationReason::Superseded.is_compromise());
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        for text in ["key-compromise", "keyCompromise", "KEY_COMPROMISE"] {
            assert_eq!(text.parse(), Ok(RevocationReason::KeyCompromise));
        }
        let error = "lost".parse::<RevocationReason>().unwrap_err();
        assert!(error.to_string().contains("key-compromise"), "{error}");
    }
}
