//! The verbs of `certutil` over files.

use std::path::Path;

use chancery::authority::Authority;
use chancery::key::{DigestAlgorithm, PublicKey};
use chancery::sigverify::digest;
use chancery::x509::{
    Certificate, Extensions, Name, Time, UnverifiedRequest, WindowsForm, read_documents, to_pem,
};
use chancery::{
    Error, ErrorKind, hash_file, read_certificate_file, read_small_file, replace_file,
    write_new_file,
};

use super::{Failure, between};
use crate::compat::certificate_text::{hex, print_own_signature, serial};
use crate::compat::console::{remark, say};
use crate::compat::dates;
use crate::compat::grammar::{Line, Misread};
use crate::compat::hresult::HResult;
use crate::settings::current;

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
    let all = read_documents(&bytes).map_err(|error| Error::malformed(path, error))?;
    let first = all.into_iter().find(|document| document.label.is_some());
    let first = first.ok_or_else(|| {
        let message = format!("{from} is not Base64 between BEGIN and END lines");
        Error::new(ErrorKind::Malformed, message)
    })?;
    write(line, Path::new(to), &first.der)?;
    lengths(bytes.len(), first.der.len());
    Ok(())
}

pub(super) fn hash(line: &Line) -> Result<(), Failure> {
    let operands = between(line, 1, 2)?;
    let file = operands.first().copied().unwrap_or_default();
    let name = operands.get(1).copied().unwrap_or("SHA1");
    let algorithm: DigestAlgorithm = name.to_ascii_lowercase().parse().map_err(|_| {
        Misread(format!("`{name}` is no hash that is made here: SHA1, SHA256, SHA384, SHA512"))
    })?;
    let value = hash_file(Path::new(file), algorithm)?;
    say(&format!("{} hash of {file}:", name.to_ascii_uppercase()));
    say(&hex(&value));
    Ok(())
}

pub(super) fn dump(line: &Line) -> Result<(), Failure> {
    let [file] = line.operands()?;
    let path = Path::new(file);
    let bytes = read_small_file(path)?;
    if let Ok(request) = UnverifiedRequest::from_file_contents(&bytes) {
        dump_request(&request);
        return Ok(());
    }
    for certificate in read_certificate_file(path)? {
        dump_certificate(&certificate);
    }
    Ok(())
}

pub(super) fn lines(title: &str, name: &Name) {
    say(&format!("{title}:"));
    for line in name.windows(WindowsForm::Lines).to_string().lines() {
        say(&format!("    {line}"));
    }
    say("");
}

fn dump_request(request: &UnverifiedRequest) {
    say("PKCS10 Certificate Request:\nVersion: 1");
    lines("Subject", request.subject());
    dump_key(request.public_key());
    dump_extensions(request.extensions());
    say(&format!("Signature Algorithm: {}", request.signature_algorithm()));
    say(match request.clone().verify() {
        Ok(_) => "Signature matches Public Key",
        Err(_) => "Signature does not match Public Key",
    });
    dump_key_ids(request.public_key());
}

fn dump_certificate(certificate: &Certificate) {
    say("X509 Certificate:");
    say(&format!("Serial Number: {}", serial(certificate)));
    say(&format!("Signature Algorithm: {}", certificate.signature_algorithm()));
    lines("Issuer", certificate.issuer());
    say(&format!(" NotBefore: {}", dates::certutil(certificate.not_before())));
    say(&format!(" NotAfter: {}\n", dates::certutil(certificate.not_after())));
    lines("Subject", certificate.subject());
    dump_key(certificate.public_key());
    dump_extensions(certificate.extensions());
    match certificate.is_self_issued() {
        true => say("Root Certificate: Subject matches Issuer"),
        false => say("Non-root Certificate"),
    }
    print_own_signature(certificate);
    dump_key_ids(certificate.public_key());
    say(&format!("Cert Hash(sha1): {}", hex(&certificate.thumbprint_sha1())));
    say(&format!("Cert Hash(sha256): {}", hex(&certificate.thumbprint_sha256())));
}

fn dump_key(key: &PublicKey) {
    say(&format!("Public Key Algorithm: {}", key.algorithm()));
}

fn dump_extensions(extensions: &Extensions) {
    say(&format!("Certificate Extensions: {}", extensions.iter().count()));
    for extension in extensions.iter() {
        let flags = if extension.critical { "1(Critical)" } else { "0" };
        say(&format!(
            "    {}: Flags = {flags}, Length = {:x}",
            extension.oid,
            extension.value.len()
        ));
    }
    say("");
}

fn dump_key_ids(key: &PublicKey) {
    let sha1 = |bytes: &[u8]| hex(&digest(DigestAlgorithm::Sha1, bytes));
    say(&format!("Key Id Hash(rfc-sha1): {}", sha1(key.subject_public_key())));
    say(&format!("Key Id Hash(sha1): {}", sha1(key.spki_der())));
}
