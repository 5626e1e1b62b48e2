//! Second opinions about signed PE files, from verifiers that share no code with ours.
//!
//! Each oracle runs in a process of its own. One that is not installed is left out and named, unless
//! `CHANCERY_REQUIRE_ORACLES=1` makes that an error, as `cargo xtask test` does; `cargo xtask oracles`
//! installs them all.

use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::{env, fmt};

mod authenticode_parser;
mod conversation;
mod osslsigncode;
mod python;

/// What an oracle says of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests handle each answer")]
pub enum Verdict {
    /// The file is signed, and everything this oracle checks holds.
    Accepted,
    /// The oracle did its work, and the answer is no, for this reason.
    Refused(String),
    /// There is no answer: the oracle or the file could not be used. Never a proof of anything.
    Failed(String),
}

impl Verdict {
    /// Tells whether the oracle did its work and said no.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

/// A verifier we did not write.
#[derive(Debug)]
pub struct Oracle {
    name: &'static str,
    version: String,
    has_anchors: bool,
    judge: Box<dyn Judge>,
}

impl Oracle {
    /// Returns the name: `osslsigncode`, `signify`, `lief` or `authenticode-parser`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the version in use, as the oracle gives it.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Tells whether the oracle refuses a signature whose chain ends elsewhere than in the given
    /// roots. LIEF and authenticode-parser look at the signature alone.
    #[must_use]
    pub const fn has_anchors(&self) -> bool {
        self.has_anchors
    }

    /// Judges one file. `ca` is a PEM file with the trusted roots, those of timestamps among them.
    #[must_use]
    pub fn verify(&self, file: &Path, ca: &Path) -> Verdict {
        // Several of the tools answer "no" for a file that is not there.
        for path in [file, ca] {
            if let Err(error) = std::fs::File::open(path) {
                return Verdict::Failed(format!("cannot read {}: {error}", path.display()));
            }
        }
        self.judge.judge(file, ca)
    }
}

/// How an oracle is asked.
trait Judge: fmt::Debug + Send + Sync {
    fn judge(&self, file: &Path, ca: &Path) -> Verdict;
}

/// The oracles that are installed here.
#[derive(Debug)]
pub struct Oracles {
    present: Vec<Oracle>,
    missing: Vec<Missing>,
}

/// An oracle that is not here, and how to get it.
#[derive(Debug)]
struct Missing {
    name: &'static str,
    reason: String,
    remedy: &'static str,
}

impl Oracles {
    /// Finds the oracles, once in each process, and prints their versions.
    ///
    /// The interpreter that runs signify and LIEF is `CHANCERY_ORACLE_PYTHON`, else the one in
    /// `oracles/venv` of the target directory; the program around authenticode-parser is
    /// `CHANCERY_ORACLE_AUTHENTICODE_PARSER`, else where cargo builds it.
    ///
    /// # Panics
    /// Where one is missing and `CHANCERY_REQUIRE_ORACLES=1` is set, naming it and how to install it.
    #[must_use]
    pub fn discover() -> &'static Self {
        static FOUND: LazyLock<Oracles> = LazyLock::new(|| {
            let found = Oracles::look();
            for oracle in &found.present {
                println!("oracle: {} {}", oracle.name, oracle.version);
            }
            for Missing { name, reason, .. } in &found.missing {
                println!("oracle missing: {name}: {reason}");
            }
            found
        });
        if required() && !FOUND.missing.is_empty() {
            panic!("{}", complaint(&FOUND.missing));
        }
        &FOUND
    }

    /// Iterates over the oracles that are here.
    pub fn iter(&self) -> impl Iterator<Item = &Oracle> {
        self.present.iter()
    }

