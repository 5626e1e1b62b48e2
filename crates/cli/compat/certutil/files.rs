//! The verbs of `certutil` over files.

use std::path::Path;

use chancery::authority::Authority;
use chancery::key::DigestAlgorithm;
use chancery::x509::{Time, read_documents, to_pem};
use chancery::{Error, ErrorKind, hash_file, read_small_file, replace_file, write_new_file};

use super::{Failure, between};
use crate::compat::certificate_text::hex;
use crate::compat::console::{remark, say};
use crate::compat::grammar::{Line, Misread};
use crate::compat::hresult::HResult;
use crate::settings::current;
use crate::shown::shown;

/// Writes a file, in the place of another only with `-f`.
pub(super) fn write(line: &Line, path: &Path, contents: &[u8]) -> Result<(), Failure> {
    if path.exists() {
        if !line.has("f") {
            remark(&format!("{} is there; -f puts the new one in its place", path.display()));
            return Err(Failure::Number(HResult::FILE_EXISTS));
        }
        return Ok(replace_file(path, contents)?);
    }
    Ok(write_new_file(path, contents, false)?)
}

/// Opens the authority that an option or the settings name.
pub(in crate::compat) fn authority(config: Option<&str>) -> Result<Authority, Error> {
    match config.map(Path::new).or(current().ca.as_deref()) {
        Some(folder) => Authority::open(folder),
        None => Err(Error::new(
            ErrorKind::Usage,
            "no certificate authority is named; type -config FOLDER, or write  ca = \"FOLDER\"  in chancery.toml",
        )),
    }
}

pub(super) fn authority_certificate(line: &Line) -> Result<(), Failure> {
    let [file] = line.operands()?;
    let authority = authority(line.value("config"))?;
    let certificate = authority.certificate();
    write(line, Path::new(file), certificate.as_der())?;
    let now = now()?;
    let state = if certificate.is_valid_at(now) { "3 -- Valid" } else { "4 -- Invalid" };
    say(&format!("CA cert[0]: {state}"));
    say("CA cert[0]:");
    say(to_pem("CERTIFICATE", certificate.as_der()).trim_end());
    say("");
    Ok(())
}

pub(in crate::compat) fn now() -> Result<Time, Error> {
    Time::now().map_err(|error| Error::of_certificate("use the system's time", error))
}

fn lengths(input: usize, output: usize) {
    say(&format!("Input Length = {input}"));
    say(&format!("Output Length = {output}"));
}

pub(super) fn encode(line: &Line) -> Result<(), Failure> {
    let [from, to] = line.operands()?;
    let bytes = read_small_file(Path::new(from))?;
    let text = to_pem("CERTIFICATE", &bytes).replace("\r\n", "\n").replace('\n', "\r\n");
    write(line, Path::new(to), text.as_bytes())?;
    lengths(bytes.len(), text.len());
    Ok(())
}

pub(super) fn decode(line: &Line) -> Result<(), Failure> {
    let [from, to] = line.operands()?;
    let path = Path::new(from);
    let bytes = read_small_file(path)?;
    let labelled = match read_documents(&bytes) {
        Ok(all) => all.into_iter().find(|document| document.label.is_some()),
        Err(_) if !bytes.starts_with(b"-----") => None,
        Err(error) => return Err(Error::malformed(path, error).into()),
    };
    let der = labelled.map(|document| document.der).or_else(|| without_lines(&bytes));
    let der = der.ok_or_else(|| {
        let message = format!("{from} is no Base64, with BEGIN and END lines or without");
        Error::new(ErrorKind::Malformed, message)
    })?;
    write(line, Path::new(to), &der)?;
    lengths(bytes.len(), der.len());
    Ok(())
}

/// Reads Base64 that has no lines around it.
fn without_lines(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(bytes).ok()?;
    let digits: Vec<char> = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let lines: Vec<String> = digits.chunks(64).map(|line| line.iter().collect()).collect();
    let pem = format!("-----BEGIN DATA-----\n{}\n-----END DATA-----\n", lines.join("\n"));
    Some(read_documents(pem.as_bytes()).ok()?.into_iter().next()?.der)
}

pub(super) fn hash(line: &Line) -> Result<(), Failure> {
    let operands = between(line, 1, 2)?;
    let file = operands.first().copied().unwrap_or_default();
    let name = operands.get(1).copied().unwrap_or("SHA1");
    let algorithm: DigestAlgorithm = name.to_ascii_lowercase().parse().map_err(|_| {
        Misread(format!(
            "{name} is not made here, but SHA1, SHA256, SHA384 and SHA512; for others:  openssl dgst -md5 {file}"
        ))
    })?;
    let value = hash_file(Path::new(file), algorithm)?;
    say(&format!("{} hash of {}:", name.to_ascii_uppercase(), shown(file)));
    say(&hex(&value));
    Ok(())
}
