//! What takes an unfinished change of a file back: written and synced before the file is touched.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chancery_pe::Patch;
use tempfile::NamedTempFile;

use super::hold::{self, Held};
use super::mounts::locks_reach_everybody;
use super::own_file::{self, LeftOver, Lock, UNDO, folder_of, machine, sync_folder};
use super::record::{Reading, Record, State, number_of};
use crate::{Error, ErrorKind};

/// The record of a change, on the disk until it is dropped.
#[derive(Debug)]
pub(super) struct Kept {
    record: Record,
    written: NamedTempFile,
}

/// Keeps what a patch would overwrite, durably.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for more than is kept; [`ErrorKind::Changed`] where there is a record; [`ErrorKind::Io`].
pub(super) fn keep(target: &Path, file: &mut File, patch: &Patch) -> Result<Kept, Error> {
    let record = Record::of(file, patch).map_err(|error| Error::io("read", target, error))?;
    let record = record.ok_or_else(|| {
        let text = format!(
            "{} has or would have signatures of more than 16 MiB to overwrite: sign it without --append-in-place",
            target.display()
        );
        Error::new(ErrorKind::Unsupported, text)
    })?;
    let failed = |error: io::Error| Error::io("write the undo record of", target, error);
    let text = record.to_bytes().map_err(failed)?;
    let mut written = own_file::create_record(target)?;
    written.write_all(&text).and_then(|()| written.as_file().sync_all()).map_err(failed)?;
    // Without its name on the disk it would be of no use after a power cut.
    sync_folder(folder_of(target)).map_err(failed)?;
    Ok(Kept { record, written })
}

impl Kept {
    /// Takes back what was written so far. Where that fails the record stays, for the next run, and its name is
    /// returned as well.
    pub(super) fn take_back(self, file: &mut File) -> Result<(), (PathBuf, io::Error)> {
        if let Err(error) = self.record.restore(file) {
            let path = self.written.path().to_owned();
            // Dropped it would be removed.
            return Err((path, self.written.keep().err().map_or(error, |failed| failed.error)));
        }
        let path = self.written.path().to_owned();
        own_file::remove(self.written).map_err(|error| (path, error))
    }

    /// Leaves the record, as a run does that is killed.
    #[cfg(test)]
    pub(super) fn leave(self) -> PathBuf {
        self.written.keep().unwrap().1
    }

