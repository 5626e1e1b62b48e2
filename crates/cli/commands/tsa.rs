//! `chancery tsa`

use chancery::timestamp::tsa::{Authority, Server};
use chancery::x509::{Identity, Time};
use chancery::{Error, ErrorKind, read_identity_certificates};

use crate::args::Tsa;
use crate::exit::Exit;
use crate::ui::Ui;

pub(crate) fn run(args: &Tsa, ui: &mut Ui) -> Result<Exit, Error> {
    let Tsa::Serve { key, cert, chain, listen, policy } = args;
    let opened = key.access.keyring(true).open_with_certificates(&key.key)?;
    let (certificate, others) = read_identity_certificates(opened.key.public_key(), cert, chain)?;
    let mismatch = |text: &str| Error::new(ErrorKind::CertificateMismatch, text);
    let identity = Identity::new(opened.key, certificate, &others)
        .map_err(|error| mismatch("the certificate does not fit").with_source(error))?
        .with_key_name(opened.address);
    let mut authority = Authority::new(identity)
        .map_err(|error| mismatch("cannot stamp with this certificate").with_source(error))?;
    if let Some(policy) = policy {
        let policy = policy.parse().map_err(|_| {
            Error::new(ErrorKind::Usage, format!("`{policy}` is no object identifier"))
        })?;
        authority = authority.with_policy(policy);
    }
    let failed =
        |error| Error::new(ErrorKind::Io, format!("cannot listen on {listen}")).with_source(error);
    let server = Server::bind(authority, *listen, Time::now).map_err(failed)?;
    let url = format!("http://{}/", server.local_addr().map_err(failed)?);
    let object = serde_json::json!({"schema": 1, "type": "listening", "url": url});
    ui.result(&object, || format!("listening on {url}"));
    server.serve();
    Ok(Exit::Done)
}
