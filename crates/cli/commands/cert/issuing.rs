//! `chancery cert issue` and `chancery cert revoke`

use std::path::Path;

use chancery::authority::{Authority, Terms, WhichCertificate};
use chancery::key::{KeyErrorKind, SignatureScheme};
use chancery::x509::{
    Certificate, CertificateBuilder, CertificationRequest, Identity, IssuancePolicy, Profile,
    SerialNumber, Time, Validity, to_pem,
};
use chancery::{Error, ErrorKind, KeyAddress, read_identity_certificates, read_small_file};

use crate::args::{Issue, ProfileName, Revoke, Rules};
use crate::commands::{certificates, name, now, scheme, write_pem};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(super) fn issue(args: &Issue, ui: &mut Ui) -> Result<Exit, Error> {
    let Some(folder) = &args.ca else {
        let certificate = issue_once(args)?;
        let pem = to_pem("CERTIFICATE", certificate.as_der());
        return write_pem(&pem, args.out.as_deref(), ui);
    };
    let authority = Authority::open(folder)?;
    let request = request(args.csr.as_deref().or(args.request.as_deref()))?;
    if let Some(out) = args.out.as_deref().filter(|out| out.exists()) {
        // Before the certificate is issued, since then it counts.
        return Err(Error::new(ErrorKind::Io, format!("{} is there already", shown(out))));
    }
    let (certificate, issued) =
        authority.issue(&request, &terms(args)?, &args.access.keyring(true), now()?)?;
    let pem = to_pem("CERTIFICATE", certificate.as_der());
    let mut object = json::Issued::new("issued", &issued);
    if let Some(out) = &args.out {
        chancery::write_new_file(out, pem.as_bytes(), false)?;
        object.output = Some(json::shown(out));
        ui.success(&object, || format!("wrote {}: issued {}", shown(out), issued.serial));
    } else {
        object.pem = Some(pem.clone());
        ui.result(&object, || pem.trim_end().to_owned());
        ui.note(&format!("issued {}", issued.serial));
    }
    Ok(Exit::Done)
}

pub(super) fn revoke(args: &Revoke, ui: &mut Ui) -> Result<Exit, Error> {
    let authority = Authority::open(&args.ca)?;
    let usage = |message| Error::new(ErrorKind::Usage, message);
    let since = match &args.invalid_since {
        None => None,
        Some(text) => Some(
            Time::parse_rfc3339(text)
                .ok_or_else(|| usage(format!("`{text}` is no time as 2026-01-31T12:00:00Z")))?,
        ),
    };
    let which = match (&args.serial, &args.cert) {
        (Some(serial), _) => WhichCertificate::Serial(serial.clone()),
        (None, path) => {
            let certificate = certificates(path.as_deref().unwrap_or(Path::new("")))?.remove(0);
            WhichCertificate::Certificate(Box::new(certificate))
        }
    };
    let issued = authority.revoke(&which, args.reason, since, now()?)?;
    ui.success(&json::Issued::new("revoked", &issued), || {
        format!(
            "revoked {} `{}`: {}; tell the world with:  chancery ca crl {}",
            issued.serial,
            issued.subject,
            args.reason,
            shown(&args.ca)
        )
    });
    Ok(Exit::Done)
}

fn request(path: Option<&Path>) -> Result<CertificationRequest, Error> {
    let path = path.unwrap_or(Path::new(""));
    CertificationRequest::from_file_contents(&read_small_file(path)?)
        .map_err(|error| Error::malformed(path, error))
}

fn terms(args: &Issue) -> Result<Terms, Error> {
    let mut terms = Terms::new(profile(args.profile));
    terms.days = args.days;
    terms.digest = args.digest;
    terms.names.clone_from(&args.names);
    terms.crl.clone_from(&args.crl);
    terms.ca_issuers.clone_from(&args.ca_issuers);
    terms.ocsp.clone_from(&args.ocsp);
    for text in &args.policies {
        terms.policies.push(text.parse().map_err(|_| {
            Error::new(ErrorKind::Usage, format!("`{text}` is no object identifier as 1.2.3"))
        })?);
    }
    terms.rules = args.rules.map_or(IssuancePolicy::Private, rules);
    Ok(terms)
}

const fn profile(name: ProfileName) -> Profile {
    match name {
        ProfileName::Root => Profile::RootCa,
        ProfileName::Intermediate => Profile::IntermediateCa,
        ProfileName::CodeSigning => Profile::CodeSigning,
        ProfileName::TimeStamping => Profile::TimeStamping,
        ProfileName::TlsServer => Profile::TlsServer,
    }
}

const fn rules(name: Rules) -> IssuancePolicy {
    match name {
        Rules::Private => IssuancePolicy::Private,
        Rules::CodeSigningBaseline => IssuancePolicy::CodeSigningBaseline,
    }
}

/// Signs a certificate that no authority keeps: with the key of another certificate, or with its own.
fn issue_once(args: &Issue) -> Result<Certificate, Error> {
    let failed = |error| Error::of_certificate("issue the certificate", error);
    let key = args.access.keyring(true).open(issuer_key(args)?)?;
    let scheme = scheme(key.public_key().algorithm(), args.digest)?;
    let validity = Validity::from_now(now()?, args.days.unwrap_or(365)).map_err(failed)?;
    let terms = terms(args)?;
    let (subject, public_key) = match &args.subject {
        Some(subject) => (name(subject)?, key.public_key().clone()),
        None => {
            let request = request(args.csr.as_deref().or(args.request.as_deref()))?;
            (request.subject().clone(), request.public_key().clone())
        }
    };
    let serial = SerialNumber::random().map_err(failed)?;
    let builder = CertificateBuilder::new(terms.profile, subject, public_key, validity, serial)
        .alternative_names(terms.names)
        .policies(terms.policies)
        .crl_locations(terms.crl)
        .ca_issuers(terms.ca_issuers)
        .ocsp(terms.ocsp);
    let Some(issuer) = &args.cert else {
        keep_rules(args, &builder, None, scheme)?;
        return builder.self_signed(&*key, scheme).map_err(failed);
    };
    let none: [&Path; 0] = [];
    let (certificate, others) = read_identity_certificates(key.public_key(), issuer, &none)?;
    let identity = Identity::new(key, certificate, &others).map_err(|error| {
        Error::new(ErrorKind::CertificateMismatch, "the issuer does not fit").with_source(error)
    })?;
    let identity = identity.with_key_name(issuer_key(args)?.to_string());
    keep_rules(args, &builder, Some(identity.certificate()), scheme)?;
    builder.issued_by(&identity, scheme).map_err(failed)
}

fn issuer_key(args: &Issue) -> Result<&KeyAddress, Error> {
    args.key
        .as_ref()
        .ok_or_else(|| Error::new(ErrorKind::Key(KeyErrorKind::NotFound), "no key was named"))
}

/// Holds a certificate against rules, where the user named some.
fn keep_rules(
    args: &Issue,
    builder: &CertificateBuilder,
    issuer: Option<&Certificate>,
    scheme: SignatureScheme,
) -> Result<(), Error> {
    match args.rules {
        Some(named) => {
            chancery::authority::refuse_findings(&builder.findings(rules(named), issuer, scheme))
        }
        None => Ok(()),
    }
}