    /// Removes the record: the change is done.
    pub(super) fn remove(self) -> io::Result<()> {
        own_file::remove(self.written)
    }
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

/// Tells whether there is a record for a file, of a run that goes on or was killed.
pub(super) fn is_there(target: &Path) -> bool {
    own_file::path_of(target, UNDO).symlink_metadata().is_ok()
}

/// Takes back what a killed run began to do to a file. With `take_over`, also what was begun where nobody can tell
/// from here whether it goes on.
///
/// # Errors
/// [`ErrorKind::Changed`] where the file is neither what it was nor on its way to what it was to become, or the other
/// run may go on: then it is left alone, and so is the record.
pub(super) fn mend(target: &Path, take_over: bool) -> Result<Mended, Error> {
    mend_by(target, own_file::path_of(target, UNDO), take_over)
}

/// Finds among the records of a folder the one of a file that had another name when it was made.
pub(super) fn find(target: &Path, records: &[PathBuf]) -> Option<PathBuf> {
    // Where nothing can be told of the file, whoever opens it says so.
    let number = number_of(&target.metadata().ok()?)?;
    let is_of_it = |path: &&PathBuf| {
        let opened = LeftOver::open(path.to_path_buf()).ok().flatten();
        let read = opened.and_then(|mut left_over| Record::read(&mut left_over.file).ok());
        matches!(read, Some(Reading::Whole(record)) if record.is_of_file(number))
    };
    records.iter().find(is_of_it).cloned()
}

/// Does what [`mend`] does by a record that [has another name](find).
pub(super) fn mend_by(target: &Path, path: PathBuf, take_over: bool) -> Result<Mended, Error> {
    let opened = LeftOver::open(path.clone());
    let Some(mut left_over) =
        opened.map_err(|error| Error::io("open the left-over", &path, error))?
    else {
        return Ok(Mended::Nothing);
    };
    let failed = |error| Error::io("mend", target, error);
    let record = Record::read(&mut left_over.file).map_err(failed)?;
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
    let left_alone = |why: &str| {
        let text = format!(
            "{} {why}; it is left alone: if it is in order, remove {}",
            target.display(),
            path.display()
        );
        Err(Error::new(ErrorKind::Changed, text))
    };
    let record = match record {
        Reading::Whole(record) => record,
        Reading::Unfinished => {
            return left_over.remove().map(|()| Mended::Cleared(path)).map_err(failed);
        }
        Reading::Unknown => {
            return left_alone(
                "may have been written in place by another version of chancery that was killed",
            );
        }
    };
    let file = match hold::open_to_write(target) {
        // It may have another name now: the record stays, and is told of with the other left-overs.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Mended::Nothing),
        opened => opened.map_err(failed)?.ok_or_else(|| own_file::in_use(target))?,
    };
    let mut file = Held::new(file);
    if !hold::hold_to_write(&file) {
        return Err(own_file::in_use(target));
    }
    // Anybody may make a file of this name in a folder that is open to all.
    if !own_file::is_trusted(&left_over.file, folder_of(target), &file).map_err(failed)? {
        return left_alone(
            "may have been written in place by a run that was killed, but what says so is another user's, who may \
             have made it up",
        );
    }
    let state = record.state_of(&mut file).map_err(failed)?;
    // Before a byte of it goes: it may be another file by now, which only looks like one that was begun.
    let is_foreign = state == State::Foreign
        || state == State::Begun && !record.leads_back(&file).map_err(failed)?;
    if is_foreign {
        return left_alone(
            "was changed or made anew after a run was interrupted that signed it in place",
        );
    }
    if state == State::Begun {
        record.restore(&mut file).map_err(failed)?;
    }
    left_over.remove().map_err(failed)?;
    // Should it come back with a power cut, it is found out again.
    let _ = sync_folder(folder_of(target));
    Ok(if state == State::Begun { Mended::TakenBack(path) } else { Mended::Cleared(path) })
}

/// Tells whether everything is there that a record takes back: then nothing is to be taken back.
pub(super) fn is_complete(target: &Path, record: &Record) -> io::Result<bool> {
    let state = File::open(target).and_then(|mut file| record.state_of(&mut file))?;
    Ok(state == State::Complete)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chancery_pe::{BaseDigest, Edit, authentihash};
    use chancery_testkit::pe_maker::{TinyPe, tiny_pe};
    use sha2::Sha256;

    use super::*;

    /// A program with a checksum, which is among what changes.
    fn before() -> Vec<u8> {
        let mut image = tiny_pe(&TinyPe::default());
        let at = usize::from(image[0x3c]) + 88;
        image[at..at + 4].copy_from_slice(b"head");
        image
    }

    /// Another checksum, and this at the end.
    fn patch(tail: &[u8]) -> Patch {
        let before = before();
        let len = before.len() as u64;
        let digest = authentihash::<Sha256>(&mut before.as_slice()).unwrap();
        let edits = vec![
            Edit::overwrite(checksum_at() as u64, b"HEAD".to_vec()),
            Edit::new(len..len, tail.to_vec()),
        ];
        Patch::new(len, BaseDigest::new("sha256", digest.to_vec()), edits).unwrap()
    }

    fn checksum_at() -> usize {
        usize::from(before()[0x3c]) + 88
    }

    /// The file with these bytes in the place of its checksum, and these at its end.
    fn with(checksum: &[u8], tail: &[u8]) -> Vec<u8> {
        let mut contents = [&before(), tail].concat();
        contents[checksum_at()..][..checksum.len()].copy_from_slice(checksum);
        contents
    }

    /// Leaves a record as a killed run does, beside a file with these contents.
    fn killed(contents: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, before()).unwrap();
        let mut file = File::open(&target).unwrap();
        keep(&target, &mut file, &patch(b"TAIL")).unwrap().leave();
        fs::write(&target, contents).unwrap();
        (folder, target)
    }

    /// The same, and the machine was started anew since.
    fn cut_off(contents: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let (folder, target) = killed(contents);
        let record = own_file::path_of(&target, UNDO);
        let text = fs::read_to_string(&record).unwrap();
        assert!(text.contains(machine()));
        fs::write(&record, text.replace(machine(), "01234567")).unwrap();
        (folder, target)
    }