    /// Finds an oracle by its name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Oracle> {
        self.present.iter().find(|oracle| oracle.name == name)
    }

    /// Insists that every oracle accepts the file.
    ///
    /// # Panics
    /// With every answer that is another.
    pub fn assert_accept(&self, file: &Path, ca: &Path) {
        self.assert_all(file, ca, "accept", |verdict| *verdict == Verdict::Accepted);
    }

    /// Insists that every oracle does its work and refuses the file.
    ///
    /// # Panics
    /// With every answer that is another.
    pub fn assert_refuse(&self, file: &Path, ca: &Path) {
        self.assert_all(file, ca, "refuse", Verdict::is_refused);
    }

    fn assert_all(&self, file: &Path, ca: &Path, verb: &str, good: impl Fn(&Verdict) -> bool) {
        let answers = self.iter().map(|oracle| (oracle.name, oracle.verify(file, ca)));
        let others: Vec<_> = answers.filter(|(_, verdict)| !good(verdict)).collect();
        assert!(others.is_empty(), "these did not {verb} {}: {others:?}", file.display());
    }

    fn look() -> Self {
        let mut found = Self { present: Vec::new(), missing: Vec::new() };
        found.note(osslsigncode::find());
        match python::start() {
            Ok(verifiers) => {
                let verifiers = Arc::new(verifiers);
                found.note(python::signify(&verifiers));
                found.note(python::lief(&verifiers));
            }
            Err(reason) => {
                for name in ["signify", "lief"] {
                    found.missing.push(Missing {
                        name,
                        reason: reason.clone(),
                        remedy: python::REMEDY,
                    });
                }
            }
        }
        found.note(authenticode_parser::find());
        found
    }

    fn note(&mut self, looked: Result<Oracle, Missing>) {
        match looked {
            Ok(oracle) => self.present.push(oracle),
            Err(missing) => self.missing.push(missing),
        }
    }
}

fn required() -> bool {
    env::var_os("CHANCERY_REQUIRE_ORACLES").is_some_and(|value| value == "1")
}

fn complaint(missing: &[Missing]) -> String {
    let mut text = String::from("CHANCERY_REQUIRE_ORACLES=1 and not all oracles are here");
    for Missing { name, reason, remedy } in missing {
        text.push_str(&format!("\n  {name}: {reason}; {remedy}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Always(Verdict);

    impl Judge for Always {
        fn judge(&self, _file: &Path, _ca: &Path) -> Verdict {
            self.0.clone()
        }
    }

    fn oracles(verdicts: &[Verdict]) -> Oracles {
        let oracle = |verdict: &Verdict| Oracle {
            name: "made-up",
            version: "1".into(),
            has_anchors: true,
            judge: Box::new(Always(verdict.clone())),
        };
        Oracles { present: verdicts.iter().map(oracle).collect(), missing: Vec::new() }
    }

    fn this_file() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
    }

    #[test]
    fn a_file_that_is_not_there_is_no_refusal() {
        let here = this_file();
        let oracle = oracles(&[Verdict::Refused("no".into())]).present.remove(0);
        assert!(oracle.verify(&here, &here).is_refused());
        let gone = Path::new("no-such-file");
        assert!(matches!(oracle.verify(gone, &here), Verdict::Failed(_)));
        assert!(matches!(oracle.verify(&here, gone), Verdict::Failed(_)));
    }

    #[test]
    #[should_panic(expected = "did not accept")]
    fn one_refusal_among_acceptances_is_noticed() {
        let here = this_file();
        oracles(&[Verdict::Accepted, Verdict::Refused("no".into())]).assert_accept(&here, &here);
    }

    #[test]
    #[should_panic(expected = "did not refuse")]
    fn a_failed_oracle_has_not_refused() {
        let here = this_file();
        oracles(&[Verdict::Failed("died".into())]).assert_refuse(&here, &here);
    }

    #[test]
    fn the_complaint_names_what_is_missing_and_the_remedy() {
        let missing = Missing { name: "lief", reason: "no venv".into(), remedy: "run this" };
        let text = complaint(&[missing]);
        assert!(text.contains("lief: no venv; run this"), "{text}");
    }
}
