//! Finding private keys with few calls.

use std::collections::BTreeSet;

use chancery_key::{KeyQuery, PublicKeyNumbers};
use cryptoki_sys::{
    CKA_CLASS, CKA_EC_POINT, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_MODULUS, CKK_EC, CKK_EC_EDWARDS,
    CKK_RSA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY,
};

use super::KeyObject;
use super::edwards;
use super::public::ec_point_forms;
use crate::Pkcs11Error;
use crate::raw::{Attribute, ObjectHandle, Session};

/// Finds every private key the query fits.
///
/// The token is asked for the number first: by the private key's own modulus, by the public key's modulus or
/// point and the `CKA_ID` it shares. Where that finds nothing, every key is read: tokens hide numbers and
/// pad them in ways of their own.
pub(super) fn private_keys(
    session: &mut Session,
    query: &KeyQuery,
) -> Result<Vec<KeyObject>, Pkcs11Error> {
    let base = base(query);
    if let Some(number) = Number::of(query) {
        let candidates = number.candidates(session, &base)?;
        let found = wanted(session, candidates, query)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let all = session.find(&base)?;
    wanted(session, all.into_iter().collect(), query)
}

fn wanted(
    session: &mut Session,
    candidates: BTreeSet<ObjectHandle>,
    query: &KeyQuery,
) -> Result<Vec<KeyObject>, Pkcs11Error> {
    let mut found = Vec::new();
    for handle in candidates {
        let object = KeyObject::read(session, handle)?;
        if object.is_wanted(query) {
            found.push(object);
        }
    }
    Ok(found)
}

/// What every key the query fits has, as a template. An empty label or identifier is left out: tokens
/// differ on whether an attribute never set is an empty one.
fn base(query: &KeyQuery) -> Vec<Attribute> {
    let mut base = vec![Attribute::number(CKA_CLASS, CKO_PRIVATE_KEY)];
    if let Some(label) = query.label.as_ref().filter(|label| !label.is_empty()) {
        base.push(Attribute::bytes(CKA_LABEL, label.as_bytes()));
    }
    if let Some(id) = query.id.as_ref().filter(|id| !id.is_empty()) {
        base.push(Attribute::bytes(CKA_ID, id.as_slice()));
    }
    base
}

/// The attributes by which tokens find a number, in each form they may hold it.
struct Number {
    forms: Vec<[Attribute; 2]>,
    /// Whether private keys have it too.
    on_private_keys: bool,
}

impl Number {
    fn of(query: &KeyQuery) -> Option<Self> {
        let numbers = query.public_key.as_ref().map(|key| key.numbers());
        match (numbers, &query.modulus) {
            (Some(PublicKeyNumbers::Ec { point, .. }), _) => Some(Self {
                forms: forms(CKK_EC, CKA_EC_POINT, ec_point_forms(point)),
                on_private_keys: false,
            }),
            (Some(PublicKeyNumbers::Ed25519 { point }), _) => Some(Self {
                forms: forms(CKK_EC_EDWARDS, CKA_EC_POINT, edwards::point_forms(point)),
                on_private_keys: false,
            }),
            (Some(PublicKeyNumbers::Rsa { modulus, .. }), _) | (None, Some(modulus)) => {
                let padded = [&[0], modulus.as_slice()].concat();
                Some(Self {
                    forms: forms(CKK_RSA, CKA_MODULUS, vec![modulus.clone(), padded]),
                    on_private_keys: true,
                })
            }
            _ => None,
        }
    }

    fn candidates(
        &self,
        session: &mut Session,
        base: &[Attribute],
    ) -> Result<BTreeSet<ObjectHandle>, Pkcs11Error> {
        let mut found = BTreeSet::new();
        for form in &self.forms {
            if self.on_private_keys {
                found.extend(session.find(&[base, form].concat())?);
            }
            for id in ids_of_public_keys(session, form)? {
                let with_id = [base, &[Attribute::bytes(CKA_ID, id)]].concat();
                found.extend(session.find(&with_id)?);
            }
        }
        Ok(found)
    }
}

fn forms(
    key_type: cryptoki_sys::CK_KEY_TYPE,
    kind: cryptoki_sys::CK_ATTRIBUTE_TYPE,
    values: Vec<Vec<u8>>,
) -> Vec<[Attribute; 2]> {
    let form = |value| [Attribute::number(CKA_KEY_TYPE, key_type), Attribute::bytes(kind, value)];
    values.into_iter().map(form).collect()
}

fn ids_of_public_keys(
    session: &mut Session,
    form: &[Attribute; 2],
) -> Result<BTreeSet<Vec<u8>>, Pkcs11Error> {
    let public = [Attribute::number(CKA_CLASS, CKO_PUBLIC_KEY)];
    let mut ids = BTreeSet::new();
    for handle in session.find(&[&public[..], form].concat())? {
        ids.extend(session.read(handle, &[CKA_ID])?.bytes(CKA_ID).map(<[u8]>::to_vec));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use chancery_key::{EcCurve, KeyAlgorithm, KeyTemplate, Pin, SigningKey};
    use chancery_testkit::softhsm::isolated;

    use super::*;
    use crate::{Module, Token, TokenStore, Uri};

    #[derive(Debug)]
    struct FixedPin;

    impl chancery_key::PinSource for FixedPin {
        fn pin(&self, _: &chancery_key::PinRequest) -> Result<Pin, chancery_key::KeyError> {
            Ok(Pin::new(b"4711".to_vec()))
        }
    }

    #[test]
    fn the_token_itself_finds_a_number_among_others() {
        isolated(|hsm| {
            hsm.init_token("build", "4711");
            let module = Module::load(hsm.module()).unwrap();
            let store = TokenStore::new(Token::open(&module, &Uri::new()).unwrap(), FixedPin);
            for algorithm in [
                KeyAlgorithm::Rsa { bits: 2048 },
                KeyAlgorithm::Ec(EcCurve::P256),
                KeyAlgorithm::Ed25519,
            ] {
                let wanted = store.generate_key(&KeyTemplate::new(algorithm)).unwrap();
                store.generate_key(&KeyTemplate::new(algorithm)).unwrap();
                let query = KeyQuery::any().with_public_key(wanted.public_key().clone());
                let number = Number::of(&query).unwrap();
                let found = store
                    .run(|session| {
                        number.candidates(session, &base(&query)).map_err(|error| error.at("test"))
                    })
                    .unwrap();
                assert_eq!(found.len(), 1, "{algorithm}");
            }
        });
    }
}