    fn is_nothing(target: &Path) -> bool {
        matches!(mend(target, false).unwrap(), Mended::Nothing)
    }

    fn is_taken_back((folder, target): (tempfile::TempDir, PathBuf)) {
        assert!(matches!(mend(&target, true).unwrap(), Mended::TakenBack(_)));
        assert!(fs::read(&target).unwrap() == before());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(is_nothing(&target), "there is nothing more to mend");
    }

    fn is_left_alone((folder, target): (tempfile::TempDir, PathBuf)) {
        let contents = fs::read(&target).unwrap();
        for take_over in [false, true] {
            let refused = mend(&target, take_over).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Changed);
            assert!(refused.to_string().contains(".undo"), "{refused}");
        }
        assert!(fs::read(&target).unwrap() == contents);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the record stays");
    }

    #[test]
    fn whatever_was_begun_is_taken_back_and_what_was_finished_stays() {
        for (checksum, tail) in
            [(&b""[..], &b""[..]), (b"", b"T"), (b"", b"TAIL"), (b"HE", b"TAIL"), (b"HEAD", b"TAI")]
        {
            is_taken_back(killed(&with(checksum, tail)));
            is_taken_back(cut_off(&with(checksum, tail)));
        }
        let (_folder, target) = killed(&with(b"HEAD", b"TAIL"));
        assert!(matches!(mend(&target, false).unwrap(), Mended::Cleared(_)));
        assert!(fs::read(&target).unwrap() == with(b"HEAD", b"TAIL"));
    }

    #[test]
    fn zeros_are_of_a_power_cut_where_there_was_one() {
        for (checksum, tail) in [(&b""[..], &b"\0\0\0\0"[..]), (b"HEAD", b"\0\0IL")] {
            is_taken_back(cut_off(&with(checksum, tail)));
            if cfg!(target_os = "linux") {
                is_left_alone(killed(&with(checksum, tail)));
            }
        }
        // Where there were bytes before, there are those or the new ones.
        is_left_alone(cut_off(&with(b"\0\0\0\0", b"TAIL")));
    }

    #[test]
    fn what_somebody_else_changed_meanwhile_is_left_alone() {
        let foreign: [&[u8]; 5] = [b"TAIX", b"TAIL and more", b"Xs tail", b"\0\0\0\0\0", b"tail"];
        for tail in foreign {
            is_left_alone(killed(&with(b"", tail)));
            is_left_alone(cut_off(&with(b"", tail)));
        }
        is_left_alone(killed(&with(b"Xead", b"")));
        is_left_alone(killed(&before()[..before().len() - 1]));
    }

    #[test]
    fn a_program_made_anew_under_the_name_is_left_alone() {
        for tail in [&b""[..], b"TA", b"TAIL", b"\0\0\0\0"] {
            // What it does is changed, and nothing that the record keeps.
            let mut contents = with(b"", tail);
            let code = before().len() - 1;
            contents[code] ^= 1;
            is_left_alone(killed(&contents));
            is_left_alone(cut_off(&contents));
            // The same file by another way is not.
            contents[code] ^= 1;
            is_taken_back(cut_off(&contents));
        }
        is_left_alone(killed(&vec![0; before().len() + 2]));
    }

    #[test]
    fn a_record_that_was_not_finished_goes_and_one_without_its_file_stays() {
        let (folder, target) = killed(&before());
        let record = own_file::path_of(&target, UNDO);
        let whole = fs::read(&record).unwrap();
        for part in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&record, &whole[..part]).unwrap();
            assert!(matches!(mend(&target, false).unwrap(), Mended::Cleared(_)));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        fs::write(&record, &whole).unwrap();
        fs::remove_file(&target).unwrap();
        assert!(is_nothing(&target));
        assert_eq!(fs::read(&record).unwrap(), whole);
    }

    #[test]
    fn a_record_of_another_version_is_left_alone() {
        let first =
            r#"{"schema":1,"machine":"01234567","original_len":9,"final_len":9,"changes":[]}"#;
        for text in [first, "{\"schema\":3}", "[]"] {
            let (folder, target) = killed(&before());
            fs::write(own_file::path_of(&target, UNDO), text).unwrap();
            is_left_alone((folder, target));
        }
        // One with all that ours have, of which it may mean something else.
        let (folder, target) = killed(&with(b"", b"TA"));
        let record = own_file::path_of(&target, UNDO);
        let text = fs::read_to_string(&record).unwrap();
        let later = text.replacen("\"schema\":2", "\"schema\":3", 1);
        assert_ne!(later, text);
        fs::write(&record, later).unwrap();
        is_left_alone((folder, target));
    }

    #[test]
    fn a_record_that_is_there_is_not_written_over() {
        let (_folder, target) = killed(&with(b"", b"TA"));
        let record = own_file::path_of(&target, UNDO);
        let text = fs::read(&record).unwrap();
        // Where there are no locks, it alone tells of the other run.
        let mut file = File::open(&target).unwrap();
        let refused = keep(&target, &mut file, &patch(b"OTHER")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Changed);
        assert_eq!(fs::read(&record).unwrap(), text);
    }

    #[test]
    fn no_record_is_kept_that_would_not_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, before()).unwrap();
        let mut file = File::open(&target).unwrap();
        let most = 16 << 20;
        let too_long = keep(&target, &mut file, &patch(&vec![7; most])).unwrap_err();
        assert_eq!(too_long.kind(), ErrorKind::Unsupported, "with the checksum it is more");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let tail = vec![7; most - 4];
        keep(&target, &mut file, &patch(&tail)).unwrap().leave();
        fs::write(&target, with(b"", &tail[1..])).unwrap();
        is_taken_back((folder, target));

        // As long are the signatures that would go.
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, vec![7; most + 1]).unwrap();
        let mut file = File::open(&target).unwrap();
        let len = most as u64 + 1;
        let removal = vec![Edit::new(0..len, b"MZ".to_vec())];
        let removal = Patch::new(len, BaseDigest::new("none", Vec::new()), removal).unwrap();
        let too_long = keep(&target, &mut file, &removal).unwrap_err();
        assert_eq!(too_long.kind(), ErrorKind::Unsupported);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let (folder, target) = killed(&before());
        let record = File::options().write(true).open(own_file::path_of(&target, UNDO)).unwrap();
        record.set_len(80 << 20).unwrap();
        is_left_alone((folder, target));
    }

    #[test]
    fn a_run_that_goes_on_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.exe");
        fs::write(&target, before()).unwrap();
        let mut file = File::open(&target).unwrap();
        let kept = keep(&target, &mut file, &patch(b"TAIL")).unwrap();
        assert_eq!(mend(&target, false).unwrap_err().kind(), ErrorKind::Changed);
        assert!(kept.written.path().exists());
        drop(kept);
        assert!(is_nothing(&target));
    }

    #[cfg(unix)]
    #[test]
    fn a_record_that_others_may_have_made_up_is_left_alone() {
        use std::os::unix::fs::{PermissionsExt, chown};
        let begun = with(b"", b"TA");
        for (mode, is_trusted) in [(0o600, true), (0o644, true), (0o620, false), (0o602, false)] {
            let (folder, target) = killed(&begun);
            let record = own_file::path_of(&target, UNDO);
            fs::set_permissions(&record, fs::Permissions::from_mode(mode)).unwrap();
            if is_trusted {
                is_taken_back((folder, target));
            } else {
                is_left_alone((folder, target));
            }
        }
        let nobody = Some(65534);
        for (of_the_target, is_trusted) in [(None, false), (nobody, true)] {
            let (folder, target) = killed(&begun);
            if chown(own_file::path_of(&target, UNDO), nobody, None).is_err() {
                println!("skipped: only root makes files of others");
                return;
            }
            chown(&target, of_the_target, None).unwrap();
            if is_trusted {
                is_taken_back((folder, target));
            } else {
                is_left_alone((folder, target));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_held_is_not_mended() {
        let (_folder, target) = killed(&with(b"", b"TA"));
        let reads = File::open(&target).unwrap();
        hold::hold_to_read(&reads, &target).unwrap();
        assert!(mend(&target, true).unwrap_err().to_string().contains("another run"));
        drop(reads);
        assert!(matches!(mend(&target, false).unwrap(), Mended::TakenBack(_)));
    }
}
