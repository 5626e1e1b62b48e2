//! `signtool sign`

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use chancery::authenticode::SignOptions;
use chancery::key::{DigestAlgorithm, KeyAlgorithm, SignatureScheme};
use chancery::x509::Identity;
use chancery::{
    AttachOptions, Error, ErrorKind, IfSigned, SignFileOptions, Stamping, ToBeSigned,
    attach_signature, complete_prepared, dig_text, prepare_file, read_small_file,
    read_to_be_signed, sign_and_stamp_file, sign_bare_digest, write_new_file,
};

use super::selection::{Chosen, block, choose};
use super::{Counts, Stop, digest, fail, is_there, now, p7, tell, timestamper};
use crate::compat::console::remark;
use crate::compat::credentials::keyring;
use crate::compat::grammar::{Line, Misread};
use crate::shown::shown;

pub(super) fn run(line: &Line) -> Result<Counts, Stop> {
    for (one, other) in [("dg", "ds"), ("dg", "di"), ("ds", "di"), ("ph", "nph")] {
        line.not_both(one, other)?;
    }
    let p7 = p7::wish(line)?;
    let timestamper = timestamper(line)?;
    if timestamper.is_some() && ["dg", "ds", "di"].iter().any(|step| line.has(step)) {
        let message = "timestamp the finished file: signtool timestamp /tr URL /td sha256 FILE";
        return Err(Misread(message.to_owned()).into());
    }
    if let Some(folder) = line.value("di") {
        return each(line, "Successfully signed", |file| finish(line, file, Path::new(folder)));
    }
    let algorithm = line.value("fd").map(|name| digest("/fd", name)).transpose()?;
    let Some(algorithm) = algorithm.or_else(|| line.has("ds").then_some(DigestAlgorithm::Sha256))
    else {
        let message = "No file digest algorithm specified. Type /fd sha256";
        return Err(Misread(message.to_owned()).into());
    };
    let chosen = choose(line)?;
    for objection in chosen.objections()? {
        remark(&objection.message);
    }
    if line.has("v") || line.has("debug") {
        tell(line, "The following certificate was selected:");
        tell(line, &block(chosen.certificate(), 1));
    }
    tell(line, "Done Adding Additional Store");
    let key = chosen.certificate().public_key().algorithm();
    if let Some(folder) = line.value("dg") {
        let options = file_options(line, key, algorithm)?;
        return each(line, "Successfully signed", |file| {
            prepare(file, Path::new(folder), &chosen, &options)
        });
    }
    let (identity, address) = chosen.open()?;
    if line.has("ds") {
        return each(line, "Successfully signed", |file| sign_digest(file, &address));
    }
    let stamping = timestamper.as_ref().map(|timestamper| Stamping::new(timestamper).required());
    if let Some(p7) = p7 {
        let options = p7.options(scheme(key, algorithm)?)?;
        return each(line, "Successfully signed", |file| {
            p7.sign(file, &identity, &options, stamping)
        });
    }
    let options = file_options(line, key, algorithm)?;
    each(line, "Successfully signed", |file| sign(file, &identity, &options, stamping))
}

/// Does one thing to every file, and counts.
pub(super) fn each(
    line: &Line,
    done: &str,
    work: impl Fn(&Path) -> Result<(), Error>,
) -> Result<Counts, Stop> {
    let mut counts = Counts::default();
    for file in &line.operands {
        if !is_there(file) {
            counts.errors += 1;
            continue;
        }
        match work(Path::new(file)) {
            Ok(()) => {
                tell(line, &format!("{done}: {}", shown(file)));
                counts.done += 1;
            }
            Err(error) => {
                fail(&error);
                crate::compat::console::complain(&format!(
                    "SignTool Error: An error occurred while attempting to {}: {}",
                    line.verb.name,
                    shown(file)
                ));
                counts.errors += 1;
            }
        }
    }
    Ok(counts)
}

fn scheme(key: KeyAlgorithm, algorithm: DigestAlgorithm) -> Result<SignatureScheme, Error> {
    SignatureScheme::conventional(key, algorithm)
        .ok_or_else(|| Error::new(ErrorKind::Usage, format!("a key of {key} signs no {algorithm}")))
}

fn file_options(
    line: &Line,
    key: KeyAlgorithm,
    algorithm: DigestAlgorithm,
) -> Result<SignFileOptions, Error> {
    let mut signature = SignOptions::new(scheme(key, algorithm)?);
    signature.description = line.value("d").map(str::to_owned);
    signature.url = line.value("du").map(str::to_owned);
    let wished = std::env::var("SIGNTOOL_PAGE_HASHES").is_ok_and(|value| value == "1");
    if line.has("ph") || (wished && !line.has("nph")) {
        signature = signature.with_page_hashes();
    }
    let mut options = SignFileOptions::new(signature);
    options.if_signed = if line.has("as") { IfSigned::Append } else { IfSigned::Replace };
    Ok(options)
}

fn sign(
    file: &Path,
    identity: &Identity,
    options: &SignFileOptions,
    stamping: Option<Stamping<'_>>,
) -> Result<(), Error> {
    let signed = sign_and_stamp_file(file, identity, now()?, options, stamping)?;
    for warning in signed.warnings.iter().filter(|warning| **warning != "not-timestamped") {
        remark(&format!("{}: {warning}", file.display()));
    }
    Ok(())
}

pub(super) fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(suffix);
    PathBuf::from(name)
}

fn prepare(
    file: &Path,
    folder: &Path,
    chosen: &Chosen,
    options: &SignFileOptions,
) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::io("create", folder, error))?;
    let prepared = prepare_file(file, &chosen.signer()?, options)?;
    let base = folder.join(file.file_name().unwrap_or(file.as_os_str()));
    write_new_file(&with(&base, ".dig"), dig_text(&prepared.prepared).as_bytes(), false)?;
    write_new_file(&with(&base, ".p7u"), prepared.prepared.content_info(), false)
}

fn sign_digest(file: &Path, address: &str) -> Result<(), Error> {
    let digest = match read_to_be_signed(file)? {
        ToBeSigned::Digest(digest) => digest,
        ToBeSigned::Prepared(_) => {
            let message = format!("{} is no .dig", file.display());
            return Err(Error::new(ErrorKind::Usage, message));
        }
    };
    let place = address.parse().map_err(|error: chancery::KeyAddressError| {
        Error::new(ErrorKind::Usage, format!("`{address}`")).with_source(error)
    })?;
    let key = keyring(None).open_digest_signer(&place)?;
    let signed = sign_bare_digest(&digest, &*key, address)?;
    write_new_file(&with(file, ".signed"), signed.as_bytes(), false)
}

fn finish(line: &Line, file: &Path, folder: &Path) -> Result<(), Error> {
    let base = folder.join(file.file_name().unwrap_or(file.as_os_str()));
    let value = read_small_file(&with(&base, ".dig.signed"))?;
    let signature = match read_to_be_signed(&with(&base, ".p7u"))? {
        ToBeSigned::Prepared(prepared) => complete_prepared(&prepared, &value)?,
        ToBeSigned::Digest(_) => {
            let message = format!("{}.p7u has no signature to finish", base.display());
            return Err(Error::new(ErrorKind::Malformed, message));
        }
    };
    let mut options = AttachOptions::default();
    options.if_signed = if line.has("as") { IfSigned::Append } else { IfSigned::Replace };
    attach_signature(file, &signature, now()?, &options).map(drop)
}
