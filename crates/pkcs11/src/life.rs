//! What becomes of keys after they were made: new names, and their end.

use chancery_key::{KeyError, KeyErrorKind, KeyInfo, KeyQuery, KeyStore, Match, PublicKey};
use cryptoki_sys::{
    CK_OBJECT_CLASS, CKA_CLASS, CKA_ID, CKA_LABEL, CKO_CERTIFICATE, CKO_PUBLIC_KEY,
};

use crate::raw::{Attribute, ObjectHandle, Session};
use crate::store::{KeyObject, public_object};
use crate::{Pkcs11Error, TokenStore, Uri};

impl TokenStore {
    /// Gives a key another label, identifier, or both, and the same to its public half and its certificates, so
    /// that they stay together. Returns the key as it is called now.
    ///
    /// # Errors
    /// As for opening the key; [`KeyErrorKind::AlreadyExists`] where another key is called so;
    /// [`KeyErrorKind::NotPermitted`] where the token does not let names change, and then they are as before.
    pub fn rename_key(
        &self,
        uri: &Uri,
        label: Option<&str>,
        id: Option<&[u8]>,
    ) -> Result<KeyInfo, KeyError> {
        let key = self.find_one(uri)?;
        let mut taken = Vec::new();
        taken.extend(label.map(|label| KeyQuery::any().with_label(label)));
        taken.extend(id.map(|id| KeyQuery::any().with_id(id.to_vec())));
        for query in taken {
            if let Match::One(other) = self.find(&query)?
                && other.address != self.info(&key).address
            {
                let message = format!("there is key `{}` already", other.address);
                return Err(KeyError::new(KeyErrorKind::AlreadyExists, message));
            }
        }
        let mut new = Vec::new();
        new.extend(label.map(|label| Attribute::bytes(CKA_LABEL, label.as_bytes())));
        new.extend(id.map(|id| Attribute::bytes(CKA_ID, id)));
        self.token().write(&**self.pins(), |session| {
            let failed = |error| self.life_error(&key, "keeps its name", error);
            let mut objects = vec![self.again(session, &key)?];
            for class in [CKO_PUBLIC_KEY, CKO_CERTIFICATE] {
                objects.extend(companions(session, class, &key).map_err(failed)?);
            }
            rename_all(session, &objects, &new).map_err(failed)?;
            let object = objects.first().copied().unwrap_or(key.handle);
            let renamed = KeyObject::read(session, object).map_err(failed)?;
            Ok(self.info(&renamed))
        })
    }

    /// Deletes a key for good: its private half, and the public half with the same identifier. Certificates stay.
    /// Returns what was deleted.
    ///
    /// # Errors
    /// As for opening the key, and what keeps the token from deleting it.
    pub fn delete_key(&self, uri: &Uri) -> Result<KeyInfo, KeyError> {
        let key = self.find_one(uri)?;
        self.token().write(&**self.pins(), |session| {
            let private = self.again(session, &key)?;
            let public = companions(session, CKO_PUBLIC_KEY, &key)
                .map_err(|error| self.life_error(&key, "was not deleted", error))?;
            session
                .destroy(private)
                .map_err(|error| self.life_error(&key, "was not deleted", error))?;
            for half in public {
                session.destroy(half).map_err(|error| {
                    self.life_error(&key, "was deleted, but not its public half", error)
                })?;
            }
            Ok(self.info(&key))
        })
    }

    /// Finds the object again in this session: its handle may be of an earlier login.
    fn again(&self, session: &mut Session, key: &KeyObject) -> Result<ObjectHandle, KeyError> {
        let mut query = KeyQuery::any();
        query.label.clone_from(&key.label);
        query.id.clone_from(&key.id);
        query.public_key.clone_from(&key.public_key);
        match self.search_in(session, &query)?.as_slice() {
            [only] => Ok(only.handle),
            _ => {
                let address = self.address_of(key);
                let message = format!("key `{address}` was changed meanwhile by somebody else");
                Err(KeyError::new(KeyErrorKind::NotFound, message))
            }
        }
    }

    fn life_error(&self, key: &KeyObject, what: &str, error: Pkcs11Error) -> KeyError {
        error.at(format!("key `{}` {what}", self.address_of(key)))
    }
}

/// The objects of another class that are of this key: same identifier, same public key.
fn companions(
    session: &mut Session,
    class: CK_OBJECT_CLASS,
    key: &KeyObject,
) -> Result<Vec<ObjectHandle>, Pkcs11Error> {
    let (Some(id), Some(public_key)) = (&key.id, &key.public_key) else { return Ok(Vec::new()) };
    let wanted = [Attribute::number(CKA_CLASS, class), Attribute::bytes(CKA_ID, id.as_slice())];
    let mut found = Vec::new();
    for handle in session.find(&wanted)? {
        let its_key: Option<PublicKey> = public_object(session, handle)?;
        if its_key.as_ref() == Some(public_key) {
            found.push(handle);
        }
    }
    Ok(found)
}

/// Sets attributes on all objects or, as far as the token allows, on none.
fn rename_all(
    session: &mut Session,
    objects: &[ObjectHandle],
    new: &[Attribute],
) -> Result<(), Pkcs11Error> {
    let mut changed = Vec::new();
    for object in objects {
        for attribute in new {
            let old = session.read(*object, &[attribute.kind()])?;
            let old = old.bytes(attribute.kind()).unwrap_or_default().to_vec();
            if let Err(error) = session.set_attribute(*object, attribute) {
                for (object, attribute) in changed.iter().rev() {
                    // What cannot be taken back stays; the error says that names are as they were tried.
                    let _ = session.set_attribute(*object, attribute);
                }
                return Err(error);
            }
            changed.push((*object, Attribute::bytes(attribute.kind(), old)));
        }
    }
    Ok(())
}
