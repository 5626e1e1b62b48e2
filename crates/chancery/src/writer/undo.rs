//! What takes an unfinished change of a file back: written and synced before the file is touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chancery_pe::Edit;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::mounts::locks_reach_everybody;
use super::own_file::{self, LeftOver, Lock, UNDO, folder_of, machine, sync_folder};
use crate::{Error, ErrorKind};

/// The most bytes of a file that are overwritten in place, and kept to be put back.
const MAX_KEPT: u64 = 16 << 20;

/// The longest record read: kept and new bytes in hex, and some room for names.
const MAX_RECORD: u64 = 5 * MAX_KEPT;

/// What was there, and what comes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    schema: u32,
    /// Which machine writes, since when it started: see [`machine`].
    machine: String,
    /// How long the file was.
    original_len: u64,
    /// How long it will be.
    final_len: u64,
    changes: Vec<Change>,
}

impl Record {
    /// Tells whether a machine made it, since it started.
    pub(super) fn is_of(&self, machine: &str) -> bool {
        self.machine == machine
    }
}

/// What is in the file of a record.
#[derive(Debug)]
pub(super) enum Reading {
    Whole(Record),
    /// It was not finished, so that nothing else had begun.
    Unfinished,
}

/// One range: the bytes from `offset` on become others. Only the last may come to have more or fewer.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    offset: u64,
    old: Hex,
    new: Hex,
}

/// Bytes, written as hex.
#[derive(Debug)]
struct Hex(Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = text.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>();
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("not hex"))
    }
}

