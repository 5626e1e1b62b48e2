//! Making key pairs in a token.

use chancery_key::{
    KeyAlgorithm, KeyError, KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate,
    Match, SigningKey,
};
use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_ULONG, CKA_CLASS, CKA_DECRYPT, CKA_EC_PARAMS, CKA_ENCRYPT,
    CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS_BITS, CKA_PRIVATE,
    CKA_PUBLIC_EXPONENT, CKA_SENSITIVE, CKA_SIGN, CKA_TOKEN, CKA_UNWRAP, CKA_VERIFY, CKA_WRAP,
    CKK_EC, CKK_EC_EDWARDS, CKK_RSA, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EC_KEY_PAIR_GEN,
    CKM_RSA_PKCS_KEY_PAIR_GEN, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKR_ATTRIBUTE_READ_ONLY,
    CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_CURVE_NOT_SUPPORTED,
    CKR_DOMAIN_PARAMS_INVALID, CKR_TEMPLATE_INCONSISTENT,
};
use sha1::{Digest, Sha1};

use crate::raw::{Attribute, Mechanism, ObjectHandle, Session};
use crate::store::{KeyObject, ec_parameters, ed25519_parameters, public_object};
use crate::{Pkcs11Error, Pkcs11Key, TokenStore};

/// The modulus lengths we make, in bits: what the CA/Browser Forum and every token agree on.
const RSA_BITS: [u32; 3] = [2048, 3072, 4096];

/// 65537, big-endian.
const PUBLIC_EXPONENT: [u8; 3] = [1, 0, 1];

/// Who makes tpm2-pkcs11, as `C_GetInfo` tells.
const TPM2_SOFTWARE: &str = "tpm2-software.github.io";

/// The length of an identifier chosen before the public key is known, in bytes: as long as a SHA-1.
const RANDOM_ID_LEN: usize = 20;

impl TokenStore {
    /// Makes a key pair; [`KeyGenerator::generate`] with the token's own type.
    ///
    /// # Errors
    /// As [`KeyGenerator::generate`], and what keeps the token from making it.
    pub fn generate_key(&self, template: &KeyTemplate) -> Result<Pkcs11Key, KeyError> {
        let recipes = Recipe::of(template.algorithm)?;
        self.refuse_existing(template)?;
        let wanted_id = match &template.id {
            Some(id) => id.clone(),
            None => random_id()?,
        };
        let wishes = self.wishes(template, &wanted_id);
        let (made, epoch) = self.token().write(&**self.pins(), |session| {
            let (public, private) = make(session, &recipes, &wishes)
                .map_err(|error| self.generation_error(template, error))?;
            if template.id.is_none() {
                self.name_after_public_key(session, public, private)?;
            }
            let epoch = self.token().epoch();
            let made = KeyObject::read_pair(session, private, public).map_err(|error| {
                error.at(self.about(template, "was made and cannot be read back"))
            })?;
            if made.is_open {
                return Err(self.refuse_open(session, template, public, private));
            }
            Ok((made, epoch))
        })?;
        Pkcs11Key::new(self.clone(), made, epoch)
    }

    /// Says in which forms the templates are tried, best first; each further one only where a template was refused.
    fn wishes<'a>(&self, template: &'a KeyTemplate, id: &'a [u8]) -> Vec<Wish<'a>> {
        let label = template.label.as_deref();
        // tpm2-pkcs11 (1.9) takes no word on decrypting, and fails with CKR_GENERAL_ERROR at it, which may not be
        // answered by making another pair.
        let usages: &[Usage] = match self.token().module_manufacturer() {
            TPM2_SOFTWARE => &[Usage::Unsaid],
            _ => &[Usage::SignOnly, Usage::Unsaid],
        };
        // Some tokens choose identifiers themselves.
        let ids: &[Option<&[u8]>] =
            if template.id.is_some() { &[Some(id)] } else { &[Some(id), None] };
        let mut wishes = Vec::new();
        for usage in usages.iter().copied() {
            wishes.extend(ids.iter().copied().map(|id| Wish { label, id, usage }));
        }
        wishes
    }

