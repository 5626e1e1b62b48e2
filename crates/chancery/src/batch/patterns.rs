//! What patterns with wildcards match.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};
use walkdir::{DirEntry, WalkDir};

/// What stands for any number of folders.
const ANY_DEPTH: &str = "**";

/// One after the other; where a folder cannot be looked into, its name and why.
type Paths = Box<dyn Iterator<Item = Result<PathBuf, (PathBuf, io::Error)>> + Send>;

/// As the shell of the system compares names; and a dot at the beginning of a name is meant only where the pattern has it.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: !cfg!(windows),
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Tells whether a name has wildcards.
pub(super) fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Lists files and folders by a pattern with `*`, `?`, `[...]` and `**`, folder by folder in the order of names.
///
/// Symbolic links are followed, but not by `**`: they may lead to where the search began, and out of its folder.
pub(super) fn paths(pattern: &str) -> Result<Paths, PatternError> {
    let parts: PathBuf = Path::new(pattern).components().collect();
    if parts.components().any(|part| part.as_os_str() == ANY_DEPTH) {
        // Without the separators that are one too many, as what is found has none.
        let whole = Pattern::new(parts.to_str().unwrap_or(pattern))?;
        return Ok(below(&parts, whole));
    }
    // The option would leave out all names with a dot, also those that are meant.
    let found =
        glob::glob_with(pattern, MatchOptions { require_literal_leading_dot: false, ..OPTIONS })?;
    let pattern = PathBuf::from(pattern);
    let found = found.filter(move |found| match found {
        Ok(path) => is_meant(path, &pattern),
        Err(_) => true,
    });
    Ok(Box::new(
        found.map(|found| found.map_err(|error| (error.path().to_owned(), io::Error::from(error)))),
    ))
}

/// Tells whether each part with a dot in front is there by the part of the pattern, which has one, and is neither the
/// folder itself nor the one above, which `.*` matches too.
fn is_meant(path: &Path, pattern: &Path) -> bool {
    let is_met = |(part, wanted): (Component<'_>, Component<'_>)| match (part, wanted) {
        (Component::Normal(name), Component::Normal(wanted)) => {
            !begins_with_dot(name) || begins_with_dot(wanted)
        }
        (Component::ParentDir, Component::Normal(_)) => false,
        _ => true,
    };
    path.components().count() == pattern.components().count()
        && path.components().zip(pattern.components()).all(is_met)
}

fn begins_with_dot(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Walks through everything below the part of a pattern that has no wildcards.
fn below(parts: &Path, whole: Pattern) -> Paths {
    let is_plain = |part: &Component<'_>| !part.as_os_str().to_str().is_none_or(is_wild);
    let base: PathBuf = parts.components().take_while(is_plain).collect();
    let mut searched = parts.components().skip_while(is_plain);
    let any_hidden = searched.any(|part| begins_with_dot(part.as_os_str()));
    let root = if base.as_os_str().is_empty() { PathBuf::from(".") } else { base.clone() };
    if !root.is_dir() {
        return Box::new(std::iter::empty());
    }
    let is_looked_into = move |entry: &DirEntry| {
        any_hidden || entry.depth() == 0 || !begins_with_dot(entry.file_name())
    };
    let entries = WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(is_looked_into);
    Box::new(entries.filter_map(move |entry| match entry {
        Ok(entry) => {
            let path = match base.as_os_str().is_empty() {
                true => entry.path().strip_prefix(&root).unwrap_or(entry.path()).to_owned(),
                false => entry.path().to_owned(),
            };
            // A folder by way of a link is one that the search does not go into.
            let is_linked = entry.path_is_symlink() && path.is_dir();
            (!is_linked && whole.matches_path_with(&path, OPTIONS)).then_some(Ok(path))
        }
        Err(error) => {
            let path = error.path().unwrap_or(&root).to_owned();
            let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
            Some(Err((path, error)))
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes files in a folder, and lists what a pattern in it matches.
    fn matched(files: &[&str], pattern: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        in_folder(folder.path(), pattern)
    }

    fn in_folder(folder: &Path, pattern: &str) -> Vec<String> {
        let all = paths(folder.join(pattern).to_str().unwrap()).unwrap();
        let name = |path: PathBuf| {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            name.replace(std::path::MAIN_SEPARATOR, "/")
        };
        all.map(|found| name(found.unwrap())).filter(|name| name.contains(".exe")).collect()
    }

    const TREE: [&str; 7] = [
        "b/deep/d.exe",
        "b/c.exe",
        "a.exe",
        ".git/g.exe",
        "b/.cache/k.exe",
        ".hidden.exe",
        "b/.h.exe",
    ];

    #[test]
    fn any_depth_is_in_the_order_of_names() {
        assert_eq!(matched(&TREE, "**/*.exe"), ["a.exe", "b/c.exe", "b/deep/d.exe"]);
        assert_eq!(matched(&TREE, "b//**/*.exe"), ["b/c.exe", "b/deep/d.exe"]);
        assert_eq!(matched(&TREE, "b/**/deep/*.exe"), ["b/deep/d.exe"]);
        assert_eq!(matched(&TREE, "no/**/*.exe"), [""; 0]);
        assert_eq!(matched(&TREE, "*/**/d.exe"), ["b/deep/d.exe"]);
    }

    #[test]
    fn a_dot_in_front_is_meant_only_where_the_pattern_has_it() {
        assert_eq!(matched(&TREE, "*.exe"), ["a.exe"]);
        assert_eq!(matched(&TREE, "*/*.exe"), ["b/c.exe"]);
        assert_eq!(matched(&TREE, ".*/*.exe"), [".git/g.exe"]);
        assert_eq!(matched(&TREE, ".git/*.exe"), [".git/g.exe"]);
        assert_eq!(matched(&TREE, ".git/**/*.exe"), [".git/g.exe"]);
        assert_eq!(matched(&TREE, "**/.*.exe"), [".hidden.exe", "b/.h.exe"]);
        assert_eq!(matched(&TREE, "**/.cache/*.exe"), ["b/.cache/k.exe"]);
    }

    #[test]
    fn names_are_compared_as_the_system_does() {
        let found = matched(&["SETUP.EXE", "b.exe"], "*.exe").len();
        let deep = matched(&["SETUP.EXE", "b.exe"], "**/*.exe").len();
        // What has no such letters is not counted above.
        assert_eq!((found, deep), (1, 1));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("SETUP.EXE"), "").unwrap();
        for pattern in ["*.exe", "**/*.exe"] {
            let pattern = folder.path().join(pattern);
            let found = paths(pattern.to_str().unwrap()).unwrap().count();
            assert_eq!(found, usize::from(cfg!(windows)), "{}", pattern.display());
        }
    }

    #[test]
    #[cfg(unix)]
    fn any_depth_does_not_follow_links_to_folders() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["in/sub", "out"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("in/sub/a.exe"), "").unwrap();
        std::fs::write(at("out/b.exe"), "").unwrap();
        std::os::unix::fs::symlink("..", at("in/sub/up")).unwrap();
        std::os::unix::fs::symlink("../out", at("in/away")).unwrap();
        std::os::unix::fs::symlink("../out/b.exe", at("in/link.exe")).unwrap();
        assert_eq!(in_folder(folder.path(), "in/**/*.exe"), ["in/link.exe", "in/sub/a.exe"]);
        // One that is named is meant, and so is one that a wildcard matches.
        assert_eq!(in_folder(folder.path(), "in/away/**/*.exe"), ["in/away/b.exe"]);
        assert_eq!(in_folder(folder.path(), "in/a*/*.exe"), ["in/away/b.exe"]);
    }
}
