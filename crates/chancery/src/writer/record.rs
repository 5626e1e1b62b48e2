//! What is noted of a change before it is made: what was there, what comes, and of which file.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};

use chancery_authenticode::{Error as SubjectError, PeSubject, Request, Subject};
use chancery_key::DigestAlgorithm;
use chancery_pe::{BaseDigest, Edit, Patch};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::in_place::Preview;
use super::own_file::machine;
use crate::hex::hex;

/// What this is the version of; what another one means is not guessed.
const SCHEMA: u32 = 2;

/// The most bytes of a file that are overwritten in place, and kept to be put back; and the most that come.
const MAX_KEPT: u64 = 16 << 20;

/// The longest record: kept and new bytes in hex, and room for what is around them.
const MAX_RECORD: u64 = 4 * MAX_KEPT + (64 << 10);

/// The hashes that a file may have been measured with.
const ALGORITHMS: [DigestAlgorithm; 4] = [
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

/// What was there, and what comes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    schema: u32,
    /// Which machine writes, since when it started: see [`machine`].
    machine: String,
    /// The number that the file has in its file system, whatever it is called.
    file: Option<u64>,
    /// How long the file was.
    original_len: u64,
    /// How long it will be.
    final_len: u64,
    /// What the file was measured with before, and its digest: of all but what is changed.
    algorithm: String,
    digest: Hex,
    changes: Vec<Change>,
}

/// What is in the file of a record.
#[derive(Debug)]
pub(super) enum Reading {
    Whole(Record),
    /// It was not finished, so that nothing else had begun.
    Unfinished,
    /// It is of another version, or longer than any of ours.
    Unknown,
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
        to.serialize_str(&hex(&self.0))
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

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it was, or with some of the changes.
    Begun,
    /// With all of them.
    Complete,
    /// Something else happened.
    Foreign,
}

impl Record {
    /// Notes what a patch would change in a file; `None` where that is more than is kept.
    pub(super) fn of(file: &mut File, patch: &Patch) -> io::Result<Option<Self>> {
        let kept = |edit: &Edit| edit.range().end.saturating_sub(edit.range().start);
        let new = |edit: &Edit| u64::try_from(edit.bytes().len()).unwrap_or(u64::MAX);
        let sum =
            |of: &dyn Fn(&Edit) -> u64| patch.edits().iter().map(of).fold(0, u64::saturating_add);
        if sum(&kept) > MAX_KEPT || sum(&new) > MAX_KEPT {
            return Ok(None);
        }
        let mut changes = Vec::new();
        for edit in patch.edits() {
            let old = Hex(read_at(file, edit.range().start, kept(edit))?);
            changes.push(Change {
                offset: edit.range().start,
                old,
                new: Hex(edit.bytes().to_vec()),
            });
        }
        Ok(Some(Self {
            schema: SCHEMA,
            machine: machine().to_owned(),
            file: number_of(&file.metadata()?),
            original_len: patch.base_len(),
            final_len: patch.final_len(),
            algorithm: patch.base_digest().algorithm().to_owned(),
            digest: Hex(patch.base_digest().value().to_vec()),
            changes,
        }))
    }

    /// Reads a record.
    pub(super) fn read(file: &mut File) -> io::Result<Reading> {
        if file.metadata()?.len() > MAX_RECORD {
            return Ok(Reading::Unknown);
        }
        let mut text = Vec::new();
        file.take(MAX_RECORD).read_to_end(&mut text)?;
        let record = serde_json::from_slice(&text).ok();
        Ok(match record.filter(|record: &Self| record.schema == SCHEMA) {
            Some(record) => Reading::Whole(record),
            // What ends too early is no JSON.
            None if serde_json::from_slice::<IgnoredAny>(&text).is_ok() => Reading::Unknown,
            None => Reading::Unfinished,
        })
    }

