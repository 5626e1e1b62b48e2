//! `/p7` of `signtool sign`, `verify` and `timestamp`: PKCS#7 over any file.

use std::fs;
use std::path::Path;

use chancery::authenticode::Verdict;
use chancery::certstore::Location;
use chancery::chain::{Purpose, Status, TrustAnchors};
use chancery::cms::{SignedData, bare_signed_data};
use chancery::key::SignatureScheme;
use chancery::timestamp::TimestampKind;
use chancery::x509::{Certificate, Identity};
use chancery::{
    ContentSignOptions, ContentSignature, ContentVerifier, Error, ErrorKind, Stamping,
    read_signature, replace_file, sign_content, timestamp_content,
};

use super::sign::{each, with};
use super::verify::{print_chain, print_head, stamp_kind};
use super::{Counts, Stop, fail, is_there, now, tell, timestamper};
use crate::compat::console::{complain, remark};
use crate::compat::dates;
use crate::compat::grammar::{Line, Misread};
use crate::compat::hresult::HResult;
use crate::settings::stores;
use crate::shown::shown;

/// How a line wants its PKCS#7.
#[derive(Debug)]
pub(super) struct Wish<'a> {
    folder: &'a Path,
    /// The SignedData alone, over content that stays where it is.
    detached: bool,
    content_type: Option<&'a str>,
}

/// Reads what a line says of PKCS#7; `None` where it says nothing.
pub(super) fn wish(line: &Line) -> Result<Option<Wish<'_>>, Misread> {
    let Some(folder) = line.value("p7") else {
        let alone = ["p7co", "p7ce"].into_iter().find(|option| line.has(option));
        return match alone {
            Some(option) => Err(Misread(format!("/{option} goes with /p7 FOLDER"))),
            None => Ok(None),
        };
    };
    for option in ["as", "ph", "nph", "d", "du", "dg", "ds", "di"] {
        line.not_both("p7", option)?;
    }
    if line.has("t") {
        let message = "PKCS#7 takes timestamps by RFC 3161 alone. Type /tr URL /td sha256";
        return Err(Misread(message.to_owned()));
    }
    let detached = match line.value("p7ce").map(str::to_ascii_lowercase).as_deref() {
        None | Some("embedded") => false,
        Some("detachedsigneddata") => true,
        Some(other) => {
            let message = format!("/p7ce {other}: it is Embedded or DetachedSignedData");
            return Err(Misread(message));
        }
    };
    Ok(Some(Wish { folder: Path::new(folder), detached, content_type: line.value("p7co") }))
}

impl Wish<'_> {
    pub(super) fn options(&self, scheme: SignatureScheme) -> Result<ContentSignOptions, Misread> {
        let mut options = ContentSignOptions::new(scheme);
        options.attached = !self.detached;
        if let Some(oid) = self.content_type {
            options.content_type = oid.parse().map_err(|_| {
                Misread(format!("/p7co {oid}: an object identifier is 1.2.840.113549.1.7.1, say"))
            })?;
        }
        Ok(options)
    }

    /// Signs one file: what is written is FOLDER/FILE.p7, in the place of an earlier one.
    pub(super) fn sign(
        &self,
        file: &Path,
        identity: &Identity,
        options: &ContentSignOptions,
        stamping: Option<Stamping<'_>>,
    ) -> Result<(), Error> {
        let signed = sign_content(file, identity, options, stamping)?;
        let bytes = match self.detached {
            true => bare_signed_data(&signed.der).map_err(|error| {
                Error::new(ErrorKind::Malformed, "the signature that was made").with_source(error)
            })?,
            false => &signed.der,
        };
        fs::create_dir_all(self.folder).map_err(|error| Error::io("create", self.folder, error))?;
        let base = self.folder.join(file.file_name().unwrap_or(file.as_os_str()));
        replace_file(&with(&base, ".p7"), bytes)
    }
}

/// Does `timestamp /p7`.
pub(super) fn timestamp(line: &Line) -> Result<Counts, Stop> {
    let wrong = if line.has("t") {
        Some("PKCS#7 takes timestamps by RFC 3161 alone. Type /tr URL /td sha256")
    } else if line.has("tp") {
        Some("/tp and /p7 contradict each other: PKCS#7 has one signature")
    } else {
        None
    };
    if let Some(message) = wrong {
        return Err(Misread(message.to_owned()).into());
    }
    let timestamper = timestamper(line)?
        .ok_or_else(|| Misread("name a timestamp server: /tr URL /td sha256".to_owned()))?;
    each(line, "Successfully timestamped", |file| timestamp_content(file, &timestamper))
}

