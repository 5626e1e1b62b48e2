//! A private key object as the token describes it.

use chancery_key::{KeyInfo, KeyQuery, PublicKey};
use cryptoki_sys::{
    CK_MECHANISM_TYPE, CKA_ALLOWED_MECHANISMS, CKA_ALWAYS_AUTHENTICATE, CKA_DECRYPT, CKA_EC_PARAMS,
    CKA_EC_POINT, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS,
    CKA_NEVER_EXTRACTABLE, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_SENSITIVE, CKA_SIGN,
    CKA_UNWRAP,
};

use super::public;
use crate::raw::{Attributes, ObjectHandle, Session};
use crate::{ObjectType, Pkcs11Error, Uri};

/// A private key and what of it can be told without using it.
#[derive(Debug)]
pub(crate) struct KeyObject {
    pub(crate) handle: ObjectHandle,
    /// `CKA_LABEL`; a label that is not UTF-8 cannot be part of an address and counts as none.
    pub(crate) label: Option<String>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) public_key: Option<PublicKey>,
    pub(crate) can_sign: bool,
    pub(crate) always_authenticate: bool,
    /// `CKA_ALLOWED_MECHANISMS`, where the key has fewer than the token.
    pub(crate) allowed_mechanisms: Option<Vec<CK_MECHANISM_TYPE>>,
    never_extractable: Option<bool>,
    can_decrypt: Option<bool>,
    /// Whether its value can be read or taken out wrapped, now and by whoever is logged in.
    pub(crate) is_open: bool,
}

impl KeyObject {
    pub(crate) fn read(session: &mut Session, handle: ObjectHandle) -> Result<Self, Pkcs11Error> {
        let told = Self::told(session, handle)?;
        let public_key = public::of_private_key(session, handle, &told)?;
        Ok(Self::new(handle, &told, public_key))
    }

    /// Reads a private key whose public half is known.
    pub(crate) fn read_pair(
        session: &mut Session,
        private: ObjectHandle,
        public: ObjectHandle,
    ) -> Result<Self, Pkcs11Error> {
        let told = Self::told(session, private)?;
        let public_key = public::public_object(session, public)?;
        Ok(Self::new(private, &told, public_key))
    }

    fn told(session: &mut Session, handle: ObjectHandle) -> Result<Attributes, Pkcs11Error> {
        session.read(
            handle,
            &[
                CKA_KEY_TYPE,
                CKA_LABEL,
                CKA_ID,
                CKA_SIGN,
                CKA_SENSITIVE,
                CKA_NEVER_EXTRACTABLE,
                CKA_EXTRACTABLE,
                CKA_DECRYPT,
                CKA_UNWRAP,
                CKA_ALWAYS_AUTHENTICATE,
                CKA_ALLOWED_MECHANISMS,
                CKA_MODULUS,
                CKA_PUBLIC_EXPONENT,
                CKA_EC_PARAMS,
                CKA_EC_POINT,
                CKA_PUBLIC_KEY_INFO,
            ],
        )
    }

    fn new(handle: ObjectHandle, told: &Attributes, public_key: Option<PublicKey>) -> Self {
        Self {
            handle,
            label: told.bytes(CKA_LABEL).and_then(|label| String::from_utf8(label.to_vec()).ok()),
            id: told.bytes(CKA_ID).map(<[u8]>::to_vec),
            public_key,
            can_sign: told.flag(CKA_SIGN).unwrap_or(false),
            always_authenticate: told.flag(CKA_ALWAYS_AUTHENTICATE).unwrap_or(false),
            allowed_mechanisms: told.numbers(CKA_ALLOWED_MECHANISMS),
            never_extractable: never_extractable(told),
            can_decrypt: can_decrypt(told),
            is_open: told.flag(CKA_SENSITIVE) == Some(false)
                || told.flag(CKA_EXTRACTABLE) == Some(true),
        }
    }

    /// Says where the key is: the token's address, and the key's own attributes.
    pub(crate) fn address(&self, token: &Uri) -> Uri {
        let mut uri = token.clone().with_type(ObjectType::Private);
        uri.object.clone_from(&self.label);
        uri.id.clone_from(&self.id);
        uri
    }

    pub(crate) fn info(&self, token: &Uri) -> KeyInfo {
        let mut info = KeyInfo::new(self.address(token).to_string());
        info.public_key.clone_from(&self.public_key);
        info.label.clone_from(&self.label);
        info.id.clone_from(&self.id);
        info.can_sign = self.can_sign;
        info.never_extractable = self.never_extractable;
        info.can_decrypt = self.can_decrypt;
        info
    }

    /// Tells whether this is a key the query asks for.
    pub(crate) fn is_wanted(&self, query: &KeyQuery) -> bool {
        let mut query = query.clone();
        // An empty label or identifier asks for an object without one.
        let unlabelled =
            query.label.take_if(|label| label.is_empty()).is_none_or(|_| self.label.is_none());
        let unnamed = query.id.take_if(|id| id.is_empty()).is_none_or(|_| self.id.is_none());
        unlabelled && unnamed && query.matches(&self.info(&Uri::new()))
    }
}

/// A key that was ever extractable, or whose value can be read now, may be elsewhere too.
fn never_extractable(told: &Attributes) -> Option<bool> {
    match (told.flag(CKA_NEVER_EXTRACTABLE), told.flag(CKA_SENSITIVE)) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), _) => Some(true),
        (None, _) => None,
    }
}

/// A token that tells of one of the two and denies it leaves the other open.
fn can_decrypt(told: &Attributes) -> Option<bool> {
    match (told.flag(CKA_DECRYPT), told.flag(CKA_UNWRAP)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}
