//! Makes a certification request with a new key: `cargo run -p chancery-x509 --example request 'CN=Example,C=GB'`.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;

use chancery_key::{EcCurve, KeyAlgorithm, SignatureScheme};
use chancery_softkey::SoftKey;
use chancery_x509::RequestBuilder;

fn main() -> Result<(), Box<dyn Error>> {
    let subject = std::env::args().nth(1).unwrap_or_else(|| "CN=Example,O=Example Ltd,C=GB".into());
    let key = SoftKey::generate(KeyAlgorithm::Ec(EcCurve::P256))?;
    let request =
        RequestBuilder::code_signing(subject.parse()?).sign(&key, SignatureScheme::EcdsaSha256)?;
    print!("{}", request.to_pem());
    Ok(())
}
