//! Whom to trust, from files and folders.

use std::fs;
use std::path::{Path, PathBuf};

use chancery_certstore::{Element, read_sst};
use chancery_chain::TrustAnchors;
use chancery_x509::Certificate;

use crate::{Error, ErrorKind, read_certificate_file, read_small_file};

/// How a serialized certificate store begins.
const SST_MAGIC: &[u8] = b"\0\0\0\0CERT";

/// The endings of the files that are read from a folder.
const ENDINGS: [&str; 7] = ["pem", "crt", "cer", "der", "p7b", "p7c", "sst"];

/// Reads trust anchors from files of certificates (PEM, DER, PKCS#7, `.sst`) and from folders of such files, by
/// their endings and not the folders in them. No path at all is nobody to trust: there is no list of roots that
/// is taken without being named.
///
/// # Errors
/// [`ErrorKind::Io`], and [`ErrorKind::Malformed`] where a file or folder has no certificate or a broken one.
pub fn read_trust_anchors(paths: &[PathBuf]) -> Result<TrustAnchors, Error> {
    let mut anchors = Vec::new();
    for path in paths {
        if path.is_dir() {
            anchors.extend(of_folder(path)?);
        } else {
            anchors.extend(of_file(path)?);
        }
    }
    Ok(TrustAnchors::new(anchors))
}

fn of_folder(folder: &Path) -> Result<Vec<Certificate>, Error> {
    let failed = |error| Error::io("read", folder, error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_file() && ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)) {
            files.push(path);
        }
    }
    files.sort();
    let mut found = Vec::new();
    for file in &files {
        found.extend(of_file(file)?);
    }
    if found.is_empty() {
        let message = format!(
            "no certificate in {}: its files would end in {}",
            folder.display(),
            ENDINGS.join(", ")
        );
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    Ok(found)
}

fn of_file(file: &Path) -> Result<Vec<Certificate>, Error> {
    let bytes = read_small_file(file)?;
    if !bytes.starts_with(SST_MAGIC) {
        return read_certificate_file(file);
    }
    let elements = read_sst(&bytes).map_err(|error| Error::malformed(file, error))?;
    let certificates = elements.iter().filter_map(|element| match element {
        // One that cannot be read is trusted by nobody.
        Element::Certificate(entry) => entry.certificate().ok().cloned(),
        _ => None,
    });
    let found: Vec<Certificate> = certificates.collect();
    if found.is_empty() {
        let message = format!("no certificate in the store {}", file.display());
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    Ok(found)
}
