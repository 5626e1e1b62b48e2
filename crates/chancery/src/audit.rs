//! A log of signatures in which each line vouches for those before it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use chancery_key::DigestAlgorithm;
use chancery_sigverify::digest;
use chancery_x509::{Certificate, Time};
use fs4::{FileExt, TryLockError};
use serde::{Deserialize, Serialize};

use crate::files::{end_of_text, open_regular, sync_folder_of};
use crate::hex::hex;
use crate::{Error, ErrorKind};

/// The longest line, in bytes: a path, a key address and digests.
const MAX_LINE: u64 = 64 << 10;

/// How long another process may hold the log, which writes a line at a time.
const LOCK_TIME: Duration = Duration::from_secs(10);

/// The longest pause between two looks at who holds it.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// What is wrong with a line whose end is not there.
const UNFINISHED: &str = "unfinished";

/// How the first line begins.
const FIRST_LINE: &str = "{\"schema\":1,\"number\":1,";

/// What the hash of a line is put between.
const HASH_FIELD: &str = ",\"hash\":\"";

/// A log that signatures are added to, before the file they are of changes.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    /// Whose signatures these are, as a person wrote it.
    key: String,
    file: Mutex<File>,
    /// Whether a line could not be written.
    is_broken: AtomicBool,
}

/// What became of a signature that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditResult {
    /// The key made it.
    Signed,
    /// The key did not make it, and why.
    NotSigned(ErrorKind),
    /// It was made, as an earlier line says, and did not get into the file it was for.
    NotWritten,
}

impl AuditResult {
    const fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::NotSigned(kind) => kind.name(),
            Self::NotWritten => "not-written",
        }
    }
}

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// How many lines there are, up to the first that is wrong.
    pub lines: u64,
    /// The hash of the last of them, which says everything: a log that was cut off is as sound as a shorter one.
    pub last_hash: String,
    /// How many bytes they are.
    pub bytes: u64,
    /// What is wrong with the line after those.
    pub fault: Option<&'static str>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    schema: u32,
    number: u64,
    time: String,
    file: String,
    digests: BTreeMap<String, String>,
    /// Not known of a digest without anything else.
    certificate: Option<String>,
    key: String,
    result: String,
    previous: String,
}

