//! Checking stores and generators.

use chancery_key::{
    KeyErrorKind, KeyGenerator, KeyInfo, KeyQuery, KeyStore, KeyTemplate, Match, PublicKey,
    PublicKeyNumbers,
};

use super::{Check, Failure, Report, Tally, check};

/// Checks a store by a key that it makes: `template` must have a label that is free. The key stays.
///
/// # Errors
/// Every check that failed, those of [`check`] on the key as found and opened among them.
///
/// # Panics
/// Where the template has no label.
pub fn check_store<S: KeyStore + KeyGenerator>(
    store: &S,
    template: &KeyTemplate,
) -> Result<Report, Vec<Failure>> {
    let label = template.label.as_deref().expect("the template has a label");
    let mut tally = Tally::default();
    let (made, key) = match store.generate(template) {
        Ok(made) => made,
        Err(error) => {
            tally.note(Check::GeneratesAsAsked, Err(error.to_string()));
            return tally.finish();
        }
    };
    let public_key = key.public_key().clone();
    tally.equal(Check::GeneratesAsAsked, public_key.algorithm(), template.algorithm);
    tally.equal(Check::GeneratesAsAsked, made.public_key.as_ref(), Some(&public_key));

    tally.note(
        Check::RefusesDuplicate,
        match store.generate(template) {
            Ok(_) => Err("made a second key of the same label".into()),
            Err(error) if error.kind() == KeyErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(format!("{:?}: {error}", error.kind())),
        },
    );

    let mut queries = vec![
        KeyQuery::any().with_public_key(public_key.clone()),
        KeyQuery::any().with_label(label),
        KeyQuery::any().with_label(label).with_public_key(public_key.clone()),
    ];
    if let Some(modulus) = public_key.modulus() {
        queries.push(KeyQuery::any().with_modulus(modulus));
        queries.push(KeyQuery::any().with_modulus(&[&[0], modulus].concat()));
    }
    let mut found_again = None;
    for query in &queries {
        match store.find(query) {
            Ok(Match::One(found)) => {
                tally.equal(Check::FindsGenerated, &found.address, &made.address);
                found_again = Some(found);
            }
            other => tally.note(Check::FindsGenerated, Err(format!("{query:?} gave {other:?}"))),
        }
    }
    for query in [
        KeyQuery::any().with_public_key(stranger(&public_key)),
        KeyQuery::any().with_label(format!("{label}-which-is-not-there")),
        KeyQuery::any().with_label(label).with_public_key(stranger(&public_key)),
    ] {
        let outcome = match store.find(&query) {
            Ok(Match::None) => Ok(()),
            other => Err(format!("{query:?} gave {other:?}")),
        };
        tally.note(Check::FindsNothingElse, outcome);
    }
    if let Some(found) = found_again {
        check_opened(store, &found, &public_key, &mut tally);
    }
    tally.finish()
}

fn check_opened<S: KeyStore>(
    store: &S,
    found: &KeyInfo,
    public_key: &PublicKey,
    tally: &mut Tally,
) {
    match store.open(found) {
        Ok(opened) => {
            tally.equal(Check::OpensGenerated, opened.public_key(), public_key);
            match check(&opened) {
                Ok(report) => tally.add(report),
                Err(failures) => tally.failures.extend(failures),
            }
        }
        Err(error) => tally.note(Check::OpensGenerated, Err(error.to_string())),
    }
}

/// Makes a public key of the same type that nobody has.
fn stranger(key: &PublicKey) -> PublicKey {
    match key.numbers() {
        PublicKeyNumbers::Rsa { modulus, exponent } => {
            let mut modulus = modulus.clone();
            modulus[1] ^= 1;
            PublicKey::from_rsa_numbers(&modulus, exponent).unwrap()
        }
        PublicKeyNumbers::Ec { curve, point } => {
            let mut point = point.clone();
            point[1] ^= 1;
            PublicKey::from_ec_point(*curve, &point).unwrap()
        }
        PublicKeyNumbers::Ed25519 { point } => {
            let mut point = *point;
            point[1] ^= 1;
            PublicKey::from_ed25519_point(&point).unwrap()
        }
        other => panic!("no other key like {other:?}"),
    }
}
