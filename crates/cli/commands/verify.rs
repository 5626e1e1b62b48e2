//! `chancery verify`

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use chancery::authenticode::{SignatureReport, TimestampReport, Verdict, Verifier};
use chancery::batch::{Listed, Stages};
use chancery::chain::TrustAnchors;
use chancery::{Error, Fetched, VerifiedFile, read_trust_anchors, verify_file_in_stages};

use crate::args::{RuleOptions, Verify};
use crate::batch::{self, Job};
use crate::commands::fetch::Fetcher;
use crate::commands::{Evidence, trust_nobody};
use crate::exit::Exit;
use crate::json;
use crate::shown::shown;
use crate::ui::Ui;

pub(crate) fn run(args: &Verify, ui: &mut Ui) -> Exit {
    let gathered =
        Evidence::gather(&args.judge).and_then(|evidence| Ok((evidence, timestamp_anchors(args)?)));
    let (evidence, timestamp_anchors) = match gathered {
        Ok(gathered) => gathered,
        Err(error) => return ui.error(&error, None),
    };
    let fetcher = Mutex::new(Fetcher::new(&args.judge));
    let limits = args.batch.limits(&args.files, None, None);
    let stages = Stages::new(&limits);
    let job = VerifyJob { args, evidence, timestamp_anchors, fetcher };
    batch::run(&job, &args.files, &args.batch, &stages, &limits, "verifying", ui)
}

struct VerifyJob<'a> {
    args: &'a Verify,
    evidence: Evidence,
    timestamp_anchors: Option<TrustAnchors>,
    /// Fetches for one file at a time, and remembers for all.
    fetcher: Mutex<Fetcher>,
}

impl Job for VerifyJob<'_> {
    type Done = (Vec<Fetched>, Result<VerifiedFile, Error>);

    fn work(&self, file: &Listed, stages: &Stages) -> Self::Done {
        let (mut verifier, log) = {
            let mut fetcher = self.fetcher.lock().unwrap_or_else(PoisonError::into_inner);
            (fetcher.verifier(&file.path, &self.evidence), fetcher.take_log())
        };
        if let Some(anchors) = &self.timestamp_anchors {
            verifier = verifier.with_timestamp_anchors(anchors.clone());
        }
        verifier = by_rules(verifier, &self.args.rules);
        (log, verify_file_in_stages(&file.path, &verifier, stages))
    }

    fn written<'a>(&self, _: &'a Self::Done) -> Option<&'a Path> {
        None
    }

    fn writes(&self) -> bool {
        false
    }

    fn show(&self, file: &Path, (log, result): Self::Done, ui: &mut Ui) -> Exit {
        Fetcher::tell_all(log, ui);
        match result {
            Ok(verified) => {
                let exit = show(file, &verified, ui);
                if verified.report.verdict == Verdict::Untrusted {
                    trust_nobody(&self.args.judge, ui);
                }
                exit
            }
            Err(error) => ui.error(&error, Some(file)),
        }
    }
}

/// Reads the roots that timestamps have for themselves.
fn timestamp_anchors(args: &Verify) -> Result<Option<TrustAnchors>, Error> {
    if args.tsa_roots.is_empty() {
        return Ok(None);
    }
    read_trust_anchors(&args.tsa_roots).map(Some)
}

fn by_rules(verifier: Verifier, rules: &RuleOptions) -> Verifier {
    let mut verifier = verifier.under(rules.policy);
    if let Some(require) = rules.require {
        verifier = verifier.requiring(require);
    }
    for check in &rules.allow {
        verifier = verifier.allowing(*check);
    }
    for check in &rules.deny {
        verifier = verifier.denying(*check);
    }
    verifier
}

fn show(file: &Path, verified: &VerifiedFile, ui: &mut Ui) -> Exit {
    let report = &verified.report;
    let object = json::Verified::new(file, verified);
    if report.verdict == Verdict::Valid {
        ui.success(&object, || text(file, verified));
    } else {
        ui.result(&object, || text(file, verified));
    }
    match report.verdict {
        Verdict::Valid => Exit::Done,
        Verdict::Malformed => Exit::Malformed,
        _ => Exit::No,
    }
}

fn text(file: &Path, verified: &VerifiedFile) -> String {
    let report = &verified.report;
    let mut text = format!("{}: {}", shown(file), report.verdict);
    for reason in &report.reasons {
        let _ = write!(text, "\n  reason: {reason}");
    }
    for signature in &report.signatures {
        let or_unknown = |name: Option<&'static str>| name.unwrap_or("unknown");
        let digest = signature.digest_algorithm.map(|algorithm| algorithm.name());
        let scheme = signature.scheme.map(|scheme| scheme.name());
        let holds = |holds: bool| if holds { "holds" } else { "DOES NOT HOLD" };
        let _ = write!(
            text,
            "\n  signature {}\n    digest     {} {}\n    signature  {} {}",
            signature.index,
            or_unknown(digest),
            holds(signature.digest_matches),
            or_unknown(scheme),
            holds(signature.signature_valid),
        );
        if let Some(signer) = &signature.signer {
            let thumbprint = json::hex(&signer.thumbprint_sha1());
            let _ =
                write!(text, "\n    signer     {}\n    thumbprint {thumbprint}", signer.subject());
        }
        let _ = write!(text, "\n    chain      {}", signature.chain);
        for finding in &signature.chain_findings {
            let _ = write!(text, "\n               {finding}");
        }
        if signature.page_hashes.name() != "absent" {
            let _ = write!(text, "\n    pages      {}", signature.page_hashes.name());
        }
        for stamp in &signature.timestamps {
            let _ = write!(text, "\n    timestamp  {}", timestamp(stamp));
        }
        details(signature, &mut text);
        if !signature.reasons.is_empty() {
            let names: Vec<_> = signature.reasons.iter().map(|reason| reason.name()).collect();
            let _ = write!(text, "\n    reasons    {}", names.join(", "));
        }
    }
    text
}

/// What the signer says of the file, and what is in the signature without being needed.
fn details(signature: &SignatureReport, text: &mut String) {
    for (name, value) in [("describes", &signature.description), ("more at", &signature.url)] {
        if let Some(value) = value {
            let _ = write!(text, "\n    {name:<10} {}", value.escape_debug());
        }
    }
    for attribute in &signature.unknown_attributes {
        let signed = if attribute.is_signed { "signed" } else { "unsigned" };
        let (oid, len) = (attribute.oid, attribute.len);
        let _ = write!(text, "\n    unknown    {signed} attribute {oid}, {len} bytes");
    }
    for certificate in &signature.unused_certificates {
        let len = certificate.as_der().len();
        let _ = write!(text, "\n    unused     {}, {len} bytes", certificate.subject());
    }
}

fn timestamp(stamp: &TimestampReport) -> String {
    let time = stamp.time.map_or_else(|| "at no time".to_owned(), |time| time.to_string());
    let mut text = format!("{} {time}", stamp.kind);
    if let Some(signer) = &stamp.signer {
        let _ = write!(text, " by {}", signer.subject());
    }
    for reason in &stamp.reasons {
        let _ = write!(text, "\n               {reason}");
    }
    for finding in &stamp.chain_findings {
        let _ = write!(text, "\n               {finding}");
    }
    text
}
