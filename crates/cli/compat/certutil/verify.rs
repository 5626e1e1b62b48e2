//! `certutil -verify`: what the stores say of a certificate.

use std::error::Error as _;
use std::path::Path;

use chancery::chain::{Outcome, Policy, Reason, Revocation, Status, TrustAnchors, validate};
use chancery::x509::{Certificate, WindowsForm};
use chancery::{Gatherer, HttpFetch, read_certificate_file};

use super::dump::print_name;
use super::files::now;
use super::{Failure, between, store_of};
use crate::compat::certificate_text::{hex, serial};
use crate::compat::console::{remark, say};
use crate::compat::dates;
use crate::compat::grammar::Line;
use crate::compat::hresult::HResult;
use crate::settings::stores;

pub(super) fn run(line: &Line) -> Result<(), Failure> {
    let operands = between(line, 1, 2)?;
    let mut all = Vec::new();
    for file in &operands {
        all.extend(read_certificate_file(Path::new(file))?);
    }
    let Some(leaf) = all.first().cloned() else { return Ok(()) };
    let stores = stores(None)?;
    let location = store_of(line, "Root")?.location();
    all.extend(stores.issuers(location)?);
    let crls = stores.known_revocation_lists(location)?;
    let mut policy = Policy::code_signing(now()?);
    policy.allow_ca_leaf = true;
    let anchors = TrustAnchors::new(stores.roots()?);
    print_name("Issuer", leaf.issuer());
    print_name("Subject", leaf.subject());
    say(&format!("Cert Serial Number: {}\n", serial(&leaf)));
    let outcome = if line.has("urlfetch") {
        let mut gatherer = Gatherer::new(HttpFetch::default());
        let outcome = gatherer.gather(&leaf, &all, &anchors, &crls, &policy);
        print_fetched(&mut gatherer);
        outcome
    } else {
        validate(&leaf, &all, &anchors, &crls, &policy)
    };
    for (index, certificate) in outcome.path.iter().enumerate() {
        print_context(index, certificate, outcome.revocation.get(index));
    }
    for finding in &outcome.findings {
        say(&format!("  {finding}"));
    }
    say(match leaf.is_ca() {
        true => "Cert is a CA certificate",
        false => "Cert is an End Entity certificate",
    });
    print_leaf_revocation(&outcome, line);
    match outcome.status {
        Status::Trusted | Status::RevocationUnknown => Ok(()),
        status => Err(Failure::Number(HResult::of_status(status))),
    }
}

fn print_fetched(gatherer: &mut Gatherer<HttpFetch>) {
    for fetched in gatherer.take_log() {
        let url = fetched.url.escape_debug();
        match fetched.result {
            Ok(_) => say(&format!("  Fetched \"{url}\"")),
            Err(error) => {
                say(&format!("  Failed \"{url}\""));
                let cause = error.source().map(|cause| format!(": {cause}"));
                remark(&format!("{url}: {error}{}", cause.unwrap_or_default()));
            }
        }
    }
}

fn print_context(index: usize, certificate: &Certificate, revocation: Option<&Revocation>) {
    say(&format!("CertContext[0][{index}]:"));
    say(&format!("  Issuer: {}", certificate.issuer().windows(WindowsForm::X500)));
    say(&format!("  NotBefore: {}", dates::certutil(certificate.not_before())));
    say(&format!("  NotAfter: {}", dates::certutil(certificate.not_after())));
    say(&format!("  Subject: {}", certificate.subject().windows(WindowsForm::X500)));
    say(&format!("  Serial: {}", serial(certificate)));
    say(&format!("  Cert: {}", hex(&certificate.thumbprint_sha1())));
    match revocation {
        Some(Revocation::Good) => say("  Revocation: not on the lists"),
        Some(Revocation::Revoked(entry) | Revocation::RevokedLater(entry)) => {
            say(&format!("  Revocation: since {}", dates::certutil(entry.since())));
        }
        Some(Revocation::Unknown(problems)) => {
            let names: Vec<_> = problems.iter().map(|problem| problem.name()).collect();
            say(&format!("  Revocation: unknown ({})", names.join(", ")));
        }
        _ => {}
    }
    say("");
}

/// Says what the lists say of the certificate itself.
fn print_leaf_revocation(outcome: &Outcome, line: &Line) {
    match outcome.revocation.first() {
        Some(Revocation::Good) => say("Leaf certificate revocation check passed"),
        Some(Revocation::Revoked(entry) | Revocation::RevokedLater(entry)) => {
            let reason = entry.reason.map_or(0, |reason| reason.code());
            say(&format!("Leaf certificate is REVOKED (Reason={reason:x})"));
        }
        Some(Revocation::Unknown(_)) => {
            let number = HResult::NO_REVOCATION_CHECK;
            say(&format!(
                "ERROR: Verifying leaf certificate revocation status returned {} {}\nCertUtil: {}\n",
                number.sentence(),
                number.numbers(),
                number.sentence()
            ));
            if !line.has("urlfetch") {
                remark(
                    "a list has to be in the store CA:  certutil -addstore CA FILE.crl  - or type -urlfetch",
                );
            }
        }
        // Of an anchor, and of what reaches none, nobody says whether it is revoked.
        _ => {
            let is_anchor = outcome.path.len() == 1
                && !outcome.findings.iter().any(|finding| finding.reason == Reason::UntrustedRoot);
            say(match is_anchor && outcome.status == Status::Trusted {
                true => "Leaf certificate is a trusted root, which no list revokes",
                false => "Leaf certificate revocation was not checked: the path is not trusted",
            });
        }
    }
}
