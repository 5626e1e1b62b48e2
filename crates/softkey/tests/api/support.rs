//! Keys and passphrases that the tests share.

use std::sync::{LazyLock, Mutex};

use chancery_key::{
    EcCurve, KeyAlgorithm, KeyError, KeyErrorKind, Pin, PinPurpose, PinRequest, PinSource,
};
use chancery_softkey::SoftKey;

/// Making RSA keys takes seconds; one serves all tests of a run.
static RSA: LazyLock<SoftKey> =
    LazyLock::new(|| SoftKey::generate(KeyAlgorithm::Rsa { bits: 2048 }).unwrap());

pub(crate) fn rsa() -> &'static SoftKey {
    &RSA
}

pub(crate) fn ec(curve: EcCurve) -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ec(curve)).unwrap()
}

pub(crate) fn ed25519() -> SoftKey {
    SoftKey::generate(KeyAlgorithm::Ed25519).unwrap()
}

/// Gives one passphrase, and remembers what it was asked.
#[derive(Debug)]
pub(crate) struct Passphrase {
    passphrase: Option<&'static str>,
    asked: Mutex<Vec<PinPurpose>>,
}

impl Passphrase {
    pub(crate) const fn new(passphrase: &'static str) -> Self {
        Self { passphrase: Some(passphrase), asked: Mutex::new(Vec::new()) }
    }

    pub(crate) const fn none() -> Self {
        Self { passphrase: None, asked: Mutex::new(Vec::new()) }
    }

    pub(crate) fn asked(&self) -> Vec<PinPurpose> {
        self.asked.lock().unwrap().clone()
    }
}

impl PinSource for Passphrase {
    fn pin(&self, request: &PinRequest) -> Result<Pin, KeyError> {
        self.asked.lock().unwrap().push(request.purpose.clone());
        self.passphrase
            .map(|passphrase| Pin::new(passphrase.into()))
            .ok_or_else(|| KeyError::new(KeyErrorKind::AuthRequired, "nobody to ask"))
    }
}

/// Returns an error's message with those of its sources, as a command would print it.
pub(crate) fn chain(error: &KeyError) -> String {
    let mut text = error.to_string();
    let mut source = core::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
