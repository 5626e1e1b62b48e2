//! The corpus: real and malformed signed files with the verdicts others gave.
//!
//! It is not part of this repository. Its place is `CHANCERY_CORPUS`, else `../shared/corpus` beside
//! the workspace; where it is not there, tests that use it say so and return.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::workspace;

/// The corpus directory and every row of its `MANIFEST.tsv`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Corpus {
    /// The directory that holds the files.
    pub dir: PathBuf,
    /// One entry for each file of the manifest, in its order.
    pub files: Vec<CorpusFile>,
}

impl Corpus {
    /// Reads the corpus in `dir`.
    ///
    /// # Errors
    /// A sentence saying what is wrong with the manifest.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let path = dir.join("MANIFEST.tsv");
        let manifest = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut lines = manifest.lines();
        let header = lines.next().unwrap_or_default().split('\t').collect::<Vec<_>>();
        if !header.contains(&"file") {
            return Err(format!("{} has no column `file`", path.display()));
        }
        let files = lines.map(|line| CorpusFile::new(dir, &header, line)).collect();
        Ok(Self { dir: dir.to_path_buf(), files })
    }

    /// Iterates over the files of one kind, such as `pe`, `cat` or `cab`.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &CorpusFile> {
        self.files.iter().filter(move |file| file.kind == kind)
    }

    /// Finds a file by its name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&CorpusFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// One file of the corpus and what the manifest says of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CorpusFile {
    /// The file name within the corpus.
    pub name: String,
    /// Where the file is.
    pub path: PathBuf,
    /// What kind of file it is: `pe`, `cat`, `cab`, `ole`, `script`, `appx` and so on.
    pub kind: String,
    /// The expected verdict in parts, such as `digest-ok` and `not-trusted`.
    pub expected: Vec<String>,
    /// What is particular about it, such as `PE32+`, `nested1`, `leaf-expired`.
    pub features: Vec<String>,
    /// The Authenticode SHA-256 in lower-case hex, where one was computed.
    pub authentihash_sha256: Option<String>,
    columns: HashMap<String, String>,
}

impl CorpusFile {
    fn new(dir: &Path, header: &[&str], line: &str) -> Self {
        let columns: HashMap<String, String> = header
            .iter()
            .zip(line.split('\t'))
            .map(|(name, value)| ((*name).to_owned(), value.trim().to_owned()))
            .collect();
        let get = |name: &str| columns.get(name).cloned().unwrap_or_default();
        let list = |name: &str, separator: char| -> Vec<String> {
            let text = get(name);
            let parts = text.split(separator).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let name = get("file");
        Self {
            path: dir.join(&name),
            name,
            kind: get("kind"),
            expected: list("expected", ';'),
            features: list("features", ','),
            authentihash_sha256: Some(get("own_authentihash_sha256"))
                .filter(|hash| !hash.is_empty()),
            columns,
        }
    }

    /// Tells whether this is one part of the expected verdict.
    #[must_use]
    pub fn expects(&self, verdict: &str) -> bool {
        self.expected.iter().any(|part| part == verdict)
    }

    /// Tells whether the file has this feature.
    #[must_use]
    pub fn has_feature(&self, feature: &str) -> bool {
        self.features.iter().any(|part| part == feature)
    }

    /// Returns any other column of the manifest by its heading; `None` where it is empty.
    #[must_use]
    pub fn column(&self, heading: &str) -> Option<&str> {
        self.columns.get(heading).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Finds the corpus; without one, prints that the calling test has nothing to look at.
///
/// # Panics
/// Where `CHANCERY_CORPUS` names a directory without a readable manifest, or the corpus beside the
/// workspace has a manifest that cannot be read.
#[must_use]
pub fn corpus() -> Option<Corpus> {
    let named = env::var_os("CHANCERY_CORPUS").map(PathBuf::from);
    let dir = named.clone().unwrap_or_else(|| workspace::root().join("../shared/corpus"));
    if named.is_none() && !dir.is_dir() {
        println!("skipped: no corpus; CHANCERY_CORPUS can name its directory");
        return None;
    }
    match Corpus::read(&dir) {
        Ok(corpus) => Some(corpus),
        Err(reason) => panic!("{reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "file\tsize\texpected\tkind\tfeatures\town_authentihash_sha256\n\
        a.exe\t4\tdigest-ok;not-trusted\tpe\tPE32,nested1\tab12\n\
        b.cat\t5\tunsigned\tcat\t\t\n";

    fn corpus_of(manifest: &str) -> Result<Corpus, String> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("MANIFEST.tsv"), manifest).unwrap();
        Corpus::read(dir.path())
    }

    #[test]
    fn reads_every_column_by_its_heading() {
        let corpus = corpus_of(MANIFEST).unwrap();
        assert_eq!(corpus.files.len(), 2);
        let pe = corpus.of_kind("pe").next().unwrap();
        assert_eq!((pe.name.as_str(), pe.path.file_name()), ("a.exe", Some("a.exe".as_ref())));
        assert!(pe.expects("not-trusted") && !pe.expects("digest"));
        assert!(pe.has_feature("nested1") && !pe.has_feature("nested"));
        assert_eq!(pe.authentihash_sha256.as_deref(), Some("ab12"));
        assert_eq!(pe.column("size"), Some("4"));
    }

    #[test]
    fn an_empty_cell_is_no_value() {
        let corpus = corpus_of(MANIFEST).unwrap();
        let cat = corpus.named("b.cat").unwrap();
        assert_eq!(cat.authentihash_sha256, None);
        assert_eq!(cat.column("features"), None);
        assert!(cat.features.is_empty());
    }

    #[test]
    fn refuses_a_manifest_without_names() {
        assert!(corpus_of("sha256\tsize\nab\t1\n").unwrap_err().contains("no column `file`"));
        assert!(Corpus::read(Path::new("no-such-directory")).is_err());
    }

    #[test]
    fn every_file_of_the_corpus_is_there_with_its_size() {
        let Some(corpus) = corpus() else { return };
        assert!(!corpus.files.is_empty());
        for file in &corpus.files {
            let len = fs::metadata(&file.path).map(|metadata| metadata.len().to_string());
            assert_eq!(len.ok().as_deref(), file.column("size"), "{}", file.name);
        }
    }
}
