//! Which files a run is about: names, folders, patterns and lists, one after the other as they are needed.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hash};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::writer::{LeftOvers, is_ours};
use crate::{Error, ErrorKind};

/// The longest line of a list, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// One file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called below the folder it was found in, or its file name: where it goes in a folder of results.
    pub name: PathBuf,
    /// Whether the run came upon this file before, under this name or another.
    pub again: bool,
}

/// Lists files lazily: a folder of a million names is never in memory at once. What is remembered of a file that
/// was listed are sixteen bytes.
pub struct FileList {
    arguments: std::vec::IntoIter<PathBuf>,
    recursive: bool,
    current: Box<dyn Iterator<Item = Result<Found, Error>> + Send>,
    seen: Seen,
    left_overs: Option<LeftOvers>,
}

struct Found {
    path: PathBuf,
    name: Option<PathBuf>,
}

impl FileList {
    /// Lists what these arguments name: a file; a folder, with everything executable below it where `recursive`; a
    /// pattern with `*`, `?`, `[...]` or `**`, where no file has that name; `@FILE`, which has one name a line.
    #[must_use]
    pub fn new(arguments: Vec<PathBuf>, recursive: bool) -> Self {
        Self {
            arguments: arguments.into_iter(),
            recursive,
            current: Box::new(std::iter::empty()),
            seen: Seen::default(),
            left_overs: None,
        }
    }

    /// Notes the folders in which a search for programs comes upon files of the writer's.
    #[must_use]
    pub fn noting(mut self, left_overs: &LeftOvers) -> Self {
        self.left_overs = Some(left_overs.clone());
        self
    }

    /// Tells whether these arguments name one file at most.
    #[must_use]
    pub fn is_one_file(arguments: &[PathBuf]) -> bool {
        match arguments {
            [] => true,
            [one] => list_name(one).is_none() && !one.is_dir() && pattern(one).is_none(),
            _ => false,
        }
    }
}

impl Iterator for FileList {
    type Item = Result<Listed, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.current.next() {
                return Some(found.map(|found| self.seen.mark(found)));
            }
            let recursive = self.recursive.then(|| self.left_overs.clone().unwrap_or_default());
            self.current = expand(self.arguments.next()?, recursive);
        }
    }
}

impl std::fmt::Debug for FileList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileList").field("seen", &self.seen.0.len()).finish_non_exhaustive()
    }
}

type Many = Box<dyn Iterator<Item = Result<Found, Error>> + Send>;

/// Lists what an argument names; with `below`, also what is in folders.
fn expand(argument: PathBuf, below: Option<LeftOvers>) -> Many {
    if let Some(list) = list_name(&argument) {
        return match File::open(&list) {
            Ok(file) => Box::new(names_in(list, BufReader::new(file))),
            Err(error) => Box::new(std::iter::once(Err(Error::io("read", &list, error)))),
        };
    }
    expand_name(argument, below)
}

fn expand_name(argument: PathBuf, below: Option<LeftOvers>) -> Many {
    if let (Some(left_overs), true) = (&below, argument.is_dir()) {
        return Box::new(walk(argument, left_overs.clone()));
    }
    match pattern(&argument) {
        Some(pattern) => matching(&argument, &pattern, below),
        None => Box::new(std::iter::once(Ok(Found { path: argument, name: None }))),
    }
}

/// Returns the file that an argument as `@FILE` names.
fn list_name(argument: &Path) -> Option<PathBuf> {
    let name = argument.to_str()?.strip_prefix('@')?;
    (!name.is_empty() && !argument.exists()).then(|| name.into())
}

fn pattern(argument: &Path) -> Option<String> {
    let text = argument.to_str()?;
    (text.contains(['*', '?', '[']) && argument.symlink_metadata().is_err())
        .then(|| text.to_owned())
}

