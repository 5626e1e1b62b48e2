//! What came of all cells, by verifier.

use std::collections::BTreeMap;
use std::fmt;

use crate::axes::Cell;
use crate::examination::Outcome;
use crate::rules::Rule;

/// How many cells of how many passed, and why the others did not.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    cells: usize,
    by_verifier: BTreeMap<&'static str, Count>,
    wrong: Vec<String>,
}

#[derive(Debug, Default)]
struct Count {
    passed: usize,
    /// By what the verifier lacks: how often, and one of its answers.
    excused: BTreeMap<&'static str, (usize, String)>,
    wrong: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, cell: &Cell, outcomes: Vec<(&'static str, Outcome)>) {
        self.cells += 1;
        for (verifier, outcome) in outcomes {
            let count = self.by_verifier.entry(verifier).or_default();
            match outcome {
                Outcome::Passed => count.passed += 1,
                Outcome::Excused(Rule { lacks, .. }, why) => {
                    count.excused.entry(lacks).or_insert((0, why)).0 += 1;
                }
                Outcome::Wrong(why) => {
                    count.wrong += 1;
                    self.wrong.push(format!("{cell}: {verifier}: {why}"));
                }
            }
        }
    }

    /// Everything that is wrong, a line each.
    pub(crate) fn wrong(&self) -> &[String] {
        &self.wrong
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verifier, Count { passed, excused, wrong }) in &self.by_verifier {
            let excuses: usize = excused.values().map(|(count, _)| count).sum();
            writeln!(
                f,
                "{verifier}: {passed} passed of {} cells, {excuses} excused, {wrong} wrong",
                self.cells
            )?;
            for (lacks, (count, why)) in excused {
                writeln!(f, "  {count} excused, it {lacks}: {why}")?;
            }
        }
        Ok(())
    }
}
