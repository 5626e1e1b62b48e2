//! What a run did, so that one that was killed can be taken up again.
//!
//! A line says which state a file was in before it was begun, and is on the disk before the file is touched; another
//! says which state it is in now that it is done. What has the first line alone may be signed or not: that is found
//! out from the file.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use chancery_key::DigestAlgorithm;
use chancery_sigverify::digest;
use chancery_x509::Certificate;
use fs4::FileExt;
use serde::{Deserialize, Serialize};

use crate::hex::hex;
use crate::{Error, ErrorKind};

/// The longest line, in bytes: a path, and what else is told of it.
const MAX_LINE: u64 = 64 << 10;

/// A journal, held by one run at a time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// What is told of a file takes 33 bytes, so that a million files fit.
    known: HashMap<Short, Known>,
}

/// What a journal tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Journaled {
    /// Nothing was done to it.
    New,
    /// It is done, and has not changed since.
    Done,
    /// It was begun, or it changed since it was done: whether it is signed is for the file to tell.
    Uncertain,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Begun(Short),
    Done(Short),
}

/// Half of a SHA-256, written in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Short([u8; 16]);

impl Short {
    fn of(bytes: &[u8]) -> Self {
        let mut half = [0; 16];
        half.iter_mut()
            .zip(digest(DigestAlgorithm::Sha256, bytes))
            .for_each(|(to, from)| *to = from);
        Self(half)
    }
}

impl Serialize for Short {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 32);
        let number = number.ok_or_else(|| serde::de::Error::custom("no hash"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Journal {
        schema: u32,
        /// The SHA-256 thumbprint of the certificate that signs.
        certificate: String,
    },
    Begin {
        file: String,
        key: Short,
        state: Short,
    },
    Done {
        file: String,
        key: Short,
        state: Short,
    },
}

impl Journal {
    /// Begins a journal, or takes up the one that is there.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is of another certificate, or another run holds it;
    /// [`ErrorKind::Malformed`] where it is no journal; [`ErrorKind::Io`].
    pub fn open(path: &Path, certificate: &Certificate) -> Result<Self, Error> {
        let failed = |error| Error::io("use the journal", path, error);
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let mut file = file.map_err(failed)?;
        if FileExt::try_lock(&file).is_err() {
            let text = format!("the journal {} is held by another run", path.display());
            return Err(Error::new(ErrorKind::Usage, text));
        }
        let no_journal =
            || Error::new(ErrorKind::Malformed, format!("{} is no journal", path.display()));
        let certificate = hex(&certificate.thumbprint_sha256());
        let header = Line::Journal { schema: 1, certificate: certificate.clone() };
        let header = serde_json::to_vec(&header).map_err(|error| failed(error.into()))?;
        let mut known = HashMap::new();
        let mut whole = 0u64;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read =
                reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                break;
            }
            if line.last() != Some(&b'\n') {
                // A run that was killed may leave the beginning of a line; nothing was done on its account. What is the
                // beginning of nothing is somebody else's file.
                if whole > 0 || header.starts_with(&line) {
                    break;
                }
                return Err(no_journal());
            }
            match (serde_json::from_slice(&line), whole) {
                (Ok(Line::Journal { schema: 1, certificate: of }), 0) if of == certificate => {}
                (Ok(Line::Journal { schema: 1, .. }), 0) => {
                    let text = format!("the journal {} is of another certificate", path.display());
                    return Err(Error::new(ErrorKind::Usage, text));
                }
                (Ok(Line::Begin { key, state, .. }), 1..) => {
                    known.insert(key, Known::Begun(state));
                }
                (Ok(Line::Done { key, state, .. }), 1..) => {
                    known.insert(key, Known::Done(state));
                }
                _ => return Err(no_journal()),
            }
            whole = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let mut journal = Self { path: path.to_owned(), file, known };
        if whole == 0 {
            journal.append(&[Line::Journal { schema: 1, certificate }])?;
        }
        Ok(journal)
    }

    /// Notes that files are about to be written, durably, and says what is known of each.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]: then none of them may be begun.
    pub fn begin<'a>(
        &mut self,
        targets: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Vec<Journaled>, Error> {
        let mut lines = Vec::new();
        let mut all = Vec::new();
        for target in targets {
            let (key, state) = (key_of(target), state_of(target));
            let journaled = match self.known.get(&key) {
                None => Journaled::New,
                Some(Known::Done(then)) if *then == state => Journaled::Done,
                Some(Known::Begun(then)) if *then == state => Journaled::New,
                Some(_) => Journaled::Uncertain,
            };
            if journaled == Journaled::New {
                self.known.insert(key, Known::Begun(state));
                lines.push(Line::Begin { file: target.display().to_string(), key, state });
            }
            all.push(journaled);
        }
        self.append(&lines)?;
        Ok(all)
    }

    /// Notes that files are done, durably.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn done<'a>(&mut self, targets: impl IntoIterator<Item = &'a Path>) -> Result<(), Error> {
        let mut lines = Vec::new();
        for target in targets {
            let (key, state) = (key_of(target), state_of(target));
            self.known.insert(key, Known::Done(state));
            lines.push(Line::Done { file: target.display().to_string(), key, state });
        }
        self.append(&lines)
    }

    fn append(&mut self, lines: &[Line]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let failed = |error| Error::io("write the journal", &self.path, error);
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).map_err(|error| failed(error.into()))?;
            text.push(b'\n');
        }
        self.file.write_all(&text).and_then(|()| self.file.sync_data()).map_err(failed)
    }
}

/// Names a file whatever its name is made of.
fn key_of(target: &Path) -> Short {
    let real = target.canonicalize().unwrap_or_else(|_| target.to_owned());
    Short::of(real.as_os_str().as_encoded_bytes())
}

/// Says which state a file is in: not the same after it was replaced or written to.
fn state_of(target: &Path) -> Short {
    let Ok(metadata) = std::fs::metadata(target) else { return Short::of(b"absent") };
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0u64;
    Short::of(format!("{} {modified:?} {inode}", metadata.len()).as_bytes())
}
