//! Which files a run is about: names, folders, patterns and lists, one after the other as they are needed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::collections::hash_map::RandomState;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::hash::{BuildHasher, Hash};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::patterns::{self, is_wild};
use crate::writer::{LeftOvers, is_ours};
use crate::{Error, ErrorKind};

/// The byte order marks that editors and shells put at the beginning of a text.
const UTF_8: &[u8] = b"\xEF\xBB\xBF";
const UTF_16_LE: &[u8] = b"\xFF\xFE";
const UTF_16_BE: &[u8] = b"\xFE\xFF";

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
    /// Whether the run came upon this file before, under this name or another. Where results go to a folder, a file
    /// of two names is two results, and only what would go to the same place is the same again.
    pub again: bool,
}

/// Lists files lazily: a folder of a million names is never in memory at once, but what a pattern matches in one
/// folder is. What is remembered of a file that was listed are 32 bytes.
pub struct FileList {
    arguments: std::vec::IntoIter<PathBuf>,
    is_one: bool,
    current: Many,
    seen: Seen,
    search: Search,
}

/// How folders are searched.
#[derive(Clone, Debug, Default)]
struct Search {
    recursive: bool,
    left_overs: LeftOvers,
    /// The folder that results go to, as the system names it: it is never searched.
    results: Option<PathBuf>,
}

struct Found {
    path: PathBuf,
    name: Option<PathBuf>,
}

impl FileList {
    /// Lists what these arguments name: a file; a folder, with everything executable below it where `recursive`; a
    /// pattern with `*`, `?`, `[...]` or `**`, where no file has that name; `@FILE`, which has one name a line, of a
    /// file or of a folder.
    #[must_use]
    pub fn new(arguments: Vec<PathBuf>, recursive: bool) -> Self {
        Self {
            is_one: matches!(&arguments[..], [one] if one.is_file()),
            arguments: arguments.into_iter(),
            current: Box::new(std::iter::empty()),
            seen: Seen::default(),
            search: Search { recursive, ..Search::default() },
        }
    }

    /// Notes the folders in which a search for programs comes upon files of the writer's.
    #[must_use]
    pub fn noting(mut self, left_overs: &LeftOvers) -> Self {
        self.search.left_overs = left_overs.clone();
        self
    }

    /// Says which folder results go to by their [names](Listed::name): it is not searched, and two files that would go
    /// to the same place in it are an error, the second time.
    #[must_use]
    pub fn with_results_in(mut self, folder: &Path) -> Self {
        // Where it cannot be named, nothing found is in it.
        self.search.results = folder.canonicalize().ok();
        self.seen.by_result = true;
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
                return Some(found.and_then(|found| self.seen.mark(found)));
            }
            self.current = expand(self.arguments.next()?, &self.search);
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.is_one.then_some(1))
    }
}

impl std::fmt::Debug for FileList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileList").field("seen", &self.seen.files.len()).finish_non_exhaustive()
    }
}

type Many = Box<dyn Iterator<Item = Result<Found, Error>> + Send>;

