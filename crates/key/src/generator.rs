//! Making key pairs.

use core::fmt;

use crate::{KeyAlgorithm, KeyError, KeyInfo, SigningKey};

/// What key pair to make.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyTemplate {
    /// Key type and size.
    pub algorithm: KeyAlgorithm,
    /// The label both halves get (`CKA_LABEL`, UTF-8), where the backend has labels.
    pub label: Option<String>,
    /// The identifier both halves get (`CKA_ID`); without one, the SHA-1 of the public key's BIT
    /// STRING, as RFC 5280 section 4.2.1.2 (1) makes subject key identifiers.
    pub id: Option<Vec<u8>>,
}

impl KeyTemplate {
    /// Asks for a pair of this type, unlabelled.
    #[must_use]
    pub const fn new(algorithm: KeyAlgorithm) -> Self {
        Self { algorithm, label: None, id: None }
    }

    /// Sets the label.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the identifier.
    #[must_use]
    pub fn with_id(mut self, id: Vec<u8>) -> Self {
        self.id = Some(id);
        self
    }
}

/// A backend that can make key pairs.
pub trait KeyGenerator: fmt::Debug {
    /// Makes a pair that signs, whose private half never leaves the backend in the clear.
    ///
    /// # Errors
    /// [`KeyErrorKind::NotPermitted`](crate::KeyErrorKind::NotPermitted) for a type or size the backend
    /// will not make, [`KeyErrorKind::AlreadyExists`](crate::KeyErrorKind::AlreadyExists) where
    /// a key of that label, identifier or file name is there.
    fn generate(&self, template: &KeyTemplate) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError>;
}
