//! What runs left that were killed: beside the files of this run, named, and removed where that is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::mounts::locks_reach_everybody;
use super::own_file::{LeftOver as Opened, Lock, OwnName, folder_of, machine, stem};
use super::record::{Reading, Record};
use super::undo;

/// How many folders a run remembers before it looks into them.
const MAX_FOLDERS: usize = 4096;

/// A file that a run left which was killed.
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftOver {
    /// What it is called; for what was taken back, what it was called.
    pub path: PathBuf,
    /// What became of it.
    pub fate: LeftOverFate,
}

/// What became of a left-over.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeftOverFate {
    /// It is gone.
    Removed,
    /// It told how to take back what was begun to this file, which was done.
    TakenBack(PathBuf),
    /// It tells how to take back what was begun to this file, which no run has worked on since.
    Unfinished(PathBuf),
    /// It tells how to take back what was begun to a file that is not there under its name.
    Orphaned,
    /// It is of another machine, or of this one before it started anew, and locks do not reach between them.
    OtherMachine,
    /// The file system has no locks to tell whether it is still in use.
    NoLocks,
    /// It could not be removed.
    Stuck(io::Error),
}

/// The folders that a run writes into, and what killed ones left there.
///
/// A left-over is a file whose name only this writer makes, and which no process holds locked: not one of this machine
/// for a file it made since it started, and none at all where locks reach every machine that has the file system.
#[derive(Clone, Debug, Default)]
pub struct LeftOvers(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    folders: BTreeSet<PathBuf>,
    found: Vec<LeftOver>,
    /// Of the folders that somebody asked for.
    records: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl LeftOvers {
    /// Notes that a run works on files in a folder.
    pub(crate) fn visit(&self, folder: &Path) {
        let mut noted = self.noted();
        if !noted.folders.contains(folder) {
            noted.folders.insert(folder.to_owned());
        }
    }

    /// Notes the folder of a file.
    pub(crate) fn visit_folder_of(&self, target: &Path) {
        self.visit(folder_of(target));
    }

    /// Notes what a run came upon and dealt with.
    pub(crate) fn tell(&self, path: PathBuf, fate: LeftOverFate) {
        self.noted().found.push(LeftOver { path, fate });
    }

    /// Returns the records that runs left in a folder, which is listed for it once, however many files of it are asked for.
    pub(super) fn records_in(&self, folder: &Path) -> Vec<PathBuf> {
        let mut noted = self.noted();
        let records = noted.records.entry(folder.to_owned()).or_insert_with(|| {
            let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let is_record =
                |name: &OsStr| OwnName::read(name).is_some_and(|own| own.machine.is_none());
            names
                .map(|entry| entry.file_name())
                .filter(|name| is_record(name))
                .map(|name| folder.join(name))
                .collect()
        });
        records.clone()
    }

    /// Tells whether so many folders were noted that [`settle`](Self::settle) should be called meanwhile.
    #[must_use]
    pub fn are_many(&self) -> bool {
        let noted = self.noted();
        noted.folders.len().max(noted.found.len()) >= MAX_FOLDERS
    }

    /// Looks into the folders noted since the last call, removes what may be removed, and returns what is to be said.
    #[must_use]
    pub fn settle(&self) -> Vec<LeftOver> {
        let Noted { folders, mut found, .. } = std::mem::take(&mut *self.noted());
        for folder in folders {
            // What cannot be listed has nothing to say.
            let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            found.extend(
                names.filter_map(|entry| {
                    look_at(&folder, &entry.file_name(), locks_reach_everybody)
                }),
            );
        }
        found
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at one file of a folder; `None` for what is no left-over, or that of somebody else.
fn look_at(
    folder: &Path,
    name: &OsStr,
    locks_reach_everybody: impl Fn(&Path) -> bool,
) -> Option<LeftOver> {
    let own = OwnName::read(name)?;
    let path = folder.join(name);
    let mut opened = Opened::open(path.clone()).ok().flatten()?;
    let certain = || own.machine == Some(machine()) || locks_reach_everybody(folder);
    let fate = match opened.lock {
        Lock::Taken => return None,
        Lock::Unknown => LeftOverFate::NoLocks,
        Lock::Ours if own.machine.is_none() => match Record::read(&mut opened.file) {
            Ok(Reading::Whole(record)) => match target_of(folder, own) {
                None => LeftOverFate::Orphaned,
                Some(target)
                    if undo::is_complete(&target, &record).unwrap_or(false) && certain() =>
                {
                    remove(opened)
                }
                Some(target) => LeftOverFate::Unfinished(target),
            },
            Ok(Reading::Unknown) => {
                target_of(folder, own).map_or(LeftOverFate::Orphaned, LeftOverFate::Unfinished)
            }
            // Nothing else had begun.
            Ok(Reading::Unfinished) if certain() => remove(opened),
            Ok(Reading::Unfinished) => LeftOverFate::OtherMachine,
            Err(error) => LeftOverFate::Stuck(error),
        },
        Lock::Ours if certain() => remove(opened),
        Lock::Ours => LeftOverFate::OtherMachine,
    };
    Some(LeftOver { path, fate })
}

/// Finds the file that a name of ours was made for.
fn target_of(folder: &Path, own: OwnName<'_>) -> Option<PathBuf> {
    let all = std::fs::read_dir(folder).into_iter().flatten().flatten();
    all.map(|entry| entry.path()).find(|path| stem(path) == own.stem)
}

fn remove(opened: Opened) -> LeftOverFate {
    opened.remove().map_or_else(LeftOverFate::Stuck, |()| LeftOverFate::Removed)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use chancery_pe::{BaseDigest, Edit, Patch};

    use super::super::own_file::create_copy;
    #[cfg(unix)]
    use super::super::own_file::{COPY, UNDO, path_of};
    use super::*;

    const OTHER_MACHINE: &str = ".chancery-0123456789abcdef-01234567.tmp";

    struct House {
        folder: tempfile::TempDir,
    }

    impl House {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap() }
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Makes a file, and what a run leaves that is killed while it copies it.
        fn killed_copy(&self, name: &str) -> PathBuf {
            fs::write(self.at(name), "MZ").unwrap();
            let (temporary, removed) = create_copy(&self.at(name)).unwrap();
            assert_eq!(removed, None);
            temporary.keep().unwrap().1
        }

        /// The same of a run that writes in place.
        fn killed_in_place(&self, name: &str) -> PathBuf {
            fs::write(self.at(name), "head-body").unwrap();
            let mut file = File::open(self.at(name)).unwrap();
            let edits = vec![Edit::overwrite(0, b"HEAD".to_vec())];
            let patch = Patch::new(9, BaseDigest::new("none", []), edits).unwrap();
            undo::keep(&self.at(name), &mut file, &patch).unwrap().leave()
        }

        fn settle(&self) -> Vec<(String, String)> {
            let left_overs = LeftOvers::default();
            left_overs.visit(self.folder.path());
            let told = left_overs.settle();
            assert!(left_overs.settle().is_empty(), "once is enough");
            Self::shown(told)
        }

        fn shown(told: impl IntoIterator<Item = LeftOver>) -> Vec<(String, String)> {
            let shown = |one: LeftOver| {
                let fate = match one.fate {
                    LeftOverFate::Unfinished(target) => {
                        format!("Unfinished {}", Self::name(&target))
                    }
                    other => format!("{other:?}"),
                };
                (Self::name(&one.path), fate)
            };
            let mut shown: Vec<_> = told.into_iter().map(shown).collect();
            shown.sort();
            shown
        }

        fn name(path: &Path) -> String {
            path.file_name().unwrap().to_str().unwrap().to_owned()
        }
    }

    #[test]
    fn what_nobody_works_on_goes_and_is_named() {
        let house = House::new();
        let copy = house.killed_copy("a.exe");
        fs::remove_file(house.at("a.exe")).unwrap();
        let record = house.killed_in_place("b.exe");
        fs::write(&record, "{\"schema\":1,").unwrap();
        let mut expected = [
            (House::name(&copy), "Removed".to_owned()),
            (House::name(&record), "Removed".to_owned()),
        ];
        expected.sort();
        assert_eq!(house.settle(), expected);
        assert_eq!(fs::read_dir(house.folder.path()).unwrap().count(), 1);
        assert!(house.settle().is_empty());
    }

    #[test]
    fn what_somebody_works_on_and_what_is_not_ours_stays() {
        let house = House::new();
        fs::write(house.at("a.exe"), "MZ").unwrap();
        let (live, _) = create_copy(&house.at("a.exe")).unwrap();
        for name in
            [".chancery-abc123.tmp", ".chancery-0123456789abcdef.tmp", "0123456789abcdef.undo"]
        {
            fs::write(house.at(name), "MZ").unwrap();
        }
        let before = fs::read_dir(house.folder.path()).unwrap().count();
        assert!(house.settle().is_empty());
        assert_eq!(fs::read_dir(house.folder.path()).unwrap().count(), before);
        assert!(
            create_copy(&house.at("a.exe")).is_err(),
            "nor does a run on the same file take it"
        );
        drop(live);
        assert!(create_copy(&house.at("a.exe")).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_of_our_name_is_neither_followed_nor_removed() {
        let house = House::new();
        fs::write(house.at("a.exe"), "MZ").unwrap();
        for kind in [COPY, UNDO] {
            let path = path_of(&house.at("a.exe"), kind);
            std::os::unix::fs::symlink(house.at("a.exe"), &path).unwrap();
        }
        assert!(house.settle().is_empty());
        assert_eq!(fs::read_dir(house.folder.path()).unwrap().count(), 3);
        assert!(create_copy(&house.at("a.exe")).is_err());
        assert!(undo::mend(&house.at("a.exe"), true).is_err());
        assert_eq!(fs::read(house.at("a.exe")).unwrap(), b"MZ");
    }

    #[test]
    fn what_takes_a_change_back_stays_and_names_its_file() {
        let house = House::new();
        let record = house.killed_in_place("a.exe");
        let name = House::name(&record);
        assert_eq!(house.settle(), [(name.clone(), "Unfinished a.exe".to_owned())]);
        // Of another version, which knows what it means.
        let text = fs::read(&record).unwrap();
        fs::write(&record, "{\"schema\":3}").unwrap();
        assert_eq!(house.settle(), [(name.clone(), "Unfinished a.exe".to_owned())]);
        fs::write(&record, text).unwrap();
        fs::rename(house.at("a.exe"), house.at("b.exe")).unwrap();
        assert_eq!(house.settle(), [(name, "Orphaned".to_owned())]);
        assert_eq!(fs::read(house.at("b.exe")).unwrap(), b"head-body");
        assert!(record.exists());
    }

    #[test]
    fn a_record_of_what_is_done_goes_where_it_is_certain_that_nobody_needs_it() {
        let house = House::new();
        let record = house.killed_in_place("a.exe");
        fs::write(house.at("a.exe"), "HEAD-body").unwrap();
        let look = |reached| {
            let name = record.file_name().unwrap();
            let told = look_at(house.folder.path(), name, |_| reached);
            House::shown(told).remove(0).1
        };
        assert_eq!(look(false), "Unfinished a.exe");
        assert!(record.exists());
        assert_eq!(look(true), "Removed");
        assert!(!record.exists());
    }

    #[test]
    fn another_machines_stays_where_locks_do_not_reach_it() {
        let house = House::new();
        fs::write(house.at(OTHER_MACHINE), "MZ").unwrap();
        let own = house.killed_copy("a.exe");
        let record = house.killed_in_place("b.exe");
        fs::write(&record, "").unwrap();
        let look = |name: &str| {
            let told = look_at(house.folder.path(), OsStr::new(name), |_| false);
            House::shown(told).remove(0).1
        };
        assert_eq!(look(OTHER_MACHINE), "OtherMachine");
        assert_eq!(look(&House::name(&record)), "OtherMachine", "it does not say whose it is");
        assert_eq!(look(&House::name(&own)), "Removed", "our own locks we know");
        assert!(house.at(OTHER_MACHINE).exists() && record.exists());
        let reached = look_at(house.folder.path(), OsStr::new(OTHER_MACHINE), |_| true);
        assert_eq!(House::shown(reached).remove(0).1, "Removed");
    }
}
