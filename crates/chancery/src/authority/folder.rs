//! The files of an authority, and who may write them.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_x509::{Certificate, read_certificates, to_pem};
use fs4::FileExt;

use super::index::{Event, Index};
use crate::{Error, ErrorKind, KeyAddress, read_small_file, write_new_file};

/// The longest index read, in bytes: two million certificates.
const MAX_INDEX: u64 = 1 << 30;

/// The folder of an authority.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

pub(super) fn no_authority(path: &Path) -> Error {
    let message = format!("there is no certificate authority in {}", path.display());
    Error::new(ErrorKind::Usage, message)
}

impl Folder {
    /// Refuses a folder that has files in it.
    pub(super) fn check_empty(path: &Path) -> Result<(), Error> {
        let mut entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Error::io("list", path, error)),
        };
        if entries.next().is_none() {
            return Ok(());
        }
        let message =
            format!("{} is not empty, and a new authority needs its own folder", path.display());
        Err(Error::new(ErrorKind::Usage, message))
    }

    pub(super) fn create(
        path: &Path,
        certificate: &Certificate,
        chain: &[Certificate],
        address: &KeyAddress,
    ) -> Result<Self, Error> {
        let folder = Self(path.to_owned());
        let issued = folder.0.join("issued");
        fs::create_dir_all(&issued).map_err(|error| Error::io("create", &issued, error))?;
        write_new_file(&folder.0.join("key"), format!("{address}\n").as_bytes(), false)?;
        write_new_file(&folder.index(), b"", false)?;
        let all = core::iter::once(certificate).chain(chain);
        let pem: String = all.map(|one| to_pem("CERTIFICATE", one.as_der())).collect();
        // Last: a folder without it is no authority.
        write_new_file(&folder.certificate(), pem.as_bytes(), false)?;
        Ok(folder)
    }

    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Certificate>, KeyAddress), Error> {
        let folder = Self(path.to_owned());
        let (file, key) = (folder.certificate(), folder.0.join("key"));
        if !file.exists() || !key.exists() {
            return Err(no_authority(path));
        }
        let certificates = read_certificates(&read_small_file(&file)?)
            .map_err(|error| Error::malformed(&file, error))?;
        let text = String::from_utf8(read_small_file(&key)?)
            .map_err(|error| Error::malformed(&key, error))?;
        let address = text.trim_end().parse().map_err(|error| Error::malformed(&key, error))?;
        Ok((folder, certificates, address))
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    pub(super) fn crl(&self) -> PathBuf {
        self.0.join("crl.pem")
    }

    pub(super) fn issued(&self, serial: &str) -> PathBuf {
        self.0.join("issued").join(format!("{serial}.pem"))
    }

    fn index(&self) -> PathBuf {
        self.0.join("index.jsonl")
    }

    /// Reads what happened so far.
    pub(super) fn read_index(&self) -> Result<Index, Error> {
        let path = self.index();
        let file = File::open(&path).map_err(|error| Error::io("read", &path, error))?;
        read(file, &path).map(|(index, _)| index)
    }

    /// Waits until nobody else writes, and keeps others from it.
    pub(super) fn lock(&self) -> Result<Writer<'_>, Error> {
        let path = self.0.join("lock");
        let failed = |error| Error::io("lock", &path, error);
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(failed)?;
        FileExt::lock(&lock).map_err(failed)?;
        let path = self.index();
        let failed = |error| Error::io("open", &path, error);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
        let (index, length) = read(file.try_clone().map_err(failed)?, &path)?;
        Ok(Writer { folder: self, index, length, file, _lock: lock })
    }
}

/// Reads the index and tells how long it is without a line that a crash cut off.
fn read(file: File, path: &Path) -> Result<(Index, u64), Error> {
    let mut text = String::new();
    file.take(MAX_INDEX.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(|error| Error::io("read", path, error))?;
    if text.len() as u64 > MAX_INDEX {
        let message = format!("{} is longer than 1 GiB", path.display());
        return Err(Error::new(ErrorKind::Malformed, message));
    }
    let end = text.rfind('\n').map_or(0, |end| end.saturating_add(1));
    let index = Index::read(text.get(..end).unwrap_or_default())
        .map_err(|error| Error::malformed(path, error))?;
    Ok((index, end as u64))
}

/// The only one who writes, for as long as it is there.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    folder: &'a Folder,
    index: Index,
    length: u64,
    file: File,
    _lock: File,
}

impl Writer<'_> {
    /// Returns what happened so far.
    pub(super) const fn index(&self) -> &Index {
        &self.index
    }

    /// Appends a line and has it on the disk before it returns.
    pub(super) fn record(&mut self, event: &Event) -> Result<(), Error> {
        let path = self.folder.index();
        let failed = |error| Error::io("write", &path, error);
        let mut line = serde_json::to_string(event).map_err(|error| failed(error.into()))?;
        line.push('\n');
        // What a crash left of a line is overwritten.
        self.file.set_len(self.length).map_err(failed)?;
        self.file.seek(SeekFrom::Start(self.length)).map_err(failed)?;
        self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_all()).map_err(failed)?;
        self.length = self.length.saturating_add(line.len() as u64);
        self.index.apply(event.clone());
        Ok(())
    }

    /// Writes a file of the folder in one step, in the place of the one there is.
    pub(super) fn replace(&self, path: &Path, contents: &[u8]) -> Result<(), Error> {
        let failed = |error| Error::io("write", path, error);
        let mut temporary = tempfile::Builder::new();
        temporary.prefix(".chancery-").suffix(".tmp");
        #[cfg(unix)]
        temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut file =
            temporary.tempfile_in(path.parent().unwrap_or(&self.folder.0)).map_err(failed)?;
        file.write_all(contents).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}
