//! What a journal calls files, and what it remembers of the state they are in.

use std::fs::{File, Metadata};
use std::path::Path;

use chancery_key::DigestAlgorithm;
use chancery_pe::{Layout, SeekSource};
use chancery_sigverify::digest;
use serde::{Deserialize, Serialize};

use crate::files::real_place;
use crate::hex::hex;
use crate::signing::IfSigned;

/// The beginning of a SHA-256, written in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Short<const N: usize>([u8; N]);

impl<const N: usize> Short<N> {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut short = [0; N];
        short
            .iter_mut()
            .zip(digest(DigestAlgorithm::Sha256, bytes))
            .for_each(|(to, from)| *to = from);
        Self(short)
    }
}

impl<const N: usize> Serialize for Short<N> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Short<N> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let number = u128::from_str_radix(&text, 16).ok();
        let number = number.filter(|_| text.len() == 2 * N).map(u128::to_be_bytes);
        let bytes = number.as_ref().and_then(|bytes| bytes.last_chunk());
        bytes.copied().map(Self).ok_or_else(|| serde::de::Error::custom("no hash"))
    }
}

/// The state of a file and of where its signed version goes, and the signatures that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) state: Short<8>,
    signatures: Short<8>,
}

impl State {
    pub(super) fn of(file: &Path, target: &Path) -> Self {
        let look = Look::at(file);
        let state = if target == file { look.state() } else { look.state_with(&Look::at(target)) };
        Self { state, signatures: signatures_of(target) }
    }

    /// Takes the state that a run left a file in, whatever became of it since.
    pub(super) fn left(state: Short<8>, target: &Path) -> Self {
        Self { state, signatures: signatures_of(target) }
    }
}

/// How a file looks: not the same after it was replaced or written to.
#[derive(Clone, Debug)]
pub(crate) struct Look(String);

impl Look {
    pub(crate) fn at(path: &Path) -> Self {
        let metadata = std::fs::metadata(path);
        metadata.map_or_else(|_| Self("absent".to_owned()), |metadata| Self::of(&metadata))
    }

    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let times = (metadata.mtime(), metadata.mtime_nsec());
            let changed = (metadata.ctime(), metadata.ctime_nsec());
            let (len, dev, ino) = (metadata.len(), metadata.dev(), metadata.ino());
            Self(format!("{len} {times:?} {changed:?} {dev} {ino}"))
        }
        #[cfg(not(unix))]
        Self(format!("{} {:?}", metadata.len(), metadata.modified().ok()))
    }

    /// The state of a file that is signed where it is.
    pub(crate) fn state(&self) -> Short<8> {
        Short::of(self.0.as_bytes())
    }

    /// The state of a file whose signed version goes elsewhere: whoever builds it anew does not touch what was made of
    /// the old one.
    pub(crate) fn state_with(&self, target: &Self) -> Short<8> {
        Short::of(format!("{}, {}", self.0, target.0).as_bytes())
    }
}

/// What a journal noted last of a file that has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    pub(super) state: State,
    pub(super) done: bool,
}

impl Noted {
    /// Tells whether the signature that was to be made may be there. That there is one like it proves nothing: it may be
    /// an earlier one that was to be replaced, or that another was to be added to.
    pub(crate) fn may_be_signed(&self, target: &Path, if_signed: IfSigned) -> bool {
        let as_noted = signatures_of(target) == self.state.signatures;
        match self.done {
            // None was made, or it was taken back.
            false => !as_noted,
            // Somebody may have added a timestamp; with another signature instead, only a replacement is sure to do no
            // harm.
            true => as_noted || if_signed != IfSigned::Replace,
        }
    }
}

/// Names a file whatever its name is made of, and however one gets to it.
pub(super) fn key_of(target: &Path) -> Short<16> {
    Short::of(real_place(target).as_os_str().as_encoded_bytes())
}

/// Tells one set of signatures from another; whatever has none is the same.
pub(crate) fn signatures_of(path: &Path) -> Short<8> {
    Short::of(&read_signatures(path).unwrap_or_default())
}

