//! What a module was asked, and how often it had to be asked again.

use std::collections::BTreeMap;

/// The calls of a module by this process, since it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// How often each function was called, as in `C_Sign`, whatever came of it.
    pub calls: BTreeMap<&'static str, u64>,
    /// How often something was tried again, by what had come before: the name of a return code, or `token-not-listed`
    /// and `no-private-keys` for what a shared file store sometimes pretends while another process writes to it.
    pub retries: BTreeMap<&'static str, u64>,
}

impl Statistics {
    /// Returns how often a function was called.
    #[must_use]
    pub fn calls_of(&self, function: &str) -> u64 {
        self.calls.get(function).copied().unwrap_or_default()
    }

    /// Returns how often anything was tried again.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retries.values().sum()
    }
}
