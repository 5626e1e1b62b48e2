//! Making key pairs in a token.

use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate,
    Match, SigningKey,
};
use cryptoki_sys::{
    CK_ULONG, CKA_CLASS, CKA_DECRYPT, CKA_EC_PARAMS, CKA_ENCRYPT, CKA_EXTRACTABLE, CKA_ID,
    CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS_BITS, CKA_PRIVATE, CKA_PUBLIC_EXPONENT, CKA_SENSITIVE,
    CKA_SIGN, CKA_TOKEN, CKA_UNWRAP, CKA_VERIFY, CKA_WRAP, CKK_EC, CKK_RSA, CKM_EC_KEY_PAIR_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKR_ATTRIBUTE_READ_ONLY,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,
};
use sha1::{Digest, Sha1};

use crate::raw::{Attribute, Mechanism, ObjectHandle, Session};
use crate::store::{KeyObject, ec_parameters, public_object};
use crate::{Pkcs11Error, Pkcs11Key, TokenStore};

/// The modulus lengths we make, in bits: what the CA/Browser Forum and every token agree on.
const RSA_BITS: [u32; 3] = [2048, 3072, 4096];

/// 65537, big-endian.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// The length of an identifier chosen before the public key is known, in bytes: as long as a SHA-1.
const RANDOM_ID_LEN: usize = 20;

impl TokenStore {
    /// Makes a key pair; [`KeyGenerator::generate`] with the token's own type.
    ///
    /// # Errors
    /// As [`KeyGenerator::generate`], and what keeps the token from making it.
    pub fn generate_key(&self, template: &KeyTemplate) -> Result<Pkcs11Key, KeyError> {
        let recipe = Recipe::of(template.algorithm)?;
        self.refuse_existing(template)?;
        let wanted_id = match &template.id {
            Some(id) => id.clone(),
            None => random_id()?,
        };
        let named = Named { label: template.label.as_deref(), id: Some(&wanted_id) };
        let (made, epoch) = self.token().write(&**self.pins(), |session| {
            let mut make = |named| {
                let (public, private) = (recipe.public(named), recipe.private(named));
                session.generate_key_pair(recipe.mechanism, &public, &private)
            };
            let (public, private) = match make(named) {
                // Some tokens choose identifiers themselves.
                Err(error) if template.id.is_none() && refuses_attribute(&error) => {
                    make(Named { id: None, ..named })
                }
                made => made,
            }
            .map_err(|error| self.generation_error(template, error))?;
            if template.id.is_none() {
                self.name_after_public_key(session, public, private)?;
            }
            let epoch = self.token().epoch();
            KeyObject::read_pair(session, private, public)
                .map(|made| (made, epoch))
                .map_err(|error| error.at(self.about(template, "was made and cannot be read back")))
        })?;
        Pkcs11Key::new(self.clone(), made, epoch)
    }

    fn refuse_existing(&self, template: &KeyTemplate) -> Result<(), KeyError> {
        let mut queries = Vec::new();
        queries.extend(template.label.as_ref().map(|label| KeyQuery::any().with_label(label)));
        queries.extend(template.id.as_ref().map(|id| KeyQuery::any().with_id(id.clone())));
        for query in queries {
            let existing = match self.find(&query)? {
                Match::None => continue,
                Match::One(existing) => existing.address,
                Match::Many(existing) => {
                    let addresses: Vec<_> = existing.into_iter().map(|key| key.address).collect();
                    addresses.join("` and `")
                }
            };
            return Err(KeyError::new(
                KeyErrorKind::AlreadyExists,
                format!("there is key `{existing}` already"),
            ));
        }
        Ok(())
    }

    /// Replaces the identifier by the SHA-1 of the public key, as certificates' subject key identifiers have it.
    /// Tokens that do not let identifiers change keep what there is, on both halves.
    fn name_after_public_key(
        &self,
        session: &mut Session,
        public: ObjectHandle,
        private: ObjectHandle,
    ) -> Result<(), KeyError> {
        let unreadable = |error: Pkcs11Error| {
            error.at(format!(
                "a key pair was made in token `{}` and cannot be read",
                self.token().info().label
            ))
        };
        let read = public_object(session, public).map_err(unreadable)?;
        let told = session.read(private, &[CKA_ID]).map_err(unreadable)?;
        let old_id = told.bytes(CKA_ID).unwrap_or_default();
        let Some(key) = read else { return Ok(()) };
        let id = Attribute::bytes(CKA_ID, Sha1::digest(key.subject_public_key()).to_vec());
        if session.set_attribute(private, &id).is_ok()
            && session.set_attribute(public, &id).is_err()
        {
            session.set_attribute(private, &Attribute::bytes(CKA_ID, old_id)).map_err(|error| {
                error.at(format!(
                    "the halves of a key pair made in token `{}` have different identifiers",
                    self.token().info().label
                ))
            })?;
        }
        Ok(())
    }

