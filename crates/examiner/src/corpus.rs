//! A folder of files with known verdicts, verified and compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chancery_authenticode::{Report, SignatureReport, TrustAnchors, VerificationPolicy, Verifier};
use chancery_testkit::corpus::{Corpus, CorpusFile};
use chancery_x509::{Time, read_certificates};

use crate::evidence::{self, Cell};
use crate::opinion::{Agreement, FIELDS, Opinion, compare};
use crate::tools::{self, Opinions};
use crate::{judge_file, memory};

/// The most memory one file may cost, in KiB: beyond what the process has before, whatever the file.
pub const MAX_MEMORY_KIB: u64 = 32 * 1024;

/// One file of the corpus with every answer to it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Examined {
    /// What the manifest says.
    pub file: CorpusFile,
    /// Ours by the strict policy, or why it is no executable.
    pub strict: Result<Report, String>,
    /// Ours by the policy of Windows.
    pub windows: Result<Report, String>,
    /// What each tool says of each signature.
    pub tools: Vec<(&'static str, Opinions)>,
    /// How long the strict verification took.
    pub took: Duration,
    /// The peak of memory while it ran, in KiB.
    pub peak: Option<u64>,
}

impl Examined {
    /// Returns the name of our verdict by one of the reports.
    #[must_use]
    pub fn verdict(report: &Result<Report, String>) -> &'static str {
        report.as_ref().map_or("malformed", |report| report.verdict.name())
    }

    /// Lists the names of what the strict policy weighs more than a note.
    #[must_use]
    pub fn strict_reasons(&self) -> Vec<&'static str> {
        let Ok(report) = &self.strict else { return vec!["no-executable"] };
        let all = report.signatures.iter().flat_map(|signature| &signature.reasons);
        let all = report.reasons.iter().chain(all);
        let mut names: Vec<_> = all
            .filter(|reason| reason.severity() > chancery_authenticode::Severity::Note)
            .map(|reason| reason.name())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Verifies every executable of a corpus by these roots and asks the tools.
///
/// # Errors
/// Where a file or tool cannot be used.
pub fn examine(dir: &Path, roots: &Path) -> Result<Vec<Examined>, String> {
    let corpus = Corpus::read(dir)?;
    let files: Vec<CorpusFile> = corpus.of_kind("pe").cloned().collect();
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let mut python = tools::signify_and_lief(&paths, roots)?;
    let pem = std::fs::read(roots).map_err(|error| format!("{}: {error}", roots.display()))?;
    let anchors =
        read_certificates(&pem).map_err(|error| format!("{}: {error}", roots.display()))?;
    let now = Time::now().map_err(|error| error.to_string())?;
    let strict = Verifier::new(TrustAnchors::new(anchors), now);
    let windows = strict.clone().under(VerificationPolicy::Windows);
    let mut examined = Vec::new();
    for file in files {
        let judge = |verifier: &Verifier| {
            judge_file(&file.path, verifier)
                .map_err(|error| format!("{}: {error}", file.path.display()))
                .map(|report| report.map_err(|error| error.to_string()))
        };
        memory::forget();
        let began = Instant::now();
        let by_strict = judge(&strict)?;
        let (took, peak) = (began.elapsed(), memory::peak());
        let (signify, lief) = python.remove(&file.path).unwrap_or_default();
        examined.push(Examined {
            strict: by_strict,
            windows: judge(&windows)?,
            tools: vec![
                ("osslsigncode", tools::osslsigncode(&file.path, roots, None)?),
                ("signify", signify),
                ("lief", lief),
            ],
            took,
            peak,
            file,
        });
    }
    Ok(examined)
}

/// A field of a signature on which a tool and we do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The file's name.
    pub file: String,
    /// The signature's index.
    pub index: usize,
    /// The tool.
    pub tool: &'static str,
    /// The field.
    pub field: &'static str,
    /// How we differ.
    pub agreement: Agreement,
    /// What we found, or what shows that the tool is wrong.
    pub because: String,
}

/// How often we agree with each tool on each field, and every time we do not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// Counts by tool, field and agreement.
    pub counts: BTreeMap<(&'static str, &'static str, Agreement), usize>,
    /// Every difference.
    pub differences: Vec<Difference>,
    /// Files where a tool sees another number of signatures, with both.
    pub counted_otherwise: Vec<(String, &'static str, usize, usize)>,
}

impl Comparison {
    /// Compares one of our two reports of each file with the tools. Where we accept what one refuses, they are
    /// asked again for what shows who is right: see [`evidence`].
    ///
    /// # Errors
    /// Where a tool cannot be asked.
    pub fn new(
        examined: &[Examined],
        roots: &Path,
        ours: impl Fn(&Examined) -> &Result<Report, String>,
    ) -> Result<Self, String> {
        let mut found = Self::default();
        for one in examined {
            let none = Vec::new();
            let report = ours(one).as_ref().ok();
            let signatures = report.map_or(&none, |report| &report.signatures);
            for (tool, opinions) in &one.tools {
                if opinions.len() != signatures.len() {
                    let counts = (signatures.len(), opinions.len());
                    let name = one.file.name.clone();
                    found.counted_otherwise.push((name, tool, counts.0, counts.1));
                }
                for (signature, theirs) in signatures.iter().zip(opinions) {
                    let mine = Opinion::ours(signature).answers();
                    for ((field, mine), theirs) in FIELDS.iter().zip(mine).zip(theirs.answers()) {
                        let shown = match (compare(mine, theirs), report) {
                            (Agreement::Weaker, Some(report)) => {
                                let examined = one;
                                evidence::of(&Cell {
                                    examined,
                                    report,
                                    signature,
                                    tool,
                                    field,
                                    roots,
                                })?
                            }
                            _ => None,
                        };
                        let agreement =
                            shown.map_or_else(|| compare(mine, theirs), |(agreement, _)| agreement);
                        *found.counts.entry((tool, field, agreement)).or_default() += 1;
                        if matches!(agreement, Agreement::Same | Agreement::Silent) {
                            continue;
                        }
                        found.differences.push(Difference {
                            file: one.file.name.clone(),
                            index: signature.index,
                            tool,
                            field,
                            agreement,
                            because: match shown {
                                Some((_, because)) => because.to_owned(),
                                None => because(signature, field, agreement),
                            },
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    /// Returns how many differences nothing explains: where we are weaker, or stricter without a finding.
    #[must_use]
    pub fn unexplained(&self) -> usize {
        self.differences.iter().filter(|one| one.is_unexplained()).count()
    }
}

impl Difference {
    /// Tells whether nothing explains it.
    #[must_use]
    pub fn is_unexplained(&self) -> bool {
        self.agreement == Agreement::Weaker || self.because.is_empty()
    }
}

/// Names what we found about one field.
fn because(signature: &SignatureReport, field: &str, agreement: Agreement) -> String {
    let mut names: Vec<String> = match field {
        "chain" if agreement == Agreement::Stricter => {
            signature.chain_findings.iter().map(|one| one.reason.name().to_owned()).collect()
        }
        "timestamp" if agreement == Agreement::Stricter => {
            let stamps = signature.timestamps.iter();
            stamps.flat_map(|stamp| &stamp.reasons).map(|one| one.name().to_owned()).collect()
        }
        _ => signature.reasons.iter().map(|one| one.name().to_owned()).collect(),
    };
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