    pub(super) fn to_bytes(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Tells whether it is of the file that has this number in the folder of the record.
    pub(super) fn is_of_file(&self, number: u64) -> bool {
        self.file == Some(number)
    }

    /// Tells whether a machine made it, since it started.
    pub(super) fn is_of(&self, machine: &str) -> bool {
        self.machine == machine
    }

    /// Tells how much of the change is in a file, by the bytes that it changes.
    pub(super) fn state_of(&self, file: &mut File) -> io::Result<State> {
        let len = file.seek(SeekFrom::End(0))?;
        let shortest = self.original_len.min(self.final_len);
        if !(shortest..=self.original_len.max(self.final_len)).contains(&len) {
            return Ok(State::Foreign);
        }
        // Where the power failed, what was appended and not synced may be zeros. Other systems than Linux do not say
        // whether they were started anew.
        let may_have_holes = cfg!(not(target_os = "linux")) || !self.is_of(machine());
        let mut complete = len == self.final_len;
        for Change { offset, old: Hex(old), new: Hex(new) } in &self.changes {
            let longest = u64::try_from(old.len().max(new.len())).unwrap_or(u64::MAX);
            let there = read_at(file, *offset, longest.min(len.saturating_sub(*offset)))?;
            for (index, byte) in there.iter().enumerate() {
                let (old, new) = (old.get(index), new.get(index));
                complete &= new.is_none_or(|new| new == byte);
                let is_hole = may_have_holes && old.is_none() && *byte == 0;
                if old != Some(byte) && new != Some(byte) && !is_hole {
                    return Ok(State::Foreign);
                }
            }
        }
        Ok(if complete { State::Complete } else { State::Begun })
    }

    /// Tells whether a file, with the change taken back, would be the one that was measured before it. It is read once.
    pub(super) fn leads_back(&self, file: &File) -> io::Result<bool> {
        let len = file.metadata()?.len();
        let algorithm = ALGORITHMS.into_iter().find(|one| one.name() == self.algorithm);
        let (Some(algorithm), Some(back)) = (algorithm, self.back_from(len)) else {
            return Ok(false);
        };
        let before = Preview::new(file.try_clone()?, &back);
        let measured = PeSubject::parse(before)
            .and_then(|mut before| before.measure(&Request::digests([algorithm]), &mut |_| Ok(())));
        match measured {
            Ok(measured) => Ok(measured.digest(algorithm) == Some(self.digest.0.as_slice())),
            Err(SubjectError::Pe(chancery_pe::Error::Source(error))) => {
                Err(io::Error::other(error))
            }
            Err(_) => Ok(false),
        }
    }

    /// Makes the patch that takes the change back in a file of this length; `None` where there is none.
    fn back_from(&self, len: u64) -> Option<Patch> {
        let edit = |Change { offset, old: Hex(old), .. }: &Change| {
            let end = offset.saturating_add(u64::try_from(old.len()).unwrap_or(u64::MAX));
            let end = if end == self.original_len { len } else { end };
            Edit::new(*offset..end, old.clone())
        };
        let edits = self.changes.iter().map(edit).collect();
        let back = Patch::new(len, BaseDigest::new("none", Vec::new()), edits).ok()?;
        (back.final_len() == self.original_len && back.is_in_place()).then_some(back)
    }

    /// Takes the change back.
    pub(super) fn restore(&self, file: &mut File) -> io::Result<()> {
        for Change { offset, old: Hex(old), .. } in &self.changes {
            file.seek(SeekFrom::Start(*offset))?;
            file.write_all(old)?;
        }
        file.set_len(self.original_len)?;
        file.sync_all()
    }
}

/// Returns the number that tells a file from all others of its folder, where the system has such.
pub(super) fn number_of(metadata: &Metadata) -> Option<u64> {
    #[cfg(unix)]
    {
        Some(std::os::unix::fs::MetadataExt::ino(metadata))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

fn read_at(file: &mut File, offset: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    Ok(bytes)
}