impl AuditLog {
    /// Opens or begins a log for signatures by this key.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; [`ErrorKind::Malformed`] where its last line is none of a log.
    pub fn open(path: &Path, key: &str) -> Result<Self, Error> {
        let file =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path);
        let file = file.map_err(|error| Error::io("use the audit log", path, error))?;
        let log = Self {
            path: path.to_owned(),
            key: key.to_owned(),
            file: Mutex::new(file),
            is_broken: AtomicBool::new(false),
        };
        let (lines, _) = log.locked(|file| log.last(file))?;
        if lines == 0 {
            sync_folder_of(path)?;
        }
        Ok(log)
    }

    /// Checks that what is signed next can be told of, as far as is known: before the key is asked.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] from when on a line could not be written.
    pub fn check(&self) -> Result<(), Error> {
        if !self.is_broken.load(Ordering::Relaxed) {
            return Ok(());
        }
        let path = self.path.display();
        let text = format!(
            "the audit log {path} could not be written to, and nothing is signed without it"
        );
        Err(Error::new(ErrorKind::Io, text))
    }

    /// Adds what became of one signature, durably, over this digest of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::Malformed`]: then the signature must not be used.
    pub fn add(
        &self,
        path: &Path,
        (algorithm, digest): (DigestAlgorithm, &[u8]),
        certificate: Option<&Certificate>,
        now: Time,
        result: AuditResult,
    ) -> Result<(), Error> {
        // Nobody knows later in which folder it was signed.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let digests = BTreeMap::from([(algorithm.name().to_owned(), hex(digest))]);
        let added = self.locked(|file| {
            let (lines, previous) = self.last(file)?;
            let line = Line {
                schema: 1,
                number: lines.saturating_add(1),
                time: now.to_string(),
                file: path.display().to_string(),
                digests,
                certificate: certificate.map(|one| hex(&one.thumbprint_sha256())),
                key: self.key.clone(),
                result: result.name().to_owned(),
                previous,
            };
            let failed = |error| Error::io("write the audit log", &self.path, error);
            let body = serde_json::to_string(&line).map_err(|error| failed(error.into()))?;
            let open = body.strip_suffix('}').unwrap_or(&body);
            let text = format!("{open}{HASH_FIELD}{}\"}}\n", hash_of(open));
            file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).map_err(failed)
        });
        if added.is_err() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        added
    }

    /// Does something with the log that no other thread or process does meanwhile.
    fn locked<T>(&self, work: impl FnOnce(&mut File) -> Result<T, Error>) -> Result<T, Error> {
        let failed = |error| Error::io("lock the audit log", &self.path, error);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        wait_for(&self.path, || FileExt::try_lock(&*file))?;
        let done = work(&mut file);
        FileExt::unlock(&*file).map_err(failed)?;
        done
    }

    /// Returns the number and hash of the last line, and leaves the file at its end. The beginning of a line that a
    /// killed run left goes: what it was about was never reported. What a power cut left is for a person to look at.
    fn last(&self, file: &mut File) -> Result<(u64, String), Error> {
        let failed = |error| Error::io("read the audit log", &self.path, error);
        let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let start = len.saturating_sub(2 * MAX_LINE);
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut tail = Vec::new();
        Read::by_ref(file).take(2 * MAX_LINE).read_to_end(&mut tail).map_err(failed)?;
        let whole =
            tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end.saturating_add(1));
        let (lines, rest) = tail.split_at_checked(whole).unwrap_or_default();
        let end_of_lines = start.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        let last = match lines.rsplit(|byte| *byte == b'\n').next() {
            // What is the beginning of nothing is somebody else's file.
            None | Some(b"") if end_of_lines > 0 || !is_beginning(rest) => None,
            None | Some(b"") => Some((0, beginning())),
            Some(line) => read_line(line).map(|(line, hash)| (line.number, hash)),
        };
        if tail.contains(&0)
            && let Some(torn) = torn(file, &self.path)?
        {
            return Err(torn);
        }
        let Some(last) = last else {
            let text = format!("the last line of {} is none of an audit log", self.path.display());
            return Err(Error::new(ErrorKind::Malformed, text));
        };
        if end_of_lines < len {
            file.set_len(end_of_lines).map_err(failed)?;
        }
        file.seek(SeekFrom::Start(end_of_lines)).map_err(failed)?;
        Ok(last)
    }
}

/// Waits for other processes, which hold the lock for as long as they write a line.
fn wait_for(
    path: &Path,
    mut try_lock: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), Error> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_TIME => {
                thread::sleep(pause);
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                let (path, seconds) = (path.display(), LOCK_TIME.as_secs());
                let text = format!(
                    "the audit log {path} has been locked by another program for {seconds} seconds"
                );
                return Err(Error::new(ErrorKind::Io, text));
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => {
                return Err(Error::io("lock the audit log", path, error));
            }
        }
    }
}

/// Says where a log ends that a power cut left; `None` where it is none.
fn torn(file: &mut File, path: &Path) -> Result<Option<Error>, Error> {
    let report = report_of(file, path)?;
    let mut next = Vec::new();
    let failed = |error| Error::io("read the audit log", path, error);
    file.seek(SeekFrom::Start(report.bytes)).map_err(failed)?;
    Read::by_ref(file).take(MAX_LINE).read_to_end(&mut next).map_err(failed)?;
    let text = next.split(|byte| *byte == 0).next().unwrap_or_default();
    if report.fault != Some(UNFINISHED) || (report.lines == 0 && !is_beginning(text)) {
        return Ok(None);
    }
    let (path, line) = (path.display(), report.lines.saturating_add(1));
    let text =
        format!("line {line} of the audit log {path} was not written whole, as in a power cut");
    Ok(Some(Error::new(ErrorKind::Malformed, text)))
}

