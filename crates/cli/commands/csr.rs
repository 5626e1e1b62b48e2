//! `chancery csr`

use chancery::x509::{CertificationRequest, RequestBuilder};
use chancery::{Error, read_small_file};

use crate::args::Csr;
use crate::commands::{cert, name, scheme, write_pem};
use crate::exit::Exit;
use crate::json;
use crate::ui::Ui;

pub(crate) fn run(args: &Csr, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Csr::New { subject, key, digest, out } => {
            let subject = name(subject)?;
            let opened = key.access.keyring(true).open(&key.key)?;
            let scheme = scheme(opened.public_key().algorithm(), *digest)?;
            let request = RequestBuilder::code_signing(subject)
                .sign(&*opened, scheme)
                .map_err(|error| Error::of_certificate("make the request", error))?;
            write_pem(&request.to_pem(), out.as_deref(), ui)
        }
        Csr::Show { file } => {
            let request = CertificationRequest::from_file_contents(&read_small_file(file)?)
                .map_err(|error| Error::malformed(file, error))?;
            let (key_usage, extended_key_usage) = cert::usages(request.extensions());
            let object = json::Certificate {
                schema: 1,
                r#type: "request",
                file: json::shown(file),
                subject: request.subject().to_string(),
                issuer: None,
                serial: None,
                not_before: None,
                not_after: None,
                algorithm: request.public_key().algorithm().to_string(),
                scheme: Some(request.scheme().name()),
                ca: None,
                key_usage,
                extended_key_usage,
                thumbprint: None,
                thumbprint_sha256: None,
            };
            ui.result(&object, || cert::text(&object, "request, its signature holds"));
            Ok(Exit::Done)
        }
    }
}
