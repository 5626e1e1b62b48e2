//! Which public key belongs to a private key that does not tell: the one that verifies what it signs.

use chancery_key::PublicKey;
use cryptoki_sys::{
    CKA_ALWAYS_AUTHENTICATE, CKA_CLASS, CKA_KEY_TYPE, CKA_LABEL, CKA_SIGN, CKK_EC, CKK_EC_EDWARDS,
    CKK_RSA, CKM_ECDSA, CKM_EDDSA, CKM_RSA_PKCS, CKO_PUBLIC_KEY,
};

use super::public;
use crate::Pkcs11Error;
use crate::raw::{Attribute, Attributes, Mechanism, ObjectHandle, Session};
use crate::retry::is_curable;

/// How many public keys are tried for one private key.
const MOST_CANDIDATES: usize = 32;

/// What is signed, as long as a SHA-256: it begins a message to nobody.
const CHALLENGE: &[u8; 32] = b"Which public key belongs to me?\n";

/// Room for the signature of an RSA key of 8192 bits.
const ROOM: usize = 1_024;

/// Proves the key among public keys with the same label, or with none where the private key has none.
pub(super) fn by_label(
    session: &mut Session,
    private: ObjectHandle,
    told: &Attributes,
) -> Result<Option<PublicKey>, Pkcs11Error> {
    let Some(key_type) = told.number(CKA_KEY_TYPE) else { return Ok(None) };
    let mut wanted = vec![
        Attribute::number(CKA_CLASS, CKO_PUBLIC_KEY),
        Attribute::number(CKA_KEY_TYPE, key_type),
    ];
    wanted.extend(told.bytes(CKA_LABEL).map(|label| Attribute::bytes(CKA_LABEL, label)));
    let found = public::candidates(session, &wanted, told)?;
    among(session, private, told, found)
}

/// Has the private key sign, and asks the token which of the public keys verifies it; `None` where none does, or
/// the key does not sign just like that.
pub(super) fn among(
    session: &mut Session,
    private: ObjectHandle,
    told: &Attributes,
    candidates: Vec<(ObjectHandle, PublicKey)>,
) -> Result<Option<PublicKey>, Pkcs11Error> {
    let mechanism = match told.number(CKA_KEY_TYPE) {
        Some(CKK_RSA) => Mechanism::plain(CKM_RSA_PKCS),
        Some(CKK_EC) => Mechanism::plain(CKM_ECDSA),
        Some(CKK_EC_EDWARDS) => Mechanism::plain(CKM_EDDSA),
        _ => return Ok(None),
    };
    let signs = told.flag(CKA_SIGN) == Some(true);
    if candidates.is_empty() || !signs || told.flag(CKA_ALWAYS_AUTHENTICATE) == Some(true) {
        return Ok(None);
    }
    let signed = session.sign_init(mechanism, private).and_then(|()| session.sign(CHALLENGE, ROOM));
    let signature = match signed {
        Ok(signature) => signature,
        Err(error) if is_curable(&error) => return Err(error),
        // No proof is no failure: the key stays one whose public half nobody knows.
        Err(_) => return Ok(None),
    };
    for (public, key) in candidates.into_iter().take(MOST_CANDIDATES) {
        match session.verifies(mechanism, public, CHALLENGE, &signature) {
            Ok(true) => return Ok(Some(key)),
            Err(error) if is_curable(&error) => return Err(error),
            // Certificates, for one, verify nothing themselves.
            Ok(false) | Err(_) => {}
        }
    }
    Ok(None)
}
