//! How much memory runs over many files take.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{ec, program};

/// How much more a run over ten times as many files may take, in KiB. What is remembered of each file is 32 bytes, and 33
/// more with a journal; allocators and threads take as they please.
const ALLOWANCE: u64 = 4 << 10;

/// Signs a folder, and returns the peak of memory in KiB and how many files there were.
fn peak(folder: &Path, journal: &Path, code: i32) -> (u64, usize) {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "peak %M"])
        .arg(env!("CARGO_BIN_EXE_chancery"))
        .args(["sign", "--recursive", "--skip-signed", "--format", "json", "--journal"])
        .arg(journal)
        .arg(folder)
        .args(ec().options())
        .output()
        .expect("GNU time runs: apt-get install time");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    let peak = said.lines().find_map(|line| line.strip_prefix("peak ")).unwrap();
    let skipped = String::from_utf8_lossy(&output.stdout).matches("\"type\":\"skipped\"").count();
    (peak.parse().unwrap(), skipped)
}

fn folder_of(count: usize, contents: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..count {
        let below = folder.path().join((number / 1000).to_string());
        if number % 1000 == 0 {
            fs::create_dir(&below).unwrap();
        }
        fs::write(below.join(format!("{number}.exe")), contents).unwrap();
    }
    folder
}

#[test]
fn memory_does_not_grow_with_the_number_of_files() {
    let (_folder, signed) = program();
    ec().sign([&signed]).ends_with(0);
    let signed = fs::read(&signed).unwrap();
    let times = |number: usize| match std::env::var_os("CHANCERY_FILES") {
        Some(times) => number * times.to_str().unwrap().parse::<usize>().unwrap(),
        None => number,
    };
    for (what, contents, few, found) in
        [("texts", &b"text"[..], 1000, false), ("signed programs", &signed, 120, true)]
    {
        let few = times(few);
        let measured = [few, 10 * few].map(|count| {
            let folder = folder_of(count, contents);
            let notes = tempfile::tempdir().unwrap();
            // A run over nothing is an error.
            let code = if found { 0 } else { 8 };
            let (peak, skipped) = peak(folder.path(), &notes.path().join("journal"), code);
            assert_eq!(skipped, if found { count } else { 0 });
            println!("{count} {what}: {peak} KiB");
            peak
        });
        assert!(measured[1] < measured[0] + ALLOWANCE, "{what}: {measured:?} KiB");
    }
}
