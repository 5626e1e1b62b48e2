//! Why a search found what it found.

use core::fmt;

use chancery_key::{KeyError, KeyInfo, KeyQuery};
use cryptoki_sys::{
    CKA_CLASS, CKA_ID, CKA_LABEL, CKO_CERTIFICATE, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
};

use super::{KeyObject, TokenStore, public_object};
use crate::raw::{Attribute, Session};
use crate::{ObjectType, Pkcs11Error, Uri};

/// An object that a search looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeenObject {
    /// Where it is.
    pub address: Uri,
    /// Why it is not what was looked for; `None` where it is.
    pub rejection: Option<Rejection>,
}

/// Why an object is not the key that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// It has another public key or modulus.
    OtherPublicKey,
    /// Neither it nor an object beside it tells its public key.
    UnknownPublicKey,
    /// It has another label.
    OtherLabel,
    /// It has another identifier.
    OtherId,
    /// It is the public half or a certificate of what was looked for, and the private half is not in the token.
    NoPrivateKey,
}

impl Rejection {
    /// Returns the stable kebab-case name used in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OtherPublicKey => "other-public-key",
            Self::UnknownPublicKey => "unknown-public-key",
            Self::OtherLabel => "other-label",
            Self::OtherId => "other-id",
            Self::NoPrivateKey => "no-private-key",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherPublicKey => "has another public key",
            Self::UnknownPublicKey => "does not tell its public key, and nothing beside it does",
            Self::OtherLabel => "has another label",
            Self::OtherId => "has another identifier",
            Self::NoPrivateKey => "fits, but its private key is not in the token",
        })
    }
}

impl TokenStore {
    /// Looks at every private key, and at the public keys and certificates that fit the query's public key, and says
    /// of each whether it is what the query asks for, or why not.
    ///
    /// # Errors
    /// What keeps the token from being searched.
    pub fn explain(&self, query: &KeyQuery) -> Result<Vec<SeenObject>, KeyError> {
        self.run(|session| {
            self.explain_in(session, query).map_err(|error| self.search_error(error))
        })
    }

    fn explain_in(
        &self,
        session: &mut Session,
        query: &KeyQuery,
    ) -> Result<Vec<SeenObject>, Pkcs11Error> {
        let number = number_of(query);
        let mut seen = Vec::new();
        let mut has_private_half = query.public_key.is_none() && query.modulus.is_none();
        for handle in session.find(&[Attribute::number(CKA_CLASS, CKO_PRIVATE_KEY)])? {
            let object = KeyObject::read(session, handle)?;
            has_private_half |= object.is_wanted(&number);
            let rejection = rejection(&object, query);
            seen.push(SeenObject { address: self.address_of(&object), rejection });
        }
        if has_private_half {
            return Ok(seen);
        }
        for (class, object_type) in
            [(CKO_PUBLIC_KEY, ObjectType::Public), (CKO_CERTIFICATE, ObjectType::Cert)]
        {
            for handle in session.find(&[Attribute::number(CKA_CLASS, class)])? {
                let Some(key) = public_object(session, handle)? else { continue };
                if !number.matches(&KeyInfo::new("").with_public_key(key)) {
                    continue;
                }
                let told = session.read(handle, &[CKA_LABEL, CKA_ID])?;
                let mut address = self.token().address().clone().with_type(object_type);
                let label = told.bytes(CKA_LABEL).map(<[u8]>::to_vec);
                address.object = label.and_then(|label| String::from_utf8(label).ok());
                address.id = told.bytes(CKA_ID).map(<[u8]>::to_vec);
                seen.push(SeenObject { address, rejection: Some(Rejection::NoPrivateKey) });
            }
        }
        Ok(seen)
    }
}

fn rejection(object: &KeyObject, query: &KeyQuery) -> Option<Rejection> {
    if object.is_wanted(query) {
        return None;
    }
    let wants_number = query.public_key.is_some() || query.modulus.is_some();
    let number = number_of(query);
    Some(match &object.public_key {
        None if wants_number => Rejection::UnknownPublicKey,
        _ if !object.is_wanted(&number) => Rejection::OtherPublicKey,
        _ if query.id.is_some() && query.id != object.id => Rejection::OtherId,
        _ => Rejection::OtherLabel,
    })
}

/// The part of a query that asks for a public key.
fn number_of(query: &KeyQuery) -> KeyQuery {
    let mut number = KeyQuery::any();
    number.public_key.clone_from(&query.public_key);
    number.modulus.clone_from(&query.modulus);
    number
}
