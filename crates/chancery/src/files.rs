//! Small files in and out.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_chain::Crl;
use chancery_cms::SignedData;
use chancery_key::PublicKey;
use chancery_x509::{Certificate, read_certificates, read_documents};

use crate::writer::sync_folder;
use crate::{Error, ErrorKind, KeyAddress};

/// The longest certificate, request or key file read, in bytes.
const MAX_SMALL_FILE: u64 = 16 << 20;

/// Reads a file of certificates, a request or the like, of at most 16 MiB.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be read, [`ErrorKind::Malformed`] where it is longer.
pub fn read_small_file(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    // Room for a certificate and its chain: without any, reading begins 32 bytes at a time.
    let mut bytes = Vec::with_capacity(8 << 10);
    file.take(MAX_SMALL_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SMALL_FILE {
        return Err(Error::new(
            ErrorKind::Malformed,
            format!("{} is longer than 16 MiB", path.display()),
        ));
    }
    Ok(bytes)
}

/// Reads every revocation list of a file: PEM blocks labelled `X509 CRL`, or one in DER.
///
/// # Errors
/// [`ErrorKind::Io`], and [`ErrorKind::Malformed`] where there is none or one is broken.
pub fn read_crls(path: &Path) -> Result<Vec<Crl>, Error> {
    let malformed = |error| Error::malformed(path, error);
    let documents = read_documents(&read_small_file(path)?).map_err(malformed)?;
    let lists: Vec<Crl> = documents
        .iter()
        .filter(|document| matches!(document.label.as_deref(), None | Some("X509 CRL")))
        .map(|document| {
            Crl::from_der(&document.der)
                .map_err(|error| malformed(error.or_other_document("revocation list", document)))
        })
        .collect::<Result<_, _>>()?;
    if lists.is_empty() {
        return Err(malformed(chancery_x509::Error::no_document("revocation list", &documents)));
    }
    Ok(lists)
}

/// Writes a file that is not there yet, readable by its owner alone where `private`.
///
/// # Errors
/// [`ErrorKind::Io`], also where something of that name is there.
pub fn write_new_file(path: &Path, contents: &[u8], private: bool) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::new(ErrorKind::Io, format!("{} is there already", path.display()))
        }
        _ => Error::io("create", path, error),
    })?;
    file.write_all(contents)
        .and_then(|()| file.sync_all())
        .map_err(|error| Error::io("write", path, error))
}

/// Opens a program, or whatever else is read from any place and more than once.
///
/// # Errors
/// [`ErrorKind::Io`], also for a folder, a device and a pipe; opening a pipe would wait for somebody to write to it.
pub(crate) fn open_regular(path: &Path) -> Result<File, Error> {
    let failed = |error| Error::io("read", path, error);
    check_regular(path, &std::fs::metadata(path).map_err(failed)?, "and cannot be read as one")?;
    File::open(path).map_err(failed)
}

/// Refuses to put a file in the place of a device or a pipe. What is a folder is for others to tell.
pub(crate) fn check_replaceable(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_dir() {
        return Ok(());
    }
    check_regular(path, metadata, "and none is put in its place")
}

fn check_regular(path: &Path, metadata: &Metadata, so: &str) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    let text = match metadata.is_dir() {
        true => format!("{} is a folder", path.display()),
        false => format!("{} is no regular file, {so}", path.display()),
    };
    Err(Error::new(ErrorKind::Io, text))
}

/// Tells whether two names are of one file, which need not be there yet.
#[must_use]
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (std::fs::metadata(one), std::fs::metadata(other)) {
        use std::os::unix::fs::MetadataExt;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    real_place(one) == real_place(other)
}

/// Says where a name leads, through links, for as much of the way as is there.
pub(crate) fn real_place(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder.as_os_str().is_empty() => {
            real_place(Path::new(".")).join(name)
        }
        (Some(folder), Some(name)) => real_place(folder).join(name),
        _ => path.to_owned(),
    }
}

/// Makes the name of a file that was made durable.
///
/// # Errors
/// [`ErrorKind::Io`].
pub(crate) fn sync_folder_of(path: &Path) -> Result<(), Error> {
    real_place(path).parent().map_or(Ok(()), sync_folder)
}

/// Returns how long a file is without the NULs at its end: where the power went while a file grew, they may stand for
/// what was to be written.
pub(crate) fn end_of_text(file: &mut File) -> io::Result<u64> {
    const CHUNK: u64 = 64 << 10;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        Read::by_ref(file).take(end.saturating_sub(start)).read_to_end(&mut chunk)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            let last = u64::try_from(last).unwrap_or(u64::MAX);
            return Ok(start.saturating_add(last).saturating_add(1));
        }
        end = start;
    }
    Ok(0)
}

