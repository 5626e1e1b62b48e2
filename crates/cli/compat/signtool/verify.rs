//! `signtool verify`

use std::path::Path;

use chancery::authenticode::{ChainStatus, Severity, SignatureReport, Verifier};
use chancery::certstore::Location;
use chancery::chain::TrustAnchors;
use chancery::timestamp::TimestampKind;
use chancery::x509::Certificate;
use chancery::{Error, ErrorKind, Signer, VerifiedFile, inspect_file, verify_file};

use super::selection::{block, root_has};
use super::{Counts, Stop, fail, is_there, now, p7, tell};
use crate::compat::certificate_text::hex;
use crate::compat::console::{complain, remark};
use crate::compat::dates;
use crate::compat::grammar::{Line, Misread};
use crate::settings::stores;
use crate::shown::shown;

/// WINTRUST_ACTION_GENERIC_VERIFY_V2, which /pa stands for.
const PROGRAMS: &str = "00AAC56B-CD44-11D0-8CC2-00C04FC295EE";

pub(super) fn run(line: &Line) -> Result<Counts, Stop> {
    if line.has("p7") {
        return p7::verify(line);
    }
    if line.has("p7content") {
        return Err(Misread("/p7content goes with /p7".to_owned()).into());
    }
    check_policy(line)?;
    if let Some(name) = line.value("hash")
        && !["sha1", "sha256"].iter().any(|known| name.eq_ignore_ascii_case(known))
    {
        return Err(Misread(format!("/hash {name}: it is SHA1 or SHA256")).into());
    }
    line.not_both("all", "ds")?;
    let wanted = match line.value("ds") {
        None => 0,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Misread(format!("/ds {text}: signatures are counted from 0")))?,
    };
    let stores = stores(None)?;
    let at_hand = stores.issuers(Location::LocalMachine)?;
    let verifier = Verifier::new(TrustAnchors::new(stores.roots()?), now()?)
        .with_certificates(at_hand.clone());
    let mut counts = Counts::default();
    for file in &line.operands {
        if !is_there(file) {
            counts.errors += 1;
            continue;
        }
        let one = One { line, file, wanted, at_hand: &at_hand };
        match verify_file(Path::new(file), &verifier) {
            Ok(verified) => one.judge(&verified, &mut counts)?,
            Err(error) => {
                print_head(line, file);
                if error.kind() != ErrorKind::Io {
                    complain(
                        "SignTool Error: This file format cannot be verified because it is not\n\trecognized.",
                    );
                }
                fail(&error);
                counts.errors += 1;
            }
        }
    }
    Ok(counts)
}

fn check_policy(line: &Line) -> Result<(), Misread> {
    line.not_both("pa", "pg")?;
    match line.value("pg") {
        Some(guid) if guid.trim_matches(['{', '}']).eq_ignore_ascii_case(PROGRAMS) => Ok(()),
        Some(guid) => {
            Err(Misread(format!("/pg {guid}: only {{{PROGRAMS}}} is known, which is /pa")))
        }
        None if line.has("pa") => Ok(()),
        None => Err(Misread(
            "without /pa the policy is that for drivers, by which nothing here judges. Type /pa"
                .to_owned(),
        )),
    }
}

/// One file of a run.
struct One<'a> {
    line: &'a Line,
    file: &'a str,
    wanted: usize,
    at_hand: &'a [Certificate],
}

