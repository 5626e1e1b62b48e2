//! `chancery cert`

mod issuing;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use chancery::Error;
use chancery::chain::{Policy, Status, validate};
use chancery::keymatch::Modulus;
use chancery::purpose_name;
use chancery::x509::{Certificate, Extensions};

use crate::args::{Cert, JudgeOptions};
use crate::commands::fetch::Fetcher;
use crate::commands::{Evidence, cert_export, certificates, trust_nobody};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Cert, ui: &mut Ui) -> Result<Exit, Error> {
    match args {
        Cert::Issue(args) => issuing::issue(args, ui),
        Cert::Revoke(args) => issuing::revoke(args, ui),
        Cert::Export(args) => cert_export::run(args, ui),
        Cert::Verify { file, chain, judge } => verify(file, chain, judge, ui),
        Cert::Modulus { file } => {
            let certificates = certificates(file)?;
            let mut exit = Exit::Done;
            for certificate in &certificates {
                let Some(modulus) = Modulus::of(certificate.public_key()) else {
                    let message = format!("the key of `{}` is no RSA key", certificate.subject());
                    ui.warn(&message);
                    if ui.is_json() {
                        let object = json::about(
                            file,
                            serde_json::json!({
                                "schema": 1, "type": "modulus",
                                "subject": certificate.subject().to_string(), "modulus": null,
                                "message": message,
                            }),
                        );
                        ui.result(&object, String::new);
                    }
                    exit = Exit::No;
                    continue;
                };
                let modulus = modulus.to_string();
                let object = json::about(
                    file,
                    serde_json::json!({
                        "schema": 1, "type": "modulus",
                        "subject": certificate.subject().to_string(), "modulus": modulus,
                    }),
                );
                ui.result(&object, || format!("Modulus={modulus}"));
            }
            Ok(exit)
        }
        Cert::Show { file } => {
            let certificates = certificates(file)?;
            for certificate in &certificates {
                let object = object(file, certificate);
                ui.result(&object, || text(&object, "certificate"));
            }
            Ok(Exit::Done)
        }
    }
}

fn verify(
    file: &Path,
    chain: &[PathBuf],
    judge: &JudgeOptions,
    ui: &mut Ui,
) -> Result<Exit, Error> {
    let evidence = Evidence::gather(judge)?;
    let mut candidates = certificates(file)?;
    let leaf = candidates.remove(0);
    for path in chain {
        candidates.extend(certificates(path)?);
    }
    let policy = Policy::code_signing(evidence.time);
    let mut fetcher = Fetcher::new(judge);
    let fetched = fetcher.judge(&leaf, &candidates, &evidence, &policy);
    let outcome = fetched.unwrap_or_else(|| {
        validate(&leaf, &candidates, &evidence.anchors, &evidence.crls, &policy)
    });
    fetcher.tell(ui);
    let findings = json::findings(&outcome.findings);
    let object = json::about(
        file,
        serde_json::json!({
            "schema": 1, "type": "judged",
            "subject": leaf.subject().to_string(), "chain": outcome.status.name(),
            "path": outcome.path.iter().map(|one| one.subject().to_string()).collect::<Vec<_>>(),
            "findings": findings,
        }),
    );
    let text = || {
        let mut text = format!("{}: {}", shown(file), outcome.status);
        for certificate in &outcome.path {
            let _ = write!(text, "\n  {}", certificate.subject());
        }
        for finding in &outcome.findings {
            let _ = write!(text, "\n  {finding}");
        }
        text
    };
    if outcome.status == Status::Trusted {
        ui.success(&object, text);
        return Ok(Exit::Done);
    }
    ui.result(&object, text);
    trust_nobody(judge, ui);
    Ok(Exit::No)
}

fn object(file: &Path, certificate: &Certificate) -> json::Certificate {
    let (key_usage, extended_key_usage) = usages(certificate.extensions());
    json::Certificate {
        schema: 1,
        r#type: "certificate",
        file: json::FileName::new(file),
        subject: certificate.subject().to_string(),
        issuer: Some(certificate.issuer().to_string()),
        serial: Some(json::hex(certificate.serial())),
        not_before: Some(certificate.not_before().to_string()),
        not_after: Some(certificate.not_after().to_string()),
        algorithm: certificate.public_key().algorithm().to_string(),
        scheme: certificate.scheme().map(|scheme| scheme.name()),
        signature_algorithm: certificate.signature_algorithm().to_string(),
        ca: Some(certificate.is_ca()),
        ca_by_constraints: matches!(certificate.extensions().ca(), Ok(Some(_))),
        key_usage,
        extended_key_usage,
        thumbprint: Some(json::hex(&certificate.thumbprint_sha1())),
        thumbprint_sha256: Some(json::hex(&certificate.thumbprint_sha256())),
        extensions: json::extensions(certificate.extensions()),
    }
}

/// Names the uses of a key; nothing where there is no limit, or none that can be read.
pub(crate) fn usages(extensions: &Extensions) -> (Option<Vec<&'static str>>, Option<Vec<String>>) {
    let key_usage = extensions.key_usage().ok().flatten().map(|usage| usage.names());
    let purposes = extensions.extended_key_usage().ok().flatten();
    let named = purposes.map(|list| list.iter().map(purpose_name).collect());
    (key_usage, named)
}

/// Writes a certificate or request for a person.
pub(crate) fn text(object: &json::Certificate, what: &str) -> String {
    let mut text = format!("{}: {what}", object.file);
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(text, "\n  {name:<12} {value}");
        }
    };
    line("subject", Some(&object.subject));
    line("issuer", object.issuer.as_deref());
    line("serial", object.serial.as_deref());
    line("not before", object.not_before.as_deref());
    line("not after", object.not_after.as_deref());
    line("key", Some(&object.algorithm));
    line("signed with", Some(&object.signature_algorithm));
    line(
        "authority",
        object.ca.map(|ca| match (ca, object.ca_by_constraints) {
            (true, _) => "yes",
            (false, true) => {
                "no: it is said to be one, and its key usage is not to sign certificates"
            }
            (false, false) => "no",
        }),
    );
    line("sha1", object.thumbprint.as_deref());
    line("sha256", object.thumbprint_sha256.as_deref());
    for extension in &object.extensions {
        let critical = if extension.critical { " (critical)" } else { "" };
        let _ = write!(text, "\n  {}{critical}", extension.name.unwrap_or(&extension.oid));
        for value in &extension.values {
            let _ = write!(text, "\n    {value}");
        }
    }
    text
}
