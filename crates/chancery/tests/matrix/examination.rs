//! Cells are made, judged, damaged and judged again.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chancery::authenticode::{PeSubject, SignatureSet, Subject, Verdict};
use chancery::pe::Layout;
use chancery::verify_file;
use chancery_testkit::oracles::{self, Oracle, Oracles};
use chancery_testkit::tamper::flip_byte;

use crate::axes::{Cell, Form};
use crate::rules::{Rule, State, excuse};
use crate::scene::Scene;
use crate::tally::Tally;

/// How many cells are examined at a time: one process of osslsigncode beside the one that is Python.
const WORKERS: usize = 2;

/// Our own verifier, in the table beside the others.
pub(crate) const OURS: &str = "chancery";

/// What came of one cell with one verifier.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Accepted, and refused after one byte was flipped.
    Passed,
    /// It cannot do this, and answered as the rule foresees.
    Excused(&'static Rule, String),
    /// Anything else.
    Wrong(String),
}

/// Examines cells, prints what came of them, and fails where anything is wrong.
pub(crate) fn hold(cells: &[Cell]) {
    let (scene, oracles) = (Scene::make(), Oracles::discover());
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let folder = tempfile::tempdir().unwrap();
                while let Some((index, cell)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    cells.get(index).map(|cell| (index, cell))
                } {
                    let outcomes =
                        examine(&scene, oracles, cell, index, &folder.path().join("a.exe"));
                    tally.lock().unwrap().add(cell, outcomes);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{tally}");
    assert_eq!(tally.wrong(), [""; 0]);
}

/// Makes the file of a cell and has it judged before and after it is damaged.
fn examine(
    scene: &Scene,
    oracles: &Oracles,
    cell: &Cell,
    index: usize,
    file: &Path,
) -> Vec<(&'static str, Outcome)> {
    if let Err(error) = scene.sign(cell, file) {
        return vec![(OURS, Outcome::Wrong(format!("not signed: {error}")))];
    }
    let accepted = judge(scene, oracles, cell, file);
    // Half of them in the file, half in the signature.
    let (damaged, offset) = match index % 2 {
        0 => (State::ProgramDamaged, in_a_section(file)),
        _ => (State::SignatureDamaged, in_the_signature(file)),
    };
    flip_byte(file, offset);
    let refused = judge(scene, oracles, cell, file);
    let outcomes = accepted.into_iter().zip(refused).map(|((name, before), (_, after))| {
        let first = outcome(name, cell, State::Whole, before);
        (
            name,
            if matches!(first, Outcome::Passed) {
                outcome(name, cell, damaged, after)
            } else {
                first
            },
        )
    });
    outcomes.collect()
}

/// Compares an answer with what is right, or with what the verifier is excused for.
fn outcome(name: &str, cell: &Cell, state: State, verdict: oracles::Verdict) -> Outcome {
    if let Some(rule) = excuse(name, cell, state) {
        return match rule.foresees(&verdict) {
            true => Outcome::Excused(rule, format!("{verdict:?}")),
            false => Outcome::Wrong(format!("{verdict:?}, and the rule is: {}", rule.lacks)),
        };
    }
    let right = match state {
        State::Whole => verdict == oracles::Verdict::Accepted,
        State::ProgramDamaged | State::SignatureDamaged => verdict.is_refused(),
    };
    if right { Outcome::Passed } else { Outcome::Wrong(format!("{state:?}: {verdict:?}")) }
}

fn judge(
    scene: &Scene,
    oracles: &Oracles,
    cell: &Cell,
    file: &Path,
) -> Vec<(&'static str, oracles::Verdict)> {
    let roots = scene.roots();
    let theirs = oracles.iter().map(|oracle: &Oracle| (oracle.name(), oracle.verify(file, &roots)));
    std::iter::once((OURS, ours(scene, cell, file))).chain(theirs).collect()
}

/// Our own verdict, which also has to have seen everything that a cell is about.
fn ours(scene: &Scene, cell: &Cell, file: &Path) -> oracles::Verdict {
    let report = match verify_file(file, &scene.verifier) {
        Ok(verified) => verified.report,
        Err(error) => return oracles::Verdict::Refused(error.to_string()),
    };
    let seen = report.signatures.len() == cell.form.signatures()
        && report.signatures.iter().all(|one| {
            one.timestamps.iter().filter(|stamp| stamp.is_valid()).count()
                == usize::from(cell.form.is_stamped())
        })
        && report.signatures.iter().all(|one| {
            (one.page_hashes == chancery::authenticode::PageHashStatus::Match)
                == (cell.form == Form::PageHashes)
        });
    match report.verdict {
        Verdict::Valid if seen => oracles::Verdict::Accepted,
        Verdict::Valid => oracles::Verdict::Failed("not everything was seen".into()),
        other => oracles::Verdict::Refused(format!("{other:?} {:?}", report.reasons)),
    }
}

/// Returns an offset in the middle of the last section.
fn in_a_section(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    let layout = Layout::parse(&mut bytes.as_slice()).unwrap();
    let range = layout.sections().last().unwrap().raw_range();
    range.start + (range.end - range.start) / 2
}

/// Returns the offset of the last byte of the first signature's value.
fn in_the_signature(file: &Path) -> u64 {
    let bytes = fs::read(file).unwrap();
    let embedded = PeSubject::parse(bytes.as_slice()).unwrap().embedded().unwrap();
    let value = SignatureSet::read(&embedded).unwrap().signature_value(0).unwrap();
    let found = bytes.windows(value.len()).position(|window| window == value).unwrap();
    u64::try_from(found + value.len() - 1).unwrap()
}