fn read_signatures(path: &Path) -> Option<Vec<u8>> {
    // Of what is no file, opening it may never end.
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut source = SeekSource::new(File::open(path).ok()?).ok()?;
    let layout = Layout::parse(&mut source).ok()?;
    let range = layout.table_range()?;
    // Longer ones than anybody signs with are told apart by where they are.
    let place = format!("{range:?}");
    Some(layout.read_table(&mut source).unwrap_or_else(|_| place.into_bytes()))
}

#[cfg(test)]
mod tests {
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

    use super::*;

    #[test]
    fn a_file_has_one_name_however_one_gets_to_it_and_before_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        let path = folder.path().join("real/new/a.exe");
        let link = if cfg!(unix) { "link" } else { "real" };
        #[cfg(unix)]
        std::os::unix::fs::symlink("real", folder.path().join(link)).unwrap();
        let ways = [
            path.clone(),
            folder.path().join("real/../real/new/a.exe"),
            folder.path().join(link).join("new/a.exe"),
        ];
        let before: Vec<_> = ways.iter().map(|way| key_of(way)).collect();
        std::fs::create_dir(folder.path().join("real/new")).unwrap();
        let between: Vec<_> = ways.iter().map(|way| key_of(way)).collect();
        std::fs::write(&path, "").unwrap();
        let after: Vec<_> = ways.iter().map(|way| key_of(way)).collect();
        for keys in [before, between, after] {
            assert!(keys.iter().all(|key| *key == key_of(&path)), "{keys:?}");
        }
        // What has no folder in its name is in this one.
        let here = std::env::current_dir().unwrap().join("no such.exe");
        assert_eq!(key_of(Path::new("no such.exe")), key_of(&here));
    }

    #[test]
    #[cfg(unix)]
    fn a_file_with_the_length_and_time_of_the_old_one_is_another_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        std::fs::write(&path, "one").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let before = State::of(&path, &path);
        assert_eq!(State::of(&path, &path), before);
        // Written again in the same inode, and the time put back, as `cp -p` does.
        std::thread::sleep(std::time::Duration::from_millis(20));
        std::fs::write(&path, "two").unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_ne!(State::of(&path, &path).state, before.state);
    }

    #[test]
    fn only_other_signatures_may_be_the_one_that_was_to_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.exe");
        let write = |table: &[u8]| {
            let mut image = tiny_pe(&TinyPe::default());
            image.resize(image.len().next_multiple_of(8), 0);
            let layout = Layout::parse(&mut image.as_slice()).unwrap();
            let slot = layout.certificate_directory().unwrap().entry_offset;
            let slot = usize::try_from(slot).unwrap();
            if !table.is_empty() {
                let entry = [image.len(), table.len()].map(|one| u32::try_from(one).unwrap());
                let entry = entry.map(u32::to_le_bytes).concat();
                image[slot..slot + 8].copy_from_slice(&entry);
            }
            image.extend_from_slice(table);
            std::fs::write(&path, image).unwrap();
        };
        let entry = |fill: u8| [&16u32.to_le_bytes()[..], &[0, 2, 2, 0], &[fill; 8]].concat();
        let noted = |done| Noted { state: State::of(&path, &path), done };
        let [append, replace] = [IfSigned::Append, IfSigned::Replace];

        write(&entry(1));
        let (begun, done) = (noted(false), noted(true));
        for if_signed in [append, replace] {
            assert!(!begun.may_be_signed(&path, if_signed), "nothing was added");
            assert!(done.may_be_signed(&path, if_signed), "what was added is there");
        }
        for other in [entry(2), [entry(1), entry(2)].concat(), Vec::new()] {
            write(&other);
            assert!(begun.may_be_signed(&path, append) && begun.may_be_signed(&path, replace));
            assert!(done.may_be_signed(&path, append) && !done.may_be_signed(&path, replace));
        }
    }
}
