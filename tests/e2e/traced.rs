//! A signing under strace: which calls it makes, and what becomes of it when one of them fails or is its last.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chancery_testkit::pe_maker::{TinyPe, tiny_pe};

use crate::support::{Signer, names};

/// More calls of one name than a thread makes to sign one small file, from the first of the process to its last.
const MOST_CALLS: usize = 2000;

/// What changes files, or orders such changes, on some system.
const CHANGING: [&str; 33] = [
    "chmod",
    "chown",
    "copy_file_range",
    "creat",
    "fallocate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fdatasync",
    "flock",
    "fsync",
    "ftruncate",
    "futimens",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "open",
    "openat",
    "openat2",
    "pwrite64",
    "pwritev",
    "rename",
    "renameat",
    "renameat2",
    "sendfile",
    "sync_file_range",
    "truncate",
    "unlink",
    "unlinkat",
    "write",
    "writev",
];

/// How many kills a test of them makes, where somebody wants more than a few.
pub(crate) fn kills() -> Option<u64> {
    std::env::var("CHANCERY_KILLS").ok().and_then(|text| text.parse().ok())
}

/// Which calls are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Those on the file, on what is beside it, and on its folder.
    OnFiles,
    /// Those of them that change something.
    Changing,
    /// Every one of the process, from its first to its last.
    All,
}

/// A file, what it looks like signed, and how it is signed.
pub(crate) struct Case {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) before: Vec<u8>,
    pub(crate) after: Vec<u8>,
    pub(crate) options: &'static [&'static str],
    /// The calls that a signing makes, by name.
    calls: BTreeSet<String>,
    /// What it makes beside the file.
    own: BTreeSet<PathBuf>,
}

