//! `chancery ca`

use std::path::Path;

use chancery::authority::{Authority, AuthorityCertificate};
use chancery::{Error, KeyAddress, Keyring};

use crate::args::{AuthoritySource, Ca};
use crate::commands::{name, now};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Ca, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Ca::Init { dir, from, chain, key, profile: _, days } => {
            let from = match from {
                AuthoritySource { cert: Some(certificate), .. } => AuthorityCertificate::Issued {
                    certificate: certificate.clone(),
                    chain: chain.clone(),
                },
                AuthoritySource { subject, .. } => AuthorityCertificate::Root {
                    subject: name(subject.as_deref().unwrap_or_default())?,
                    days: *days,
                },
            };
            init(dir, &from, &key.key, &key.access.keyring(true), ui)
        }
        Ca::Crl { dir, days, access } => {
            let authority = Authority::open(dir)?;
            let list = authority.sign_crl(&access.keyring(true), *days, now()?)?;
            let object = serde_json::json!({
                "schema": 1, "type": "crl", "issuer": authority.certificate().subject().to_string(),
                "number": list.number, "this_update": list.this_update.to_string(),
                "next_update": list.next_update.to_string(), "revoked": list.revoked,
                "output": json::shown(&list.file),
            });
            ui.success(&object, || {
                format!(
                    "wrote {}: list {}, {} revoked, valid until {}",
                    shown(&list.file),
                    list.number,
                    list.revoked,
                    list.next_update
                )
            });
            Ok(Exit::Done)
        }
        Ca::List { dir } => {
            for issued in Authority::open(dir)?.issued()? {
                let object = json::Issued::new("certificate-record", &issued);
                ui.result(&object, || {
                    let state = issued.revocation.map_or_else(
                        || format!("until {}", issued.not_after),
                        |revocation| format!("revoked {}: {}", revocation.date, revocation.reason),
                    );
                    format!("{}  {}  {}  {state}", issued.serial, issued.profile, issued.subject)
                });
            }
            Ok(Exit::Done)
        }
    }
}

fn init(
    dir: &Path,
    from: &AuthorityCertificate,
    address: &KeyAddress,
    keyring: &Keyring,
    ui: &mut Ui,
) -> Result<Exit, Error> {
    let authority = Authority::create(dir, from, address, keyring, now()?)?;
    let certificate = authority.certificate();
    let file = authority.certificate_file();
    let object = serde_json::json!({
        "schema": 1, "type": "authority", "folder": json::shown(dir),
        "subject": certificate.subject().to_string(), "key": authority.key_address().to_string(),
        "not_after": certificate.not_after().to_string(), "certificate": json::shown(&file),
    });
    ui.success(&object, || {
        let subject = certificate.subject();
        format!("made the authority `{subject}` in {}: {}", shown(dir), shown(&file))
    });
    Ok(Exit::Done)
}
