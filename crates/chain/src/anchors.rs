//! Whom the caller trusts.

use chancery_x509::Certificate;

/// The certificates whose names and keys are trusted to say who is who, whatever else they may be: roots, or
/// an intermediate or leaf that is trusted by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustAnchors(Vec<Certificate>);

impl TrustAnchors {
    /// Trusts nobody.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Trusts these.
    #[must_use]
    pub const fn new(certificates: Vec<Certificate>) -> Self {
        Self(certificates)
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns them in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.iter()
    }
}

impl FromIterator<Certificate> for TrustAnchors {
    fn from_iter<I: IntoIterator<Item = Certificate>>(certificates: I) -> Self {
        Self(certificates.into_iter().collect())
    }
}