/// Writes a small file, in one step in the place of what is there; a link stays, and the file it names changes.
///
/// # Errors
/// [`ErrorKind::Io`], also for a device or a pipe. The file then is as it was.
pub fn replace_file(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let Ok(old) = std::fs::metadata(path) else { return write_new_file(path, contents, false) };
    check_replaceable(path, &old)?;
    let failed = |error| Error::io("write", path, error);
    let target = path.canonicalize().map_err(failed)?;
    let folder = target.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new()
        .prefix(".chancery-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(failed)?;
    draft.write_all(contents).map_err(failed)?;
    draft.as_file().set_permissions(old.permissions()).map_err(failed)?;
    draft.as_file().sync_all().map_err(failed)?;
    draft.persist(&target).map(drop).map_err(|error| failed(error.error))
}

/// Reads certificates from files and picks the one of a key; the others may be its chain.
///
/// # Errors
/// [`ErrorKind::Io`], [`ErrorKind::Malformed`] naming the file; [`ErrorKind::CertificateMismatch`] where none
/// of the certificates in the first file belongs to the key.
pub fn read_identity_certificates(
    key: &PublicKey,
    certificate: &Path,
    chain: &[impl AsRef<Path>],
) -> Result<(Certificate, Vec<Certificate>), Error> {
    let others = read_certificate_file(certificate)?;
    with_chain(choose(key, others, &certificate.display().to_string())?, chain)
}

/// Takes the certificate of a key from those stored with it, as in a PKCS#12 file; the others, and those in
/// the files of `chain`, may be its chain.
///
/// # Errors
/// [`ErrorKind::Usage`] where there are none; otherwise as [`read_identity_certificates`].
pub fn stored_identity_certificates(
    key: &PublicKey,
    stored: Vec<Certificate>,
    address: &KeyAddress,
    chain: &[impl AsRef<Path>],
) -> Result<(Certificate, Vec<Certificate>), Error> {
    if stored.is_empty() {
        let message = match address {
            KeyAddress::File(_) => {
                format!("no certificate was given, and none is stored with the key {address}")
            }
            // There may be some beside it, which nobody asked for.
            _ => format!("no certificate was given for the key {address}"),
        };
        return Err(Error::new(ErrorKind::Usage, message));
    }
    with_chain(choose(key, stored, &address.to_string())?, chain)
}

/// Reads every certificate of a file: PEM blocks, one in DER, or a PKCS#7 bundle in either.
///
/// # Errors
/// [`ErrorKind::Io`], and [`ErrorKind::Malformed`] where there is none or one is broken.
pub fn read_certificate_file(path: &Path) -> Result<Vec<Certificate>, Error> {
    let bytes = read_small_file(path)?;
    let documents = read_documents(&bytes).unwrap_or_default();
    let bundles = documents
        .iter()
        .filter(|document| matches!(document.label.as_deref(), None | Some("PKCS7" | "CMS")))
        .filter_map(|document| SignedData::from_der(&document.der).ok());
    let bundled: Vec<Certificate> =
        bundles.flat_map(|bundle| bundle.read_certificates().readable).collect();
    if !bundled.is_empty() {
        return Ok(bundled);
    }
    read_certificates(&bytes).map_err(|error| Error::malformed(path, error))
}

fn with_chain(
    (own, mut others): (Certificate, Vec<Certificate>),
    chain: &[impl AsRef<Path>],
) -> Result<(Certificate, Vec<Certificate>), Error> {
    for path in chain {
        others.extend(read_certificate_file(path.as_ref())?);
    }
    Ok((own, others))
}

/// Picks the certificate of a key.
fn choose(
    key: &PublicKey,
    mut others: Vec<Certificate>,
    place: &str,
) -> Result<(Certificate, Vec<Certificate>), Error> {
    let position = others.iter().position(|candidate| candidate.public_key() == key);
    let Some(position) = position else {
        let subjects: Vec<_> =
            others.iter().map(|candidate| format!("`{}`", candidate.subject())).collect();
        return Err(Error::new(
            ErrorKind::CertificateMismatch,
            format!("no certificate in {place} belongs to the key; it has {}", subjects.join(", ")),
        ));
    };
    let own = others.remove(position);
    Ok((own, others))
}