/// Lists what an argument names.
fn expand(argument: PathBuf, search: &Search) -> Many {
    if let Some(list) = list_name(&argument) {
        return match File::open(&list) {
            Ok(file) => {
                let search = search.clone();
                let names = names_in(list, BufReader::new(file));
                Box::new(names.flat_map(move |found| -> Many {
                    match found {
                        Ok(Found { path, .. }) if search.recursive && path.is_dir() => {
                            Box::new(walk(path, search.clone()))
                        }
                        found => Box::new(std::iter::once(found)),
                    }
                }))
            }
            Err(error) => Box::new(std::iter::once(Err(Error::io("read", &list, error)))),
        };
    }
    if search.recursive && argument.is_dir() {
        return Box::new(walk(argument, search.clone()));
    }
    match pattern(&argument) {
        Some(pattern) => matching(&argument, &pattern, search.clone()),
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
    (is_wild(text) && argument.symlink_metadata().is_err()).then(|| text.to_owned())
}

fn matching(argument: &Path, pattern: &str, search: Search) -> Many {
    let once = |error| -> Many { Box::new(std::iter::once(Err(error))) };
    let mut paths = match patterns::paths(pattern) {
        Ok(paths) => paths.peekable(),
        Err(error) => {
            return once(Error::new(
                ErrorKind::Usage,
                format!("`{pattern}` is no pattern: {error}"),
            ));
        }
    };
    if paths.peek().is_none() {
        let message = format!("no file matches {}", argument.display());
        return once(Error::new(ErrorKind::Io, message));
    }
    Box::new(paths.flat_map(move |found| -> Many {
        match found {
            // A pattern means the files in a folder; what is below that, `**` or --recursive.
            Ok(path) if path.is_dir() => match search.recursive {
                true => Box::new(walk(path, search.clone())),
                false => Box::new(std::iter::empty()),
            },
            Ok(path) if search.is_ours(&path) || search.is_a_result(&path) => {
                Box::new(std::iter::empty())
            }
            Ok(path) => Box::new(std::iter::once(Ok(Found { path, name: None }))),
            Err((path, error)) => {
                Box::new(std::iter::once(Err(Error::io("look into", &path, error))))
            }
        }
    }))
}

impl Search {
    /// Tells whether a file or folder is in the folder of results, or is that.
    fn is_a_result(&self, path: &Path) -> bool {
        let is_in = |results: &PathBuf| path.canonicalize().is_ok_and(|at| at.starts_with(results));
        self.results.as_ref().is_some_and(is_in)
    }

    /// Tells whether a file is one of the writer's, and notes its folder if so.
    fn is_ours(&self, path: &Path) -> bool {
        let is_ours = path.file_name().is_some_and(is_ours);
        if let (true, Some(folder)) = (is_ours, path.parent().and_then(|at| at.canonicalize().ok()))
        {
            self.left_overs.visit(&folder);
        }
        is_ours
    }
}

/// Finds the programs below a folder, in the order its files come in. Symbolic links to folders are not followed.
fn walk(root: PathBuf, search: Search) -> impl Iterator<Item = Result<Found, Error>> + Send {
    let within = search.clone();
    let entries = WalkDir::new(&root).into_iter().filter_entry(move |entry| {
        !entry.file_type().is_dir() || !within.is_a_result(entry.path())
    });
    entries.filter_map(move |entry| {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().unwrap_or(&root).to_owned();
                let error =
                    error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
                return Some(Err(Error::io("look into", &path, error)));
            }
        };
        if entry.file_type().is_dir() || search.is_ours(entry.path()) {
            return None;
        }
        let path = entry.into_path();
        match begins_as_program(&path) {
            Ok(false) => None,
            // A link to nothing, or a file that is gone already.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
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

/// Reads names, one a line; empty lines, and a mark of UTF-8 at the beginning, count for nothing.
fn names_in(
    list: PathBuf,
    mut reader: impl BufRead + Send + 'static,
) -> impl Iterator<Item = Result<Found, Error>> + Send {
    let (mut over, mut first) = (false, true);
    std::iter::from_fn(move || {
        while !over {
            let mut line = Vec::new();
            let is_first = std::mem::replace(&mut first, false);
            match reader.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut line) {
                Ok(0) => over = true,
                Ok(read) if u64::try_from(read).unwrap_or(u64::MAX) > MAX_LINE => {
                    over = true;
                    let text = format!("{} has a line of more than 64 KiB", list.display());
                    return Some(Err(Error::new(ErrorKind::Malformed, text)));
                }
                Ok(_)
                    if is_first && (line.starts_with(UTF_16_LE) || line.starts_with(UTF_16_BE)) =>
                {
                    over = true;
                    let text = format!("{} is a list in UTF-16; save it as UTF-8", list.display());
                    return Some(Err(Error::new(ErrorKind::Malformed, text)));
                }
                Ok(_) => {
                    let line =
                        if is_first { line.strip_prefix(UTF_8).unwrap_or(&line) } else { &line };
                    let line = line.strip_suffix(b"\n").unwrap_or(line);
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
struct Seen {
    /// Files; where `by_result`, the places results go to, and which file goes there.
    files: HashMap<u128, u128>,
    keys: [RandomState; 2],
    by_result: bool,
}

impl Seen {
    fn mark(&mut self, found: Found) -> Result<Listed, Error> {
        let Found { path, name } = found;
        let name = name.unwrap_or_else(|| path.file_name().unwrap_or(OsStr::new("")).into());
        // What is not there is the business of whoever opens it.
        let Ok(metadata) = std::fs::metadata(&path) else {
            return Ok(Listed { path, name, again: false });
        };
        let file = match several_links(&metadata) {
            Some(identity) => Some(self.hash(&identity)),
            None => path.canonicalize().ok().map(|canonical| self.hash(&canonical)),
        };
        let Some(file) = file else { return Ok(Listed { path, name, again: false }) };
        let place = if self.by_result { self.hash(&place_of(&name)) } else { file };
        match self.files.entry(place) {
            Entry::Vacant(vacant) => {
                vacant.insert(file);
                Ok(Listed { path, name, again: false })
            }
            Entry::Occupied(there) if *there.get() == file => {
                Ok(Listed { path, name, again: true })
            }
            Entry::Occupied(_) => {
                let (path, name) = (path.display(), name.display());
                let message = format!(
                    "{path} would go to the same place as another file of this run: {name} in the folder of results"
                );
                Err(Error::new(ErrorKind::Usage, message))
            }
        }
    }

    fn hash(&self, what: &impl Hash) -> u128 {
        let [one, other] = &self.keys;
        u128::from(one.hash_one(what)) << 64 | u128::from(other.hash_one(what))
    }
}

/// Names the place of a result as its folder does: on Windows and on a Mac a name is the same in any case.
fn place_of(name: &Path) -> PathBuf {
    if cfg!(any(windows, target_os = "macos")) {
        name.to_string_lossy().to_lowercase().into()
    } else {
        name.to_owned()
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
        let list = at("list");
        fs::write(&list, format!("{}\n", folder.path().display())).unwrap();
        let list = [PathBuf::from(format!("@{}", list.display()))];
        assert_eq!(names(&list, true), [("a.exe".into(), false), ("sub/b.dll".into(), false)]);
        assert_eq!(listed(&list, false).len(), 1);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("gone.exe"), at("dangling.exe")).unwrap();
            assert_eq!(listed(&root, true).len(), 2);
        }
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

    #[test]
    fn the_folder_of_results_is_not_searched_and_has_room_for_one_file_a_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["one", "two", "out"] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("a.exe"), "MZ").unwrap();
        }
        let list = |arguments: &[PathBuf]| -> Vec<_> {
            FileList::new(arguments.to_vec(), true).with_results_in(&at("out")).collect()
        };
        let mut names: Vec<_> = list(&[folder.path().to_owned(), at("*/*.exe")])
            .into_iter()
            .map(|listed| listed.map(|listed| listed.name).map_err(|error| error.kind()))
            .map(|listed| listed.map(|name| name.display().to_string().replace('\\', "/")))
            .collect();
        names[..2].sort_by_key(|name| name.clone().ok());
        let found: Vec<_> = names.iter().map(Result::as_deref).collect();
        assert_eq!(found, [Ok("one/a.exe"), Ok("two/a.exe"), Ok("a.exe"), Err(&ErrorKind::Usage)]);
        let same = list(&[at("one/a.exe"), at("one/./a.exe")]);
        assert_eq!(
            same.into_iter().map(|one| one.unwrap().again).collect::<Vec<_>>(),
            [false, true]
        );
    }

    #[test]
    fn patterns_pass_over_names_with_a_dot_in_front_and_files_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let ours = ".chancery-0123456789abcdef-01234567.tmp";
        for name in ["a.exe", ".hidden.exe", ours] {
            fs::write(at(name), "MZ").unwrap();
        }
        assert_eq!(names(&[at("*")], false), [("a.exe".into(), false)]);
        assert_eq!(names(&[at(".*")], false), [(".hidden.exe".into(), false)]);
    }

    #[test]
    fn marks_of_an_encoding_are_no_part_of_a_name() {
        let list = |text: &[u8]| -> Vec<_> {
            names_in("list".into(), std::io::Cursor::new(text.to_vec())).collect()
        };
        let named = list(b"\xEF\xBB\xBFa.exe\r\n\xEF\xBB\xBFb.exe\n");
        let paths: Vec<_> = named.into_iter().map(|found| found.unwrap().path).collect();
        assert_eq!(paths, [Path::new("a.exe"), Path::new("\u{FEFF}b.exe")]);
        for text in [&b"\xFF\xFEa\0.\0e\0x\0e\0\n\0"[..], b"\xFE\xFF\0a\0\n"] {
            let refused = list(text);
            assert_eq!(refused.len(), 1);
            assert_eq!(refused[0].as_ref().err().unwrap().kind(), ErrorKind::Malformed);
        }
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
        // As results they are four files, and one is named twice.
        let out = at("out");
        let listed = FileList::new(all.to_vec(), false).with_results_in(&out);
        let again: Vec<_> = listed.map(|listed| listed.unwrap().again).collect();
        assert_eq!(again, [false, false, false, false, true]);
    }
}