    fn generation_error(&self, template: &KeyTemplate, error: Pkcs11Error) -> KeyError {
        let kind = match error.kind() {
            // In making keys, what a token does not support is a type or size it will not make.
            KeyErrorKind::UnsupportedScheme => KeyErrorKind::NotPermitted,
            kind => kind,
        };
        KeyError::new(kind, self.about(template, "cannot be made")).with_source(error)
    }

    fn about(&self, template: &KeyTemplate, what: &str) -> String {
        format!("key {} in token `{}` {what}", template.algorithm, self.token().info().label)
    }
}

impl KeyGenerator for TokenStore {
    fn generate(&self, template: &KeyTemplate) -> Result<(KeyInfo, Box<dyn SigningKey>), KeyError> {
        let key = self.generate_key(template)?;
        Ok((key.info().clone(), Box::new(key)))
    }
}

/// Tells whether a token refused a template for what is in it.
fn refuses_attribute(error: &Pkcs11Error) -> bool {
    [
        CKR_ATTRIBUTE_READ_ONLY,
        CKR_ATTRIBUTE_TYPE_INVALID,
        CKR_ATTRIBUTE_VALUE_INVALID,
        CKR_TEMPLATE_INCONSISTENT,
    ]
    .into_iter()
    .any(|rv| error.is(rv))
}

/// Label and identifier, the same on both halves.
#[derive(Clone, Copy)]
struct Named<'a> {
    label: Option<&'a str>,
    id: Option<&'a [u8]>,
}

impl Named<'_> {
    fn attributes(self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        attributes.extend(self.id.map(|id| Attribute::bytes(CKA_ID, id)));
        attributes.extend(self.label.map(|label| Attribute::bytes(CKA_LABEL, label.as_bytes())));
        attributes
    }
}

/// How a key type is made.
#[derive(Debug)]
struct Recipe {
    mechanism: Mechanism,
    key_type: CK_ULONG,
    /// The attributes of the public half that say what to make. On the private half they are left out: AWS
    /// CloudHSM then makes a key that cannot be used.
    parameters: Vec<Attribute>,
}

impl Recipe {
    fn of(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa { bits } if RSA_BITS.contains(&bits) => Ok(Self {
                mechanism: Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN),
                key_type: CKK_RSA,
                parameters: vec![
                    Attribute::number(CKA_MODULUS_BITS, CK_ULONG::from(bits)),
                    Attribute::bytes(CKA_PUBLIC_EXPONENT, PUBLIC_EXPONENT),
                    Attribute::flag(CKA_ENCRYPT, false),
                    Attribute::flag(CKA_WRAP, false),
                ],
            }),
            KeyAlgorithm::Ec(curve) => Ok(Self {
                mechanism: Mechanism::plain(CKM_EC_KEY_PAIR_GEN),
                key_type: CKK_EC,
                parameters: vec![Attribute::bytes(CKA_EC_PARAMS, ec_parameters(curve))],
            }),
            _ => Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("{algorithm} is no type of key we make in tokens"),
            )),
        }
    }

    fn public(&self, named: Named<'_>) -> Vec<Attribute> {
        let mut attributes = vec![
            Attribute::number(CKA_CLASS, CKO_PUBLIC_KEY),
            Attribute::number(CKA_KEY_TYPE, self.key_type),
            Attribute::flag(CKA_TOKEN, true),
            Attribute::flag(CKA_VERIFY, true),
        ];
        attributes.extend_from_slice(&self.parameters);
        attributes.extend(named.attributes());
        attributes
    }

    fn private(&self, named: Named<'_>) -> Vec<Attribute> {
        let mut attributes = vec![
            Attribute::number(CKA_CLASS, CKO_PRIVATE_KEY),
            Attribute::number(CKA_KEY_TYPE, self.key_type),
            Attribute::flag(CKA_TOKEN, true),
            Attribute::flag(CKA_PRIVATE, true),
            Attribute::flag(CKA_SENSITIVE, true),
            Attribute::flag(CKA_EXTRACTABLE, false),
            Attribute::flag(CKA_SIGN, true),
            Attribute::flag(CKA_DECRYPT, false),
            Attribute::flag(CKA_UNWRAP, false),
        ];
        attributes.extend(named.attributes());
        attributes
    }
}

fn random_id() -> Result<Vec<u8>, KeyError> {
    let mut id = vec![0; RANDOM_ID_LEN];
    getrandom::fill(&mut id).map_err(|error| {
        KeyError::new(KeyErrorKind::Device, "the system gives no random numbers").with_source(error)
    })?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use chancery_key::EcCurve;

    use super::*;

    #[test]
    fn weak_odd_and_foreign_types_are_not_made() {
        for bits in [512, 1024, 2047, 2049, 8192] {
            let error = Recipe::of(KeyAlgorithm::Rsa { bits }).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::NotPermitted, "{bits}");
        }
        let other = KeyAlgorithm::Other(EcCurve::P256.oid());
        assert_eq!(Recipe::of(other).unwrap_err().kind(), KeyErrorKind::NotPermitted);
    }
}