impl One<'_> {
    fn is_verbose(&self) -> bool {
        self.line.has("v") || self.line.has("debug")
    }

    fn judge(&self, verified: &VerifiedFile, counts: &mut Counts) -> Result<(), Error> {
        print_head(self.line, self.file);
        let report = &verified.report;
        let chosen: Vec<&SignatureReport> = report
            .signatures
            .iter()
            .filter(|one| self.line.has("all") || one.index == self.wanted)
            .collect();
        if chosen.is_empty() {
            let what = match report.signatures.len() {
                0 => "No signature found.".to_owned(),
                count => format!("No signature {} found: the file has {count}.", self.wanted),
            };
            complain(&format!("SignTool Error: {what}"));
            counts.errors += 1;
            return Ok(());
        }
        let (mut good, mut failed) = (0_usize, false);
        for signature in chosen {
            self.print(signature)?;
            match objection(signature) {
                None if self.root_fits(signature) => good = good.saturating_add(1),
                None => {
                    complain(
                        "SignTool Error: The signing certificate's root is not the one of /r.",
                    );
                    failed = true;
                }
                Some(text) => {
                    complain(&format!("SignTool Error: {text}"));
                    self.explain(signature);
                    failed = true;
                }
            }
            if self.line.has("tw") && signature.timestamps.is_empty() {
                complain(&format!("SignTool Warning: The file is not timestamped: {}", self.file));
                counts.warnings += 1;
            }
        }
        for reason in report.reasons.iter().filter(|reason| reason.severity() >= Severity::Invalid)
        {
            complain(&format!("SignTool Error: The file is not in order: {reason}"));
            failed = true;
        }
        if failed {
            counts.errors += 1;
            return Ok(());
        }
        tell(self.line, &format!("\nSuccessfully verified: {}", self.file));
        counts.done += if self.line.has("all") { good } else { 1 };
        Ok(())
    }

    fn print(&self, signature: &SignatureReport) -> Result<(), Error> {
        let algorithm = signature.digest_algorithm.map_or("unknown", |algorithm| algorithm.name());
        let stamp = signature.timestamps.first();
        if !self.is_verbose() {
            let stamp = stamp.map_or("None", |stamp| stamp_kind(stamp.kind));
            tell(self.line, &format!("{:<6} {algorithm:<10} {stamp}", signature.index));
            self.describe(signature);
            return Ok(());
        }
        let primary = if signature.index == 0 { " (Primary Signature)" } else { "" };
        tell(self.line, &format!("\nSignature Index: {}{primary}", signature.index));
        let inspection = inspect_file(Path::new(self.file))?;
        let inspected = inspection.signatures.get(signature.index);
        if let Some((algorithm, digest)) = inspected.and_then(|one| one.digest.as_ref()) {
            let digest = hex(digest).to_ascii_uppercase();
            tell(self.line, &format!("Hash of file ({algorithm}): {digest}\n"));
        }
        let others: Vec<Certificate> = inspection
            .signatures
            .iter()
            .flat_map(|one| one.certificates.iter().cloned())
            .chain(self.at_hand.iter().cloned())
            .collect();
        tell(self.line, "Signing Certificate Chain:");
        print_chain(self.line, signature.signer.as_ref(), &others);
        match stamp {
            Some(stamp) => {
                let time = stamp.time.map(|time| dates::signtool(time.time()));
                let time = time.unwrap_or_else(|| "at no time".to_owned());
                tell(self.line, &format!("The signature is timestamped: {time}"));
                tell(self.line, "Timestamp Verified by:");
                print_chain(self.line, stamp.signer.as_ref(), &others);
                tell(self.line, &format!("Timestamp protocol: {}", stamp_kind(stamp.kind)));
            }
            None => tell(self.line, "File is not timestamped."),
        }
        if self.line.has("ph") {
            tell(self.line, &format!("Page hashes: {}", signature.page_hashes.name()));
        }
        self.describe(signature);
        Ok(())
    }

    fn describe(&self, signature: &SignatureReport) {
        if self.line.has("d") {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            tell(self.line, &format!("Description: {}", text(&signature.description)));
            tell(self.line, &format!("Description URL: {}", text(&signature.url)));
        }
    }

    /// Tells whether the root is the one that /r asks for.
    fn root_fits(&self, signature: &SignatureReport) -> bool {
        let Some(wanted) = self.line.value("r") else { return true };
        let Some(leaf) = &signature.signer else { return false };
        root_has(leaf, self.at_hand, wanted)
    }

    fn explain(&self, signature: &SignatureReport) {
        for finding in &signature.chain_findings {
            remark(&format!("{}: {finding}", self.file));
        }
        for reason in &signature.reasons {
            remark(&format!("{}: {reason}", self.file));
        }
    }
}

/// Prints what comes before the signatures of a file.
pub(super) fn print_head(line: &Line, file: &str) {
    let file = shown(file);
    if line.has("v") || line.has("debug") {
        tell(line, &format!("\nVerifying: {file}"));
    } else {
        tell(line, &format!("File: {file}\nIndex  Algorithm  Timestamp\n{}", "=".repeat(40)));
    }
}

/// Prints a certificate and those above it, the root first.
pub(super) fn print_chain(line: &Line, leaf: Option<&Certificate>, others: &[Certificate]) {
    let Some(leaf) = leaf else { return tell(line, "    it has no certificate\n") };
    let signer = Signer::new(leaf.clone(), others);
    let path = signer.chain.iter().rev().chain([&signer.certificate]);
    for (index, certificate) in path.enumerate() {
        tell(line, &block(certificate, index.saturating_add(1)));
    }
}

pub(super) const fn stamp_kind(kind: TimestampKind) -> &'static str {
    match kind {
        TimestampKind::Rfc3161 => "RFC3161",
        _ => "Authenticode",
    }
}

/// Says in SignTool's words what is wrong with a signature.
fn objection(signature: &SignatureReport) -> Option<&'static str> {
    if !signature.digest_matches || !signature.signature_valid {
        return Some("The digital signature of the object did not verify.");
    }
    let of_chain = match signature.chain {
        ChainStatus::Trusted | ChainStatus::RevocationUnknown => None,
        ChainStatus::Expired => Some(
            "A required certificate is not within its validity period when\n\tverifying against the current system clock.",
        ),
        ChainStatus::Incomplete => {
            Some("A certificate chain could not be built to a trusted root\n\tauthority.")
        }
        ChainStatus::Revoked => Some("A certificate was explicitly revoked by its issuer."),
        ChainStatus::WrongUsage => Some("The certificate is not valid for the requested usage."),
        ChainStatus::Weak => Some("The chain has a key or a signature that is too weak."),
        _ => Some(
            "A certificate chain processed, but terminated in a root\n\tcertificate which is not trusted by the trust provider.",
        ),
    };
    let worst = signature.reasons.iter().map(|reason| reason.severity()).max();
    of_chain
        .or_else(|| (worst >= Some(Severity::Invalid)).then_some("The signature is not in order."))
}