    /// Deletes a pair whose private half the token would give out against the template.
    fn refuse_open(
        &self,
        session: &mut Session,
        template: &KeyTemplate,
        public: ObjectHandle,
        private: ObjectHandle,
    ) -> KeyError {
        // Both, and both before anything is said.
        let ends = [session.destroy(private), session.destroy(public)];
        let message = "came out extractable or not sensitive, against what was asked for";
        match ends.into_iter().find_map(Result::err) {
            None => KeyError::new(
                KeyErrorKind::NotPermitted,
                self.about(template, &format!("{message}, and was deleted")),
            ),
            Some(error) => KeyError::new(
                KeyErrorKind::NotPermitted,
                self.about(template, &format!("{message}, and is still there")),
            )
            .with_source(error),
        }
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

/// Tells whether a token refused the name of a curve, which it may know by another.
fn refuses_curve(error: &Pkcs11Error) -> bool {
    [CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID].into_iter().any(|rv| error.is(rv))
}

/// Makes a pair in the first of these forms that the token does not refuse for what is in its templates.
fn make(
    session: &mut Session,
    recipes: &[Recipe],
    wishes: &[Wish<'_>],
) -> Result<(ObjectHandle, ObjectHandle), Pkcs11Error> {
    let mut first_refusal = None;
    for recipe in recipes {
        for wish in wishes {
            let (public, private) = (recipe.public(*wish), recipe.private(*wish));
            let made = session.generate_key_pair(recipe.mechanism, &public, &private);
            let Err(error) = made else { return made };
            let curve_refused = refuses_curve(&error);
            if !curve_refused && !refuses_attribute(&error) {
                return Err(error);
            }
            // What was refused in the form we wanted says more than what became of the others.
            first_refusal.get_or_insert(error);
            if curve_refused {
                break;
            }
        }
    }
    Err(first_refusal.unwrap_or(Pkcs11Error::new("C_GenerateKeyPair", CKR_TEMPLATE_INCONSISTENT)))
}

/// What templates say beside the type of key.
#[derive(Clone, Copy)]
struct Wish<'a> {
    /// Label and identifier are the same on both halves.
    label: Option<&'a str>,
    id: Option<&'a [u8]>,
    usage: Usage,
}

/// What templates say of other uses than signing. That the private half does not leave is in every one of them.
#[derive(Clone, Copy)]
enum Usage {
    /// There are none.
    SignOnly,
    /// Nothing, which leaves it to the token.
    Unsaid,
}

impl Wish<'_> {
    fn names(self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        attributes.extend(self.id.map(|id| Attribute::bytes(CKA_ID, id)));
        attributes.extend(self.label.map(|label| Attribute::bytes(CKA_LABEL, label.as_bytes())));
        attributes
    }

    /// Denies other uses, where they are spoken of.
    fn denials(self, uses: &[CK_ATTRIBUTE_TYPE]) -> Vec<Attribute> {
        match self.usage {
            Usage::SignOnly => uses.iter().map(|use_| Attribute::flag(*use_, false)).collect(),
            Usage::Unsaid => Vec::new(),
        }
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
    /// What else the public half could be for.
    public_uses: &'static [CK_ATTRIBUTE_TYPE],
}

impl Recipe {
    /// Says how a type is made, in each form that tokens know it by.
    fn of(algorithm: KeyAlgorithm) -> Result<Vec<Self>, KeyError> {
        match algorithm {
            KeyAlgorithm::Rsa { bits } if RSA_BITS.contains(&bits) => Ok(vec![Self {
                mechanism: Mechanism::plain(CKM_RSA_PKCS_KEY_PAIR_GEN),
                key_type: CKK_RSA,
                parameters: vec![
                    Attribute::number(CKA_MODULUS_BITS, CK_ULONG::from(bits)),
                    Attribute::bytes(CKA_PUBLIC_EXPONENT, PUBLIC_EXPONENT),
                ],
                public_uses: &[CKA_ENCRYPT, CKA_WRAP],
            }]),
            KeyAlgorithm::Ed25519 => {
                let by_name = |parameters| Self {
                    mechanism: Mechanism::plain(CKM_EC_EDWARDS_KEY_PAIR_GEN),
                    key_type: CKK_EC_EDWARDS,
                    parameters: vec![Attribute::bytes(CKA_EC_PARAMS, parameters)],
                    public_uses: &[],
                };
                Ok(ed25519_parameters().map(by_name).into())
            }
            KeyAlgorithm::Ec(curve) => Ok(vec![Self {
                mechanism: Mechanism::plain(CKM_EC_KEY_PAIR_GEN),
                key_type: CKK_EC,
                parameters: vec![Attribute::bytes(CKA_EC_PARAMS, ec_parameters(curve))],
                public_uses: &[],
            }]),
            KeyAlgorithm::Rsa { .. } => {
                let lengths = RSA_BITS.map(|bits| bits.to_string()).join(", ");
                Err(KeyError::new(
                    KeyErrorKind::NotPermitted,
                    format!("{algorithm} is no type of key we make in tokens: {lengths} bits are"),
                ))
            }
            _ => Err(KeyError::new(
                KeyErrorKind::NotPermitted,
                format!("{algorithm} is no type of key we make in tokens"),
            )),
        }
    }

    fn public(&self, wish: Wish<'_>) -> Vec<Attribute> {
        let mut attributes = vec![
            Attribute::number(CKA_CLASS, CKO_PUBLIC_KEY),
            Attribute::number(CKA_KEY_TYPE, self.key_type),
            Attribute::flag(CKA_TOKEN, true),
            Attribute::flag(CKA_VERIFY, true),
        ];
        attributes.extend_from_slice(&self.parameters);
        attributes.extend(wish.denials(self.public_uses));
        attributes.extend(wish.names());
        attributes
    }

    fn private(&self, wish: Wish<'_>) -> Vec<Attribute> {
        let mut attributes = vec![
            Attribute::number(CKA_CLASS, CKO_PRIVATE_KEY),
            Attribute::number(CKA_KEY_TYPE, self.key_type),
            Attribute::flag(CKA_TOKEN, true),
            Attribute::flag(CKA_PRIVATE, true),
            Attribute::flag(CKA_SENSITIVE, true),
            Attribute::flag(CKA_EXTRACTABLE, false),
            Attribute::flag(CKA_SIGN, true),
        ];
        attributes.extend(wish.denials(&[CKA_DECRYPT, CKA_UNWRAP]));
        attributes.extend(wish.names());
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
