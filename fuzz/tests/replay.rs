//! Every seed, every crash that was found, and every file of the corpus through the targets.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::{fs, io};

use chancery_fuzz::{TARGETS, Target, seeds};
use chancery_pe::{Layout, certificates};
use chancery_testkit::corpus::corpus;

/// Returns the files of a folder by name; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", folder.display()),
    };
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// Runs a target over inputs, and names those that it stops at.
fn failures<'a>(
    target: &Target,
    inputs: impl IntoIterator<Item = (&'a Path, Vec<u8>)>,
) -> Vec<String> {
    let inputs = inputs.into_iter();
    let failed = inputs.filter(|(_, bytes)| catch_unwind(|| (target.run)(bytes)).is_err());
    failed.map(|(path, _)| format!("{}: {}", target.name, path.display())).collect()
}

fn failures_in(target: &Target, paths: &[PathBuf]) -> Vec<String> {
    failures(target, paths.iter().map(|path| (path.as_path(), fs::read(path).unwrap())))
}

#[test]
fn no_seed_breaks_an_invariant() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let paths = files(&seeds::folder(target.name));
        assert!(!paths.is_empty(), "{} has no seeds", target.name);
        println!("{}: {} seeds", target.name, paths.len());
        failed.extend(failures_in(&target, &paths));
        for folder in target.also {
            failed.extend(failures_in(&target, &files(&seeds::folder(folder))));
        }
    }
    assert_eq!(failed, [""; 0]);
}

#[test]
fn no_crash_that_was_found_is_left() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("artifacts").join(target.name);
        let paths = files(&folder);
        println!("{}: {} artifacts", target.name, paths.len());
        failed.extend(failures_in(&target, &paths));
    }
    assert_eq!(failed, [""; 0]);
}

/// The largest files that are verified again and again, in bytes.
const MAX_VERIFIED: usize = 128 << 10;

#[test]
fn no_file_of_the_corpus_breaks_an_invariant() {
    let Some(corpus) = corpus() else { return };
    let mut failed = Vec::new();
    let mut signatures = 0_usize;
    for file in &corpus.files {
        let bytes = fs::read(&file.path).unwrap();
        let mut run = |name: &str, input: &[u8]| {
            let target = TARGETS.iter().find(|target| target.name == name).unwrap();
            failed.extend(failures(target, [(file.path.as_path(), input.to_vec())]));
        };
        for name in ["pe", "sign_verify", "signed_data"] {
            run(name, &bytes);
        }
        for name in ["differential", "verify"] {
            if bytes.len() <= MAX_VERIFIED {
                run(name, &bytes);
            }
        }
        // Nobody would find these inside the files by chance.
        if let Ok(layout) = Layout::parse(&mut bytes.as_slice()) {
            let table = layout.read_table(&mut bytes.as_slice()).unwrap();
            for entry in certificates(&table).0 {
                for name in ["differential", "signed_data", "verify"] {
                    run(name, entry.body);
                }
                signatures += 1;
            }
        }
    }
    println!("{} files and {signatures} signatures of the corpus", corpus.files.len());
    assert_eq!(failed, [""; 0]);
    assert!(signatures > 50);
}

#[test]
fn the_seeds_are_those_that_make_seeds_writes() {
    for target in TARGETS {
        let made = seeds::of(target.name);
        let paths = files(&seeds::folder(target.name));
        let kept: BTreeSet<&str> =
            paths.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(made.keys().copied().collect::<BTreeSet<_>>(), kept, "{}", target.name);
        for path in &paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            assert!(made[name] == fs::read(path).unwrap(), "{}: {name} differs", target.name);
        }
    }
}

#[test]
fn the_seeds_are_small() {
    let all: Vec<PathBuf> =
        TARGETS.iter().flat_map(|target| files(&seeds::folder(target.name))).collect();
    let size: u64 = all.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    println!("{} seeds, {size} bytes", all.len());
    assert!(size < 256 << 10);
}

#[test]
fn every_target_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let programs = files(&folder);
    let programs: Vec<&str> =
        programs.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    assert_eq!(programs, TARGETS.map(|target| target.name));
}

#[test]
fn a_broken_invariant_is_seen() {
    let mut target = TARGETS[0];
    target.run = |data| assert_ne!(data, b"bad");
    let inputs = [(Path::new("a"), b"good".to_vec()), (Path::new("b"), b"bad".to_vec())];
    assert_eq!(failures(&target, inputs), [format!("{}: b", target.name)]);
}
