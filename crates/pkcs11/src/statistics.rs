//! What a module was asked, and how often it had to be asked again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// The calls of a module by this process, since it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// How often each function was called, as in `C_Sign`, whatever came of it.
    pub calls: BTreeMap<&'static str, u64>,
    /// How often something was tried again, by what had come before: the name of a return code, or `token-not-listed`,
    /// `token-replaced` and `no-private-keys` for what a shared file store sometimes pretends while another process
    /// writes to it.
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

/// The functions that are counted: all that this crate calls.
const FUNCTIONS: [&str; 24] = [
    "C_Sign",
    "C_SignInit",
    "C_CloseSession",
    "C_CreateObject",
    "C_DestroyObject",
    "C_Finalize",
    "C_FindObjects",
    "C_FindObjectsFinal",
    "C_FindObjectsInit",
    "C_GenerateKeyPair",
    "C_GetAttributeValue",
    "C_GetInfo",
    "C_GetMechanismInfo",
    "C_GetMechanismList",
    "C_GetSessionInfo",
    "C_GetSlotInfo",
    "C_GetSlotList",
    "C_GetTokenInfo",
    "C_Initialize",
    "C_Login",
    "C_OpenSession",
    "C_SetAttributeValue",
    "C_Verify",
    "C_VerifyInit",
];

/// Counts calls from many threads without any of them waiting.
#[derive(Debug, Default)]
pub(crate) struct CallCounts([AtomicU64; FUNCTIONS.len()]);

impl CallCounts {
    pub(crate) fn count(&self, function: &str) {
        let counts = FUNCTIONS.iter().zip(&self.0);
        for (_, count) in counts.filter(|(known, _)| **known == function) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns every function that was called.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        let counted = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        FUNCTIONS.into_iter().zip(counted).filter(|(_, count)| *count > 0).collect()
    }
}
