//! What a verifier cannot do, by rule: each has to name the verifier's own words, and to be needed.

use chancery_testkit::oracles::Verdict;

use crate::axes::{Cell, Shape};

/// What a file is like when it is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// As it was signed.
    Whole,
    /// One byte of a section is another.
    ProgramDamaged,
    /// One byte of the first signature's value is another.
    SignatureDamaged,
}

/// Cells that one verifier judges otherwise than it should.
#[derive(Debug)]
pub(crate) struct Rule {
    oracle: &'static str,
    /// What it cannot do.
    pub(crate) lacks: &'static str,
    /// Whether it answers what it says here.
    answers: fn(&Verdict) -> bool,
    applies: fn(&Cell, State) -> bool,
}

impl Rule {
    /// Tells whether this is the answer that the rule foresees: with any other the rule is out of date.
    pub(crate) fn foresees(&self, verdict: &Verdict) -> bool {
        (self.answers)(verdict)
    }
}

const RULES: &[Rule] = &[
    Rule {
        oracle: "osslsigncode",
        lacks: "takes a certificate table of several entries for corrupted",
        answers: |verdict| matches!(verdict, Verdict::Refused(why) if why == "Failed"),
        applies: |cell, state| {
            state == State::Whole && cell.shape == Shape::Efi && cell.form.signatures() > 1
        },
    },
    Rule {
        oracle: "osslsigncode",
        lacks: "is content with one of several signatures",
        answers: |verdict| *verdict == Verdict::Accepted,
        applies: |cell, state| {
            state == State::SignatureDamaged
                && cell.shape != Shape::Efi
                && cell.form.signatures() > 1
        },
    },
];

/// Returns the rule by which a verifier is excused.
pub(crate) fn excuse(oracle: &str, cell: &Cell, state: State) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.oracle == oracle && (rule.applies)(cell, state))
}
