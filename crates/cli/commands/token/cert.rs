//! `chancery token cert`

use std::path::Path;

use chancery::key::{KeyErrorKind, KeyInfo, KeyQuery};
use chancery::pkcs11::{TokenCertificate, Uri};
use chancery::x509::{Certificate, to_pem};
use chancery::{Error, ErrorKind, KeyAddress};

use crate::args::{KeyOptions, TokenCert, Which};
use crate::commands::{certificates, write_pem};
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &TokenCert, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        TokenCert::List { place } => list(place, ui),
        TokenCert::Import { file, place } => import(file, place, ui),
        TokenCert::Export { place, which, out } => {
            let certificate = one(place, which)?;
            write_pem(&to_pem("CERTIFICATE", &certificate.der), out.as_deref(), ui)
        }
        TokenCert::Delete { place, which, yes } => {
            let certificate = one(place, which)?;
            let shown = object(&certificate, None, if *yes { "deleted" } else { "certificate" });
            if !yes {
                ui.result(&shown, || text(&shown));
                return Err(Error::new(
                    ErrorKind::Usage,
                    "nothing was deleted: add --yes to delete the certificate for good",
                ));
            }
            place.access.keyring(true).store(&place.key)?.delete_certificate(&certificate)?;
            ui.success(&shown, || format!("deleted {}", text(&shown)));
            Ok(Exit::Done)
        }
    }
}

fn list(place: &KeyOptions, ui: &mut Ui) -> Result<Exit, Error> {
    let keyring = place.access.keyring(true);
    let found = keyring.store(&place.key)?.certificates(uri(&place.key)?)?;
    let keys = keyring.find(&everything_in(&place.key)?, &KeyQuery::any())?;
    for certificate in &found {
        let owner =
            |key: &&KeyInfo| key.public_key.is_some() && key.public_key == certificate.public_key;
        let object = object(certificate, keys.iter().find(owner), "certificate");
        ui.result(&object, || text(&object));
    }
    Ok(Exit::Done)
}

fn import(file: &Path, place: &KeyOptions, ui: &mut Ui) -> Result<Exit, Error> {
    let store = place.access.keyring(true).store(&place.key)?;
    let label = uri(&place.key)?.object.clone();
    for certificate in certificates(file)? {
        let written = store.import_certificate(certificate.as_der(), label.as_deref())?;
        let object = object(&written, None, "imported");
        ui.success(&object, || format!("imported {}", text(&object)));
    }
    Ok(Exit::Done)
}

/// Finds the one certificate that address and thumbprint leave.
fn one(place: &KeyOptions, which: &Which) -> Result<TokenCertificate, Error> {
    let store = place.access.keyring(true).store(&place.key)?;
    let mut found = store.certificates(uri(&place.key)?)?;
    let there = found.len();
    if let Some(wanted) = &which.thumbprint {
        found.retain(|found| thumbprint(found).is_some_and(|have| have.as_slice() == wanted.0));
    }
    found.sort_by(|one, other| one.der.cmp(&other.der));
    found.dedup();
    match (found.pop(), found.as_slice()) {
        (Some(only), []) => Ok(only),
        (None, _) => Err(Error::new(
            ErrorKind::Key(KeyErrorKind::NotFound),
            match there {
                0 => format!("no certificate in the token at {}", place.key),
                1 => format!("the certificate at {} has another thumbprint", place.key),
                _ => {
                    format!("none of the {there} certificates at {} has this thumbprint", place.key)
                }
            },
        )),
        (Some(last), others) => {
            let list: Vec<_> = others
                .iter()
                .chain([&last])
                .map(|found| {
                    let thumbprint = thumbprint(found).map(|hash| json::hex(&hash));
                    format!("{} ({})", found.address, thumbprint.as_deref().unwrap_or("unreadable"))
                })
                .collect();
            Err(Error::new(
                ErrorKind::Key(KeyErrorKind::Ambiguous),
                format!("several certificates, choose by --thumbprint: {}", list.join(", ")),
            ))
        }
    }
}

fn uri(address: &KeyAddress) -> Result<&Uri, Error> {
    match address {
        KeyAddress::Pkcs11(uri) => Ok(uri),
        _ => Err(Error::new(ErrorKind::Usage, format!("{address} is no address of a token"))),
    }
}

/// The address of the token alone.
fn everything_in(address: &KeyAddress) -> Result<KeyAddress, Error> {
    let mut uri = uri(address)?.clone();
    (uri.object, uri.id, uri.object_type) = (None, None, None);
    Ok(KeyAddress::Pkcs11(Box::new(uri)))
}

fn thumbprint(found: &TokenCertificate) -> Option<[u8; 20]> {
    Certificate::from_der(&found.der).ok().map(|certificate| certificate.thumbprint_sha1())
}

fn object(
    found: &TokenCertificate,
    owner: Option<&KeyInfo>,
    kind: &'static str,
) -> json::TokenCertificate {
    let read = Certificate::from_der(&found.der).ok();
    json::TokenCertificate {
        schema: 1,
        r#type: kind,
        address: found.address.to_string(),
        label: found.label.clone(),
        id: found.id.as_ref().map(|id| json::hex(id)),
        subject: read.as_ref().map(|read| read.subject().to_string()),
        issuer: read.as_ref().map(|read| read.issuer().to_string()),
        not_after: read.as_ref().map(|read| read.not_after().to_string()),
        thumbprint: read.as_ref().map(|read| json::hex(&read.thumbprint_sha1())),
        key: owner.map(|key| key.address.clone()),
    }
}

fn text(object: &json::TokenCertificate) -> String {
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    let mut line = format!(
        "{}  {}  thumbprint {}",
        object.address,
        or(&object.subject, "not readable"),
        or(&object.thumbprint, "unknown"),
    );
    if let Some(key) = &object.key {
        line.push_str(&format!("\n  of the key {key}"));
    }
    line
}