/// Keeps what edits would overwrite, durably, until it is dropped.
pub(super) fn keep(
    target: &Path,
    file: &mut File,
    original_len: u64,
    final_len: u64,
    edits: &[Edit],
) -> Result<NamedTempFile, Error> {
    let kept = edits.iter().map(|edit| edit.range().end.saturating_sub(edit.range().start));
    if kept.fold(0, u64::saturating_add) > MAX_KEPT {
        let text = format!(
            "{} has signatures of more than 16 MiB to overwrite: sign it without --append-in-place",
            target.display()
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let failed = |error| Error::io("read", target, error);
    let mut changes = Vec::new();
    for edit in edits {
        let range = edit.range();
        let old =
            read_at(file, range.start, range.end.saturating_sub(range.start)).map_err(failed)?;
        changes.push(Change {
            offset: range.start,
            old: Hex(old),
            new: Hex(edit.bytes().to_vec()),
        });
    }
    let record =
        Record { schema: 1, machine: machine().to_owned(), original_len, final_len, changes };
    let failed = |error: io::Error| Error::io("write the undo record of", target, error);
    let text = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
    let mut written = own_file::create_record(target)?;
    written.write_all(&text).and_then(|()| written.as_file().sync_all()).map_err(failed)?;
    // Without its name on the disk it would be of no use after a power cut.
    sync_folder(folder_of(target)).map_err(failed)?;
    Ok(written)
}

/// What was found of a run that was killed.
#[derive(Debug)]
pub(crate) enum Mended {
    /// Nothing.
    Nothing,
    /// A record of this name, which is gone: of what had not begun, or was done.
    Cleared(PathBuf),
    /// What was begun, by the record of this name, is taken back.
    TakenBack(PathBuf),
}

/// Takes back what a killed run began to do to a file. With `take_over`, also what was begun where nobody can tell
/// from here whether it goes on.
///
/// # Errors
/// [`ErrorKind::Changed`] where the file is neither what it was nor on its way to what it was to become, or the other
/// run may go on: then it is left alone, and so is the record.
pub(super) fn mend(target: &Path, take_over: bool) -> Result<Mended, Error> {
    settle(target, true, take_over)
}

/// Takes back what this run did to a file, even where all of it is there: it may not be on the disk.
///
/// # Errors
/// As [`mend`].
pub(super) fn take_back(target: &Path) -> Result<Mended, Error> {
    settle(target, false, true)
}

/// Tells whether there is a record for a file, of a run that goes on or was killed.
pub(super) fn is_there(target: &Path) -> bool {
    own_file::path_of(target, UNDO).symlink_metadata().is_ok()
}

fn settle(target: &Path, may_be_complete: bool, take_over: bool) -> Result<Mended, Error> {
    let path = own_file::path_of(target, UNDO);
    let opened = LeftOver::open(path.clone());
    let Some(mut left_over) =
        opened.map_err(|error| Error::io("open the left-over", &path, error))?
    else {
        return Ok(Mended::Nothing);
    };
    let failed = |error| Error::io("mend", target, error);
    let record = read(&mut left_over).map_err(failed)?;
    let is_local = matches!(&record, Reading::Whole(record) if record.is_of(machine()));
    match left_over.lock {
        Lock::Taken => return Err(own_file::in_use(target)),
        Lock::Ours if is_local => {}
        _ if take_over => {}
        Lock::Ours if locks_reach_everybody(folder_of(target)) => {}
        Lock::Ours | Lock::Unknown => {
            let text = format!(
                "{} may be written in place by a run on another machine, or this one was started anew since \
                 it was; {} is its record",
                target.display(),
                path.display()
            );
            return Err(Error::new(ErrorKind::Changed, text));
        }
    }
    let Reading::Whole(record) = record else {
        return left_over.remove().map(|()| Mended::Cleared(path)).map_err(failed);
    };
    let mut file = match OpenOptions::new().read(true).write(true).open(target) {
        // It may have another name now: the record stays, and is told of with the other left-overs.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Mended::Nothing),
        opened => opened.map_err(failed)?,
    };
    let state = state_of(&mut file, &record).map_err(failed)?;
    if state == State::Foreign {
        let text = format!(
            "{} was changed after a run was interrupted that signed it in place; if it is in order, remove {}",
            target.display(),
            left_over.path.display()
        );
        return Err(Error::new(ErrorKind::Changed, text));
    }
    let undone = state == State::Begun || !may_be_complete;
    if undone {
        restore(&mut file, &record).map_err(failed)?;
    }
    left_over.remove().map_err(failed)?;
    // Should it come back with a power cut, it is found out again.
    let _ = sync_folder(folder_of(target));
    Ok(if undone { Mended::TakenBack(path) } else { Mended::Cleared(path) })
}

/// Reads a record.
pub(super) fn read(left_over: &mut LeftOver) -> io::Result<Reading> {
    let mut text = Vec::new();
    (&mut left_over.file).take(MAX_RECORD).read_to_end(&mut text)?;
    let record = serde_json::from_slice(&text).ok().filter(|record: &Record| record.schema == 1);
    Ok(record.map_or(Reading::Unfinished, Reading::Whole))
}

/// Tells whether everything is there that a record takes back: then nothing is to be taken back.
pub(super) fn is_complete(target: &Path, record: &Record) -> io::Result<bool> {
    let state = File::open(target).and_then(|mut file| state_of(&mut file, record))?;
    Ok(state == State::Complete)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// As it was, or with some of the changes.
    Begun,
    /// With all of them.
    Complete,
    /// Something else happened.
    Foreign,
}

fn state_of(file: &mut File, record: &Record) -> io::Result<State> {
    let len = file.seek(SeekFrom::End(0))?;
    let (shortest, longest) =
        (record.original_len.min(record.final_len), record.original_len.max(record.final_len));
    if !(shortest..=longest).contains(&len) {
        return Ok(State::Foreign);
    }
    let mut complete = len == record.final_len;
    for change in &record.changes {
        let Change { offset, old: Hex(old), new: Hex(new) } = change;
        let longest = u64::try_from(old.len().max(new.len())).unwrap_or(u64::MAX);
        let there = read_at(file, *offset, longest.min(len.saturating_sub(*offset)))?;
        for (index, byte) in there.iter().enumerate() {
            let (old, new) = (old.get(index), new.get(index));
            complete &= new.is_none_or(|new| new == byte);
            // Where the power failed, what was appended and not synced may be zeros.
            let is_hole = old.is_none() && *byte == 0;
            if old != Some(byte) && new != Some(byte) && !is_hole {
                return Ok(State::Foreign);
            }
        }
    }
    Ok(if complete { State::Complete } else { State::Begun })
}

fn restore(file: &mut File, record: &Record) -> io::Result<()> {
    for Change { offset, old: Hex(old), .. } in &record.changes {
        file.seek(SeekFrom::Start(*offset))?;
        file.write_all(old)?;
    }
    file.set_len(record.original_len)?;
    file.sync_all()
}

fn read_at(file: &mut File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const BEFORE: &[u8] = b"head-body";
    const AFTER: &[u8] = b"HEAD-bodyTAIL";

    fn edits() -> [Edit; 2] {
        [Edit::overwrite(0, b"HEAD".to_vec()), Edit::new(9..9, b"TAIL".to_vec())]
    }

    /// Leaves a record as a killed run does, beside a file with these contents.
    fn killed(contents: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, BEFORE).unwrap();
        let mut file = File::open(&target).unwrap();
        let record = keep(&target, &mut file, 9, 13, &edits()).unwrap();
        record.keep().unwrap();
        fs::write(&target, contents).unwrap();
        (folder, target)
    }

    fn is_nothing(target: &Path) -> bool {
        matches!(mend(target, false).unwrap(), Mended::Nothing)
    }

    #[test]
    fn whatever_was_begun_is_taken_back_and_what_was_finished_stays() {
        for begun in [
            BEFORE,
            b"head-bodyT",
            b"head-bodyTAIL",
            b"HEad-bodyTAIL",
            b"head-body\0\0\0\0",
            b"HEAD-body\0\0IL",
        ] {
            let (folder, target) = killed(begun);
            assert!(matches!(mend(&target, false).unwrap(), Mended::TakenBack(_)));
            assert_eq!(fs::read(&target).unwrap(), BEFORE, "{begun:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            assert!(is_nothing(&target), "there is nothing more to mend");
        }
        let (_folder, target) = killed(AFTER);
        assert!(matches!(mend(&target, false).unwrap(), Mended::Cleared(_)));
        assert_eq!(fs::read(&target).unwrap(), AFTER);
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_is_left_alone() {
        for foreign in [&b"Xead-body"[..], b"head-bodyTAIX", b"head-bodyTAIL and more", b"head"] {
            let (folder, target) = killed(foreign);
            assert_eq!(mend(&target, false).unwrap_err().kind(), ErrorKind::Changed);
            assert_eq!(fs::read(&target).unwrap(), foreign);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the record stays");
        }
    }

    #[test]
    fn a_record_that_was_not_finished_goes_and_one_without_its_file_stays() {
        let (folder, target) = killed(BEFORE);
        let record = own_file::path_of(&target, UNDO);
        let whole = fs::read(&record).unwrap();
        fs::write(&record, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(mend(&target, false).unwrap(), Mended::Cleared(_)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&record, &whole).unwrap();
        fs::remove_file(&target).unwrap();
        assert!(is_nothing(&target));
        assert_eq!(fs::read(&record).unwrap(), whole);
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, BEFORE).unwrap();
        let mut file = File::open(&target).unwrap();
        let record = keep(&target, &mut file, 9, 13, &edits()).unwrap();
        assert_eq!(mend(&target, false).unwrap_err().kind(), ErrorKind::Changed);
        assert!(record.path().exists());
        drop(record);
        assert!(is_nothing(&target));
    }
}