fn matching(argument: &Path, pattern: &str, below: Option<LeftOvers>) -> Many {
    let usage = |message: String| -> Many {
        Box::new(std::iter::once(Err(Error::new(ErrorKind::Usage, message))))
    };
    let mut paths = match glob::glob(pattern) {
        Ok(paths) => paths.peekable(),
        Err(error) => return usage(format!("`{pattern}` is no pattern: {error}")),
    };
    if paths.peek().is_none() {
        let message = format!("no file matches {}", argument.display());
        return Box::new(std::iter::once(Err(Error::new(ErrorKind::Io, message))));
    }
    Box::new(paths.flat_map(move |found| -> Many {
        match found {
            // A pattern means the files in a folder; what is below that, `**` or --recursive.
            Ok(path) if path.is_dir() => match &below {
                Some(left_overs) => Box::new(walk(path, left_overs.clone())),
                None => Box::new(std::iter::empty()),
            },
            Ok(path) => Box::new(std::iter::once(Ok(Found { path, name: None }))),
            Err(error) => {
                let path = error.path().to_owned();
                Box::new(std::iter::once(Err(Error::io("look into", &path, error.into()))))
            }
        }
    }))
}

/// Finds the programs below a folder, in the order its files come in. Symbolic links to folders are not followed.
fn walk(root: PathBuf, left_overs: LeftOvers) -> impl Iterator<Item = Result<Found, Error>> + Send {
    WalkDir::new(&root).into_iter().filter_map(move |entry| {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(&root).to_owned();
                let error =
                    error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
                return Some(Err(Error::io("look into", &path, error)));
            }
        };
        if entry.file_type().is_dir() {
            return None;
        }
        if is_ours(entry.file_name()) {
            if let Some(folder) = entry.path().parent().and_then(|path| path.canonicalize().ok()) {
                left_overs.visit(&folder);
            }
            return None;
        }
        let path = entry.into_path();
        match begins_as_program(&path) {
            Ok(false) => None,
            // What cannot be read is the business of whoever reads it, who says so.
            Ok(true) | Err(_) => {
                let name = path.strip_prefix(&root).ok().map(Path::to_owned);
                Some(Ok(Found { path, name }))
            }
        }
    })
}

fn begins_as_program(path: &Path) -> std::io::Result<bool> {
    // Opening a pipe would wait for somebody to write to it.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(false);
    }
    let mut magic = [0; 2];
    let read = File::open(path)?.read(&mut magic)?;
    Ok(read == 2 && &magic == b"MZ")
}

/// Reads names, one a line; empty lines count for nothing.
fn names_in(
    list: PathBuf,
    mut reader: impl BufRead + Send + 'static,
) -> impl Iterator<Item = Result<Found, Error>> + Send {
    let mut over = false;
    std::iter::from_fn(move || {
        while !over {
            let mut line = Vec::new();
            match reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line) {
                Ok(0) => over = true,
                Ok(read) if u64::try_from(read).unwrap_or(u64::MAX) > MAX_LINE => {
                    over = true;
                    let text = format!("{} has a line of more than 64 KiB", list.display());
                    return Some(Err(Error::new(ErrorKind::Malformed, text)));
                }
                Ok(_) => {
                    let line = line.strip_suffix(b"\n").unwrap_or(&line);
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    if let (false, Some(path)) = (line.is_empty(), path_of(line)) {
                        return Some(Ok(Found { path, name: None }));
                    }
                }
                Err(error) => {
                    over = true;
                    return Some(Err(Error::io("read", &list, error)));
                }
            }
        }
        None
    })
}

#[cfg(unix)]
fn path_of(line: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(OsStr::from_bytes(line).into())
}

#[cfg(not(unix))]
fn path_of(line: &[u8]) -> Option<PathBuf> {
    Some(OsStr::new(&*String::from_utf8_lossy(line)).into())
}

/// What was listed already, as keyed hashes of 128 bits.
#[derive(Debug, Default)]
struct Seen(HashSet<u128>, [RandomState; 2]);

