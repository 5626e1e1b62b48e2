//! What a store knows of a certificate beside the certificate.

use core::fmt;

use crate::wide;

/// The number of a certificate property (`CERT_*_PROP_ID` of wincrypt.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PropertyId(u32);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $text:literal;)+) => {
        impl PropertyId {
            $($(#[$doc])* pub const $name: Self = Self($id);)+

            /// Returns a short name for those that have one.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($id => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

ids! {
    /// Where the private key is: a [`KeyBinding`](crate::KeyBinding).
    KEY_PROVIDER_INFO = 2, "key-provider-info";
    /// SHA-1 of the certificate. Written for others; never believed when read.
    SHA1_HASH = 3, "sha1-hash";
    /// MD5 of the certificate. As above.
    MD5_HASH = 4, "md5-hash";
    /// DER of the purposes the certificate may be used for here, an `ExtKeyUsageSyntax`.
    ENHANCED_KEY_USAGE = 9, "enhanced-key-usage";
    /// A name for people, UTF-16LE with a final zero.
    FRIENDLY_NAME = 11, "friendly-name";
    /// A description for people, UTF-16LE with a final zero.
    DESCRIPTION = 13, "description";
    /// Hash of what is signed in the certificate. Written for others; never believed when read.
    SIGNATURE_HASH = 15, "signature-hash";
    /// There, with nothing in it, where the certificate is out of use.
    ARCHIVED = 19, "archived";
    /// The subject key identifier.
    KEY_IDENTIFIER = 20, "key-identifier";
    /// SHA-256 of the certificate. Written for others; never believed when read.
    SHA256_HASH = 107, "sha256-hash";
}

impl PropertyId {
    /// The highest number a property can have.
    pub const MAX: Self = Self(0xffff);

    /// The numbers of the records that hold a certificate, a revocation list or a trust list.
    pub(crate) const CONTEXTS: core::ops::RangeInclusive<u32> = 32..=34;

    /// Takes a number; `None` for 0, for those of certificates themselves (32 to 34), and for more than 65535.
    #[must_use]
    pub fn new(id: u32) -> Option<Self> {
        let free = id != 0 && id <= Self::MAX.0 && !Self::CONTEXTS.contains(&id);
        free.then_some(Self(id))
    }

    /// Returns the number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for PropertyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => self.0.fmt(f),
        }
    }
}

/// Why a property cannot be read as what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// No UTF-16LE with a final zero.
    #[error("property {0} is no UTF-16 text with a final zero")]
    Text(PropertyId),
    /// No key provider info.
    #[error("property 2 (key-provider-info) is broken: {0}")]
    Binding(#[from] crate::BindingError),
}

/// The properties of a certificate, in the order they were read or set; each number once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(Vec<(PropertyId, Vec<u8>)>);

impl Properties {
    /// Has none.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Returns a property's bytes as they are stored.
    #[must_use]
    pub fn get(&self, id: PropertyId) -> Option<&[u8]> {
        self.0.iter().find(|(other, _)| *other == id).map(|(_, value)| value.as_slice())
    }

    /// Sets a property, in its old place where it is there already.
    pub fn set(&mut self, id: PropertyId, value: impl Into<Vec<u8>>) {
        let value = value.into();
        match self.0.iter_mut().find(|(other, _)| *other == id) {
            Some((_, old)) => *old = value,
            None => self.0.push((id, value)),
        }
    }

    /// Removes a property and returns it.
    pub fn remove(&mut self, id: PropertyId) -> Option<Vec<u8>> {
        let index = self.0.iter().position(|(other, _)| *other == id)?;
        Some(self.0.remove(index).1)
    }

    /// Iterates in their order.
    pub fn iter(&self) -> impl Iterator<Item = (PropertyId, &[u8])> {
        self.0.iter().map(|(id, value)| (*id, value.as_slice()))
    }

    /// Returns how many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether the same properties have the same values, in whatever order.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(id, value)| other.get(id) == Some(value))
    }

    /// Reads a property that is text.
    ///
    /// # Errors
    /// [`PropertyError::Text`].
    pub fn text(&self, id: PropertyId) -> Result<Option<String>, PropertyError> {
        let read = |value| wide::decode(value).ok_or(PropertyError::Text(id));
        self.get(id).map(read).transpose()
    }

    /// Sets a property that is text. A zero in it would end it, so it ends there.
    pub fn set_text(&mut self, id: PropertyId, text: &str) {
        let text = text.split('\0').next().unwrap_or_default();
        self.set(id, wide::encode(text));
    }
}
