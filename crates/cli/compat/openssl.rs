//! `openssl x509 -noout -modulus -in FILE`, the one line of OpenSSL that finding a key by its modulus takes.

use std::path::Path;

use chancery::keymatch::openssl_modulus;
use chancery::{Error, ErrorKind, read_certificate_file};

use super::console::{complain, explain, say};
use super::grammar::{Line, Misread, Status, Tool, Verb, flag, valued};

pub(super) const TOOL: Tool = Tool {
    name: "openssl",
    purpose: "prints the modulus of a certificate's key.",
    mark: '-',
    slash: false,
    verb_mark: "",
    verbs: &[Verb {
        name: "x509",
        operands: "-noout -modulus -in FILE",
        meaning: "Prints `Modulus=` and the modulus in hex.",
        status: Status::Done,
        options: &[
            flag("noout", "Prints no certificate."),
            flag("modulus", "Prints the modulus."),
            valued("in", "FILE", "The certificate, PEM or DER."),
            valued("inform", "FORM", "PEM or DER; either is recognised."),
        ],
    }],
    notes: &["Everything else is for OpenSSL itself."],
};

pub(super) fn run(args: &[String]) -> u32 {
    let line = match TOOL.read(args).and_then(check) {
        Ok(line) => line,
        Err(Misread(message)) => {
            complain(&format!(
                "chancery openssl: {message}; for anything else call OpenSSL itself"
            ));
            return 1;
        }
    };
    match modulus(Path::new(line.value("in").unwrap_or_default())) {
        Ok(text) => {
            say(&text);
            0
        }
        Err(error) => {
            explain(&error);
            1
        }
    }
}

fn check(line: Line) -> Result<Line, Misread> {
    let complete = line.operands.is_empty()
        && ["noout", "modulus", "in"].iter().all(|option| line.has(option));
    match complete {
        true => Ok(line),
        false => Err(Misread("only x509 -noout -modulus -in FILE is done here".to_owned())),
    }
}

fn modulus(file: &Path) -> Result<String, Error> {
    let all = read_certificate_file(file)?;
    let first = all.first().ok_or_else(|| {
        Error::new(ErrorKind::Malformed, format!("{} has no certificate", file.display()))
    })?;
    Ok(openssl_modulus(first.public_key()))
}
