//! What a run did, so that one that was killed can be taken up again.
//!
//! A line says which state a file was in before it was begun, and is on the disk before the file is touched; another
//! says which state it is in now that it is done. What has the first line alone may be signed or not: that is found
//! out from the file.

mod state;

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_x509::Certificate;
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use self::state::{State, key_of};
use crate::files::{end_of_text, sync_folder_of};
use crate::hex::hex;
use crate::{Error, ErrorKind, Signed};

pub use self::state::Noted;
pub(crate) use self::state::{Look, Short, signatures_of};

/// The longest line, in bytes: a path, and what else is told of it.
const MAX_LINE: u64 = 64 << 10;

/// How much of the options is written for people to read, in characters.
const MAX_OPTIONS: usize = 2000;

/// How the first line begins.
const FIRST_LINE: &str = "{\"type\":\"journal\",\"schema\":1,";

/// A journal, held by one run at a time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// How much of the file is whole lines.
    len: u64,
    /// Whether something may follow them.
    torn: bool,
    /// What is told of a file takes 33 bytes, so that a million files fit.
    known: HashMap<Short<16>, Known>,
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
    Uncertain(Noted),
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Begun(State),
    Done(State),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line {
    Journal {
        schema: u32,
        /// The SHA-256 thumbprint of the certificate that signs.
        certificate: String,
        /// Stands for the options that say what a signature is.
        hash: Short<16>,
        /// Those options, for people.
        options: String,
    },
    Begin {
        file: String,
        key: Short<16>,
        #[serde(flatten)]
        state: State,
    },
    Done {
        file: String,
        key: Short<16>,
        #[serde(flatten)]
        state: State,
    },
}

impl Drop for Journal {
    /// Lets the next run have it at once, also where a process that is being started has it open too.
    fn drop(&mut self) {
        let _ = FileExt::unlock(&self.file);
    }
}

impl Journal {
    /// Begins a journal, or takes up the one that is there. `options` says what the signatures of this run are, in
    /// whatever words, and must be the same in each run with the journal.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where it is of another certificate or of other options, or another run holds it;
    /// [`ErrorKind::Malformed`] where it is no journal; [`ErrorKind::Io`].
    pub fn open(path: &Path, certificate: &Certificate, options: &str) -> Result<Self, Error> {
        let failed = |error| Error::io("use the journal", path, error);
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.map_err(failed)?;
        lock(&file, path)?;
        let header = Line::Journal {
            schema: 1,
            certificate: hex(&certificate.thumbprint_sha256()),
            hash: Short::of(options.as_bytes()),
            options: options.chars().take(MAX_OPTIONS).collect(),
        };
        let path = path.to_owned();
        let mut journal = Self { path, file, len: 0, torn: true, known: HashMap::new() };
        journal.read(&header)?;
        if journal.len == 0 {
            journal.append(&[header])?;
            sync_folder_of(&journal.path)?;
        }
        Ok(journal)
    }

    /// Reads what is told of files. A run that was killed may leave the beginning of a line, and a power cut NULs in its
    /// place: nothing was done on its account.
    fn read(&mut self, header: &Line) -> Result<(), Error> {
        let Self { path, file, len: whole, known, .. } = self;
        let failed = |error| Error::io("use the journal", path, error);
        let no_journal =
            || Error::new(ErrorKind::Malformed, format!("{} is no journal", path.display()));
        let all = file.metadata().map_err(failed)?.len();
        let end = end_of_text(file).map_err(failed)?;
        // What is the beginning of nothing is somebody else's file.
        if end == 0 && all > MAX_LINE {
            return Err(no_journal());
        }
        file.rewind().map_err(failed)?;
        let mut reader = BufReader::new(Read::by_ref(file).take(end));
        let mut line = Vec::new();
        let mut number = 0u64;
        while *whole < end {
            line.clear();
            let read =
                reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
            let after = whole.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            number = number.saturating_add(1);
            let is_torn = line.last() != Some(&b'\n') || line.contains(&0);
            if after == end && is_torn {
                let len = line.len().min(FIRST_LINE.len());
                if *whole == 0 && line.get(..len) != FIRST_LINE.as_bytes().get(..len) {
                    return Err(no_journal());
                }
                break;
            }
            match (serde_json::from_slice(&line), *whole) {
                (Ok(first @ Line::Journal { schema: 1, .. }), 0) => fits(path, &first, header)?,
                (_, 0) => return Err(no_journal()),
                (Ok(Line::Begin { key, state, .. }), _) => {
                    known.insert(key, Known::Begun(state));
                }
                (Ok(Line::Done { key, state, .. }), _) => {
                    known.insert(key, Known::Done(state));
                }
                _ => {
                    let text = format!("line {number} of {} is none of a journal", path.display());
                    return Err(Error::new(ErrorKind::Malformed, text));
                }
            }
            *whole = after;
        }
        Ok(())
    }

    /// Notes that files are about to be signed, durably, and says what is known of each. Each comes with the place of
    /// its signed version, which may be its own.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]: then none of them may be begun.
    pub fn begin<'a>(
        &mut self,
        files: impl IntoIterator<Item = (&'a Path, &'a Path)>,
    ) -> Result<Vec<Journaled>, Error> {
        let mut lines = Vec::new();
        let mut all = Vec::new();
        for (file, target) in files {
            let (key, state) = (key_of(target), State::of(file, target));
            let journaled = match self.known.get(&key) {
                None => Journaled::New,
                Some(Known::Done(then)) if then.state == state.state => Journaled::Done,
                Some(Known::Begun(then)) if then.state == state.state => Journaled::New,
                Some(Known::Done(then)) => Journaled::Uncertain(Noted { state: *then, done: true }),
                Some(Known::Begun(then)) => {
                    Journaled::Uncertain(Noted { state: *then, done: false })
                }
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

    /// Notes that files are done, durably. Each place of a signed version comes with what became of it: what counts is how
    /// it was left then, since it may be another by now.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn done<'a>(
        &mut self,
        files: impl IntoIterator<Item = (&'a Path, &'a Signed)>,
    ) -> Result<(), Error> {
        let mut lines = Vec::new();
        for (target, signed) in files {
            let Some(left) = signed.state else { continue };
            let (key, state) = (key_of(target), State::left(left, target));
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
        if self.torn {
            // A line that was not written whole is in the way.
            let cut = self.file.set_len(self.len);
            cut.and_then(|()| self.file.seek(SeekFrom::Start(self.len))).map_err(failed)?;
        }
        self.torn = true;
        self.file.write_all(&text).and_then(|()| self.file.sync_data()).map_err(failed)?;
        self.torn = false;
        self.len = self.len.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// Keeps other runs from a journal for as long as it is open.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    loop {
        match FileExt::try_lock(file) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {
                let text = format!("the journal {} is held by another run", path.display());
                return Err(Error::new(ErrorKind::Usage, text));
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            // Two runs would each miss what the other one does.
            Err(TryLockError::Error(error)) => {
                return Err(Error::io("lock the journal", path, error));
            }
        }
    }
}

/// Checks that a journal was begun for what this run does.
fn fits(path: &Path, first: &Line, wanted: &Line) -> Result<(), Error> {
    let (
        Line::Journal { certificate, hash, options, .. },
        Line::Journal { certificate: own_certificate, hash: own_hash, options: own, .. },
    ) = (first, wanted)
    else {
        return Ok(());
    };
    let path = path.display();
    let text = if certificate != own_certificate {
        format!("the journal {path} is of another certificate")
    } else if hash != own_hash {
        format!("the journal {path} is of a run with other options: {options}; and not {own}")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Usage, text))
}
