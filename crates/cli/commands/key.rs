//! `chancery key`

use std::path::Path;

use chancery::key::{KeyAlgorithm, KeyInfo, KeyQuery, KeyTemplate};
use chancery::x509::read_certificates;
use chancery::{Error, ErrorKind, KeyAddress, proved, read_modulus, read_small_file};

use crate::args::{FindBy, Key, KeyOptions, KeyType};
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &Key, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Key::Generate { key, kind } => {
            let template = KeyTemplate::new(algorithm(kind)?);
            let (info, generated) = key.access.keyring(true).generate(&key.key, template)?;
            proved(&*generated, &info.address)?;
            if info.can_decrypt == Some(true) {
                ui.warn("the token makes no keys that only sign: this one also decrypts");
            }
            ui.success(&object(&info, "generated"), || {
                format!("made an {} key: {}", generated.public_key().algorithm(), info.address)
            });
            Ok(Exit::Done)
        }
        Key::List { place } => {
            let found = place.access.keyring(true).find(&place.key, &KeyQuery::any())?;
            Ok(show(&found, ui))
        }
        Key::Find { place, by, all_tokens } => find(place, by, *all_tokens, ui),
        Key::Rename { key, to } => {
            let id = to.id.as_ref().map(|id| id.0.as_slice());
            let info = key.access.keyring(true).rename(&key.key, to.label.as_deref(), id)?;
            ui.success(&object(&info, "renamed"), || format!("it is now {}", info.address));
            Ok(Exit::Done)
        }
        Key::Delete { key, yes } => {
            let keyring = key.access.keyring(true);
            if !yes {
                let found = keyring.find(&key.key, &KeyQuery::any())?;
                show(&found, ui);
                return Err(Error::new(
                    ErrorKind::Usage,
                    "nothing was deleted: add --yes to delete the key for good",
                ));
            }
            let info = keyring.delete(&key.key)?;
            ui.success(&object(&info, "deleted"), || format!("deleted {}", info.address));
            Ok(Exit::Done)
        }
        Key::Test { key } => {
            let opened = key.access.keyring(true).open_with_certificates(&key.key)?;
            let scheme = proved(&*opened.key, &opened.address)?;
            let algorithm = opened.key.public_key().algorithm();
            let object = serde_json::json!({
                "schema": 1, "type": "tested", "key": key.key.to_string(),
                "algorithm": algorithm.to_string(), "scheme": scheme.name(), "signs": true,
            });
            ui.success(&object, || {
                format!("{}: {algorithm}, signs {scheme}, verified by its public key", key.key)
            });
            Ok(Exit::Done)
        }
    }
}

/// How many rejected objects are named; a token may have thousands.
const MOST_NAMED: usize = 20;

fn find(place: &KeyOptions, by: &FindBy, all_tokens: bool, ui: &mut Ui) -> Result<Exit, Error> {
    let query = &query(by, ui)?;
    let keyring = place.access.keyring(true);
    let mut failed = Exit::Done;
    let found = match &place.key {
        KeyAddress::Pkcs11(uri) if all_tokens => {
            let mut found = Vec::new();
            for one in keyring.find_everywhere(uri, query)? {
                match one {
                    Ok(info) => found.push(info),
                    Err(error) => failed = failed.graver(ui.error(&error, None)),
                }
            }
            found
        }
        _ => keyring.find(&place.key, query)?,
    };
    show(&found, ui);
    match found.len() {
        0 if failed != Exit::Done => Ok(failed),
        0 => {
            let message = format!("no key at {} fits", place.key);
            ui.warn(&message);
            let seen = match &place.key {
                KeyAddress::Pkcs11(_) if !all_tokens => {
                    keyring.store(&place.key)?.explain(query)?
                }
                _ => Vec::new(),
            };
            let mut rejected = Vec::new();
            for object in seen.iter().take(MOST_NAMED) {
                let why = object.rejection.map(|why| why.to_string()).unwrap_or_default();
                ui.note(&format!("  {} {why}", object.address));
                rejected
                    .push(serde_json::json!({"key": object.address.to_string(), "message": why}));
            }
            if let more @ 1.. = seen.len().saturating_sub(MOST_NAMED) {
                ui.note(&format!("  and {more} more"));
            }
            if ui.is_json() {
                let object = serde_json::json!({
                    "schema": 1, "type": "no-key", "place": place.key.to_string(),
                    "message": message, "rejected": rejected, "looked_at": seen.len(),
                });
                ui.result(&object, String::new);
            }
            Ok(Exit::No)
        }
        1 => Ok(failed),
        _ => Ok(Exit::Ambiguous),
    }
}

fn algorithm(kind: &KeyType) -> Result<KeyAlgorithm, Error> {
    match (kind.rsa, kind.ec) {
        (Some(bits), _) => Ok(KeyAlgorithm::Rsa { bits }),
        (_, Some(curve)) => Ok(KeyAlgorithm::Ec(curve)),
        _ if kind.ed25519 => Ok(KeyAlgorithm::Ed25519),
        _ => Err(Error::new(
            ErrorKind::Usage,
            "say which kind of key: --rsa BITS, --ec CURVE or --ed25519",
        )),
    }
}

/// Reads what is looked for. A modulus that is no number of an RSA key is an error; one that is, but of a length nobody
/// chooses, is looked for with a warning.
fn query(by: &FindBy, ui: &mut Ui) -> Result<KeyQuery, Error> {
    if let Some(path) = &by.modulus {
        let modulus = read_modulus(path)?;
        if !modulus.has_usual_length() {
            ui.warn(&format!(
                "the modulus in {} has {} bits, which is no usual length: part of it may be missing",
                path.display(),
                modulus.bits()
            ));
            ui.note("  hint: write it anew:  chancery cert modulus CERT > FILE");
        }
        return Ok(KeyQuery::any().with_modulus(modulus.as_bytes()));
    }
    let path = by.cert.as_deref().unwrap_or(Path::new(""));
    let certificates = read_certificates(&read_small_file(path)?)
        .map_err(|error| Error::malformed(path, error))?;
    match certificates.as_slice() {
        [leaf, ..] => Ok(KeyQuery::any().with_public_key(leaf.public_key().clone())),
        [] => Err(Error::new(ErrorKind::Malformed, format!("{} is empty", path.display()))),
    }
}

fn show(found: &[KeyInfo], ui: &mut Ui) -> Exit {
    for info in found {
        ui.result(&object(info, "key"), || {
            let algorithm = info.public_key.as_ref().map(|key| key.algorithm().to_string());
            let mut line =
                format!("{}  {}", info.address, algorithm.as_deref().unwrap_or("key type unknown"));
            if !info.can_sign {
                line.push_str("  does not sign");
            }
            if info.never_extractable == Some(false) {
                line.push_str("  extractable");
            }
            if info.can_decrypt == Some(true) {
                line.push_str("  also decrypts");
            }
            line
        });
    }
    Exit::Done
}

fn object(info: &KeyInfo, kind: &'static str) -> json::Key {
    json::Key {
        schema: 1,
        r#type: kind,
        key: info.address.clone(),
        algorithm: info.public_key.as_ref().map(|key| key.algorithm().to_string()),
        label: info.label.clone(),
        id: info.id.as_ref().map(|id| json::hex(id)),
        can_sign: info.can_sign,
        never_extractable: info.never_extractable,
        can_decrypt: info.can_decrypt,
    }
}