/// Does `verify /p7`: the signature, and the path of its certificate, by no policy for programs.
pub(super) fn verify(line: &Line) -> Result<Counts, Stop> {
    for option in ["pg", "kp", "all", "ds", "ph", "d", "hash"] {
        line.not_both("p7", option)?;
    }
    let content = line.value("p7content").map(Path::new);
    if content.is_some() && line.operands.len() > 1 {
        let message = "/p7content is what one file is over, and several were given";
        return Err(Misread(message.to_owned()).into());
    }
    let stores = stores(None)?;
    let at_hand = stores.issuers(Location::LocalMachine)?;
    let verifier = ContentVerifier::new(TrustAnchors::new(stores.roots()?), now()?, Purpose::Any)
        .with_certificates(at_hand.clone());
    let mut counts = Counts::default();
    for file in &line.operands {
        if !is_there(file) {
            counts.errors += 1;
            continue;
        }
        print_head(line, file);
        match judge(line, file, content, &verifier, &at_hand, &mut counts) {
            Ok(true) => {
                tell(line, &format!("\nSuccessfully verified: {}", shown(file)));
                counts.done += 1;
            }
            Ok(false) => counts.errors += 1,
            Err(error) => {
                fail(&error);
                if error.kind() == ErrorKind::Usage {
                    remark(if content.is_some() {
                        "leave out /p7content: the file has its content in it"
                    } else {
                        "name what it is over: /p7content FILE"
                    });
                }
                counts.errors += 1;
            }
        }
    }
    Ok(counts)
}

fn judge(
    line: &Line,
    file: &str,
    content: Option<&Path>,
    verifier: &ContentVerifier,
    at_hand: &[Certificate],
    counts: &mut Counts,
) -> Result<bool, Error> {
    let der = read_signature(Path::new(file))?;
    let report = verifier.verify(&der, content)?;
    let inside = SignedData::from_der(&der).map(|signed| signed.read_certificates().readable);
    let others = [inside.unwrap_or_default(), at_hand.to_vec()].concat();
    if report.signatures.is_empty() {
        complain("SignTool Error: No signature found.");
    }
    for (index, signature) in report.signatures.iter().enumerate() {
        print(line, index, signature, &others);
        if !signature.reasons.is_empty() {
            complain(&format!("SignTool Error: {}", objection(signature)));
        }
        for finding in &signature.chain_findings {
            remark(&format!("{file}: {finding}"));
        }
        for reason in &signature.reasons {
            remark(&format!("{file}: {reason}"));
        }
        if line.has("tw") && signature.timestamps.is_empty() {
            let file = shown(file);
            complain(&format!("SignTool Warning: The file is not timestamped: {file}"));
            counts.warnings += 1;
        }
    }
    Ok(report.verdict == Verdict::Valid)
}

fn print(line: &Line, index: usize, signature: &ContentSignature, others: &[Certificate]) {
    let algorithm = signature.digest.map_or("unknown", |algorithm| algorithm.name());
    let stamp = signature.timestamps.first();
    if !(line.has("v") || line.has("debug")) {
        let stamp = stamp.map_or("None", |stamp| stamp_kind(stamp.kind));
        return tell(line, &format!("{index:<6} {algorithm:<10} {stamp}"));
    }
    tell(line, &format!("\nSignature Index: {index}\nHash algorithm: {algorithm}\n"));
    tell(line, "Signing Certificate Chain:");
    print_chain(line, signature.signer.as_ref(), others);
    match stamp {
        Some(stamp) => {
            let time = stamp.time.map(|time| dates::signtool(time.time()));
            let time = time.unwrap_or_else(|| "at no time".to_owned());
            tell(line, &format!("The signature is timestamped: {time}"));
            tell(line, "Timestamp Verified by:");
            print_chain(line, stamp.signer.as_ref(), others);
            tell(line, &format!("Timestamp protocol: {}", stamp_kind(TimestampKind::Rfc3161)));
        }
        None => tell(line, "File is not timestamped."),
    }
}

/// Says in Windows' words what is wrong with a signature.
fn objection(signature: &ContentSignature) -> &'static str {
    match signature.chain {
        Some(status) if !matches!(status, Status::Trusted | Status::RevocationUnknown) => {
            HResult::of_status(status).sentence()
        }
        _ if signature.reasons.contains(&"no-trust-anchors") => {
            "A certificate chain could not be built to a trusted root authority."
        }
        _ => "The digital signature of the object did not verify.",
    }
}
