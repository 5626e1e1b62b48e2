//! What takes an unfinished change of a file back: written and synced before the file is touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use chancery_pe::Edit;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::own_file::{self, LeftOver, UNDO, folder_of, sync_folder};
use crate::{Error, ErrorKind};

/// The most bytes of a file that are overwritten in place, and kept to be put back.
const MAX_KEPT: u64 = 16 << 20;

/// The longest record read: kept and new bytes in hex, and some room for names.
const MAX_RECORD: u64 = 5 * MAX_KEPT;

/// What was there, and what comes.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    schema: u32,
    /// How long the file was.
    original_len: u64,
    /// How long it will be.
    final_len: u64,
    changes: Vec<Change>,
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
    let record = Record { schema: 1, original_len, final_len, changes };
    let failed = |error: io::Error| Error::io("write the undo record of", target, error);
    let text = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
    let mut written = own_file::create(target, UNDO)?;
    written.write_all(&text).and_then(|()| written.as_file().sync_all()).map_err(failed)?;
    sync_folder(folder_of(target));
    Ok(written)
}

/// Takes back what a killed run began to do to a file; tells whether there was something to take back.
///
/// # Errors
/// [`ErrorKind::Changed`] where the file is neither what it was nor on its way to what it was to become: then it is
/// left alone, and so is the record.
pub(crate) fn mend(target: &Path) -> Result<bool, Error> {
    settle(target, true)
}

/// Takes back what this run did to a file, even where all of it is there: it may not be on the disk.
///
/// # Errors
/// As [`mend`].
pub(super) fn take_back(target: &Path) -> Result<bool, Error> {
    settle(target, false)
}

fn settle(target: &Path, may_be_complete: bool) -> Result<bool, Error> {
    let Some(mut left_over) = own_file::take_left_over(target, UNDO)? else { return Ok(false) };
    let failed = |error| Error::io("mend", target, error);
    let Some(record) = read_record(&mut left_over).map_err(failed)? else {
        // It was not finished, so that nothing else had begun.
        return left_over.remove().map(|()| false).map_err(failed);
    };
    let mut file = match OpenOptions::new().read(true).write(true).open(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return left_over.remove().map(|()| false).map_err(failed);
        }
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
    sync_folder(folder_of(target));
    Ok(undone)
}

fn read_record(left_over: &mut LeftOver) -> io::Result<Option<Record>> {
    let mut text = Vec::new();
    (&mut left_over.file).take(MAX_RECORD).read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text).ok().filter(|record: &Record| record.schema == 1))
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
    fn killed(contents: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, BEFORE).unwrap();
        let mut file = File::open(&target).unwrap();
        let record = keep(&target, &mut file, 9, 13, &edits()).unwrap();
        record.keep().unwrap();
        fs::write(&target, contents).unwrap();
        (folder, target)
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
            assert!(mend(&target).unwrap());
            assert_eq!(fs::read(&target).unwrap(), BEFORE, "{begun:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            assert!(!mend(&target).unwrap(), "there is nothing more to mend");
        }
        let (_folder, target) = killed(AFTER);
        assert!(!mend(&target).unwrap());
        assert_eq!(fs::read(&target).unwrap(), AFTER);
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_is_left_alone() {
        for foreign in [&b"Xead-body"[..], b"head-bodyTAIX", b"head-bodyTAIL and more", b"head"] {
            let (folder, target) = killed(foreign);
            assert_eq!(mend(&target).unwrap_err().kind(), ErrorKind::Changed);
            assert_eq!(fs::read(&target).unwrap(), foreign);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the record stays");
        }
    }

    #[test]
    fn a_record_that_was_not_finished_and_one_without_its_file_go() {
        let (folder, target) = killed(BEFORE);
        let record = own_file::path_of(&target, UNDO);
        let whole = fs::read(&record).unwrap();
        fs::write(&record, &whole[..whole.len() / 2]).unwrap();
        assert!(!mend(&target).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&record, &whole).unwrap();
        fs::remove_file(&target).unwrap();
        assert!(!mend(&target).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, BEFORE).unwrap();
        let mut file = File::open(&target).unwrap();
        let record = keep(&target, &mut file, 9, 13, &edits()).unwrap();
        assert_eq!(mend(&target).unwrap_err().kind(), ErrorKind::Changed);
        assert!(record.path().exists());
        drop(record);
        assert!(!mend(&target).unwrap());
    }
}