impl Seen {
    fn mark(&mut self, found: Found) -> Listed {
        let Found { path, name } = found;
        let name = name.unwrap_or_else(|| path.file_name().unwrap_or(OsStr::new("")).into());
        let mut again = false;
        if let Ok(metadata) = std::fs::metadata(&path) {
            again = match several_links(&metadata) {
                Some(identity) => !self.insert(&identity),
                None => path.canonicalize().is_ok_and(|canonical| !self.insert(&canonical)),
            };
        }
        Listed { path, name, again }
    }

    fn insert(&mut self, what: &impl Hash) -> bool {
        let [one, other] = &self.1;
        let hash = u128::from(one.hash_one(what)) << 64 | u128::from(other.hash_one(what));
        self.0.insert(hash)
    }
}

/// Identifies a file that has several names. One with a single name is identified by that: when it is replaced, its
/// number may soon belong to another file.
#[cfg(unix)]
fn several_links(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    (metadata.is_file() && metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn several_links(_: &Metadata) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn listed(arguments: &[PathBuf], recursive: bool) -> Vec<Result<Listed, Error>> {
        FileList::new(arguments.to_vec(), recursive).collect()
    }

    fn names(arguments: &[PathBuf], recursive: bool) -> Vec<(String, bool)> {
        let mut names: Vec<_> = listed(arguments, recursive)
            .into_iter()
            .map(|listed| listed.unwrap())
            .map(|listed| (listed.name.display().to_string().replace('\\', "/"), listed.again))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn folders_give_their_programs_with_the_way_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        for (name, text) in [("a.exe", "MZ"), ("sub/b.dll", "MZ"), ("c.txt", "text"), ("d", "M")] {
            fs::write(at(name), text).unwrap();
        }
        let ours = at(".chancery-0123456789abcdef-01234567.tmp");
        fs::write(&ours, "MZ").unwrap();
        let root = [folder.path().to_owned()];
        assert_eq!(names(&root, true), [("a.exe".into(), false), ("sub/b.dll".into(), false)]);
        assert_eq!(listed(&root, false).len(), 1, "the folder itself, which is an error to sign");
    }

    #[test]
    fn patterns_and_lists_name_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.exe", "b.exe", "c.dll", "literal[1].exe"] {
            fs::write(at(name), "MZ").unwrap();
        }
        assert_eq!(
            names(&[at("?.exe")], false),
            [("a.exe".into(), false), ("b.exe".into(), false)]
        );
        assert_eq!(names(&[at("literal[1].exe")], false), [("literal[1].exe".into(), false)]);
        let list = at("list");
        fs::write(&list, format!("{}\r\n\n{}", at("c.dll").display(), at("a.exe").display()))
            .unwrap();
        let argument = PathBuf::from(format!("@{}", list.display()));
        assert_eq!(names(&[argument], false), [("a.exe".into(), false), ("c.dll".into(), false)]);
        assert_eq!(listed(&[at("*.sys")], false)[0].as_ref().unwrap_err().kind(), ErrorKind::Io);
        assert!(listed(&["@no-such-list".into()], false)[0].is_err());
        fs::write(&list, vec![b'x'; 70_000]).unwrap();
        let argument = PathBuf::from(format!("@{}", list.display()));
        let long = listed(&[argument], false);
        assert_eq!(long[0].as_ref().unwrap_err().kind(), ErrorKind::Malformed);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_several_names_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.exe"), "MZ").unwrap();
        fs::write(at("b.exe"), "MZ").unwrap();
        std::os::unix::fs::symlink(at("a.exe"), at("link.exe")).unwrap();
        fs::hard_link(at("b.exe"), at("hard.exe")).unwrap();
        let all = ["a.exe", "link.exe", "b.exe", "hard.exe", "./a.exe"].map(at);
        let again: Vec<_> =
            listed(&all, false).into_iter().map(|listed| listed.unwrap().again).collect();
        assert_eq!(again, [false, true, false, true, true]);
    }
}