/// Tells whether a first line may begin so.
fn is_beginning(text: &[u8]) -> bool {
    let len = text.len().min(FIRST_LINE.len());
    text.get(..len) == FIRST_LINE.as_bytes().get(..len)
}

/// Checks that nothing in a log was changed, added or taken out since it was written.
///
/// # Errors
/// [`ErrorKind::Io`] where it cannot be read. A fault in it is no error: it is in the report.
pub fn verify_audit_log(path: &Path) -> Result<AuditReport, Error> {
    let mut file = open_regular(path)?;
    let report = report_of(&mut file, path)?;
    if report.fault != Some(UNFINISHED) {
        return Ok(report);
    }
    // A run may be writing that line: it lets go of the log when it is whole. Where there are no locks it is what it is.
    match wait_for(path, || FileExt::try_lock_shared(&file)) {
        Ok(()) => report_of(&mut file, path),
        Err(_) => Ok(report),
    }
}

/// Checks a log that is open.
fn report_of(file: &mut File, path: &Path) -> Result<AuditReport, Error> {
    let failed = |error| Error::io("read the audit log", path, error);
    let end = end_of_text(file).map_err(failed)?;
    file.rewind().map_err(failed)?;
    let mut reader = BufReader::new(file);
    let mut report = AuditReport { lines: 0, last_hash: beginning(), bytes: 0, fault: None };
    loop {
        let mut line = Vec::new();
        Read::by_ref(&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
        if line.is_empty() {
            return Ok(report);
        }
        let after = report.bytes.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        let is_torn = line.last() != Some(&b'\n') || line.contains(&0);
        report.fault = match line.strip_suffix(b"\n").and_then(read_line) {
            None if is_torn && after >= end => Some(UNFINISHED),
            None => Some("changed"),
            Some((line, hash)) => {
                let number = report.lines.saturating_add(1);
                if line.previous == report.last_hash && line.number == number {
                    report.lines = number;
                    report.last_hash = hash;
                    report.bytes = after;
                    continue;
                }
                Some("not-next")
            }
        };
        return Ok(report);
    }
}

/// Reads a line whose own hash is right.
fn read_line(line: &[u8]) -> Option<(Line, String)> {
    let text = core::str::from_utf8(line).ok()?;
    let (open, hash) = text.strip_suffix("\"}")?.rsplit_once(HASH_FIELD)?;
    if hash_of(open) != hash {
        return None;
    }
    let line = serde_json::from_str(&format!("{open}}}")).ok()?;
    Some((line, hash.to_owned()))
}

fn hash_of(text: &str) -> String {
    hex(&digest(DigestAlgorithm::Sha256, text.as_bytes()))
}

/// What the first line has for the hash before it.
fn beginning() -> String {
    "0".repeat(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_written_anew_with_its_hash_is_told_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let now = Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let log = AuditLog::open(&path, "file:key.pem").unwrap();
        for name in ["a.exe", "b.exe", "c.exe"] {
            let digest = (DigestAlgorithm::Sha256, &[7; 32][..]);
            log.add(Path::new(name), digest, None, now, AuditResult::Signed).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let open = lines[1].rsplit_once(HASH_FIELD).unwrap().0.replace("b.exe", "x.exe");
        let forged = format!("{open}{HASH_FIELD}{}\"}}", hash_of(&open));
        assert!(read_line(forged.as_bytes()).is_some());
        std::fs::write(&path, [lines[0], &forged, lines[2], ""].join("\n")).unwrap();
        let report = verify_audit_log(&path).unwrap();
        assert_eq!((report.lines, report.fault), (2, Some("not-next")));
    }
}
