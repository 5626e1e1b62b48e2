//! `chancery csr`

use std::path::Path;

use chancery::key::SigningKey;
use chancery::x509::{RequestBuilder, UnverifiedRequest, to_pem};
use chancery::{Error, KeyAddress, Product, read_small_file, request_from_inf, request_like};

use crate::args::store::Pending;
use crate::args::{Csr, NewRequest};
use crate::commands::{cert, csr_verify, name, now, scheme, write_pem};
use crate::exit::Exit;
use crate::json;
use crate::settings;
use crate::ui::Ui;

pub(crate) fn run(args: &Csr, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Csr::New(args) => new(args, ui),
        Csr::Verify { files } => Ok(csr_verify::run(files, ui)),
        Csr::Show { file } => {
            let request = UnverifiedRequest::from_file_contents(&read_small_file(file)?)
                .map_err(|error| Error::malformed(file, error))?;
            let algorithm = request.signature_algorithm();
            let verified = match algorithm.scheme() {
                Some(_) => {
                    request.clone().verify().map_err(|error| Error::malformed(file, error))?;
                    true
                }
                None => false,
            };
            let (key_usage, extended_key_usage) = cert::usages(request.extensions());
            let object = json::Certificate {
                schema: 1,
                r#type: "request",
                file: json::FileName::new(file),
                subject: request.subject().to_string(),
                issuer: None,
                serial: None,
                not_before: None,
                not_after: None,
                algorithm: request.public_key().algorithm().to_string(),
                scheme: algorithm.scheme().map(|scheme| scheme.name()),
                signature_algorithm: algorithm.to_string(),
                ca: None,
                ca_by_constraints: false,
                key_usage,
                extended_key_usage,
                thumbprint: None,
                thumbprint_sha256: None,
                extensions: json::extensions(request.extensions()),
            };
            let what = if verified {
                "request, its signature holds"
            } else {
                "request, its signature is of a kind that is not verified here"
            };
            ui.result(&object, || cert::text(&object, what));
            Ok(if verified { Exit::Done } else { Exit::No })
        }
    }
}

/// Makes a request by subject, by INF or like an old certificate.
fn new(args: &NewRequest, ui: &mut Ui) -> Result<Exit, Error> {
    let NewRequest { from, key, digest, out, pending } = args;
    let keyring = key.access.keyring(true);
    if let Some(subject) = &from.subject {
        let subject = name(subject)?;
        let opened = keyring.open(&key.key)?;
        let scheme = scheme(opened.public_key().algorithm(), *digest)?;
        let request = RequestBuilder::code_signing(subject)
            .sign(&*opened, scheme)
            .map_err(|error| Error::of_certificate("make the request", error))?;
        remember(pending, &request, &key.key, &*opened)?;
        return write_pem(&request.to_pem(), out.as_deref(), ui);
    }
    let requested = match (&from.inf, &from.like) {
        (Some(inf), _) => request_from_inf(inf, &key.key, &keyring, now()?)?,
        (None, like) => request_like(like.as_deref().unwrap_or(Path::new("")), &key.key, &keyring)?,
    };
    for notice in &requested.notices {
        ui.warn(&notice.to_string());
    }
    if requested.made_key {
        ui.note(&format!("made the key {}", key.key));
    }
    let pem = match &requested.product {
        Product::SelfSigned(certificate) => to_pem("CERTIFICATE", certificate.as_der()),
        Product::Request(request) => {
            if pending.pending.is_some() {
                remember(pending, request, &key.key, &*keyring.open(&key.key)?)?;
            }
            request.to_pem()
        }
        _ => String::new(),
    };
    write_pem(&pem, out.as_deref(), ui)
}

/// Keeps a request in a store until its answer comes, where the options say so.
fn remember(
    pending: &Pending,
    request: &chancery::x509::CertificationRequest,
    address: &KeyAddress,
    key: &dyn SigningKey,
) -> Result<(), Error> {
    if let Some(location) = pending.pending {
        let stores = settings::stores(pending.folder.store_folder.as_deref())?;
        stores.remember_request(location.into(), request, address, key, now()?)?;
    }
    Ok(())
}