impl Case {
    pub(crate) fn new(signer: &Signer, options: &'static [&'static str]) -> Self {
        Self::with_overlay(signer, options, 7)
    }

    /// A case of a file with so many bytes after its sections.
    pub(crate) fn with_overlay(
        signer: &Signer,
        options: &'static [&'static str],
        overlay: usize,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program.exe");
        let before = tiny_pe(&TinyPe { overlay: vec![0x5a; overlay], ..TinyPe::default() });
        fs::write(&path, &before).unwrap();
        let mut case = Self {
            folder,
            path,
            before,
            after: Vec::new(),
            options,
            calls: BTreeSet::new(),
            own: BTreeSet::new(),
        };
        let (output, trace) = case.strace(signer, &[]);
        assert!(output.status.success(), "{output:?}");
        case.after = case.contents();
        assert_ne!(case.before, case.after);
        let name = |line: &str| {
            let name = line.split_whitespace().nth(1)?.split('(').next()?;
            name.starts_with(|first: char| first.is_ascii_lowercase()).then(|| name.to_owned())
        };
        case.calls = trace.lines().filter_map(name).collect();
        let quoted = trace.split('"').filter(|text| text.contains("/.chancery-"));
        case.own = quoted.map(PathBuf::from).collect();
        assert!(!case.own.is_empty());
        case
    }

    fn strace(&self, signer: &Signer, more: &[String]) -> (Output, String) {
        let trace = tempfile::NamedTempFile::new().unwrap();
        let output = Command::new("strace")
            .args(["-f", "-qq", "-s", "200", "-o"])
            .arg(trace.path())
            .args(more)
            .arg(env!("CARGO_BIN_EXE_chancery"))
            .arg("sign")
            .arg(&self.path)
            .args(self.options)
            .args(signer.options())
            .env_remove("PKCS11_MODULE")
            .output()
            .expect("strace runs: apt-get install strace");
        (output, String::from_utf8_lossy(&fs::read(trace.path()).unwrap()).into_owned())
    }

    /// Signs with something injected into one system call; `None` where there was no such call. With paths, only the
    /// calls on these count.
    pub(crate) fn sign_with(
        &self,
        signer: &Signer,
        paths: &[&Path],
        call: &str,
        inject: &str,
    ) -> Option<Output> {
        fs::write(&self.path, &self.before).unwrap();
        let mut args = vec![
            "-e".to_owned(),
            format!("trace={call}"),
            "-e".to_owned(),
            format!("inject={call}:{inject}"),
        ];
        for path in paths {
            args.extend(["-P".to_owned(), path.to_str().unwrap().to_owned()]);
        }
        let (output, trace) = self.strace(signer, &args);
        let hit = trace.contains("(INJECTED)") || trace.contains("killed by SIGKILL");
        hit.then_some(output)
    }

    /// Does `then` for each call that was hit, one signing each, and returns how many there were. An `ending` of `+` hits
    /// those after it as well.
    pub(crate) fn at_every_call(
        &self,
        signer: &Signer,
        which: Calls,
        inject: &str,
        ending: &str,
        mut then: impl FnMut(&str, Output),
    ) -> usize {
        let mut hit = 0;
        let changing = |call: &String| CHANGING.contains(&call.as_str());
        // Each thread counts its calls on its own: what several do is told apart by what they do it to.
        let own: Vec<_> = self.own.iter().map(PathBuf::as_path).collect();
        let groups: [&[&Path]; 3] = [&[&self.path], &own, &[self.folder.path()]];
        let groups = if which == Calls::All { &[&[][..]] } else { &groups[..] };
        for call in self.calls.iter().filter(|call| which != Calls::Changing || changing(call)) {
            for (group, paths) in groups.iter().enumerate() {
                for number in 1..=MOST_CALLS {
                    let inject = format!("{inject}:when={number}{ending}");
                    let Some(output) = self.sign_with(signer, paths, call, &inject) else { break };
                    let on = ["the file", "its own", "the folder"][group];
                    let on = if which == Calls::All { "anything" } else { on };
                    then(&format!("{call} {number} on {on}"), output);
                    hit += 1;
                    assert!(number < MOST_CALLS, "more calls of {call} than there can be");
                }
            }
        }
        hit
    }

    pub(crate) fn contents(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    /// What is beside the file.
    pub(crate) fn left_overs(&self) -> Vec<String> {
        names(self.folder.path()).into_iter().filter(|name| *name != "program.exe").collect()
    }

    /// The next run finishes what this one did not, and names and takes away what it left.
    pub(crate) fn is_mended(&self, signer: &Signer, what: &str) {
        let left = self.left_overs();
        let args = [self.path.to_str().unwrap(), "--skip-signed"];
        let run = signer.sign(args.into_iter().chain(self.options.iter().copied())).ends_with(0);
        assert!(self.contents() == self.after, "{what}: signed once, and as ever");
        assert_eq!(self.left_overs(), [""; 0], "{what}");
        for name in left {
            assert!(run.stderr.contains(&name), "{what}: {name} is not named in {}", run.stderr);
        }
    }

    /// Returns the call of a signing whose name begins so: systems have several of a kind.
    pub(crate) fn call(&self, beginning: &str) -> &str {
        self.calls.iter().find(|call| call.starts_with(beginning)).unwrap()
    }

    /// Signs until a call whose name begins so is the last on the file or what is beside it.
    pub(crate) fn killed_at(&self, signer: &Signer, beginning: &str, number: usize) {
        let call = self.call(beginning);
        let own = self.own.iter().map(PathBuf::as_path).chain([self.path.as_path()]);
        let own: Vec<_> = own.collect();
        let inject = format!("signal=KILL:when={number}");
        assert!(self.sign_with(signer, &own, call, &inject).is_some(), "there is no such call");
    }

    /// What a signing of this kind makes beside the file.
    pub(crate) fn own_files(&self) -> impl Iterator<Item = &Path> {
        let kind = if self.options.is_empty() { "tmp" } else { "undo" };
        let is_made = move |path: &&PathBuf| path.extension().is_some_and(|end| end == kind);
        self.own.iter().filter(is_made).map(PathBuf::as_path)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
